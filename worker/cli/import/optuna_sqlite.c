/* An Optuna study in SQLite: schema 12 of today, and what migrations made it of.
 *
 * The file is somebody's: it is opened for reading only, its schema is not trusted (no views, no
 * triggers, no functions of it), statements are ours and may read tables alone, and work and sizes
 * are bounded. A database in WAL mode is read as its connection sees it. */
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "worker/cli/import/optuna.h"

/* Steps of SQLite's machine: about an hour; a study of 100,000 trials needs a thousandth. */
enum { VALUE_BYTES = 16 << 20, PROGRESS_STEPS = 1000000, PROGRESS_MAX = 200000, NAMES_MAX = 1000 };

struct storage_reader {
    struct import *import;
    sqlite3 *db;
    sqlite3_int64 study_id;
    json_t *study;         /* owned by the caller */
    json_t *by_id;         /* trials, borrowed from the study, by their id; owned */
    json_t *distributions; /* by text; owned */
    size_t n_rows_left_out;
};

static void db_drop(sqlite3 **db)
{
    (void)sqlite3_close(*db);
}

static void statement_drop(sqlite3_stmt **statement)
{
    (void)sqlite3_finalize(*statement);
}

/* ---- opening -------------------------------------------------------------------------------- */

static int may_read(void *context, int action, const char *a, const char *b, const char *c,
                    const char *d)
{
    (void)context;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return action == SQLITE_SELECT || action == SQLITE_READ ? SQLITE_OK : SQLITE_DENY;
}

static int too_long(void *context)
{
    unsigned *n = context;

    return ++*n > PROGRESS_MAX;
}

static void defend(sqlite3 *db, unsigned *n)
{
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, VALUE_BYTES);
    (void)sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    (void)sqlite3_set_authorizer(db, may_read, NULL);
    sqlite3_progress_handler(db, PROGRESS_STEPS, too_long, n);
    (void)sqlite3_busy_timeout(db, 5000);
}

static int cannot_read(const struct storage_reader *reader, struct err *err)
{
    int code = sqlite3_extended_errcode(reader->db) & 0xff;

    if (code == SQLITE_NOMEM) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
        return err_set(err, ERR_LOCKED,
                       "%.120s: another process is writing to it; try again when it is done",
                       reader->import->remarks.file);
    }
    if (code == SQLITE_CANTOPEN || code == SQLITE_READONLY) {
        return err_set(err, ERR_INVALID,
                       "%.120s: it cannot be opened (%s); a database that was being written to "
                       "needs its files ending in -wal or -journal beside it, in a folder that may "
                       "be written to: copy them together",
                       reader->import->remarks.file, sqlite3_errmsg(reader->db));
    }
    return err_set(err, ERR_INVALID, "%.120s: this is no database of Optuna, or it is damaged: %s",
                   reader->import->remarks.file,
                   code == SQLITE_INTERRUPT ? "it takes too long" : sqlite3_errmsg(reader->db));
}

