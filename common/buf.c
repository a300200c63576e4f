#include "common/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){.max = max};
}

void buf_finish(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){.max = buf->max};
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->failed = false;
    buf->no_memory = false;
    if (buf->data != NULL) {
        buf->data[0] = '\0';
    }
}

/* Makes room for `more` bytes and the NUL. */
static bool reserve(struct buf *buf, size_t more)
{
    if (buf->failed || more > buf->max - buf->len) {
        buf->failed = true;
        return false;
    }
    size_t need = buf->len + more + 1;
    if (need <= buf->cap) {
        return true;
    }
    size_t cap = buf->cap < 64 ? 64 : buf->cap;
    while (cap < need) {
        cap += cap / 2;
    }
    char *data = realloc(buf->data, cap);
    if (data == NULL) {
        buf_lack_memory(buf);
        return false;
    }
    buf->data = data;
    buf->cap = cap;
    return true;
}

static _Thread_local size_t n_failures;

size_t buf_failures(void)
{
    return n_failures;
}

void buf_lack_memory(struct buf *buf)
{
    n_failures++;
    buf->failed = true;
    buf->no_memory = true;
}

void buf_check_part(struct buf *buf, const struct buf *part)
{
    if (part->no_memory) {
        buf_lack_memory(buf);
    }
}

void buf_append(struct buf *buf, const void *bytes, size_t len)
{
    if (len > 0 && reserve(buf, len)) {
        memcpy(buf->data + buf->len, bytes, len);
        buf->len += len;
        buf->data[buf->len] = '\0';
    }
}

void buf_puts(struct buf *buf, const char *text)
{
    buf_append(buf, text, strlen(text));
}

void buf_putc(struct buf *buf, char c)
{
    buf_append(buf, &c, 1);
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
    va_list args;
    va_list again;

    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0) {
        buf->failed = true;
    } else if (reserve(buf, (size_t)len)) {
        (void)vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

void buf_consume(struct buf *buf, size_t len)
{
    if (len >= buf->len) {
        buf->len = 0;
    } else {
        buf->len -= len;
        memmove(buf->data, buf->data + len, buf->len);
    }
    if (buf->data != NULL) {
        buf->data[buf->len] = '\0';
    }
}

const char *buf_text(const struct buf *buf)
{
    return buf->data == NULL ? "" : buf->data;
}

char *buf_steal(struct buf *buf)
{
    char *data = buf->failed ? NULL : buf->data;

    if (data == NULL && !buf->failed) {
        data = calloc(1, 1);
    } else if (data == NULL) {
        free(buf->data);
    }
    *buf = (struct buf){.max = buf->max};
    return data;
}

int buf_check(const struct buf *buf, struct err *err)
{
    if (!buf->failed) {
        return 0;
    }
    if (buf->no_memory) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    return err_set(err, ERR_TOO_LARGE, "more than %zu bytes", buf->max);
}
