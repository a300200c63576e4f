/* auto: the strategy for whoever does not want to choose. Only what the study declares decides, and
 * every suggestion says which it was and why. A finite space needs no case of its own: bayesian
 * scores it whole, repeats nothing and says when it is exhausted. */
#include "server/strategy/strategies.h"

#include <stdlib.h>
#include <string.h>

enum {
    TOO_MANY = 5000, /* trials beyond which a Gaussian process costs more than it gives */
    EXPLAIN_MAX = 1 << 17
};

struct choice {
    const struct strategy *strategy;
    const char *because;
};

static struct choice choose(const struct study_def *study)
{
    if (study->n_objectives > 1) {
        return (struct choice){&strategy_quasirandom, "several objectives want an even spread"};
    }
    if (study->limits.trials > TOO_MANY) {
        return (struct choice){&strategy_tpe, "so many trials want a model that stays quick"};
    }
    return (struct choice){&strategy_bayesian,
                           "a Gaussian process needs the fewest trials to a good result"};
}

static void check(const struct study_def *study, struct faults *faults)
{
    choose(study).strategy->check(study, faults);
}

static uint64_t count(const struct study_def *study)
{
    return choose(study).strategy->count(study);
}

/* The explanation of the one chosen, with the choice before it. */
static char *explain(const struct choice *choice, const char *inner)
{
    OWN(buf) struct buf out;
    struct json_writer w;
    const char *rest = inner == NULL ? NULL : strchr(inner, '{');

    buf_init(&out, EXPLAIN_MAX);
    json_writer_init(&w, &out);
    json_object_begin(&w);
    json_put_string(&w, "strategy", choice->strategy->name);
    json_put_string(&w, "because", choice->because);
    if (rest == NULL || strcmp(rest, "{}") == 0) {
        json_object_end(&w);
    } else {
        buf_putc(&out, ',');
        buf_puts(&out, rest + 1);
    }
    return buf_steal(&out);
}

static int suggest(const struct study_def *study, const struct history *seen, uint64_t ordinal,
                   struct suggestion *out, struct err *err)
{
    struct choice choice = choose(study);

    TRY(choice.strategy->suggest(study, seen, ordinal, out, err));
    char *inner = out->explain;
    out->explain = explain(&choice, inner);
    free(inner);
    return 0;
}

const struct strategy strategy_auto = {
    .name = "auto",
    .thinks = true,
    .needs_history = true,
    .multi_objective = true,
    .check = check,
    .count = count,
    .suggest = suggest,
};
