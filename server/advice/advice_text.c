#include "server/advice/advice_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/advice/benchmark.h"
#include "server/advice/sentence.h"

enum { IN_FULL = 3, WIDTH = 96 };

/* A sentence after a mark, wrapped between words; further lines are indented. */
static void put_wrapped(struct buf *out, const char *mark, size_t indent, const char *text)
{
    size_t column = strlen(mark);

    buf_puts(out, mark);
    for (const char *at = text; *at != '\0';) {
        size_t len = strcspn(at, " ");
        if (column + len > WIDTH && column > indent) {
            buf_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (at != text) {
            buf_putc(out, ' ');
            column++;
        }
        buf_append(out, at, len);
        column += len;
        at += len;
        at += *at == ' ';
    }
    buf_putc(out, '\n');
}

static void put_sentences(struct buf *out, const char *mark, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        put_wrapped(out, mark, strlen(mark), json_string_value(json_array_get(list, i)));
    }
}

static void put_row(const struct problem_features *features, size_t rank,
                    const struct advice_item *item, struct buf *out)
{
    char trials[NUMBER_TEXT_BYTES];
    char full[NUMBER_TEXT_BYTES];
    char finish[NUMBER_TEXT_BYTES] = "-";
    char regret[NUMBER_TEXT_BYTES] = "-";
    bool is_near = item->has_regret && !item->is_measured;
    char mark = item->is_asked ? '*' : ' ';

    if (features->seconds > 0) {
        (void)duration_text(item->cost.span, finish);
    }
    if (item->has_regret) {
        (void)regret_text(item->regret, regret);
    }
    buf_printf(out, "%4zu%c %-20s %9s %11s %12s   %s%s\n", rank, mark, item->technique->title,
               number_text(item->cost.trials, trials),
               number_text(rint(item->cost.evaluations * 10) / 10, full), finish, regret,
               is_near ? " ?" : "");
}

static void put_table(const struct advice *advice, struct buf *out)
{
    buf_printf(out, "%4s  %-20s %9s %11s %12s   %s\n", "RANK", "STRATEGY", "TRIALS", "FULL EVALS",
               "FINISH", "REGRET");
    for (size_t i = 0; i < advice->n && advice->items[i].is_usable; i++) {
        put_row(&advice->features, i + 1, &advice->items[i], out);
    }
}

static const char *refusal(const struct advice_item *item)
{
    const char *why = json_string_value(json_array_get(item->refused, 0));

    return item->is_usable || why == NULL ? "" : why;
}

/* The unusable techniques: a line for each reason, with all techniques that it concerns. */
static void put_refused(const struct advice *advice, struct buf *out)
{
    for (size_t i = 0; i < advice->n; i++) {
        const char *why = refusal(&advice->items[i]);
        bool is_written = *why == '\0';
        OWN(buf) struct buf line = {0};

        for (size_t k = 0; k < i; k++) {
            is_written = is_written || strcmp(refusal(&advice->items[k]), why) == 0;
        }
        if (is_written) {
            continue;
        }
        buf_init(&line, 4096);
        for (size_t k = i; k < advice->n; k++) {
            if (strcmp(refusal(&advice->items[k]), why) == 0) {
                buf_printf(&line, "%s%s", k > i ? "; " : "", advice->items[k].technique->title);
            }
        }
        buf_printf(&line, ": %s", why);
        buf_check_part(out, &line);
        put_wrapped(out, "not: ", 5, buf_text(&line));
    }
}

/* "81@1 27@3 9@9 3@27 1@81", "1 (all) 3 (33 %) 9 (11 %)", or the levels alone. */
static void put_rungs(struct buf *out, const json_t *rungs)
{
    size_t i;
    json_t *rung;

    json_array_foreach (json_unconst(rungs), i, rung) {
        const json_t *trials = json_object_get(rung, "trials");
        const json_t *share = json_object_get(rung, "share");
        char level[JSON_NUMBER_BYTES];
        (void)json_format_number(json_number_value(json_object_get(rung, "resource")), level);
        if (trials != NULL) {
            buf_printf(out, " %lld@%s", (long long)json_integer_value(trials), level);
        } else if (share != NULL) {
            buf_printf(out, " %.3g%%@%s", 100.0 * json_number_value(share), level);
        } else {
            buf_printf(out, " %s", level);
        }
    }
}

static void put_brackets(const struct problem *problem, const struct advice_item *item,
                         struct buf *out)
{
    size_t i;
    json_t *bracket;

