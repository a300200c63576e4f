#include "server/report/head.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/step.h"
#include "server/report/definition.h"
#include "server/report/html.h"
#include "server/report/param_axis.h"
#include "server/report/section.h"
#include "server/report/trial_text.h"

#define MACHINES_NAMED 6
#define BEST_PARAMS_MAX 200
#define CONFIG_MAX (64u << 10)

/* ---- one fact: a name and its text ---- */

static void fact_begin(struct buf *out, const char *name)
{
    buf_puts(out, "<div><dt>");
    html_text(out, name);
    buf_puts(out, "</dt><dd>");
}

static void fact_end(struct buf *out)
{
    buf_puts(out, "</dd></div>\n");
}

static void fact(struct buf *out, const char *name, const char *text)
{
    fact_begin(out, name);
    html_text(out, text);
    fact_end(out);
}

/* ---- the facts ---- */

static void write_objectives(const struct study_def *def, struct buf *out)
{
    fact_begin(out, def->n_objectives == 1 ? "Objective" : "Objectives");
    for (size_t i = 0; i < def->n_objectives; i++) {
        buf_puts(out, i == 0 ? "" : "; ");
        html_text(out, def->objectives[i].metric);
        buf_printf(out, " <small>%s</small>", direction_text(def->objectives[i].direction));
    }
    fact_end(out);
}

static void write_bounds(const struct study_report *report, struct buf *out)
{
    const struct study_def *def = report->def;
    char text[METRIC_BOUND_BYTES > SHORT_BYTES ? METRIC_BOUND_BYTES : SHORT_BYTES];

    if (def->n_bounds == 0) {
        return;
    }
    fact_begin(out, "Subject to");
    for (size_t i = 0; i < def->n_bounds; i++) {
        buf_puts(out, i == 0 ? "" : "; ");
        html_text(out, metric_bound_text(&def->bounds[i], text));
    }
    buf_printf(out, " <small>%s of the completed trials are feasible</small>",
               short_count(report->row->feasible_trials, text));
    fact_end(out);
}

static void write_options(const json_t *options, struct buf *out)
{
    const char *key;
    json_t *value;
    const char *joint = " <small>";
    OWN(buf) struct buf text;

    buf_init(&text, 1 << 16);
    json_object_foreach (json_unconst(options), key, value) {
        struct json_writer w;
        buf_check_part(out, &text);
        buf_clear(&text);
        json_writer_init(&w, &text);
        json_write_value(&w, value);
        buf_printf(out, "%s", joint);
        html_text(out, key);
        buf_putc(out, ' ');
        (void)html_text_cut(out, buf_text(&text), 60);
        joint = ", ";
    }
    buf_puts(out, *joint == ',' ? "</small>" : "");
    buf_check_part(out, &text);
}

/* The strategy, and for `auto` why it was chosen. */
static void write_strategy(const struct study_def *def, struct buf *out)
{
    size_t i;
    json_t *reason;

    fact_begin(out, "Strategy");
    html_text(out, study_strategy(def));
    if (strcmp(def->strategy, study_strategy(def)) != 0) {
        buf_puts(out, " <small>chosen for auto</small>");
    }
    write_options(study_strategy_options(def), out);
    json_array_foreach (def->chosen.because, i, reason) {
        buf_puts(out, "<br><small>");
        html_text(out, json_string_value(reason) == NULL ? "" : json_string_value(reason));
        buf_puts(out, "</small>");
    }
    fact_end(out);
}

static void write_state(const struct study_report *report, struct buf *out)
{
    const struct study_row *row = report->row;
    const char *reason = study_reason_name(row->reason);

    fact_begin(out, "State");
    buf_puts(out, study_state_name(row->state));
    if (reason != NULL) {
        buf_printf(out, " <small>limit reached: %s</small>", reason);
    }
    fact_end(out);
}

static void write_trials(const struct study_report *report, struct buf *out)
{
    char text[SHORT_BYTES];
    const char *joint = " <small>";

    fact_begin(out, "Trials");
    buf_puts(out, short_count((int64_t)report->n_trials, text));
    for (int state = 0; state < TRIAL_STATE_COUNT; state++) {
        if (report->row->counts[state] > 0) {
            buf_printf(out, "%s%s %s", joint, short_count(report->row->counts[state], text),
                       trial_state_name((enum trial_state)state));
            joint = ", ";
        }
    }
    buf_puts(out, *joint == ',' ? "</small>" : "");
    fact_end(out);
}

static void write_dates(const struct study_report *report, struct buf *out)
{
    char text[SHORT_BYTES];
    int64_t last_ms = 0;

    for (size_t i = 0; i < report->n_trials; i++) {
        last_ms = report->trials[i].ended_at_ms > last_ms ? report->trials[i].ended_at_ms : last_ms;
    }
    fact(out, "Created", short_moment(report->row->created_at_ms, text));
    fact(out, "First trial", short_moment(report->row->started_at_ms, text));
    fact(out, "Last result", short_moment(last_ms, text));
}

static void write_machines(const struct study_report *report, struct buf *out)
{
    int64_t n_gpus = study_report_gpus(report);

    fact_begin(out, "Workers");
    buf_printf(out, "%zu", report->n_machines);
    for (size_t i = 0; i < report->n_machines; i++) {
        if (i < MACHINES_NAMED) {
            buf_puts(out, i == 0 ? " <small>" : ", ");
            html_text(out, report->machines[i].name);
            buf_printf(out, " (%" PRId64 ")", report->machines[i].attempts);
        }
    }
    if (report->n_machines > 0) {
        buf_puts(out, report->n_machines > MACHINES_NAMED ? ", …</small>" : "</small>");
    }
    if (n_gpus > 0) {
        buf_printf(out, " <small>with %" PRId64 " GPUs</small>", n_gpus);
    }
    fact_end(out);
}

