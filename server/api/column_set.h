/* Which columns of trials are asked for, and what stands in them: for GET …/trials/columns.
 *
 * Plain memory; not shared between threads. */
#ifndef SERVER_API_COLUMN_SET_H
#define SERVER_API_COLUMN_SET_H

#include "common/json.h"
#include "server/state/view.h"
#include "server/store/store.h"

#define COLUMN_FIELDS_DEFAULT "number,state,value,step,parameters.*"
#define COLUMN_DIGITS_MAX 17 /* shows every double exactly */

enum column_kind {
    COLUMN_NUMBER,
    COLUMN_STATE,
    COLUMN_VALUE,
    COLUMN_STEP,
    COLUMN_ATTEMPT,
    COLUMN_WORKER,
    COLUMN_CREATED_AT,
    COLUMN_STARTED_AT,
    COLUMN_ENDED_AT,
    COLUMN_REASON,
    COLUMN_SOURCE,
    COLUMN_FEASIBLE,
    COLUMN_PLAIN_COUNT,
    COLUMN_PARAMETER = COLUMN_PLAIN_COUNT,
    COLUMN_METRIC
};

struct trial_column {
    enum column_kind kind;
    size_t index;     /* of the first parameter of that name, or of the metric */
    const char *name; /* without "parameters." or "metrics."; borrowed from the view */
};

struct column_set {
    const struct live_study_view *study; /* borrowed */
    int digits;
    bool has_value, has_metrics;
    size_t n;
    struct trial_column *items; /* each once, in the order asked for; owned */
    bool *seen;                 /* owned; used while it is made */
};
/* fields: a list such as "number,metrics.*,parameters.lr". Numbers get at most `digits` significant
 * digits. ERR_MALFORMED: a field that trials of this study do not have. */
MUST_USE int column_set_parse(const char *fields, int digits, const struct live_study_view *study,
                              struct column_set *set, struct err *err);
void column_set_finish(struct column_set *set);
OWN_VALUE(column_set)

/* name ← "parameters.lr". */
#define COLUMN_NAME_BYTES 256
void column_name(const struct trial_column *column, char name[COLUMN_NAME_BYTES]);
bool column_is_parameter(const struct trial_column *column);
/* Does a row of this set show something of its trial's metrics? */
bool column_set_needs_metrics(const struct column_set *set, const struct trial_row *row);
/* One cell. metrics: those of the trial, where they are needed. */
void column_write(const struct column_set *set, const struct trial_column *column,
                  const struct trial_row *row, const json_t *metrics, struct json_writer *w);

#endif
