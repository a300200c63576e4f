#include "server/report/methods.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "common/json.h"
#include "common/step.h"
#include "server/report/citation.h"
#include "server/report/html.h"

#define CHOICES_SHOWN 12
#define WORD_MAX 80

/* ---- ranges ---- */

static void say_choices(const struct param *param, struct prose *prose)
{
    size_t n = (size_t)param->n_cells;
    OWN(buf) struct buf text;

    buf_init(&text, 8 * SPACE_CHOICE_BYTES);
    for (size_t k = 0; k < n && k < CHOICES_SHOWN; k++) {
        buf_check_part(prose->out, &text);
        buf_clear(&text);
        param_append_cell(param, param_cell_value(param, k), &text);
        prose_say(prose, "%s", k == 0 ? "" : k + 1 == n ? " or " : ", ");
        prose_word(prose, buf_text(&text), 40);
    }
    if (n > CHOICES_SHOWN) {
        prose_say(prose, ", and %zu more", n - CHOICES_SHOWN);
    }
    buf_check_part(prose->out, &text);
}

static void say_normal(const struct param *param, struct prose *prose)
{
    prose_say(prose, param->distribution == DISTRIBUTION_LOGNORMAL ? "log-normal, mean "
                                                                   : "normal, mean ");
    prose_number(prose, param->mean);
    prose_say(prose, ", standard deviation ");
    prose_number(prose, param->sd);
}

void paper_range(const struct param *param, struct prose *prose)
{
    if (param->type == PARAM_CONSTANT) {
        prose_say(prose, "constant");
        return;
    }
    if (param->n_choices > 0) {
        say_choices(param, prose);
        return;
    }
    if (param->distribution != DISTRIBUTION_UNIFORM) {
        say_normal(param, prose);
        return;
    }
    prose_say(prose, "[");
    prose_number(prose, param->low);
    prose_say(prose, ", ");
    prose_number(prose, param->high);
    prose_say(prose, "]%s%s", param->type == PARAM_INT ? ", whole numbers" : "",
              param->scale == SCALE_LOG           ? ", log scale"
              : param->scale == SCALE_REVERSE_LOG ? ", reversed log scale"
                                                  : "");
    if (param->step > 0 && param->type == PARAM_FLOAT) {
        prose_say(prose, ", in steps of ");
        prose_number(prose, param->step);
    }
}

/* ---- sentences ---- */

static size_t count_params(const struct space *space, size_t *n_conditional)
{
    size_t n = 0;

    *n_conditional = 0;
    for (size_t i = 0; i < space->n_params; i++) {
        const struct param *param = &space->params[i];
        n += !param->is_namesake && param->type != PARAM_CONSTANT;
        *n_conditional += !param->is_namesake && param->n_conditions > 0;
    }
    return n;
}

static void cite(const char *name, struct prose *prose)
{
    const char *keys[CITATIONS_MAX];
    size_t n = citation_keys(name, keys);

    for (size_t i = 0; i < n; i++) {
        prose_cite(prose, keys[i]);
    }
}

static void say_strategy(const struct study_def *def, struct prose *prose)
{
    const char *strategy = study_strategy(def);
    const char *search = json_string_value(json_object_get(study_strategy_options(def), "search"));

    prose_say(prose, "with the strategy ");
    prose_word(prose, strategy, WORD_MAX);
    cite(strategy, prose);
    if (search != NULL) {
        prose_say(prose, ", its configurations chosen by ");
        prose_word(prose, search, WORD_MAX);
        cite(search, prose);
    }
    if (def->stopping == STOPPING_MEDIAN) {
        prose_say(prose, ", stopping trials below the median");
        cite("median", prose);
    }
}

