#include "server/schedule/stopping.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/step.h"

/* ---- options --------------------------------------------------------------------------------- */

/* A tenth of the full resource, rounded up to a multiple of the study's step. */
static int64_t tenth_of(const struct study_def *study)
{
    int64_t step = study->resource_step;
    int64_t tenth = (study->resource_max + 9) / 10;

    return (tenth + step - 1) / step * step;
}

void stopping_read(const struct study_def *study, struct stopping *stopping, struct faults *faults)
{
    int digits = study->resource_digits;
    int64_t tenth = study->has_resource ? tenth_of(study) : 1;
    struct fields fields;

    *stopping = (struct stopping){.rule = study->stopping, .span = study->resource_step};
    if (study->stopping == STOPPING_NONE) {
        return;
    }
    fields_begin(&fields, study->stopping_options, "/stopping", faults);
    (void)fields_any(&fields, "rule");
    if (study->stopping == STOPPING_MEDIAN) {
        stopping->after = fields_int(&fields, "after", 5, 1, INT32_MAX);
        stopping->warmup = fields_step(&fields, "warmup", digits, tenth, 0, INT64_MAX);
    } else {
        stopping->step = fields_step(&fields, "step", digits, 0, 0, INT64_MAX);
        double value = fields_real(&fields, "value", 0);
        bool up = study->n_objectives > 0 && study->objectives[0].direction == DIRECTION_MAXIMIZE;
        stopping->cost = up ? -value : value;
        if (!fields_has(&fields, "step")) {
            fields_fault(&fields, "step", "is required: the step at which to look");
        }
        if (!fields_has(&fields, "value")) {
            fields_fault(&fields, "value", "is required: what a trial must reach by then");
        }
    }
    fields_end(&fields);
}

void stopping_finish(struct stopping *stopping)
{
    for (size_t i = 0; i < stopping->n; i++) {
        free(stopping->steps[i].means);
    }
    free(stopping->steps);
    *stopping = (struct stopping){0};
}

void running_average_destroy(struct running_average *average)
{
    if (average != NULL) {
        free(average->points);
        free(average);
    }
}

/* ---- the pool of completed trials ------------------------------------------------------------ */

/* The multiple of the study's step that a step counts at: itself or the next one. */
static int64_t place_of(const struct stopping *stopping, int64_t step)
{
    return (step + stopping->span - 1) / stopping->span;
}

/* The first one that is not below. */
static size_t find_place(const struct stopping *stopping, int64_t place)
{
    size_t low = 0;
    size_t high = stopping->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (stopping->steps[middle].place < place) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static int make_place(struct stopping *stopping, size_t at, int64_t place, struct err *err)
{
    TRY(array_reserve(&stopping->steps, stopping->n, &stopping->cap, sizeof *stopping->steps, err));
    memmove(stopping->steps + at + 1, stopping->steps + at,
            (stopping->n - at) * sizeof *stopping->steps);
    stopping->steps[at] = (struct step_means){.place = place};
    stopping->n++;
    return 0;
}

static int pool(struct stopping *stopping, int64_t place, double mean, struct err *err)
{
    size_t at = find_place(stopping, place);

    if (at == stopping->n || stopping->steps[at].place != place) {
        TRY(make_place(stopping, at, place, err));
    }
    struct step_means *here = &stopping->steps[at];
    TRY(array_reserve(&here->means, here->n, &here->cap, sizeof *here->means, err));
    size_t low = 0;
    size_t high = here->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (here->means[middle] <= mean) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    memmove(here->means + low + 1, here->means + low, (here->n - low) * sizeof *here->means);
    here->means[low] = mean;
    here->n++;
    return 0;
}

/* ---- curves ---------------------------------------------------------------------------------- */

static int running_average_create(struct running_average **average, struct err *err)
{
    if (*average != NULL) {
        return 0;
    }
    *average = calloc(1, sizeof **average);
    if (*average == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    (*average)->best = (double)INFINITY;
    (*average)->last_step = -1;
    (*average)->last_place = -1;
    return 0;
}

int median_note(struct stopping *stopping, struct running_average **average, int64_t step,
                double cost, struct err *err)
{
    TRY(running_average_create(average, err));
    struct running_average *own = *average;
    if (step <= own->last_step) {
        return 0; /* this step is known */
    }
    int64_t place = place_of(stopping, step);
    own->last_step = step;
    if (isfinite(cost)) {
        own->sum += cost;
        own->n++;
        own->best = cost < own->best ? cost : own->best;
    }
    if (own->n == 0 || step <= stopping->warmup || place <= own->last_place) {
        return 0;
    }
    own->last_place = place;
    double mean = own->sum / (double)own->n;
    if (own->is_completed) {
        return pool(stopping, place, mean, err);
    }
    TRY(array_reserve(&own->points, own->n_points, &own->cap, sizeof *own->points, err));
    own->points[own->n_points++] = (struct step_mean){place, mean};
    return 0;
}

int median_complete(struct stopping *stopping, struct running_average **average, struct err *err)
{
    TRY(running_average_create(average, err));
    struct running_average *own = *average;
    if (own->is_completed) {
        return 0;
    }
    for (size_t i = 0; i < own->n_points; i++) {
        TRY(pool(stopping, own->points[i].place, own->points[i].mean, err));
    }
    free(own->points);
    own->points = NULL;
    own->n_points = 0;
    own->cap = 0;
    own->is_completed = true;
    return 0;
}

bool median_stops(const struct stopping *stopping, const struct running_average *average,
                  int64_t step, double cost, double *median)
{
    int64_t place = place_of(stopping, step);
    size_t at = find_place(stopping, place);

    if (average == NULL || step <= stopping->warmup || at == stopping->n
        || stopping->steps[at].place != place || stopping->steps[at].n < (size_t)stopping->after) {
        return false;
    }
    const struct step_means *here = &stopping->steps[at];
    *median = (here->means[(here->n - 1) / 2] + here->means[here->n / 2]) / 2;
    return !isfinite(cost) || average->best > *median;
}
