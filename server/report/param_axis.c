#include "server/report/param_axis.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "server/report/axis.h"
#include "server/report/html.h"

double param_axis_place(const struct space *space, size_t first, const double config[])
{
    size_t active = space_active_namesake(space, first, config);

    if (active == SPACE_NONE || isnan(config[active])) {
        return (double)NAN;
    }
    return fmin(fmax(param_encode(&space->params[active], config[active]), 0), 1);
}

/* ---- ticks ---- */

static void value_text(const struct param *param, double value, char text[], size_t room,
                       struct buf *out)
{
    OWN(buf) struct buf cell;

    buf_init(&cell, 8 * SPACE_CHOICE_BYTES);
    param_append_cell(param, value, &cell);
    (void)snprintf(text, room, "%s", buf_text(&cell));
    utf8_mend(text); /* a cut may fall inside a character */
    buf_check_part(out, &cell);
}

static size_t choice_ticks(const struct param *param, struct param_tick ticks[PARAM_TICKS],
                           struct buf *out)
{
    size_t n = param->n_cells > 0 ? (size_t)param->n_cells : param->n_choices;
    size_t every = n <= PARAM_TICKS ? 1 : n - 1;
    size_t n_ticks = 0;

    for (size_t k = 0; k < n && n_ticks < PARAM_TICKS; k += every) {
        double value = param_cell_value(param, k);
        struct param_tick *tick = &ticks[n_ticks++];
        tick->place = param_encode(param, value);
        value_text(param, value, tick->text, sizeof tick->text, out);
    }
    return n_ticks;
}

static size_t number_ticks(const struct param *param, size_t wanted,
                           struct param_tick ticks[PARAM_TICKS])
{
    bool is_bounded = isfinite(param->low) && isfinite(param->high);
    bool is_lognormal = param->distribution == DISTRIBUTION_LOGNORMAL;
    double low = is_bounded ? param->low : param->mean - 2 * param->sd;
    double high = is_bounded ? param->high : param->mean + 2 * param->sd;
    double values[AXIS_TICKS];
    struct axis axis;
    size_t n_ticks = 0;

    if (!is_bounded && is_lognormal) {
        low = exp(low);
        high = exp(high);
    }
    axis_init(&axis, low, high, param->scale == SCALE_LOG || is_lognormal);
    size_t n = (param->type == PARAM_INT ? axis_whole_ticks : axis_ticks)(&axis, wanted, values);
    for (size_t i = 0; i < n && n_ticks < PARAM_TICKS; i++) {
        struct param_tick *tick = &ticks[n_ticks];
        char text[SHORT_BYTES];
        tick->place = param_encode(param, values[i]);
        (void)snprintf(tick->text, sizeof tick->text, "%.23s", short_number(values[i], text));
        n_ticks += isfinite(tick->place) && tick->place >= 0 && tick->place <= 1;
    }
    return n_ticks;
}

size_t param_axis_ticks(const struct param *param, size_t wanted,
                        struct param_tick ticks[PARAM_TICKS], struct buf *out)
{
    bool is_number = (param->type == PARAM_FLOAT || param->type == PARAM_INT) && !param->listed;

    return is_number ? number_ticks(param, wanted < PARAM_TICKS ? wanted : PARAM_TICKS, ticks)
                     : choice_ticks(param, ticks, out);
}

/* ---- which parameters ---- */

static bool varies(const struct study_report *report, size_t first)
{
    const struct space *space = report->def->space;
    bool has_seen = false;
    double seen = 0;

    for (size_t i = 0; i < report->n_trials; i++) {
        if (report->trials[i].config == NULL) {
            continue;
        }
        double place = param_axis_place(space, first, report->trials[i].config);
        bool is_same =
            isnan(place) ? isnan(seen) : !(place < seen) && !(place > seen) && !isnan(seen);
        if (has_seen && !is_same) {
            return true;
        }
        seen = place;
        has_seen = true;
    }
    return !has_seen && space->params[first].type != PARAM_CONSTANT;
}

static double share_of(const struct study_report *report, size_t first)
{
    return report->shares == NULL ? 0 : report->shares[first].share;
}

static int by_share(const void *a, const void *b, void *report)
{
    size_t i = *(const size_t *)a;
    size_t j = *(const size_t *)b;
    double left = share_of(report, i);
    double right = share_of(report, j);

    return left > right ? -1 : left < right ? 1 : (i > j) - (i < j);
}

size_t report_params(const struct study_report *report, size_t max, size_t chosen[], size_t *n_left,
                     struct buf *out)
{
    const struct space *space = report->def->space;
    OWN(memory) size_t *all = calloc(space->n_params + 1, sizeof *all);
    size_t n = 0;

    *n_left = 0;
    if (all == NULL) {
        buf_lack_memory(out);
        return 0;
    }
    for (size_t i = 0; i < space->n_params; i++) {
        if (!space->params[i].is_namesake && varies(report, i)) {
            all[n++] = i;
        }
    }
    struct study_report same = *report; /* qsort_r takes what it may change */
    qsort_r(all, n, sizeof *all, by_share, &same);
    size_t n_chosen = n < max ? n : max;
    memcpy(chosen, all, n_chosen * sizeof *chosen);
    *n_left = n - n_chosen;
    return n_chosen;
}

void report_param_value(const struct space *space, size_t first, const double config[],
                        bool is_short, struct buf *out)
{
    size_t active = space_active_namesake(space, first, config);
    char text[SHORT_BYTES];

    if (active == SPACE_NONE) {
        return;
    }
    const struct param *param = &space->params[active];
    if (is_short && param->type == PARAM_FLOAT && param->n_choices == 0) {
        buf_puts(out, short_number(config[active], text));
    } else {
        param_append_cell(param, config[active], out);
    }
}
