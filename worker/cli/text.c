#include "worker/cli/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/cell.h"
#include "common/moment.h"

static void print_n(FILE *out, const char *text, size_t len)
{
    OWN(buf) struct buf line = {0};

    buf_init(&line, len);
    cell_append_clean_n(&line, text, len);
    (void)fprintf(out, "%s\n", buf_text(&line));
}

void text_print(FILE *out, const char *text)
{
    print_n(out, text, strlen(text));
}

void text_print_page(FILE *out, const char *page)
{
    while (*page != '\0') {
        size_t len = strcspn(page, "\n");
        print_n(out, page, len);
        page += len + (page[len] == '\n');
    }
}

/* ---- numbers and moments -------------------------------------------------------------------- */

int64_t text_moment_ms(const char *moment)
{
    size_t len = strlen(moment);
    int64_t wall_ms;

    return len > 0 && moment[len - 1] == 'Z' && moment_read(moment, &wall_ms) ? wall_ms : -1;
}

const char *text_local(const char *moment, char text[TEXT_MOMENT_BYTES])
{
    int64_t ms = text_moment_ms(moment);
    time_t at = (time_t)(ms / 1000);
    struct tm local;
    char day[24], zone[8];

    if (ms < 0 || localtime_r(&at, &local) == NULL
        || strftime(day, sizeof day, "%Y-%m-%d %H:%M:%S", &local) == 0
        || strftime(zone, sizeof zone, "%z", &local) != 5) {
        (void)snprintf(text, TEXT_MOMENT_BYTES, "%.*s", TEXT_MOMENT_BYTES - 1, moment);
        return text;
    }
    (void)snprintf(text, TEXT_MOMENT_BYTES, "%s %.3s:%.2s", day, zone, zone + 3);
    return text;
}
