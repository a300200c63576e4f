#include "server/suggester/observation.h"

#include <stdlib.h>
#include <string.h>

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
