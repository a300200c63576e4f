/* What a job prints. Whatever it is: the pieces in which it comes make no difference, every value
 * is one that stands in the line, every name too, and what is refused has no value. Mutants of
 * lines of many programs, always the same ones; fuzz_report ROUNDS [FIRST] runs others. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "tests/fuzz/mutants.h"
#include "tests/fuzz/replay.h"
#include "tests/support/report_text.h"
#include "worker/report/blank.h"
#include "worker/report/escape.h"
#include "worker/report/number.h"
#include "worker/report/parse.h"

static const char *const seeds[] = {
    "hone: step=4 loss=0.31 acc=0.9\n",
    "hone: {\"step\": 4, \"loss\": 0.31, \"val loss\": NaN, \"n\": {\"a\": [1, 2]}, \"s\": "
    "\"x\"}\n",
    "hone: {'step': 4, 'loss': -1.5e-7, 'b': None}\n",
    "INFO:root:hone: step: 3 loss: 0.25, acc: 1e400\n",
    "\r 50%|\xe2\x96\x88\xe2\x96\x88 | 1/2hone: step=1 loss=0.5\n",
    "\x1b[32mhone: step=1 \x1b[1mloss\x1b[0m=0.5\x1b]0;t\x07\n",
    "hone: \"val loss\"=0.3; 'top 5'=-inf | seed=15794028255413092319\n",
    "Epoch 3/10\nloss=0.5, acc = 1e-3\nval/loss=0.25\rval/loss=0.125\n",
    "hone: loss=0,5 a=1_000 b=0x10 c=31% d=tensor(0.31) e=1.#INF\n",
    "INFO\x1b[0mhone: acc=31 % b:=2 c<=3 d=4\nhone: {\"a\": 1, b: 2, \"\\q\": 3, 'c': 4}\n",
    "{\"msg\": \"hone: step=1 a=1\", \"level\": 3}\nphone: step=1 a=1\nhone: hello\n",
};
#define N_SEEDS (sizeof seeds / sizeof seeds[0])

static const struct pattern_spec specs[] = {
    {PATTERN_GROUPS, NULL, "loss=(?<loss>\\S+)"},
    {PATTERN_GROUPS, NULL,
     "(?<name>[\\w|-]+)\\s*=\\s*(?<value>[+-]?\\d*(\\.\\d+)?([Ee][+-]?\\d+)?)"},
    {PATTERN_METRIC, "val loss", "val/loss=([0-9.]+)"},
    {PATTERN_STEP, NULL, "^Epoch (\\d+)"},
};
static struct patterns *patterns;

/* ---- the rules ---- */

/* Is this the middle of a number or a word? Behind what an expression captured a unit may stand. */
static bool continues(const char *line, size_t len, size_t at, bool may_have_unit)
{
    char c = at < len ? line[at] : ' ';
    char next = at + 1 < len ? line[at + 1] : ' ';
    bool goes_on = isdigit((unsigned char)next) || next == '-' || next == '+';

    if (!may_have_unit) {
        return isalnum((unsigned char)c) || c == '.' || c == '_';
    }
    return isdigit((unsigned char)c) || (c != '\0' && strchr(".eExX_", c) != NULL && goes_on);
}

/* Blanks and a per cent sign: nobody can say which value is meant. */
static bool is_percent(const char *line, size_t len, size_t at)
{
    at += blanks_at(line + at, len - at);
    return metric_percent_at(line + at, len - at) > 0;
}

/* Does a number with this value stand in the line, with nothing before or behind it that would make
 * it a part of another one? A zero may also be what is too small, infinity what is too large. */
static bool stands_in(const char *line, size_t len, double value, bool may_have_unit)
{
    for (size_t i = 0; i < len; i++) {
        double found = 0;
        size_t n = number_span(line + i, len - i, &found);
        bool whole = n > 0 && !continues(line, len, i + n, may_have_unit)
                     && (may_have_unit || !is_percent(line, len, i + n))
                     && (i == 0 || !(isdigit((unsigned char)line[i - 1]) || line[i - 1] == '.'));
        if (whole && (found == value || (isnan(found) && isnan(value)))) {
            return true;
        }
    }
    return false;
}

struct seen {
    bool with_patterns;
    struct buf told;
};