static void write_resource(const struct study_def *def, struct buf *out)
{
    char low[STEP_BYTES];
    char high[STEP_BYTES];

    if (!def->has_resource) {
        return;
    }
    fact_begin(out, "Resource");
    html_text(out, def->resource_name);
    buf_printf(out, " %s to %s", step_format(def->resource_min, def->resource_digits, low),
               step_format(def->resource_max, def->resource_digits, high));
    fact_end(out);
}

static void write_seed(const struct study_report *report, struct buf *out)
{
    fact_begin(out, "Seed");
    buf_printf(out,
               "%" PRIu64 " <small>of the study; each trial's own is derived from it and its "
               "number</small>",
               report->def->seed);
    fact_end(out);
    fact_begin(out, "Made by");
    buf_puts(out, "Hone ");
    html_text(out, report->version);
    fact_end(out);
}

void report_head(const struct study_report *report, struct buf *out)
{
    const struct study_def *def = report->def;
    char text[SHORT_BYTES];

    buf_puts(out, "<header>\n<p class=\"kind\">Study</p>\n<h1>");
    html_text(out, def->name);
    buf_puts(out, "</h1>\n");
    if (def->description[0] != '\0') {
        buf_puts(out, "<p class=\"description\"><bdi>");
        (void)html_text_cut(out, def->description, 2000);
        buf_puts(out, "</bdi></p>\n");
    }
    buf_puts(out, "<dl class=\"facts\">\n");
    write_objectives(def, out);
    write_bounds(report, out);
    write_strategy(def, out);
    write_state(report, out);
    write_trials(report, out);
    write_resource(def, out);
    write_dates(report, out);
    write_machines(report, out);
    write_seed(report, out);
    fact(out, "Report of", short_moment(report->made_at_ms, text));
    buf_puts(out, "</dl>\n</header>\n");
}

/* ---- the best configuration ---- */

static void write_params(const struct study_report *report, const struct shown_trial *trial,
                         struct buf *out)
{
    const struct space *space = report->def->space;
    size_t n = 0;
    OWN(buf) struct buf value;

    buf_init(&value, 8 * SPACE_CHOICE_BYTES);
    buf_puts(out, "<dl class=\"config\">\n");
    for (size_t i = 0; i < space->n_params && n < BEST_PARAMS_MAX; i++) {
        if (space->params[i].is_namesake
            || space_active_namesake(space, i, trial->config) == SPACE_NONE) {
            continue;
        }
        n++;
        buf_check_part(out, &value);
        buf_clear(&value);
        report_param_value(space, i, trial->config, true, &value);
        fact_begin(out, space->params[i].name);
        buf_puts(out, "<bdi>");
        (void)html_text_cut(out, buf_text(&value), 200);
        buf_puts(out, "</bdi>");
        fact_end(out);
    }
    buf_puts(out, "</dl>\n");
    buf_check_part(out, &value);
}

/* With every digit, to be copied. */
static void write_json(const struct study_report *report, const struct shown_trial *trial,
                       struct buf *out)
{
    OWN(buf) struct buf json;
    OWN(buf) struct buf text;
    struct json_writer w;

    buf_init(&json, CONFIG_MAX);
    buf_init(&text, 2 * CONFIG_MAX);
    json_writer_init(&w, &json);
    space_config_write(report->def->space, trial->config, &w);
    json_indent(buf_text(&json), 0, &text);
    if (!json.failed) {
        buf_puts(out, "<pre>");
        html_text(out, buf_text(&text));
        buf_puts(out, "</pre>\n");
    }
    buf_check_part(out, &json);
    buf_check_part(out, &text);
}

void report_best(const struct study_report *report, struct buf *out)
{
    char text[STEP_BYTES > SHORT_BYTES ? STEP_BYTES : SHORT_BYTES];
    const struct study_def *def = report->def;

    if (def->n_objectives != 1) {
        return;
    }
    section_begin(out, "Best configuration", NULL);
    if (report->n_ranked == 0) {
        buf_puts(out, def->n_bounds > 0 && report->row->counts[TRIAL_COMPLETED] > 0
                          ? "<p>No trial is known to be feasible yet.</p>\n"
                          : "<p>No trial has a value yet.</p>\n");
        section_end(out);
        return;
    }
    const struct shown_trial *best = &report->trials[report->ranked[0]];
    buf_puts(out, "<p class=\"value\"><span class=\"metric\">");
    html_text(out, def->objectives[0].metric);
    buf_printf(out, "</span> <strong>%s</strong> <span class=\"of\">trial %" PRId64,
               short_number(best->values[0], text), best->number);
    if (best->has_step && def->has_resource) {
        buf_puts(out, " at ");
        html_text(out, def->resource_name);
        buf_printf(out, " %s", step_format(best->step, def->resource_digits, text));
    }
    buf_puts(out, "</span></p>\n");
    if (report->advice != NULL) {
        buf_puts(out, "<p>Another trial is recommended: ");
        html_text(out, report->advice);
        buf_puts(out, ".</p>\n");
    }
    if (best->config != NULL) {
        write_params(report, best, out);
        write_json(report, best, out);
    }
    section_end(out);
}
