/* The registry of strategies. */
#include "server/strategy/strategy.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/suggest.h"
#include "server/strategy/explanation.h"

/* The strategies: one line each. */
/* clang-format off */
#define STRATEGIES(each)  \
    each(grid)            \
    each(quasirandom)     \
    each(random)          \
    each(bayesian)        \
    each(tpe)             \
    each(nsga2)

#define DECLARE(name) extern const struct strategy strategy_##name;
STRATEGIES(DECLARE)

#define POINT_TO(name) &strategy_##name,
static const struct strategy *const all[] = {STRATEGIES(POINT_TO) NULL};
/* clang-format on */

static_assert(sizeof all / sizeof all[0] <= STRATEGIES_MAX + 1, "STRATEGIES_MAX is too small");

const struct strategy *const *strategy_all(void)
{
    return all;
}

void strategy_searches(const char *names[STRATEGIES_MAX + 1])
{
    size_t n = 0;

    for (size_t i = 0; all[i] != NULL; i++) {
        if (all[i]->is_search) {
            names[n++] = all[i]->name;
        }
    }
    names[n] = NULL;
}

const struct strategy *strategy_find(const char *name)
{
    for (size_t i = 0; all[i] != NULL; i++) {
        if (strcmp(all[i]->name, name) == 0) {
            return all[i];
        }
    }
    return NULL;
}

/* text ← the strategies that take several objectives. */
static const char *names_of_several(size_t size, char text[])
{
    size_t len = 0;

    for (size_t i = 0; all[i] != NULL && len < size; i++) {
        if (all[i]->multi_objective) {
            len += (size_t)snprintf(text + len, size - len, "%s%s", len == 0 ? "" : ", ",
                                    all[i]->name);
        }
    }
    return text;
}

int strategy_check_study(const struct study_def *study, struct faults *faults)
{
    const struct strategy *strategy = strategy_find(study_strategy(study));
    size_t before = faults->total;

    if (strategy == NULL) {
        char known[256] = "";
        char question[SUGGEST_QUESTION_BYTES];
        struct suggestion_for meant = {.word = study_strategy(study)};
        for (size_t i = 0; all[i] != NULL; i++) {
            size_t len = strlen(known);
            (void)snprintf(known + len, sizeof known - len, "%s%s", i == 0 ? "" : ", ",
                           all[i]->name);
            suggest_offer(&meant, all[i]->name);
        }
        faults_add(faults, "/strategy", "there is no strategy \"%.64s\"; %suse one of %s",
                   study_strategy(study), suggest_question(&meant, question), known);
        return -1;
    }
    strategy->check(study, faults);
    if (study->n_objectives > 1 && !strategy->multi_objective) {
        char known[256];
        faults_add(faults, "/objectives", "the strategy %s takes one objective; use one of %s",
                   study_strategy(study), names_of_several(sizeof known, known));
    }
    return faults->total == before ? 0 : -1;
}

const char *strategy_describe(const char *search, const json_t *explain, uint64_t ordinal,
                              struct buf *text)
{
    const struct strategy *strategy = strategy_find(search);
    const char *kind = NULL;

    if (strategy != NULL && strategy->describe != NULL) {
        kind = strategy->describe(explain, ordinal, text);
    }
    if (kind == NULL) {
        kind = explanation_describe(explain, search, text);
    }
    if (kind == NULL && strategy != NULL && strategy->needs_history) {
        buf_printf(text, "chosen by %s, which kept no note of why", search);
        kind = "model";
    }
    if (kind == NULL) {
        buf_printf(text,
                   "drawn by chance: number %" PRIu64 " of the stream that the study's seed begins",
                   ordinal);
        kind = search;
    }
    return kind;
}
