#include "server/suggester/observation.h"

#include <stdlib.h>
#include <string.h>

/* Does this end inform the strategy, and as what? */
static bool kind_of(const struct trial_row *row, enum observation_kind *kind)
{
    switch (row->state) {
    case TRIAL_COMPLETED:
        *kind = OBSERVED_COMPLETED;
        return true;
    case TRIAL_PRUNED:
        *kind = OBSERVED_PRUNED;
        return true;
    case TRIAL_INFEASIBLE:
        *kind = OBSERVED_INFEASIBLE;
        return true;
    case TRIAL_FAILED:
        *kind = OBSERVED_FAILED;
        return strcmp(row->reason, "lost") != 0;
    case TRIAL_QUEUED:
    case TRIAL_RUNNING:
    case TRIAL_PAUSED:
    case TRIAL_CANCELLED:
    case TRIAL_STATE_COUNT:
    default:
        return false;
    }
}

static void set_values(const struct trial_row *row, struct observation *seen)
{
    seen->n_values = row->n_values;
    seen->values = row->values;
    seen->n_bounded = row->n_bounded;
    seen->bounded = row->bounded;
    seen->step = row->has_step ? row->step : 0;
}

bool observation_of_end(const struct trial_row *row, struct observation *seen)
{
    *seen = (struct observation){
        .number = trial_id_number(row->id), .ordinal = row->ordinal, .config = row->config};
    set_values(row, seen);
    return kind_of(row, &seen->kind);
}

void observation_of_open(const struct trial_row *row, struct observation *seen)
{
    *seen = (struct observation){.number = trial_id_number(row->id),
                                 .ordinal = row->ordinal,
                                 .kind = OBSERVED_PENDING,
                                 .config = row->config};
    if (row->state == TRIAL_PAUSED && row->n_values > 0) {
        seen->kind = OBSERVED_PRUNED;
        set_values(row, seen);
    }
}

void observation_move_to(struct observation *seen, size_t n_params, double *to)
{
    memcpy(to, seen->config, n_params * sizeof *to);
    if (seen->n_values > 0) {
        memcpy(to + n_params, seen->values, seen->n_values * sizeof *to);
    }
    seen->config = to;
    seen->values = to + n_params;
    to += n_params + seen->n_values;
    if (seen->n_bounded > 0) {
        memcpy(to, seen->bounded, seen->n_bounded * sizeof *to);
    }
    seen->bounded = to;
}

int observation_own(struct observation *seen, size_t n_params, struct err *err)
{
    double *numbers = malloc((n_params + seen->n_values + seen->n_bounded) * sizeof *numbers + 1);

    if (numbers == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    observation_move_to(seen, n_params, numbers);
    return 0;
}

void observation_release(struct observation *seen)
{
    release_const(seen->config);
    seen->config = NULL;
    seen->values = NULL;
    seen->n_values = 0;
    seen->bounded = NULL;
    seen->n_bounded = 0;
}

void release_const(const void *owned)
{
    union {
        const void *borrowed;
        void *plain;
    } same = {owned};

    free(same.plain);
}
