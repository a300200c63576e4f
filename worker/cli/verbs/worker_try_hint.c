#include "worker/cli/verbs/worker_try_hint.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "common/shell.h"

enum { SHOWN_LINES = 3, SHOWN_BYTES = 160, NAME_MOST = 64 };

/* A number behind a name: both lie in one line. */
struct named_number {
    const char *name;
    size_t name_len;
    const char *separator; /* up to the number */
    size_t separator_len;
    bool is_alone; /* a blank or the end of the line follows it */
};

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool is_in_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The bytes of a number in decimal notation; 0: there is none. */
static size_t number_len(const char *at, const char *end)
{
    const char *from = at;

    while (at < end && (*at == '-' || *at == '+' || *at == '.')) {
        at++;
    }
    if (at == end || !isdigit((unsigned char)*at)) {
        return 0;
    }
    while (at < end && (isalnum((unsigned char)*at) || is_one_of(*at, "+-."))) {
        at++;
    }
    return (size_t)(at - from);
}

/* Does a number follow the name that ends at `at`? */
static bool number_follows(const char *at, const char *end, struct named_number *found)
{
    const char *number = at;

    while (number < end && is_one_of(*number, " \t:=")) {
        number++;
    }
    size_t len = number_len(number, end);
    if (number == at || len == 0) {
        return false;
    }
    found->separator = at;
    found->separator_len = (size_t)(number - at);
    found->is_alone = number + len == end || isspace((unsigned char)number[len]);
    return true;
}

static bool find_metric(const char *line, const char *end, const char *metric,
                        struct named_number *found)
{
    size_t len = strlen(metric);

    for (const char *at = line; len > 0 && at + len <= end; at++) {
        if (memcmp(at, metric, len) == 0 && (at == line || !is_in_name(at[-1]))
            && number_follows(at + len, end, found)) {
            found->name = at;
            found->name_len = len;
            return true;
        }
    }
    return false;
}

/* The first name with a colon or an equals sign behind it. */
static bool find_any(const char *line, const char *end, struct named_number *found)
{
    for (const char *at = line; at < end; at++) {
        const char *name = at;
        while (at < end && is_in_name(*at)) {
            at++;
        }
        if (at - name > 0 && at - name <= NAME_MOST && !isdigit((unsigned char)*name)
            && number_follows(at, end, found)
            && (memchr(found->separator, ':', found->separator_len) != NULL
                || memchr(found->separator, '=', found->separator_len) != NULL)) {
            found->name = name;
            found->name_len = (size_t)(at - name);
            return true;
        }
    }
    return false;
}

/* As an expression that matches it and nothing else. */
static void append_literal(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == ' ' || text[i] == '\t') {
            buf_puts(out, i > 0 && (text[i - 1] == ' ' || text[i - 1] == '\t') ? "" : "\\s+");
        } else {
            buf_printf(out, "%s%c", is_one_of(text[i], "\\^$.[]|()?*+{}/") ? "\\" : "", text[i]);
        }
    }
}

static void append_option(struct buf *out, const struct named_number *found)
{
    OWN(buf) struct buf option = {0};

    buf_init(&option, 4000);
    if (memchr(found->name, '"', found->name_len) != NULL
        || memchr(found->name, '=', found->name_len) != NULL) {
        return; /* the option has another form for these */
    }
    buf_printf(&option, "%.*s=", (int)found->name_len, found->name);
    if (isalnum((unsigned char)found->name[0])) {
        buf_puts(&option, "\\b");
    }
    append_literal(&option, found->name, found->name_len);
    append_literal(&option, found->separator, found->separator_len);
    buf_puts(&option, found->is_alone ? "(\\S+)" : "([-+.\\deE]+)");
    buf_puts(out, "where such a line is a report, say how its value is found: --metric ");
    shell_quote(out, buf_text(&option));
    buf_putc(out, '\n');
}

static bool has_digit(const char *line, const char *end)
{
    while (line < end && !isdigit((unsigned char)*line)) {
        line++;
    }
    return line < end;
}

static void append_line(struct buf *out, const char *line, const char *end, size_t *shown)
{
    size_t len = (size_t)(end - line);

    if ((*shown)++ == 0) {
        buf_puts(out, "lines with numbers, none of which is a report:\n");
    }
    buf_puts(out, "    ");
    buf_append(out, line, len < SHOWN_BYTES ? len : SHOWN_BYTES);
    buf_puts(out, len < SHOWN_BYTES ? "\n" : "…\n");
}

/* The last line in which a number follows the name; NULL: none does. */
static const char *last_with(const char *text, const char *metric, struct named_number *found)
{
    const char *last = NULL;

    for (const char *line = text; *line != '\0';) {
        const char *end = line + strcspn(line, "\r\n");
        struct named_number here = {0};
        if (metric == NULL ? find_any(line, end, &here) : find_metric(line, end, metric, &here)) {
            *found = here;
            last = line;
        }
        line = *end == '\0' ? end : end + 1;
    }
    return last;
}

/* The line that is most likely a report: of the metric, or of one that many programs have; a name
 * with a number may be an argument that the program repeats. */
static const char *likely_line(const char *text, const char *metric, struct named_number *found)
{
    static const char *const common[] = {"accuracy", "acc", "loss", "error", "auc", "f1",
                                         "score",    "r2",  "rmse", "mse",   "mae", "perplexity"};
    const char *line = NULL;

    if (metric != NULL) {
        return last_with(text, metric, found);
    }
    for (size_t i = 0; line == NULL && i < sizeof common / sizeof common[0]; i++) {
        line = last_with(text, common[i], found);
    }
    return line != NULL ? line : last_with(text, NULL, found);
}

void worker_try_hint(const char *text, const char *metric, struct buf *out)
{
    struct named_number found = {0};
    const char *likely = likely_line(text, metric, &found);
    size_t shown = 0;

    for (const char *line = text; *line != '\0';) {
        const char *end = line + strcspn(line, "\r\n");
        if (line == likely || (has_digit(line, end) && shown < SHOWN_LINES)) {
            append_line(out, line, end, &shown);
        }
        line = *end == '\0' ? end : end + 1;
    }
    if (likely != NULL) {
        append_option(out, &found);
    } else if (shown > 0) {
        buf_puts(out, "--metric 'NAME=REGEX' reads a value from such a line: see hone-worker(1)\n");
    }
}
