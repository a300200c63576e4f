/* The journal of an Optuna study: a line of JSON for each operation, which are done again here. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "worker/cli/import/optuna.h"

enum operation {
    CREATE_STUDY,
    DELETE_STUDY,
    SET_STUDY_USER_ATTR,
    SET_STUDY_SYSTEM_ATTR,
    CREATE_TRIAL,
    SET_TRIAL_PARAM,
    SET_TRIAL_STATE_VALUES,
    SET_TRIAL_INTERMEDIATE_VALUE,
    SET_TRIAL_USER_ATTR,
    SET_TRIAL_SYSTEM_ATTR,
    DISCARD_TRIALS
};

enum { LINE_BYTES = 16 << 20, PIECE_BYTES = 1 << 16 };

struct journal_replay {
    struct import *import;
    size_t line;
    json_t *studies;       /* by number, null where deleted; owned */
    json_t *trials;        /* of all studies, by number; owned */
    json_t *distributions; /* by text; owned */
    size_t n_unknown;      /* operations that are none of these */
};

static json_t *by_number(const json_t *list, const json_t *log, const char *key)
{
    const json_t *number = json_object_get(log, key);

    return json_is_integer(number) && json_integer_value(number) >= 0
               ? json_array_get(list, (size_t)json_integer_value(number))
               : NULL;
}

/* A trial that is not finished: what comes later is not taken, as Optuna has it. */
static json_t *open_trial(const struct journal_replay *replay, const json_t *log)
{
    json_t *trial = by_number(replay->trials, log, "trial_id");
    json_int_t state = json_integer_value(json_object_get(trial, "state"));

    return state == OPTUNA_RUNNING || state == OPTUNA_WAITING ? trial : NULL;
}

static bool is_name_taken(const struct journal_replay *replay, const char *name)
{
    size_t i;
    json_t *study;

    json_array_foreach (replay->studies, i, study) {
        const char *other = json_string_value(json_object_get(study, "name"));
        if (other != NULL && strcmp(other, name) == 0) {
            return true;
        }
    }
    return false;
}

static int create_study(struct journal_replay *replay, const json_t *log)
{
    const char *name = json_string_value(json_object_get(log, "study_name"));
    json_t *directions = json_object_get(log, "directions");

    if (name == NULL || !json_is_array(directions)) {
        return -1;
    }
    if (!is_name_taken(replay, name)) {
        (void)json_array_append_new(
            replay->studies, json_pack("{s:s, s:O, s:{}, s:{}, s:[]}", "name", name, "directions",
                                       directions, "system_attrs", "user_attrs", "trials"));
    }
    return 0;
}

static int delete_study(struct journal_replay *replay, const json_t *log)
{
    const json_t *number = json_object_get(log, "study_id");

    if (by_number(replay->studies, log, "study_id") != NULL) {
        (void)json_array_set_new(replay->studies, (size_t)json_integer_value(number), json_null());
    }
    return 0;
}

static int set_attributes(json_t *object, const char *member, const json_t *log, const char *key)
{
    const json_t *values = json_object_get(log, key);

    if (object == NULL) {
        return 0;
    }
    if (!json_is_object(values)) {
        return -1;
    }
    (void)json_object_update(json_object_get(object, member), json_unconst(values));
    return 0;
}

/* ---- trials --------------------------------------------------------------------------------- */

static int set_param(struct journal_replay *replay, json_t *trial, const char *name,
                     const json_t *number, const json_t *distribution)
{
    json_t *known =
        json_is_string(distribution)
            ? optuna_distribution(replay->distributions, json_string_value(distribution))
            : NULL;

    if (name == NULL || known == NULL || !json_is_number(number)) {
        return -1;
    }
    (void)json_object_set(json_object_get(trial, "params"), name, json_unconst(number));
    (void)json_object_set(json_object_get(trial, "distributions"), name, known);
    return 0;
}

/* value, or values. */
static void set_values(json_t *trial, const json_t *log)
{
    json_t *values = json_object_get(log, "values");
    json_t *value = json_object_get(log, "value");

    if (json_is_array(values)) {
        (void)json_object_set(trial, "values", values);
    } else if (json_is_number_like(value)) {
        (void)json_object_set_new(trial, "values", json_pack("[O]", value));
    }
}

