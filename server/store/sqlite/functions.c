#include "server/store/sqlite/functions.h"

#include <math.h>

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

int functions_register(sqlite3 *db)
{
    return sqlite3_create_function_v2(db, "metric_value", 2,
                                      SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL,
                                      metric_value, NULL, NULL, NULL);
}