static int open_db(struct storage_reader *reader, unsigned *n, struct err *err)
{
    if (sqlite3_open_v2(reader->import->path, &reader->db, SQLITE_OPEN_READONLY, NULL)
        != SQLITE_OK) {
        return cannot_read(reader, err);
    }
    defend(reader->db, n);
    return 0;
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* A text of the database; NULL: it is none, or no UTF-8 without a NUL. */
static const char *text_of(sqlite3_stmt *statement, int column)
{
    const char *text = sqlite3_column_type(statement, column) == SQLITE_TEXT
                           ? (const char *)sqlite3_column_text(statement, column)
                           : NULL;
    size_t len = text == NULL ? 0 : (size_t)sqlite3_column_bytes(statement, column);
    json_auto_t *checked = text == NULL || strlen(text) != len ? NULL : json_string(text);

    return checked == NULL ? NULL : text;
}

static bool is_number(sqlite3_stmt *statement, int column)
{
    int type = sqlite3_column_type(statement, column);

    return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
}

/* A finite number, or the word for one that is not. */
static json_t *number_of(sqlite3_stmt *statement, int value, int type)
{
    const char *word = type < 0 ? NULL : text_of(statement, type);
    double x = sqlite3_column_double(statement, value);

    if (word != NULL && strcmp(word, "INF_POS") == 0) {
        return json_string("Infinity");
    }
    if (word != NULL && strcmp(word, "INF_NEG") == 0) {
        return json_string("-Infinity");
    }
    if ((word != NULL && strcmp(word, "NAN") == 0) || !is_number(statement, value) || isnan(x)) {
        return json_string("NaN");
    }
    return isfinite(x) ? json_real(x) : json_string(x > 0 ? "Infinity" : "-Infinity");
}

typedef void row_reader(struct storage_reader *reader, sqlite3_stmt *statement);

/* Runs a query about the study, whose id is :study. */
static int each(struct storage_reader *reader, const char *sql, row_reader *row, struct err *err)
{
    OWN(statement) sqlite3_stmt *statement = NULL;
    int rc;

    if (sqlite3_prepare_v2(reader->db, sql, -1, &statement, NULL) != SQLITE_OK) {
        return cannot_read(reader, err);
    }
    (void)sqlite3_bind_int64(statement, 1, reader->study_id);
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        row(reader, statement);
    }
    return rc == SQLITE_DONE ? 0 : cannot_read(reader, err);
}

/* Does this query work with the tables of this schema? */
static bool is_known(const struct storage_reader *reader, const char *sql)
{
    OWN(statement) sqlite3_stmt *statement = NULL;

    return sqlite3_prepare_v2(reader->db, sql, -1, &statement, NULL) == SQLITE_OK;
}

/* The trial of a row's first column. */
static json_t *trial_of(struct storage_reader *reader, sqlite3_stmt *statement)
{
    char id[32];

    (void)snprintf(id, sizeof id, "%lld", (long long)sqlite3_column_int64(statement, 0));
    json_t *trial = json_object_get(reader->by_id, id);
    reader->n_rows_left_out += trial == NULL ? 1U : 0U;
    return trial;
}

/* ---- the study ------------------------------------------------------------------------------ */

static int choose_study(struct storage_reader *reader, const char *name, json_t *names,
                        struct err *err)
{
    OWN(statement) sqlite3_stmt *statement = NULL;
    int rc;

    if (sqlite3_prepare_v2(reader->db, "SELECT study_id, study_name FROM studies ORDER BY study_id",
                           -1, &statement, NULL)
        != SQLITE_OK) {
        return cannot_read(reader, err);
    }
    const char *found = NULL;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW && json_array_size(names) < NAMES_MAX) {
        const char *own = text_of(statement, 1);
        if (own == NULL) {
            continue;
        }
        (void)json_array_append_new(names, json_string(own));
        if (name == NULL || strcmp(name, own) == 0) {
            reader->study_id = sqlite3_column_int64(statement, 0);
            found = json_string_value(json_array_get(names, json_array_size(names) - 1));
        }
    }
    if (rc != SQLITE_DONE && rc != SQLITE_ROW) {
        return cannot_read(reader, err);
    }
    if (found != NULL && (name != NULL || json_array_size(names) == 1)) {
        reader->study = json_pack("{s:s, s:[], s:{}, s:{}, s:[]}", "name", found, "directions",
                                  "system_attrs", "user_attrs", "trials");
    }
    return 0;
}

static void direction_row(struct storage_reader *reader, sqlite3_stmt *statement)
{
    const char *word = text_of(statement, 0);
    int direction =
        word == NULL
            ? 0
            : (strcmp(word, "MAXIMIZE") == 0 ? 2 : (strcmp(word, "MINIMIZE") == 0 ? 1 : 0));

    (void)json_array_append_new(json_object_get(reader->study, "directions"),
                                json_integer(direction));
}