/* What add_trial() and a copy of a study write in one. */
static int fill_trial(struct journal_replay *replay, json_t *trial, const json_t *log)
{
    static const char *const members[] = {"user_attrs", "system_attrs"};
    const json_t *distributions = json_object_get(log, "distributions");
    const char *name;
    json_t *value;

    json_object_foreach (json_object_get(log, "params"), name, value) {
        if (set_param(replay, trial, name, value, json_object_get(distributions, name)) != 0) {
            return -1;
        }
    }
    json_object_foreach (json_object_get(log, "intermediate_values"), name, value) {
        (void)json_object_set(json_object_get(trial, "intermediate"), name, value);
    }
    for (size_t i = 0; i < 2; i++) {
        if (json_object_get(log, members[i]) != NULL
            && set_attributes(trial, members[i], log, members[i]) != 0) {
            return -1;
        }
    }
    set_values(trial, log);
    return 0;
}

static bool is_state(const json_t *state)
{
    return json_is_integer(state) && json_integer_value(state) >= 0
           && json_integer_value(state) < OPTUNA_STATE_COUNT;
}

static int create_trial(struct journal_replay *replay, const json_t *log)
{
    json_t *study = by_number(replay->studies, log, "study_id");
    json_t *list = json_object_get(study, "trials");
    const json_t *state = json_object_get(log, "state");

    if (study == NULL || json_is_null(study)) {
        return 0;
    }
    if (state != NULL && !is_state(state)) {
        return -1;
    }
    json_t *trial = json_pack("{s:I, s:I, s:I, s:[], s:{}, s:{}, s:{}, s:{}, s:{}}", "number",
                              (json_int_t)json_array_size(list), "line", (json_int_t)replay->line,
                              "state", json_integer_value(state), "values", "params",
                              "distributions", "intermediate", "user_attrs", "system_attrs");
    (void)json_array_append(list, trial);
    (void)json_array_append_new(replay->trials, trial);
    return json_array_size(replay->trials) <= OPTUNA_TRIALS_MAX ? fill_trial(replay, trial, log)
                                                                : -1;
}

static int set_state(const struct journal_replay *replay, const json_t *log)
{
    json_t *trial = open_trial(replay, log);
    json_t *state = json_object_get(log, "state");

    if (trial == NULL) {
        return 0;
    }
    if (!is_state(state)) {
        return -1;
    }
    (void)json_object_set(trial, "state", state);
    set_values(trial, log);
    return 0;
}

static int set_intermediate(const struct journal_replay *replay, const json_t *log)
{
    json_t *trial = open_trial(replay, log);
    const json_t *step = json_object_get(log, "step");
    json_t *value = json_object_get(log, "intermediate_value");
    char name[32];

    if (trial == NULL) {
        return 0;
    }
    if (!json_is_integer(step) || !json_is_number_like(value)) {
        return -1;
    }
    (void)snprintf(name, sizeof name, "%lld", (long long)json_integer_value(step));
    (void)json_object_set(json_object_get(trial, "intermediate"), name, value);
    return 0;
}

/* Of Rustuna; Optuna shows such trials all the same. */
static int discard(const struct journal_replay *replay, const json_t *log)
{
    size_t i;
    json_t *number;

    json_array_foreach (json_object_get(log, "trial_ids"), i, number) {
        json_auto_t *one = json_pack("{s:O}", "trial_id", number);
        json_t *trial = by_number(replay->trials, one, "trial_id");
        if (trial != NULL) {
            (void)json_object_set_new(trial, "discarded", json_true());
        }
    }
    return 0;
}

/* ---- lines ---------------------------------------------------------------------------------- */

