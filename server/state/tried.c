#include "server/state/tried.h"

#include <stdlib.h>

#include "server/suggester/untried.h"

void tried_init(struct live_study *study)
{
    study->n_configurations =
        study->strategy->enumerates ? UINT64_MAX : untried_count_all(study->def);
}

bool tried_is_kept(const struct live_study *study, enum trial_source source)
{
    return untried_keeps(study->strategy, study->def, study->n_configurations, source);
}

/* One outside the space is none of the configurations that are counted. */
static bool is_kept(const struct live_study *study, const struct trial_row *row)
{
    return tried_is_kept(study, row->source) && space_is_legal(study->def->space, row->config);
}

int tried_add(struct live_study *study, const struct trial_row *row, struct err *err)
{
    return is_kept(study, row) ? config_set_add(&study->tried, study->def->space, row->config, err)
                               : 0;
}

void tried_remove(struct live_study *study, const struct trial_row *row)
{
    if (is_kept(study, row)) {
        config_set_remove(&study->tried, study->def->space, row->config);
    }
}

bool tried_contains(const struct live_study *study, const double config[])
{
    return config_set_contains(&study->tried, study->def->space, config);
}

int tried_suggest_other(const struct live_study *study, const struct strategy *strategy,
                        uint64_t *ordinal, struct suggestion *out, struct err *err)
{
    const struct untried untried = {strategy, study->def, &study->tried, study->n_configurations};

    return untried_suggest(&untried, ordinal, out, err);
}

/* Asks the strategy for one more, and throws it away. */
static int ask_for_one_more(struct live_study *study, struct err *err)
{
    struct suggestion next = {.config = calloc(study->def->space->n_params + 1, sizeof(double))};
    uint64_t ordinal = study->row.last_ordinal;
    struct err why = {0};

    if (next.config == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    int result = tried_suggest_other(study, study->strategy, &ordinal, &next, &why);
    free(next.config);
    free(next.explain);
    if (result == 0) {
        return 0;
    }
    if (why.code != ERR_EXHAUSTED) {
        *err = why;
        return -1;
    }
    study->row.exhausted = true;
    return 0;
}

int tried_check_exhausted(struct live_study *study, struct err *err)
{
    if (study->row.exhausted) {
        return 0;
    }
    if (!study->strategy->enumerates) {
        study->row.exhausted =
            study->n_configurations != UINT64_MAX && study->tried.n >= study->n_configurations;
        return 0;
    }
    if (study->tried.n > 0) {
        return ask_for_one_more(study, err);
    }
    study->row.exhausted = study->row.last_ordinal >= study->strategy->count(study->def);
    return 0;
}
