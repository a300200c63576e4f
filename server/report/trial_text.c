#include "server/report/trial_text.h"

#include <inttypes.h>
#include <math.h>

#include "common/step.h"
#include "server/report/html.h"
#include "server/report/param_axis.h"

#define PARAMS_SHOWN 8

void trial_text(const struct study_report *report, const struct shown_trial *trial, struct buf *out)
{
    const struct study_def *def = report->def;
    char text[STEP_BYTES > SHORT_BYTES ? STEP_BYTES : SHORT_BYTES];
    size_t n_shown = 0;

    buf_printf(out, "trial %" PRId64, trial->number);
    for (size_t i = 0; i < trial->n_values; i++) {
        buf_printf(out, "%s %s %s", i == 0 ? ":" : ",", def->objectives[i].metric,
                   short_number(trial->values[i], text));
    }
    if (trial->has_step && def->has_resource) {
        buf_printf(out, " at %s %s", def->resource_name,
                   step_format(trial->step, def->resource_digits, text));
    }
    buf_printf(out, ", %s%s", trial_state_name(trial->state),
               trial->is_excluded && trial->n_values > 0 ? ", not feasible" : "");
    for (size_t i = 0; trial->config != NULL && i < def->space->n_params; i++) {
        bool is_active = !def->space->params[i].is_namesake
                         && space_active_namesake(def->space, i, trial->config) != SPACE_NONE;
        if (is_active && n_shown++ < PARAMS_SHOWN) {
            buf_printf(out, ", %s ", def->space->params[i].name);
            report_param_value(def->space, i, trial->config, true, out);
        }
    }
    buf_puts(out, n_shown > PARAMS_SHOWN ? ", …" : "");
}

const char *direction_text(enum direction direction)
{
    return direction == DIRECTION_MAXIMIZE ? "larger is better" : "smaller is better";
}

bool trial_has_result(const struct study_report *report, const struct shown_trial *trial)
{
    return trial->state == TRIAL_COMPLETED && !trial->is_excluded
           && trial->n_values == report->def->n_objectives && isfinite(trial->values[0]);
}

bool trial_has_value(const struct shown_trial *trial)
{
    return trial->n_values > 0 && isfinite(trial->values[0]);
}

void trial_range(const struct study_report *report, size_t n,
                 const struct shown_trial *const trials[], double scratch[],
                 struct axis_range *range)
{
    size_t n_values = 0;
    size_t n_results = 0;
    size_t n_kept = 0;

    for (size_t i = 0; i < n; i++) {
        n_values += trial_has_value(trials[i]);
        n_results += trial_has_result(report, trials[i]);
    }
    for (size_t i = 0; i < n; i++) {
        if (trial_has_result(report, trials[i])
            || (2 * n_results < n_values && trial_has_value(trials[i]))) {
            scratch[n_kept++] = trials[i]->values[0];
        }
    }
    axis_range_of(n_kept, scratch, report->def->objectives[0].direction == DIRECTION_MINIMIZE,
                  range);
}
