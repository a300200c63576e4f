/* The axis of one parameter: its own scale from 0 to 1, as the unit cube of the search has it. */
#ifndef SERVER_REPORT_PARAM_AXIS_H
#define SERVER_REPORT_PARAM_AXIS_H

#include "common/space/space.h"
#include "server/report/study_report.h"

/* Where the configuration lies on the axis of a parameter, 0 to 1; NaN: the parameter is not active
 * there. `first` is the first one of its name. */
double param_axis_place(const struct space *space, size_t first, const double config[]);

struct param_tick {
    double place; /* 0 to 1 */
    char text[24];
};
#define PARAM_TICKS 8
/* Ticks of an axis, about `wanted`; returns how many. Of many choices only the first and the last
 * are named. `out` notes that memory is out. */
size_t param_axis_ticks(const struct param *param, size_t wanted,
                        struct param_tick ticks[PARAM_TICKS], struct buf *out);

/* The parameters that a picture or table shows, at most `max`: those of which the trials have
 * different values, the most important first. Returns how many; *n_left ← how many more there are.
 * Without memory none, which `out` notes. */
size_t report_params(const struct study_report *report, size_t max, size_t chosen[], size_t *n_left,
                     struct buf *out);
/* Appends the value of a parameter as text, not yet escaped; "" where it is not active. `is_short`:
 * of numbers four digits. */
void report_param_value(const struct space *space, size_t first, const double config[],
                        bool is_short, struct buf *out);

#endif
