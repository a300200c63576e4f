#include "server/store/sqlite/functions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/own.h"
#include "server/store/store.h"

static void metric_value(sqlite3_context *context, int n, sqlite3_value **arguments)
{
    const char *metrics = (const char *)sqlite3_value_text(arguments[0]);
    const char *name = (const char *)sqlite3_value_text(arguments[1]);
    double value = NAN;
    struct err err;

    (void)n;
    if ((metrics == NULL && sqlite3_value_type(arguments[0]) != SQLITE_NULL)
        || (name == NULL && sqlite3_value_type(arguments[1]) != SQLITE_NULL)) {
        sqlite3_result_error_nomem(context);
    } else if (name != NULL && metrics_value(metrics, name, &value, &err) != 0) {
        if (err.code == ERR_NOMEM) {
            sqlite3_result_error_nomem(context);
        } else {
            sqlite3_result_error(context, err.text, -1);
        }
    } else if (isfinite(value)) {
        sqlite3_result_double(context, value);
    } /* else the result is NULL */
}

/* *level ← study_best_level(). The numbers of the blob are copied, as they need not be aligned; to
 * memory of their size, as an array for the most of them would be cleared for each trial. -1: there
 * is no memory. */
static int level_of(const struct study_def *def, enum trial_state state, int64_t step,
                    sqlite3_value *blob, sqlite3_value *bounded_blob, int64_t *level)
{
    double bounded[BOUNDS_MAX];
    size_t bounded_bytes = (size_t)sqlite3_value_bytes(bounded_blob);
    size_t bytes = (size_t)sqlite3_value_bytes(blob);
    const void *at = sqlite3_value_blob(blob);
    OWN(memory) double *config = malloc(bytes + sizeof *config);

    if (config == NULL) {
        return -1;
    }
    if (bytes != def->space->n_params * sizeof *config) {
        *level = -1;
        return 0;
    }
    if (bytes > 0) {
        memcpy(config, at, bytes);
    }
    bool is_known = def->n_bounds > 0 && bounded_bytes == def->n_bounds * sizeof *bounded;
    if (is_known) {
        memcpy(bounded, sqlite3_value_blob(bounded_blob), bounded_bytes);
    }
    *level = study_best_level(def, state, step, config, is_known ? bounded : NULL);
    return 0;
}

static void best_level(sqlite3_context *context, int n, sqlite3_value **arguments)
{
    const struct study_def *def = sqlite3_value_pointer(arguments[0], FUNCTIONS_STUDY);
    enum trial_state state = (enum trial_state)sqlite3_value_int(arguments[1]);
    int64_t level = -1;

    (void)n;
    if (def == NULL) {
        level = state == TRIAL_COMPLETED || state == TRIAL_PRUNED ? 0 : -1;
    } else if (level_of(def, state, sqlite3_value_int64(arguments[2]), arguments[3], arguments[4],
                        &level)
               != 0) {
        sqlite3_result_error_nomem(context);
        return;
    }
    if (level >= 0) {
        sqlite3_result_int64(context, level);
    } /* else the result is NULL */
}

int functions_register(sqlite3 *db)
{
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
    int rc = sqlite3_create_function_v2(db, "metric_value", 2, flags, NULL, metric_value, NULL,
                                        NULL, NULL);

    return rc != SQLITE_OK ? rc
                           : sqlite3_create_function_v2(db, "best_level", 5, flags, NULL,
                                                        best_level, NULL, NULL, NULL);
}
