#include "server/report/paper.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/cell.h"
#include "common/wrap.h"
#include "server/analysis/expected_best.h"
#include "server/report/citation.h"
#include "server/report/html.h"
#include "server/report/methods.h"
#include "server/report/param_axis.h"
#include "server/report/reasons.h"
#include "server/report/trial_text.h"

#define PARAMS_SHOWN 200
#define WORD_MAX 60
#define LINE_COLUMNS 78
#define CELL_COLUMNS 30

/* ---- the frame of a part ---- */

static void heading(struct prose *prose, const char *title)
{
    if (prose->is_latex) {
        buf_printf(prose->out, "\\paragraph{%s.}\n", title);
    } else {
        buf_printf(prose->out, "%s\n\n", title);
    }
}

/* `columns` as in \begin{tabular}. The caption is ours. */
static void table_begin(struct prose *prose, const char *caption, const char *columns,
                        const char *head)
{
    if (prose->is_latex) {
        buf_printf(prose->out,
                   "\\begin{table}[t]\n\\centering\n\\caption{%s.}\n\\begin{tabular}{%s}\n"
                   "\\toprule\n%s \\\\\n\\midrule\n",
                   caption, columns, head);
    } else {
        heading(prose, caption);
    }
}

static void table_end(struct prose *prose)
{
    buf_puts(prose->out, prose->is_latex ? "\\bottomrule\n\\end{tabular}\n\\end{table}\n\n" : "\n");
}

static void row_begin(struct prose *prose)
{
    buf_puts(prose->out, prose->is_latex ? "" : "  ");
}

/* As plain text the columns begin at the same places, unless a cell is longer. */
static void next_cell(struct prose *prose)
{
    const char *text = buf_text(prose->out);
    const char *line = strrchr(text, '\n');
    size_t columns = cell_columns(line == NULL ? text : line + 1);

    if (prose->is_latex) {
        buf_puts(prose->out, " & ");
        return;
    }
    do {
        buf_putc(prose->out, ' ');
        columns++;
    } while (columns % CELL_COLUMNS != 0);
}

static void row_end(struct prose *prose)
{
    buf_puts(prose->out, prose->is_latex ? " \\\\\n" : "\n");
}

/* ---- methods ---- */

/* Sentences are written to a text of their own, which is then cut into lines. */
static void paragraph_begin(const struct prose *prose, struct prose *part, struct buf *text)
{
    buf_init(text, 1 << 18);
    *part = *prose;
    part->out = text;
}

static void paragraph_end(struct prose *prose, const struct prose *part)
{
    memcpy(prose->cited, part->cited, sizeof prose->cited);
    prose->n_cited = part->n_cited;
    wrap_append(prose->out, buf_text(part->out), LINE_COLUMNS, 0);
    buf_putc(prose->out, '\n');
    buf_check_part(prose->out, part->out);
}

static void write_methods(const struct study_report *report, struct prose *prose)
{
    OWN(buf) struct buf text;
    struct prose part;

    heading(prose, prose->is_latex ? "Hyperparameter search" : "METHODS");
    paragraph_begin(prose, &part, &text);
    paper_methods(report, &part);
    paragraph_end(prose, &part);
}

/* ---- the expected best of n ---- */

static size_t observed(const struct study_report *report, double values[])
{
    size_t n = 0;

    for (size_t i = 0; i < report->n_trials; i++) {
        if (trial_has_result(report, &report->trials[i])) {
            values[n++] = report->trials[i].values[0];
        }
    }
    expected_best_sort(n, values, report->def->objectives[0].direction);
    return n;
}

static void write_draw(struct prose *prose, size_t n, const double values[], size_t draws)
{
    row_begin(prose);
    prose_say(prose, "%zu", draws);
    next_cell(prose);
    prose_number(prose, expected_best(n, values, draws));
    row_end(prose);
}

static void write_sample(const struct study_report *report, size_t n, struct prose *prose)
{
    OWN(buf) struct buf text;
    struct prose part;

    paragraph_begin(prose, &part, &text);
    prose_say(&part,
              "%sOf the %zu trials that completed%s, drawn at random with replacement; trials that "
              "failed or were stopped early are not among them",
              prose->is_latex ? "\\noindent " : "", n,
              report->def->n_bounds > 0 ? " and satisfied the constraints" : "");
    prose_cite(&part, CITATION_BEST_OF_N);
    prose_say(&part, ".");
    if (strcmp(study_strategy(report->def), "random") != 0) {
        prose_say(&part, " The strategy learns or stops early, so they are no random sample: the "
                         "curve describes what was observed, and is no forecast.");
    }
    paragraph_end(prose, &part);
}

static void write_expected_best(const struct study_report *report, struct prose *prose)
{
    static const size_t steps[] = {1, 2, 5};
    OWN(memory) double *values = calloc(report->n_trials + 1, sizeof *values);

    if (values == NULL) {
        buf_lack_memory(prose->out);
        return;
    }
    size_t n = observed(report, values);
    if (n == 0) {
        return;
    }
    table_begin(prose,
                prose->is_latex ? "Expected best value of $n$ trials" : "EXPECTED BEST OF n TRIALS",
                "rr", "$n$ & expected best");
    size_t last = 0;
    for (size_t power = 1; power <= n; power *= 10) {
        for (size_t k = 0; k < 3 && steps[k] * power <= n; k++) {
            last = steps[k] * power;
            write_draw(prose, n, values, last);
        }
    }
    if (last < n) {
        write_draw(prose, n, values, n);
    }
    table_end(prose);
    write_sample(report, n, prose);
}

/* ---- parameters ---- */