static void check_report(void *context, const struct metric_report *report, const char *line,
                         size_t len)
{
    struct seen *seen = context;

    MUST(!report->refused || (report->n == 0 && !report->has_step && report->n_faults == 1));
    MUST(report->n > 0 || report->n_faults > 0);
    MUST(!report->has_step || (report->step >= 0 && report->step <= METRIC_STEP_MAX));
    MUST(!report->has_step || seen->with_patterns || report->refused
         || stands_in(line, len, (double)report->step, false));
    for (size_t i = 0; i < report->n; i++) {
        const char *metric = report->items[i].metric;
        MUST(name_is_metric(metric));
        MUST(strchr(":<>!~", metric[strlen(metric) - 1]) == NULL || strlen(metric) == 1
             || seen->with_patterns || memchr(line, '"', len) != NULL
             || memchr(line, '\'', len) != NULL);
        MUST(stands_in(line, len, report->items[i].value, seen->with_patterns));
        MUST(strchr(metric, '"') != NULL || strchr(metric, '\\') != NULL
             || memmem(line, len, metric, strlen(metric)) != NULL || seen->with_patterns
             || memchr(line, '\\', len) != NULL);
        for (size_t k = 0; k < i; k++) {
            MUST(strcmp(metric, report->items[k].metric) != 0);
        }
    }
    buf_puts(&seen->told, report_text(report));
    buf_putc(&seen->told, '\n');
}

static void read_in_pieces(const uint8_t *data, size_t size, size_t piece, bool with_patterns,
                           struct seen *seen)
{
    struct reader reader;
    struct parse parse;

    seen->with_patterns = with_patterns;
    buf_init(&seen->told, 1 << 24);
    reader_init(&reader, with_patterns ? patterns : NULL, check_report, seen);
    parse_init(&parse, &reader, false);
    for (size_t i = 0; i < size; i += piece) {
        parse_feed(&parse, (const char *)data + i, size - i < piece ? size - i : piece);
    }
    parse_end(&parse);
    parse_finish(&parse);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t pieces[] = {1, 3, 64};

    if (patterns == NULL) {
        MUST(patterns_create(specs, sizeof specs / sizeof specs[0], &patterns, NULL) == 0);
    }
    for (int with = 0; with < 2; with++) {
        struct seen whole;
        read_in_pieces(data, size, size + 1, with == 1, &whole);
        for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
            struct seen cut;
            read_in_pieces(data, size, pieces[i], with == 1, &cut);
            MUST(strcmp(buf_text(&whole.told), buf_text(&cut.told)) == 0);
            buf_finish(&cut.told);
        }
        buf_finish(&whole.told);
    }
    return 0;
}

/* ---- mutants ---- */

static void mutate(struct buf *text, struct rng *rng)
{
    static const char odd[] = "\r\n\0:=,;\"'{}()[] \t\x1b\x07\x9b\xff\b.-+eE0159_%|\\nx";
    static const char *const words[] = {
        "hone:",        "step=",    "=",       " nan ",   "inf",
        "0.5",          "1e",       "1e-5",    "\x1b[2K", "\x1b]0;",
        "\x1b\\",       "\xc2\x9b", "hone: {", "\\u00e9", "\xe2\x88\x92",
        "\xe2\x80\xaf", "1 000",    "loss",    "\"a b\"", "18446744073709551616",
        "tensor(",      "- ",       ", "};
    size_t at = (size_t)rng_below(rng, text->len + 1);

    switch (rng_below(rng, 5)) {
    case 0:
        if (at < text->len) {
            text->data[at] = odd[rng_below(rng, sizeof odd - 1)];
        }
        break;
    case 1:
        mutant_insert(text, at, &odd[rng_below(rng, sizeof odd - 1)], 1);
        break;
    case 2: {
        const char *word = words[rng_below(rng, sizeof words / sizeof words[0])];
        mutant_insert(text, at, word, strlen(word));
        break;
    }
    case 3:
        if (at + 1 < text->len) { /* a byte less */
            memmove(text->data + at, text->data + at + 1, text->len - at - 1);
            text->len--;
        }
        break;
    default: {
        const char *other = seeds[rng_below(rng, N_SEEDS)];
        mutant_insert(text, at, other, strlen(other));
    }
    }
}

static void run_mutant(uint64_t round)
{
    struct rng rng = rng_for(UINT64_C(0x7265706f7274), round);
    const char *seed = seeds[rng_below(&rng, N_SEEDS)];
    OWN(buf) struct buf text;

    buf_init(&text, 1 << 20);
    buf_puts(&text, seed);
    for (uint64_t times = 1 + rng_below(&rng, 6); times > 0; times--) {
        mutate(&text, &rng);
    }
    if (getenv("FUZZ_SHOWS") != NULL) {
        (void)fprintf(stderr, "%llu: %s\n", (unsigned long long)round, buf_text(&text));
    }
    (void)LLVMFuzzerTestOneInput((const uint8_t *)text.data, text.len);
}

#ifndef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
int main(int argc, char **argv)
{
    uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;

    for (size_t i = 0; i < N_SEEDS; i++) {
        (void)LLVMFuzzerTestOneInput((const uint8_t *)seeds[i], strlen(seeds[i]));
    }
    for (uint64_t round = first; round < first + rounds; round++) {
        run_mutant(round);
    }
    patterns_destroy(patterns);
    return 0;
}
#endif