static void put_attribute(struct storage_reader *reader, json_t *object, sqlite3_stmt *statement,
                          int key)
{
    const char *name = text_of(statement, key);
    const char *text = text_of(statement, key + 1);
    json_t *value = text == NULL ? NULL : optuna_json(text, strlen(text));

    if (name == NULL || value == NULL || object == NULL) {
        json_decref(value);
        reader->n_rows_left_out += object == NULL ? 0U : 1U; /* without a trial it is counted */
        return;
    }
    (void)json_object_set_new(object, name, value);
}

static void study_system_row(struct storage_reader *reader, sqlite3_stmt *statement)
{
    put_attribute(reader, json_object_get(reader->study, "system_attrs"), statement, 0);
}

static void study_user_row(struct storage_reader *reader, sqlite3_stmt *statement)
{
    put_attribute(reader, json_object_get(reader->study, "user_attrs"), statement, 0);
}

/* ---- trials --------------------------------------------------------------------------------- */

static void trial_row(struct storage_reader *reader, sqlite3_stmt *statement)
{
    static const char *const words[OPTUNA_STATE_COUNT] = {"RUNNING", "COMPLETE", "PRUNED", "FAIL",
                                                          "WAITING"};
    const char *word = text_of(statement, 1);
    json_t *list = json_object_get(reader->study, "trials");
    int state = -1;
    char id[32];

    for (int i = 0; word != NULL && i < OPTUNA_STATE_COUNT; i++) {
        state = strcmp(words[i], word) == 0 ? i : state;
    }
    if (state < 0 || json_array_size(list) >= OPTUNA_TRIALS_MAX) {
        reader->n_rows_left_out++;
        return;
    }
    json_t *trial =
        json_pack("{s:I, s:i, s:i, s:[], s:{}, s:{}, s:{}, s:{}, s:{}}", "number",
                  (json_int_t)json_array_size(list), "line", 0, "state", state, "values", "params",
                  "distributions", "intermediate", "user_attrs", "system_attrs");
    if (sqlite3_column_type(statement, 2) != SQLITE_NULL) {
        (void)json_object_set_new(trial, "discarded", json_true());
    }
    if (is_number(statement, 3)) { /* of the first schemas */
        (void)json_array_append_new(json_object_get(trial, "values"), number_of(statement, 3, -1));
    }
    (void)snprintf(id, sizeof id, "%lld", (long long)sqlite3_column_int64(statement, 0));
    (void)json_array_append(list, trial);
    (void)json_object_set_new(reader->by_id, id, trial);
}

static void value_row(struct storage_reader *reader, sqlite3_stmt *statement)
{
    json_t *trial = trial_of(reader, statement);

    if (trial != NULL) {
        (void)json_array_append_new(json_object_get(trial, "values"), number_of(statement, 1, 2));
    }
}

static void intermediate_row(struct storage_reader *reader, sqlite3_stmt *statement)
{
    json_t *trial = trial_of(reader, statement);
    char step[32];

    (void)snprintf(step, sizeof step, "%lld", (long long)sqlite3_column_int64(statement, 1));
    if (trial != NULL) {
        (void)json_object_set_new(json_object_get(trial, "intermediate"), step,
                                  number_of(statement, 2, 3));
    }
}

static void param_row(struct storage_reader *reader, sqlite3_stmt *statement)
{
    json_t *trial = trial_of(reader, statement);
    const char *name = text_of(statement, 1);
    const char *text = text_of(statement, 3);
    json_t *distribution = text == NULL ? NULL : optuna_distribution(reader->distributions, text);

    if (trial == NULL || name == NULL || distribution == NULL || !is_number(statement, 2)) {
        reader->n_rows_left_out += trial == NULL ? 0U : 1U; /* without a trial it is counted */
        return;
    }
    (void)json_object_set_new(json_object_get(trial, "params"), name,
                              json_real(sqlite3_column_double(statement, 2)));
    (void)json_object_set(json_object_get(trial, "distributions"), name, distribution);
}

static void trial_user_row(struct storage_reader *reader, sqlite3_stmt *statement)
{
    put_attribute(reader, json_object_get(trial_of(reader, statement), "user_attrs"), statement, 1);
}