static int apply(struct journal_replay *replay, const json_t *log)
{
    const json_t *code = json_object_get(log, "op_code");
    json_t *study = by_number(replay->studies, log, "study_id");

    study = json_is_null(study) ? NULL : study;
    switch (json_is_integer(code) ? json_integer_value(code) : -1) {
    case CREATE_STUDY:
        return create_study(replay, log);
    case DELETE_STUDY:
        return delete_study(replay, log);
    case SET_STUDY_USER_ATTR:
        return set_attributes(study, "user_attrs", log, "user_attr");
    case SET_STUDY_SYSTEM_ATTR:
        return set_attributes(study, "system_attrs", log, "system_attr");
    case CREATE_TRIAL:
        return create_trial(replay, log);
    case SET_TRIAL_PARAM: {
        json_t *trial = open_trial(replay, log);
        return trial == NULL
                   ? 0
                   : set_param(replay, trial, json_string_value(json_object_get(log, "param_name")),
                               json_object_get(log, "param_value_internal"),
                               json_object_get(log, "distribution"));
    }
    case SET_TRIAL_STATE_VALUES:
        return set_state(replay, log);
    case SET_TRIAL_INTERMEDIATE_VALUE:
        return set_intermediate(replay, log);
    case SET_TRIAL_USER_ATTR:
        return set_attributes(open_trial(replay, log), "user_attrs", log, "user_attr");
    case SET_TRIAL_SYSTEM_ATTR:
        return set_attributes(open_trial(replay, log), "system_attrs", log, "system_attr");
    case DISCARD_TRIALS:
        return discard(replay, log);
    default:
        replay->n_unknown++;
        return json_is_integer(code) ? 0 : -1;
    }
}

/* A line that ends without its end was being written. */
static int read_line(struct journal_replay *replay, const char *line, size_t len, struct err *err)
{
    struct remarks *remarks = &replay->import->remarks;
    bool is_whole = len > 0 && line[len - 1] == '\n';
    json_auto_t *log = optuna_json(line, len);

    replay->line++;
    if (!is_whole) {
        remark_at(remarks, replay->line,
                  "the last line has no end: it was being written, and is "
                  "left out");
        return 0;
    }
    if (log == NULL || apply(replay, log) != 0) {
        return refuse_at(remarks, replay->line, err,
                         "this line is no operation of an Optuna journal; nothing is imported");
    }
    return 0;
}

/* One piece of the file: whole lines are read, the rest stays in `line`. */
static int read_piece(struct journal_replay *replay, struct buf *line, const char *piece,
                      size_t len, struct err *err)
{
    while (len > 0) {
        const char *end = memchr(piece, '\n', len);
        size_t taken = end == NULL ? len : (size_t)(end + 1 - piece);
        buf_append(line, piece, taken);
        if (line->failed) {
            return line->no_memory ? err_set(err, ERR_NOMEM, "out of memory")
                                   : refuse_at(&replay->import->remarks, replay->line + 1, err,
                                               "this line is longer than 16 MiB");
        }
        if (end != NULL) {
            TRY(read_line(replay, buf_text(line), line->len, err));
            buf_clear(line);
        }
        piece += taken;
        len -= taken;
    }
    return 0;
}

static int read_lines(struct journal_replay *replay, FILE *file, struct err *err)
{
    OWN(buf) struct buf line = {0};
    OWN(memory) char *piece = malloc(PIECE_BYTES);
    size_t len;

    if (piece == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    buf_init(&line, LINE_BYTES);
    while ((len = fread(piece, 1, PIECE_BYTES, file)) > 0) {
        TRY(read_piece(replay, &line, piece, len, err));
    }
    if (line.len > 0) {
        TRY(read_line(replay, buf_text(&line), line.len, err));
    }
    return ferror(file) == 0 ? 0
                             : err_set(err, ERR_INVALID, "cannot read %.200s: %s",
                                       replay->import->path, strerror(errno));
}

static void keep_living(const struct journal_replay *replay, json_t *studies)
{
    size_t i;
    json_t *study;

    json_array_foreach (replay->studies, i, study) {
        if (!json_is_null(study)) {
            (void)json_array_append(studies, study);
        }
    }
}

int optuna_read_journal(struct import *import, json_t **studies, struct err *err)
{
    json_auto_t *all = json_array();
    json_auto_t *trials = json_array();
    json_auto_t *distributions = json_object();
    struct journal_replay replay = {
        .import = import, .studies = all, .trials = trials, .distributions = distributions};
    FILE *file = fopen(import->path, "re");

    if (file == NULL) {
        return err_set(err, ERR_INVALID, "cannot read %.200s: %s", import->path, strerror(errno));
    }
    int rc = read_lines(&replay, file, err);
    (void)fclose(file);
    TRY(rc);
    if (replay.n_unknown > 0) {
        remark_at(&import->remarks, 0,
                  "%zu operations of the journal are not known, and are left out; it may be of a "
                  "newer Optuna",
                  replay.n_unknown);
    }
    *studies = json_array();
    keep_living(&replay, *studies);
    return 0;
}
