#include "common/brackets_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/cell.h"
#include "common/figures.h"
#include "common/json.h"
#include "common/json_at.h"
#include "common/step.h"
#include "common/wrap.h"

enum { BAR_COLUMNS = 27, BAR_LEAST = 9, COUNTS = 44, NARROW = 72 };
enum { AWAITED_MAX = 4, SILENT_SECONDS = 30, LINE_BYTES = 1 << 16 };

/* A bracket's rungs on lines of the look's width. */
struct rungs {
    const struct brackets_look *look;
    const char *resource; /* its name */
    int64_t widest;       /* entries of the widest rung, whose bar has `bar` columns */
    size_t bar;
    bool whole; /* draw all rungs of a bracket that is done, not only its last */
};

static bool is_narrow(const struct brackets_look *look)
{
    return look->width > 0 && look->width < NARROW;
}

static const char *const unicode[] = {"█", "▒", "·"};
static const char *const ascii[] = {"#", "=", "."};

/* ---- the head ---------------------------------------------------------------------------------
 */

static void draw_head(const json_t *answer, struct buf *out)
{
    double trained = number_at(answer, "trained");
    char eta[JSON_NUMBER_BYTES];
    char spent[JSON_NUMBER_BYTES];
    double full = number_at(answer, "full_training");
    int64_t opened = int_at(answer, "opened", 0);
    char number[TEXT_NUMBER_BYTES];

    cell_append_clean(out, text_at(answer, "study"));
    buf_puts(out, "  ");
    cell_append_clean(out, text_at(answer, "schedule"));
    if (number_at(answer, "eta") > 0) {
        buf_printf(out, ", eta %s", number_text_at(answer, "eta", "", eta));
    }
    buf_printf(out, ": %" PRId64 " bracket%s, %" PRId64 " open", opened, opened == 1 ? "" : "s",
               int_at(answer, "open", 0));
    if (trained >= 0 && full > 0) {
        buf_printf(out, "; trained %s of %s ", json_format_number(trained, spent),
                   text_number(full, 6, number));
        cell_append_clean(out, text_at(answer, "resource"));
        buf_printf(out, ", %.0f %% saved", 100 * (1 - trained / full));
    }
}

/* ---- a rung -----------------------------------------------------------------------------------
 */

/* How many of the bar's columns `count` of `whole` take: at least one for a count
 * above 0. */
static size_t columns_of(int64_t count, int64_t whole, size_t width)
{
    if (count <= 0 || width == 0) {
        return 0;
    }
    double columns = whole <= 0 ? 0 : (double)count * (double)width / (double)whole + 0.5;
    return columns < 1 ? 1 : columns < (double)width ? (size_t)columns : width;
}

static void repeat(struct buf *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, text);
    }
}

static int64_t size_of(const json_t *rung)
{
    int64_t size = int_at(rung, "size", -1);

    return size >= 0 ? size : int_at(rung, "entered", 0);
}

static void draw_bar(const json_t *rung, const struct rungs *rungs, struct buf *out)
{
    const char *const *signs = rungs->look->ascii ? ascii : unicode;
    int64_t size = size_of(rung);
    int64_t entered = int_at(rung, "entered", 0);
    int64_t running = int_at(rung, "running", 0);
    size_t whole = columns_of(size, rungs->widest, rungs->bar);
    size_t taken = columns_of(entered, size, whole);
    size_t busy = columns_of(running, entered, taken);

    repeat(out, signs[0], taken - busy);
    repeat(out, signs[1], busy);
    repeat(out, signs[2], whole - taken);
    repeat(out, " ", is_narrow(rungs->look) ? 0 : rungs->bar - whole);
}

static void append_count(struct buf *out, const json_t *rung, const char *name)
{
    if (int_at(rung, name, 0) > 0) {
        buf_printf(out, ", %" PRId64 " %s", int_at(rung, name, 0), name);
    }
}

static void append_counts(struct buf *out, const json_t *rung)
{
    const json_t *best = json_array_get(json_object_get(rung, "entries"), 0);
    char number[TEXT_NUMBER_BYTES];

    buf_printf(out, "%" PRId64, int_at(rung, "entered", 0));
    if (int_at(rung, "size", -1) >= 0) {
        buf_printf(out, " of %" PRId64, int_at(rung, "size", 0));
    }
    append_count(out, rung, "running");
    append_count(out, rung, "waiting");
    append_count(out, rung, "failed");
    append_count(out, rung, "promoted");
    bool is_one = json_object_get(best, "values") == NULL; /* of several objectives none is best */
    if (best != NULL && is_one && !isnan(number_at(best, "value"))) {
        buf_printf(out, ", best %s (trial %" PRId64 ")",
                   text_number(number_at(best, "value"), 4, number), int_at(best, "trial", 0));
    }
}

/* " without acc at its step": objectives that it has not reported there. */
static void append_missing(const json_t *awaited, struct buf *out)
{
    const json_t *names = json_object_get(awaited, "missing");
    size_t n = json_array_size(names);

    for (size_t i = 0; i < n; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        buf_puts(out, i == 0 ? " without " : i + 1 == n ? " and " : ", ");
        cell_append_clean(out, name == NULL ? "" : name);
    }
    buf_puts(out, n == 0 ? "" : " at its step");
}

/* " on gpu07:0, silent 0:40": by whom, and since when, if that is long or nothing came. */
static void append_worker(const json_t *awaited, struct buf *out)
{
    double silent = number_at(awaited, "silent_seconds");
    char span[TEXT_SPAN_BYTES];

    if (*text_at(awaited, "worker") == '\0') {
        return;
    }
    buf_puts(out, " on ");
    cell_append_clean(out, text_at(awaited, "worker"));
    if (json_object_get(awaited, "step") == NULL) {
        buf_puts(out, ", no report yet");
    } else if (silent >= SILENT_SECONDS && silent < 1e12) {
        buf_printf(out, ", silent %s", text_span((int64_t)(silent * 1000), span));
    }
}