static const struct shown_trial *best_trial(const struct study_report *report)
{
    return report->n_ranked == 0 || report->def->n_objectives > 1
               ? NULL
               : &report->trials[report->ranked[0]];
}

static void write_param(const struct study_report *report, size_t first, struct prose *prose)
{
    const struct space *space = report->def->space;
    const struct shown_trial *best = best_trial(report);
    OWN(buf) struct buf value;

    buf_init(&value, 8 * SPACE_CHOICE_BYTES);
    row_begin(prose);
    prose_word(prose, space->params[first].name, WORD_MAX);
    next_cell(prose);
    paper_range(&space->params[first], prose);
    prose_say(prose, space->params[first].n_conditions > 0 ? ", conditional" : "");
    next_cell(prose);
    if (best != NULL && best->config != NULL) {
        size_t active = space_active_namesake(space, first, best->config);
        bool is_number = active != SPACE_NONE && space->params[active].n_choices == 0;
        report_param_value(space, first, best->config, true, &value);
        if (is_number) {
            prose_number(prose, best->config[active]);
        } else {
            prose_word(prose, value.len > 0 ? buf_text(&value) : "not active", WORD_MAX);
        }
    }
    row_end(prose);
    buf_check_part(prose->out, &value);
}

static void write_params(const struct study_report *report, struct prose *prose)
{
    const struct space *space = report->def->space;
    size_t n = 0;

    table_begin(prose,
                prose->is_latex ? "Hyperparameters, their ranges, and the best values found"
                                : "PARAMETERS: range, best value",
                "lll", "Hyperparameter & Range & Best");
    for (size_t i = 0; i < space->n_params; i++) {
        if (!space->params[i].is_namesake && n++ < PARAMS_SHOWN) {
            write_param(report, i, prose);
        }
    }
    table_end(prose);
}

/* ---- what became of the trials ---- */

static void write_fact(struct prose *prose, const char *name, const char *value)
{
    row_begin(prose);
    prose_word(prose, name, WORD_MAX);
    next_cell(prose);
    prose_word(prose, value, WORD_MAX);
    row_end(prose);
}

static void write_count(struct prose *prose, const char *name, int64_t n)
{
    char text[SHORT_BYTES];

    write_fact(prose, name, short_count(n, text));
}

/* One row for each reason. */
static void write_failures(const struct study_report *report, struct prose *prose)
{
    struct reason_count counts[REASONS_MAX];
    int64_t n_left;
    size_t n = reasons_count(report, counts, &n_left);
    char name[64];

    for (size_t i = 0; i < n; i++) {
        (void)snprintf(name, sizeof name, "%s (%.24s)", trial_state_name(counts[i].first->state),
                       reason_text(counts[i].first, "no reason given"));
        write_count(prose, name, counts[i].n);
    }
    if (n_left > 0) {
        write_count(prose, "failed (other reasons)", n_left);
    }
}

static void write_facts(const struct study_report *report, struct prose *prose)
{
    const struct study_row *row = report->row;
    const struct shown_trial *best = best_trial(report);
    char text[SHORT_BYTES];

    table_begin(prose, prose->is_latex ? "What was run" : "WHAT WAS RUN", "lr", "Quantity & Value");
    write_count(prose, "trials", (int64_t)report->n_trials);
    write_count(prose, "completed", row->counts[TRIAL_COMPLETED]);
    write_count(prose, "stopped early", row->counts[TRIAL_PRUNED]);
    write_failures(report, prose);
    write_count(prose, "cancelled", row->counts[TRIAL_CANCELLED]);
    write_count(prose, "workers", (int64_t)report->n_machines);
    if (study_report_gpus(report) > 0) {
        write_count(prose, "GPUs", study_report_gpus(report));
    }
    write_fact(prose, "time of workers kept", short_span(report->ledger.kept, text));
    write_fact(prose, "time of workers wasted", short_span(report->ledger.wasted, text));
    (void)snprintf(text, sizeof text, "%" PRIu64, report->def->seed);
    write_fact(prose, "seed of the study", text);
    if (best != NULL) {
        (void)snprintf(text, sizeof text, "%" PRIu64, trial_seed(report->def->seed, best->number));
        write_count(prose, "best trial", best->number);
        write_fact(prose, "seed of the best trial", text);
        row_begin(prose);
        prose_word(prose, report->def->objectives[0].metric, WORD_MAX);
        next_cell(prose);
        prose_number(prose, best->values[0]);
        row_end(prose);
    }
    table_end(prose);
}

/* ---- the whole ---- */

static void write_references(struct prose *prose)
{
    if (prose->n_cited == 0) {
        return;
    }
    buf_puts(prose->out, prose->is_latex ? "% For the bibliography (BibTeX):\n" : "REFERENCES\n\n");
    for (size_t i = 0; i < prose->n_cited; i++) {
        const char *entry = citation_entry(prose->cited[i]);
        for (const char *at = entry; at != NULL && *at != '\0';) {
            size_t len = strcspn(at, "\n");
            buf_printf(prose->out, "%s%.*s\n", prose->is_latex ? "% " : "", (int)len, at);
            at += len + (at[len] == '\n');
        }
    }
}

int study_paper_write(const struct study_report *report, bool is_latex, struct buf *out,
                      struct err *err)
{
    struct prose prose = {.out = out, .is_latex = is_latex};

    if (is_latex) {
        buf_puts(
            out,
            "% Needs \\usepackage{booktabs}; letters beyond Latin need xelatex or lualatex.\n");
    }
    write_methods(report, &prose);
    write_params(report, &prose);
    write_facts(report, &prose);
    if (report->def->n_objectives == 1) {
        write_expected_best(report, &prose);
    }
    write_references(&prose);
    return buf_check(out, err);
}
