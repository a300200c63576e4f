#include "server/report/tables.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/step.h"
#include "server/report/html.h"
#include "server/report/param_axis.h"
#include "server/report/reasons.h"
#include "server/report/section.h"
#include "server/report/trial_text.h"

#define BRACKETS_SHOWN 30
#define TRIALS_SHOWN 100
#define COLUMNS_SHOWN 8 /* of parameters */

static void table_begin(struct buf *out)
{
    buf_puts(out, "<div class=\"scroll\"><table>\n");
}

static void table_end(struct buf *out)
{
    buf_puts(out, "</tbody></table></div>\n");
}

static void head_cell(struct buf *out, const char *class, const char *text)
{
    buf_printf(out, "<th scope=\"col\" class=\"%s\">", class);
    (void)html_text_cut(out, text, 40);
    buf_puts(out, "</th>");
}

static void int_cell(struct buf *out, int64_t n)
{
    buf_printf(out, "<td class=\"n\">%" PRId64 "</td>", n);
}

static void text_cell(struct buf *out, const char *class, const char *text, size_t max)
{
    buf_printf(out, "<td class=\"%s\"><bdi>", class);
    (void)html_text_cut(out, text, max);
    buf_puts(out, "</bdi></td>");
}

/* ---- brackets ---- */

static void number_cell(struct buf *out, const json_t *value)
{
    char text[SHORT_BYTES];

    buf_printf(out, "<td class=\"n\">%s</td>",
               value != NULL && json_is_number_like(value)
                   ? short_number(json_number_like(value), text)
                   : "");
}

static void write_rung(const json_t *bracket, const json_t *rung, bool is_first, struct buf *out)
{
    static const char *const members[] = {"resource", "entered",  "running", "reported",
                                          "failed",   "promoted", NULL};
    const char *state = json_string_value(json_object_get(bracket, "state"));

    buf_puts(out, is_first ? "<tr class=\"group\">" : "<tr>");
    number_cell(out, is_first ? json_object_get(bracket, "bracket") : NULL);
    text_cell(out, "", is_first && state != NULL ? state : "", 20);
    for (size_t i = 0; members[i] != NULL; i++) {
        number_cell(out, json_object_get(rung, members[i]));
    }
    buf_puts(out, "</tr>\n");
}

static void write_rungs(const json_t *brackets, struct buf *out)
{
    size_t i, k;
    json_t *bracket, *rung;

    json_array_foreach (json_unconst(brackets), i, bracket) {
        if (i == BRACKETS_SHOWN) {
            break;
        }
        json_array_foreach (json_object_get(bracket, "rungs"), k, rung) {
            write_rung(bracket, rung, k == 0, out);
        }
    }
}

static void note_saving(const struct study_report *report, char note[], size_t room)
{
    const json_t *saved = json_object_get(report->brackets, "saved_share");
    const json_t *opened = json_object_get(report->brackets, "opened");
    int n = snprintf(note, room, "%" JSON_INTEGER_FORMAT " brackets.",
                     opened == NULL ? 0 : json_integer_value(opened));

    if (saved != NULL && json_is_number(saved) && n > 0 && (size_t)n < room) {
        (void)snprintf(note + n, room - (size_t)n,
                       " Stopping early has saved %.0f %% of the resource that training every "
                       "trial in full would have taken.",
                       100 * json_number_value(saved));
    }
}

void report_brackets(const struct study_report *report, struct buf *out)
{
    const json_t *brackets = json_object_get(report->brackets, "brackets");
    const char *const heads[] = {"bracket", "state",   report->def->resource_name,
                                 "entered", "running", "reported",
                                 "failed",  "promoted"};
    char note[240];

    if (json_array_size(brackets) == 0) {
        return;
    }
    note_saving(report, note, sizeof note);
    section_begin(out, "Brackets", note);
    table_begin(out);
    buf_puts(out, "<thead><tr>");
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        head_cell(out, i == 1 ? "" : "n", heads[i]);
    }
    buf_puts(out, "</tr></thead><tbody>\n");
    write_rungs(brackets, out);
    table_end(out);
    if (json_array_size(brackets) > BRACKETS_SHOWN) {
        buf_printf(out, "<p class=\"note\">The first %d of them.</p>\n", BRACKETS_SHOWN);
    }
    section_end(out);
}

/* ---- failures ---- */