/* Only where a promotion waits for them: "waits for trial 15 (0:12), trial 18 (0:40)". */
static void append_awaited(const json_t *rung, struct buf *out)
{
    const json_t *awaited = json_object_get(rung, "waits_for");
    size_t n = json_array_size(awaited);
    char span[TEXT_SPAN_BYTES];

    buf_puts(out, "waits for ");
    for (size_t i = 0; i < n && i < AWAITED_MAX; i++) {
        const json_t *one = json_array_get(awaited, i);
        double seconds = number_at(one, "seconds");
        buf_printf(out, "%strial %" PRId64, i > 0 ? ", " : "", int_at(one, "trial", 0));
        if (seconds >= 0 && seconds < 1e12) {
            buf_printf(out, " (%s)", text_span((int64_t)(seconds * 1000), span));
        }
        append_missing(one, out);
        append_worker(one, out);
    }
    if (n > AWAITED_MAX) {
        buf_printf(out, " and %zu more", n - AWAITED_MAX);
    }
}

static void draw_rung(const json_t *rung, const struct rungs *rungs, struct buf *out)
{
    bool narrow = is_narrow(rungs->look);
    size_t indent = narrow ? 4 : 9 + cell_columns(rungs->resource) + 2;
    char level[JSON_NUMBER_BYTES];
    OWN(buf) struct buf line = {0};

    buf_init(&line, LINE_BYTES);
    const char *step = number_text_at(rung, "resource", "0", level);
    int unit = step_unit_bytes(step, rungs->resource);
    buf_printf(&line, "%*s %.*s%*s  ", narrow ? 5 : 8, step, unit, rungs->resource,
               (int)strlen(rungs->resource) - unit, "");
    draw_bar(rung, rungs, &line);
    buf_puts(&line, narrow ? "\n" : "  ");
    append_counts(&line, rung);
    buf_check_part(out, &line);
    wrap_append(out, buf_text(&line), rungs->look->width, narrow ? 4 : indent + rungs->bar + 2);
    if (json_array_size(json_object_get(rung, "waits_for")) > 0) {
        buf_clear(&line);
        repeat(&line, " ", indent);
        append_awaited(rung, &line);
        wrap_append(out, buf_text(&line), rungs->look->width, indent + 2);
    }
    buf_check_part(out, &line);
}

/* ---- a bracket --------------------------------------------------------------------------------
 */

/* What the level and the counts leave of the line. */
static size_t bar_columns(const char *resource, const struct brackets_look *look)
{
    bool narrow = is_narrow(look);
    size_t others = (narrow ? 6 : 9) + cell_columns(resource) + 2 + (narrow ? 0 : 2 + COUNTS);

    if (look->width == 0 || others + BAR_COLUMNS <= look->width) {
        return BAR_COLUMNS;
    }
    return look->width > others + BAR_LEAST ? look->width - others : BAR_LEAST;
}

static bool is_done(const json_t *bracket)
{
    return strcmp(text_at(bracket, "state"), "done") == 0;
}

static void draw_bracket(const json_t *bracket, struct rungs rungs, struct buf *out)
{
    const json_t *list = json_object_get(bracket, "rungs");
    OWN(buf) struct buf head = {0};
    size_t i;
    json_t *rung;

    buf_init(&head, LINE_BYTES);
    buf_printf(&head, "bracket %" PRId64 "  %s", int_at(bracket, "bracket", 0),
               text_at(bracket, "state"));
    if (!is_done(bracket)) {
        buf_printf(&head, ": %s", text_at(bracket, "next"));
    }
    buf_putc(out, '\n');
    buf_check_part(out, &head);
    wrap_append(out, buf_text(&head), rungs.look->width, 2);
    if (is_done(bracket) && !rungs.whole) {
        rung = json_array_get(list, json_array_size(list) - 1);
        rungs.widest = size_of(rung);
        draw_rung(rung, &rungs, out);
        return;
    }
    json_array_foreach (json_unconst(list), i, rung) {
        rungs.widest = size_of(rung) > rungs.widest ? size_of(rung) : rungs.widest;
    }
    json_array_foreach (json_unconst(list), i, rung) {
        draw_rung(rung, &rungs, out);
    }
}

void brackets_draw(const json_t *answer, const struct brackets_look *look, struct buf *out)
{
    OWN(buf) struct buf resource = {0};
    OWN(buf) struct buf head = {0};
    const json_t *list = json_object_get(answer, "brackets");
    size_t i;
    json_t *bracket;

    buf_init(&resource, 1024);
    buf_init(&head, LINE_BYTES);
    cell_append_clean(&resource, text_at(answer, "resource"));
    draw_head(answer, &head);
    buf_check_part(out, &resource);
    buf_check_part(out, &head);
    wrap_append(out, buf_text(&head), look->width, 2);
    struct rungs rungs = {.look = look,
                          .resource = buf_text(&resource),
                          .widest = 1,
                          .bar = bar_columns(buf_text(&resource), look),
                          .whole = look->all || json_array_size(list) == 1};
    json_array_foreach (list, i, bracket) {
        if (!look->open_last || is_done(bracket)) {
            draw_bracket(bracket, rungs, out);
        }
    }
    json_array_foreach (list, i, bracket) {
        if (look->open_last && !is_done(bracket)) {
            draw_bracket(bracket, rungs, out);
        }
    }
    if (look->ascii && i > 0) {
        buf_puts(out, "\n# reported  = running  . not yet begun\n");
    }
}