static void trial_system_row(struct storage_reader *reader, sqlite3_stmt *statement)
{
    put_attribute(reader, json_object_get(trial_of(reader, statement), "system_attrs"), statement,
                  1);
}

/* Queries in their order, each with those of older schemas behind it; the first that works is
 * taken. */
#define OF_TRIALS(columns, table, order)                                                           \
    "SELECT t.trial_id, " columns " FROM trials AS t JOIN " table                                  \
    " AS x ON x.trial_id = t.trial_id WHERE t.study_id = ?1 ORDER BY t.trial_id, " order

static const struct {
    const char *sql[4];
    row_reader *row;
    bool is_needed;
} queries[] = {
    {{"SELECT direction FROM study_directions WHERE study_id = ?1 ORDER BY objective",
      "SELECT direction FROM studies WHERE study_id = ?1"},
     direction_row,
     true},
    {{"SELECT key, value_json FROM study_system_attributes WHERE study_id = ?1"},
     study_system_row,
     false},
    {{"SELECT key, value_json FROM study_user_attributes WHERE study_id = ?1"},
     study_user_row,
     false},
    {{"SELECT trial_id, state, discarded_at, NULL FROM trials WHERE study_id = ?1 ORDER BY "
      "trial_id",
      "SELECT trial_id, state, NULL, value FROM trials WHERE study_id = ?1 ORDER BY trial_id",
      "SELECT trial_id, state, NULL, NULL FROM trials WHERE study_id = ?1 ORDER BY trial_id"},
     trial_row,
     true},
    {{OF_TRIALS("x.value, x.value_type", "trial_values", "x.objective"),
      OF_TRIALS("x.value, NULL", "trial_values", "x.objective")},
     value_row,
     false},
    {{OF_TRIALS("x.step, x.intermediate_value, x.intermediate_value_type",
                "trial_intermediate_values", "x.step"),
      OF_TRIALS("x.step, x.intermediate_value, NULL", "trial_intermediate_values", "x.step"),
      OF_TRIALS("x.step, x.value, NULL", "trial_values", "x.step")},
     intermediate_row,
     false},
    {{OF_TRIALS("x.param_name, x.param_value, x.distribution_json", "trial_params", "x.param_id")},
     param_row,
     true},
    {{OF_TRIALS("x.key, x.value_json", "trial_user_attributes", "x.key")}, trial_user_row, false},
    {{OF_TRIALS("x.key, x.value_json", "trial_system_attributes", "x.key")},
     trial_system_row,
     false},
};

static int read_study(struct storage_reader *reader, struct err *err)
{
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        const char *sql = NULL;
        for (size_t k = 0; k < 4 && sql == NULL && queries[i].sql[k] != NULL; k++) {
            sql = is_known(reader, queries[i].sql[k]) ? queries[i].sql[k] : NULL;
        }
        if (sql == NULL && queries[i].is_needed) {
            return cannot_read(reader, err);
        }
        if (sql != NULL) {
            TRY(each(reader, sql, queries[i].row, err));
        }
    }
    if (reader->n_rows_left_out > 0) {
        remark_at(
            &reader->import->remarks, 0,
            "%zu rows of the database cannot be read as Optuna writes them; they are left out",
            reader->n_rows_left_out);
    }
    return 0;
}

int optuna_read_sqlite(struct import *import, const char *name, json_t **study, json_t *names,
                       struct err *err)
{
    OWN(db) sqlite3 *db = NULL;
    json_auto_t *by_id = json_object();
    json_auto_t *distributions = json_object();
    json_auto_t *found = NULL;
    unsigned n = 0;
    struct storage_reader reader = {
        .import = import, .by_id = by_id, .distributions = distributions};

    int rc = open_db(&reader, &n, err);
    db = reader.db;
    TRY(rc);
    TRY(choose_study(&reader, name, names, err));
    found = reader.study;
    if (found != NULL) {
        TRY(read_study(&reader, err));
    }
    *study = json_incref(found);
    return 0;
}
