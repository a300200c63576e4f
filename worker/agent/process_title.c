#include "worker/agent/process_title.h"

#include <stdio.h>
#include <string.h>

#define STAT_BYTES 2048
#define STATE_FIELD 3 /* of /proc/PID/stat: the first behind the name */
#define ARG_START_FIELD 48

void process_title_find(struct process_title *title)
{
    char text[STAT_BYTES];
    unsigned long start = 0;
    unsigned long end = 0;
    FILE *file = fopen("/proc/self/stat", "re");

    *title = (struct process_title){0};
    if (file == NULL) {
        return;
    }
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    (void)fclose(file);
    const char *at = strrchr(text, ')');
    for (int i = STATE_FIELD; at != NULL && i <= ARG_START_FIELD; i++) {
        at = strchr(at + 1, ' ');
    }
    if (at != NULL && sscanf(at, "%lu %lu", &start, &end) == 2 && start != 0 && end > start) {
        *title = (struct process_title){.bytes = end - start};
        memcpy(&title->start, &start, sizeof start); /* an address, as the kernel says it */
    }
}

void process_title_set(const struct process_title *title, const char *text)
{
    size_t len = strlen(text);

    if (title->start != NULL && title->bytes > len) {
        memset(title->start, 0, title->bytes);
        memcpy(title->start, text, len);
    }
}