    if (item->technique->plan == PLAN_FORECAST) {
        buf_printf(out, "  looks at %s", problem->study->resource_name);
    } else {
        buf_printf(out, "  %s, trials@%s:",
                   item->technique->plan == PLAN_BRACKETS ? "a round of brackets" : "rungs",
                   problem->study->resource_name);
    }
    json_array_foreach (item->brackets, i, bracket) {
        buf_puts(out, item->technique->plan == PLAN_BRACKETS ? "\n   " : "");
        put_rungs(out, json_object_get(bracket, "rungs"));
    }
    buf_putc(out, '\n');
}

static void put_item(const struct problem *problem, size_t rank, const struct advice_item *item,
                     struct buf *out)
{
    char title[80];

    (void)snprintf(title, sizeof title, "%zu. %s: ", rank, item->technique->title);
    buf_putc(out, '\n');
    put_wrapped(out, title, 3, item->technique->does);
    put_sentences(out, "  + ", item->pro);
    put_sentences(out, "  - ", item->con);
    if (item->brackets != NULL) {
        put_brackets(problem, item, out);
    }
    if (item->takes_median && problem->study->stopping == STOPPING_NONE) {
        buf_puts(out, "  a median stopping rule goes with it\n");
    }
}

/* One member per line; of lists one item per line. */
static void put_member(struct buf *out, const char *key, const json_t *value)
{
    struct json_writer w;
    size_t n = json_array_size(value);

    buf_printf(out, "  \"%s\": %s", key, n > 0 ? "[" : "");
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, i > 0 ? ",\n    " : "\n    ");
        json_writer_init(&w, out);
        json_write_value(&w, json_array_get(value, i));
    }
    if (n == 0) {
        json_writer_init(&w, out);
        json_write_value(&w, value);
    }
    buf_puts(out, n > 0 ? "]" : "");
}

static void put_study(const struct advice_item *item, struct buf *out)
{
    const char *key;
    json_t *value;
    bool first = true;

    buf_printf(out, "\nTo do what stands first (%s), create this study:\n{\n",
               item->technique->title);
    json_object_foreach (item->study, key, value) {
        buf_puts(out, first ? "" : ",\n");
        put_member(out, key, value);
        first = false;
    }
    buf_puts(out, "\n}\n");
}

/* Whether the regrets that are shown rise from row to row. */
static bool is_in_order(const struct advice *advice)
{
    for (size_t i = 1; i < advice->n && advice->items[i].is_usable; i++) {
        const struct advice_item *before = &advice->items[i - 1];
        const struct advice_item *item = &advice->items[i];
        if (before->has_regret && item->has_regret
            && rint(before->regret.mean * 100) > rint(item->regret.mean * 100)) {
            return false;
        }
    }
    return true;
}

static bool has_regrets(const struct advice *advice)
{
    bool has = false;

    for (size_t i = 0; i < advice->n && advice->items[i].is_usable; i++) {
        has = has || advice->items[i].has_regret;
    }
    return has;
}

void advice_write_table(const struct advice *advice, struct buf *out)
{
    put_sentences(out, "assumed: ", advice->assumed);
    put_sentences(out, "warning: ", advice->warnings);
    put_table(advice, out);
    put_refused(advice, out);
    if (has_regrets(advice)) {
        buf_puts(out, "REGRET: mean of what was measured, 0 the best known, 1 the median random "
                      "configuration;\nin brackets where that mean lies in 95 of 100 repetitions; "
                      "?: not measured "
                      "just so, the nearest figure\nstands.\n");
    }
    if (!is_in_order(advice)) {
        buf_printf(out,
                   "RANK: by regret; what reports or pauses are needed for stands a little further "
                   "down, and\na Gaussian process last where there are more than %d trials.\n",
                   ADVICE_MANY_TRIALS);
    }
}

void advice_write_text(const struct problem *problem, const struct advice *advice, struct buf *out)
{
    advice_write_table(advice, out);
    if (advice->asked >= 0) {
        buf_puts(out, "*: the one that you named.\n");
    }
    for (size_t i = 0; i < advice->n; i++) {
        const struct advice_item *item = &advice->items[i];
        if (item->is_usable && (i < IN_FULL || item->is_asked)) {
            put_item(problem, i + 1, item, out);
        }
    }
    if (advice->n > 0 && advice->items[0].is_usable) {
        put_study(&advice->items[0], out);
    }
}