static void say_search(const struct study_report *report, struct prose *prose)
{
    const struct study_def *def = report->def;
    size_t n_conditional;
    size_t n = count_params(def->space, &n_conditional);

    prose_say(prose, "We searched %zu hyperparameter%s", n, n == 1 ? "" : "s");
    if (n_conditional > 0) {
        prose_say(prose, " (%zu of them conditional)", n_conditional);
    }
    prose_say(prose, " ");
    say_strategy(def, prose);
    prose_say(prose, " of Hone ");
    prose_word(prose, report->version, WORD_MAX);
    for (size_t i = 0; i < def->n_objectives; i++) {
        bool up = def->objectives[i].direction == DIRECTION_MAXIMIZE;
        prose_say(prose, "%s%s ", i == 0 ? ", " : " and ", up ? "maximizing" : "minimizing");
        prose_word(prose, def->objectives[i].metric, WORD_MAX);
    }
    for (size_t i = 0; i < def->n_bounds; i++) {
        prose_say(prose, i == 0 ? ", subject to " : " and ");
        prose_word(prose, def->bounds[i].metric, WORD_MAX);
        prose_say(prose, " at %s ", def->bounds[i].is_lower ? "least" : "most");
        prose_number(prose, def->bounds[i].limit);
    }
    prose_say(prose, ". ");
}

static void say_budget(const struct study_report *report, struct prose *prose)
{
    const struct study_def *def = report->def;
    char step[STEP_BYTES];
    char text[SHORT_BYTES];

    if (def->limits.trials >= 0) {
        prose_say(prose, "The budget was %s trials", short_count(def->limits.trials, text));
    } else {
        prose_say(prose, "The number of trials was not limited");
    }
    if (def->limits.seconds > 0) {
        prose_say(prose, ", the time %s", short_span(def->limits.seconds, text));
    }
    if (def->has_resource) {
        prose_say(prose, ", each trained for at most %s ",
                  step_format(def->resource_max, def->resource_digits, step));
        prose_word(prose, def->resource_name, WORD_MAX);
    }
    prose_say(prose, ". ");
}

/* Everything that was tried is counted, whatever became of it. */
static void say_outcomes(const struct study_report *report, struct prose *prose)
{
    static const char *const words[TRIAL_STATE_COUNT] = {
        [TRIAL_QUEUED] = "had not begun",       [TRIAL_RUNNING] = "were running",
        [TRIAL_PAUSED] = "were paused",         [TRIAL_COMPLETED] = "completed",
        [TRIAL_PRUNED] = "were stopped early",  [TRIAL_FAILED] = "failed",
        [TRIAL_INFEASIBLE] = "were infeasible", [TRIAL_CANCELLED] = "were cancelled"};
    char text[SHORT_BYTES];
    const char *joint = ", of which ";

    prose_say(prose, "There were %s trials", short_count((int64_t)report->n_trials, text));
    for (int state = 0; state < TRIAL_STATE_COUNT; state++) {
        if (report->row->counts[state] > 0) {
            prose_say(prose, "%s%s %s", joint, short_count(report->row->counts[state], text),
                      words[state]);
            joint = ", ";
        }
    }
    if (report->def->n_bounds > 0) {
        prose_say(prose, ". %s of those that completed satisfied the constraints",
                  short_count(report->row->feasible_trials, text));
    }
    prose_say(prose, ". ");
}

static void say_machines(const struct study_report *report, struct prose *prose)
{
    const struct ledger *ledger = &report->ledger;
    int64_t n_gpus = study_report_gpus(report);
    char text[SHORT_BYTES];

    if (report->n_machines == 0) {
        prose_say(prose, "Their results were imported. ");
    } else {
        prose_say(prose, "They ran on %zu worker%s", report->n_machines,
                  report->n_machines == 1 ? "" : "s");
        if (n_gpus > 0) {
            prose_say(prose, " with %" PRId64 " GPUs", n_gpus);
        }
        prose_say(prose, " and took %s of their time", short_span(ledger->kept, text));
        if (ledger->wasted > 0) {
            prose_say(prose, ", and %s more in attempts that were lost or failed",
                      short_span(ledger->wasted, text));
        }
        prose_say(prose, ". ");
    }
    prose_say(prose,
              "The seed of the study was %" PRIu64 "; that of each trial is derived from it.",
              report->def->seed);
}

void paper_methods(const struct study_report *report, struct prose *prose)
{
    say_search(report, prose);
    say_budget(report, prose);
    say_outcomes(report, prose);
    say_machines(report, prose);
}