void report_failures(const struct study_report *report, struct buf *out)
{
    struct reason_count counts[REASONS_MAX];
    int64_t n_left;
    size_t n = reasons_count(report, counts, &n_left);

    if (n == 0) {
        return;
    }
    section_begin(out, "Failures", NULL);
    table_begin(out);
    buf_puts(out, "<thead><tr><th scope=\"col\">outcome</th><th scope=\"col\">reason</th>"
                  "<th scope=\"col\" class=\"n\">trials</th><th scope=\"col\" class=\"n\">first"
                  "</th><th scope=\"col\" class=\"n\">last</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, "<tr>");
        text_cell(out, "", trial_state_name(counts[i].first->state), 20);
        text_cell(out, "", reason_text(counts[i].first, "–"), 24);
        int_cell(out, counts[i].n);
        int_cell(out, counts[i].first->number);
        int_cell(out, counts[i].last->number);
        buf_puts(out, "</tr>\n");
    }
    table_end(out);
    if (n_left > 0) {
        buf_printf(out, "<p class=\"note\">%" PRId64 " more for other reasons.</p>\n", n_left);
    }
    section_end(out);
}

/* ---- the best trials ---- */

static void write_trial_head(const struct study_report *report, size_t n_params,
                             const size_t params[], struct buf *out)
{
    const struct study_def *def = report->def;

    buf_puts(out, "<thead><tr>");
    head_cell(out, "n", "");
    head_cell(out, "n", "trial");
    for (size_t i = 0; i < def->n_objectives; i++) {
        head_cell(out, "n", def->objectives[i].metric);
    }
    if (def->has_resource) {
        head_cell(out, "n", def->resource_name);
    }
    head_cell(out, "", "state");
    head_cell(out, "n", "took");
    for (size_t i = 0; i < n_params; i++) {
        head_cell(out, "n", def->space->params[params[i]].name);
    }
    buf_puts(out, "</tr></thead><tbody>\n");
}

static void write_trial(const struct study_report *report, size_t rank, size_t n_params,
                        const size_t params[], struct buf *out)
{
    const struct study_def *def = report->def;
    const struct shown_trial *trial = &report->trials[report->ranked[rank]];
    char text[STEP_BYTES > SHORT_BYTES ? STEP_BYTES : SHORT_BYTES];
    double seconds = (double)(trial->ended_at_ms - trial->started_at_ms) / 1000;
    OWN(buf) struct buf value;

    buf_init(&value, 8 * SPACE_CHOICE_BYTES);
    buf_puts(out, "<tr>");
    int_cell(out, (int64_t)rank + 1);
    int_cell(out, trial->number);
    for (size_t i = 0; i < def->n_objectives; i++) {
        text_cell(out, "n strong", short_number(trial->values[i], text), 20);
    }
    if (def->has_resource) {
        text_cell(out, "n",
                  trial->has_step ? step_format(trial->step, def->resource_digits, text) : "", 20);
    }
    text_cell(out, "", trial_state_name(trial->state), 20);
    text_cell(out, "n",
              trial->started_at_ms > 0 && trial->ended_at_ms > 0 ? short_span(seconds, text) : "",
              20);
    for (size_t i = 0; i < n_params; i++) {
        buf_check_part(out, &value);
        buf_clear(&value);
        if (trial->config != NULL) {
            report_param_value(def->space, params[i], trial->config, true, &value);
        }
        text_cell(out, "n", buf_text(&value), 24);
    }
    buf_puts(out, "</tr>\n");
    buf_check_part(out, &value);
}

void report_trials(const struct study_report *report, struct buf *out)
{
    size_t n = report->n_ranked < TRIALS_SHOWN ? report->n_ranked : TRIALS_SHOWN;
    size_t params[COLUMNS_SHOWN];
    size_t n_left;
    char note[160] = "";

    if (n == 0) {
        return;
    }
    size_t n_params = report_params(report, COLUMNS_SHOWN, params, &n_left, out);
    if (n_left > 0) {
        (void)snprintf(note, sizeof note,
                       "%zu more parameters have no column; the export of the study has them all.",
                       n_left);
    }
    section_begin(out, n < TRIALS_SHOWN ? "Trials" : "The best 100 trials", note);
    table_begin(out);
    write_trial_head(report, n_params, params, out);
    for (size_t i = 0; i < n; i++) {
        write_trial(report, i, n_params, params, out);
    }
    table_end(out);
    section_end(out);
}
