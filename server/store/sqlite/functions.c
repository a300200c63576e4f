#include "server/store/sqlite/functions.h"

#include <math.h>
#include <string.h>

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

/* Numbers in a blob need not be aligned. */
static bool read_config(sqlite3_value *blob, const struct study_def *def, double config[])
{
    size_t bytes = (size_t)sqlite3_value_bytes(blob);
    const void *at = sqlite3_value_blob(blob);

    if (bytes != def->space->n_params * sizeof *config) {
        return false;
    }
    if (bytes > 0) {
        memcpy(config, at, bytes);
    }
    return true;
}

static void best_level(sqlite3_context *context, int n, sqlite3_value **arguments)
{
    const struct study_def *def = sqlite3_value_pointer(arguments[0], FUNCTIONS_STUDY);
    enum trial_state state = (enum trial_state)sqlite3_value_int(arguments[1]);
    double config[SPACE_PARAMS_MAX];
    int64_t level = -1;

    (void)n;
    if (def == NULL) {
        level = state == TRIAL_COMPLETED || state == TRIAL_PRUNED ? 0 : -1;
    } else if (read_config(arguments[3], def, config)) {
        level = study_best_level(def, state, sqlite3_value_int64(arguments[2]), config);
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
                           : sqlite3_create_function_v2(db, "best_level", 4, flags, NULL,
                                                        best_level, NULL, NULL, NULL);
}
