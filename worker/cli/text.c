#include "worker/cli/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/cell.h"

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
    struct tm tm = {0};
    const char *rest = strptime(moment, "%Y-%m-%dT%H:%M:%S", &tm);
    int64_t ms = 0;

    if (rest == NULL) {
        return -1;
    }
    if (*rest == '.') {
        int64_t unit = 100;
        for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10) {
            ms += unit * (*rest - '0');
        }
    }
    return strcmp(rest, "Z") == 0 ? (int64_t)timegm(&tm) * 1000 + ms : -1;
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
