#include "tests/fuzz/tar_entry.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define BLOCK 512

void tar_entry(struct buf *tar, char type, const char *name, const char *rest)
{
    static const char zeros[BLOCK];
    char head[BLOCK] = "";
    bool is_link = type == '1' || type == '2';
    size_t len = is_link ? 0 : strlen(rest);
    unsigned sum = 0;

    (void)snprintf(head, 101, "%s", name);
    (void)snprintf(head + 100, 8, "%07o", 04777U);
    (void)snprintf(head + 124, 12, "%011o", (unsigned)len & 0777777777U);
    memset(head + 148, ' ', 8);
    head[156] = type;
    (void)snprintf(head + 157, 101, "%s", is_link ? rest : "");
    memcpy(head + 257,
           "ustar\0"
           "00",
           8);
    for (size_t i = 0; i < BLOCK; i++) {
        sum += (unsigned char)head[i];
    }
    (void)snprintf(head + 148, 7, "%06o", sum & 0777777U);
    buf_append(tar, head, BLOCK);
    for (size_t i = 0; i < len; i++) {
        buf_putc(tar, rest[i] == '|' ? '\n' : rest[i]);
    }
    buf_append(tar, zeros, (BLOCK - len % BLOCK) % BLOCK);
}

void tar_end(struct buf *tar)
{
    for (int i = 0; i < 2 * BLOCK; i++) {
        buf_putc(tar, '\0');
    }
}
