#include "server/replay/record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/json.h"
#include "server/advice/read_back.h"
#include "server/state/facts.h"
#include "server/suggester/observation.h"

enum {
    TRIALS_PER_SLICE = 1000,
    EVENTS_PER_SLICE = 20000,
    CURVES_PER_SLICE = 200,
    POINTS_MAX = 8 << 20 /* 192 MiB */
};

/* ---- definitions ---- */

static int add_definition(struct study_record *record, const char *name, int64_t until_seq,
                          const char *text, struct err *err)
{
    struct study_def *def;

    TRY(array_reserve(&record->definitions, record->n_definitions, &record->cap_definitions,
                      sizeof *record->definitions, err));
    TRY(definition_read_back(name, text, &def, err));
    struct shared_def *shared = shared_def_create(def);
    if (shared == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    record->definitions[record->n_definitions++] =
        (struct record_definition){.until_seq = until_seq, .def = shared};
    return 0;
}

static int add_former(void *context, int64_t seq, const char *definition, struct err *err)
{
    return add_definition(context, "", seq, definition, err);
}

/* The definition as it is stored. */
static json_t *body_of(const struct study_def *def)
{
    OWN(buf) struct buf text;
    struct json_writer w;
    json_t *body = NULL;
    struct err ignored;

    buf_init(&text, 16 << 20);
    json_writer_init(&w, &text);
    json_object_begin(&w);
    study_def_write(def, &w);
    json_object_end(&w);
    return json_parse_own(buf_text(&text), &body, &ignored) == 0 ? body : NULL;
}

static bool have_same_space(const struct study_def *a, const struct study_def *b)
{
    static const char *const members[] = {"parameters", "constraints"};
    json_auto_t *left = body_of(a);
    json_auto_t *right = body_of(b);
    bool same = left != NULL && right != NULL;

    for (size_t i = 0; i < sizeof members / sizeof members[0] && same; i++) {
        const json_t *l = json_object_get(left, members[i]);
        const json_t *r = json_object_get(right, members[i]);
        same = l == r || (l != NULL && r != NULL && json_equal(json_unconst(l), json_unconst(r)));
    }
    return same;
}

struct shared_def *study_record_def(const struct study_record *record)
{
    return record->definitions[record->n_definitions - 1].def;
}

const struct record_definition *study_record_def_at(const struct study_record *record, int64_t seq)
{
    size_t i = 0;

    while (i + 1 < record->n_definitions && record->definitions[i].until_seq < seq) {
        i++;
    }
    return &record->definitions[i];
}

/* ---- the rest of what is read at once ---- */

static int add_fact(void *context, const struct fact_row *row, struct err *err)
{
    struct study_record *record = context;

    if (row->seq > record->last_seq) {
        return 1;
    }
    TRY(array_reserve(&record->facts, record->n_facts, &record->cap_facts, sizeof *record->facts,
                      err));
    record->facts[record->n_facts++] =
        (struct record_fact){.record = fact_record(row), .seq = row->seq};
    return 0;
}

static int add_fit(void *context, uint64_t n_seen, const void *data, size_t bytes, struct err *err)
{
    struct study_record *record = context;

    TRY(array_reserve(&record->fits, record->n_fits, &record->cap_fits, sizeof *record->fits, err));
    void *copy = malloc(bytes + 1);
    if (copy == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    memcpy(copy, data, bytes);
    record->fits[record->n_fits++] = (struct fit){.n_seen = n_seen, .bytes = bytes, .data = copy};
    return 0;
}

static int find_objective(void *context, int64_t id, const char *name, struct err *err)
{
    struct study_record *record = context;

    const struct study_def *def = study_record_def(record)->def;

    (void)err;
    if (strcmp(name, def->objectives[0].metric) == 0) {
        record->objective = id;
    }
    for (size_t i = 0; i < def->n_objectives; i++) {
        if (strcmp(name, def->objectives[i].metric) == 0) {
            record->parts[i] = id;
        }
    }
    for (size_t i = 0; i < def->n_bounds; i++) {
        if (strcmp(name, def->bounds[i].metric) == 0) {
            record->parts[def->n_objectives + i] = id;
        }
    }
    return 0;
}

static int read_study(struct study_record *record, struct store *store, struct err *err)
{
    OWN(study_row) struct study_row row = {0};

    TRY(store_last_seq(store, &record->last_seq, err));
    TRY(store_study_load(store, record->study, &row, err));
    TRY(store_each_former(store, record->study, add_former, record, err));
    TRY(add_definition(record, row.name, INT64_MAX, row.definition, err));
    for (size_t i = 0; i < record->n_definitions; i++) {
        struct record_definition *definition = &record->definitions[i];
        definition->same_space =
            have_same_space(definition->def->def, study_record_def(record)->def);
    }
    TRY(store_each_metric(store, record->study, find_objective, record, err));
    TRY(store_each_fact(store, record->study, add_fact, record, err) < 0);
    TRY(sources_load(store, record->study, study_record_def(record)->def, &record->sources, err));
    return store_each_fit(store, record->study, add_fit, record, err);
}

/* ---- trials ---- */

static int add_trial(void *context, struct trial_row *row, struct err *err)
{
    struct record_reader *reader = context;
    struct study_record *record = reader->record;

    reader->after = trial_id_number(row->id);
    if (reader->after != (int64_t)record->n_trials + 1) {
        return err_set(err, ERR_IO, "a trial before trial %" PRId64 " is missing", reader->after);
    }
    /* more: the space was extended after the definition was read */
    if (row->n_params < study_record_def(record)->def->space->n_params) {
        return err_set(err, ERR_IO, "the configuration of trial %" PRId64 " cannot be read back",
                       reader->after);
    }
    TRY(array_reserve(&record->trials, record->n_trials, &record->cap_trials,
                      sizeof *record->trials, err));
    free(row->explain);
    free(row->metrics);
    row->explain = NULL;
    row->metrics = NULL;
    record->trials[record->n_trials++] = (struct record_trial){.row = *row};
    *row = (struct trial_row){0};
    return 0;
}

static int add_basis(void *context, int64_t trial, const void *basis, size_t bytes, struct err *err)
{
    struct study_record *record = context;
    int64_t number = trial_id_number(trial);

    if (number > (int64_t)record->n_trials) {
        return 0;
    }
    struct record_trial *to = &record->trials[number - 1];
    to->basis = malloc(bytes + 1);
    if (to->basis == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    memcpy(to->basis, basis, bytes);
    to->basis_bytes = bytes;
    return 0;
}

static int read_trials(struct record_reader *reader, struct store *store, bool *is_done,
                       struct err *err)
{
    struct study_record *record = reader->record;
    size_t before = record->n_trials;
    const struct trial_query query = {
        .study = record->study, .after_number = reader->after, .limit = TRIALS_PER_SLICE};

    TRY(store_each_trial(store, &query, add_trial, reader, err));
    *is_done = record->n_trials - before < TRIALS_PER_SLICE;
    return *is_done ? store_each_basis(store, record->study, add_basis, record, err) : 0;
}

/* ---- events ---- */

static int add_event(void *context, const struct event_row *row, struct err *err)
{
    struct study_record *record = context;

    if (row->trial == 0 || row->trial > (int64_t)record->n_trials || row->seq > record->last_seq) {
        return 0;
    }
    if (row->kind == EVENT_MEASUREMENT_REPLACED) {
        record->trials[row->trial - 1].replaced_seq = row->seq;
        return 0;
    }
    if (row->kind < EVENT_TRIAL_QUEUED || row->kind > EVENT_ATTEMPT_ENDED) {
        return 0;
    }
    TRY(array_reserve(&record->events, record->n_events, &record->cap_events,
                      sizeof *record->events, err));
    record->events[record->n_events++] =
        (struct record_event){row->seq, row->trial, row->attempt, row->kind};
    return 0;
}

static int by_trial(const void *a, const void *b)
{
    const struct record_event *left = a;
    const struct record_event *right = b;

    return left->trial != right->trial ? (left->trial > right->trial) - (left->trial < right->trial)
                                       : (left->seq > right->seq) - (left->seq < right->seq);
}

/* A trial that had ended when the reading began has events; without them its decisions would not be
 * among those that are counted. */
static int check_events(const struct study_record *record, struct err *err)
{
    for (size_t i = 0; i < record->n_trials; i++) {
        const struct trial_row *row = &record->trials[i].row;
        if (row->source == SOURCE_SUGGESTED && record->trials[i].n_events == 0 && row->ended_seq > 0
            && (row->ended_seq <= record->last_seq || record->last_seq == 0)) {
            return err_set(err, ERR_IO, "the events of trial %zu are missing", i + 1);
        }
    }
    return 0;
}

/* Each trial gets its part of the events. */
static int share_events(struct study_record *record, struct err *err)
{
    size_t bytes = record->n_events * sizeof *record->events;

    record->by_trial = malloc(bytes + 1);
    if (record->by_trial == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (record->n_events > 0) {
        memcpy(record->by_trial, record->events, bytes);
        qsort(record->by_trial, record->n_events, sizeof *record->by_trial, by_trial);
    }
    for (size_t i = 0; i < record->n_events; i++) {
        struct record_trial *trial = &record->trials[record->by_trial[i].trial - 1];
        trial->events = trial->n_events++ == 0 ? &record->by_trial[i] : trial->events;
    }
    return check_events(record, err);
}

static int add_standing(void *context, const struct standing_row *row, struct err *err)
{
    struct study_record *record = context;

    TRY(array_reserve(&record->standings, record->n_standings, &record->cap_standings,
                      sizeof *record->standings, err));
    record->standings[record->n_standings++] = *row;
    return 0;
}

static int read_events(struct record_reader *reader, struct store *store, bool *is_done,
                       struct err *err)
{
    struct study_record *record = reader->record;
    int64_t before = reader->after;

    TRY(store_each_event(store, record->study, before, EVENTS_PER_SLICE, add_event, record,
                         &reader->after, err));
    *is_done = reader->after == before || reader->after >= record->last_seq;
    if (!*is_done) {
        return 0;
    }
    TRY(share_events(record, err));
    return store_each_standing(store, record->study, add_standing, record, err);
}

/* ---- measurements ---- */

struct points_reader {
    struct study_record *record;
    struct record_trial *trial;
    size_t part;
};

static int count_point(struct study_record *record, struct err *err)
{
    if (record->n_points == POINTS_MAX) {
        return err_set(err, ERR_TOO_LARGE,
                       "the study has more than %d measurements of its objective; too many to hold "
                       "in memory",
                       POINTS_MAX);
    }
    record->n_points++;
    return 0;
}

static int add_point(void *context, int64_t metric, int64_t attempt, int64_t step, double value,
                     struct err *err)
{
    struct points_reader *reader = context;
    struct record_trial *trial = reader->trial;

    (void)metric;
    TRY(count_point(reader->record, err));
    TRY(array_reserve(&trial->points, trial->n_points, &trial->cap_points, sizeof *trial->points,
                      err));
    trial->points[trial->n_points++] = (struct record_point){step, attempt, value};
    return 0;
}

static int add_part(void *context, int64_t metric, int64_t attempt, int64_t step, double value,
                    struct err *err)
{
    struct points_reader *reader = context;
    struct record_trial *trial = reader->trial;

    (void)metric;
    TRY(count_point(reader->record, err));
    TRY(array_reserve(&trial->parts, trial->n_parts, &trial->cap_parts, sizeof *trial->parts, err));
    trial->parts[trial->n_parts++] = (struct record_part){reader->part, {step, attempt, value}};
    return 0;
}

static int by_step_and_part(const void *a, const void *b)
{
    const struct record_part *x = a;
    const struct record_part *y = b;

    if (x->point.step != y->point.step) {
        return x->point.step < y->point.step ? -1 : 1;
    }
    if (x->part != y->part) {
        return x->part > y->part ? -1 : 1;
    }
    return (x->point.attempt > y->point.attempt) - (x->point.attempt < y->point.attempt);
}

/* What a schedule ranks by, where there are several objectives. */
static int read_parts(struct points_reader *reader, struct store *store, struct err *err)
{
    const struct study_record *record = reader->record;
    const struct study_def *def = study_record_def(record)->def;
    struct record_trial *trial = reader->trial;

    if (def->n_objectives == 1 || record->n_facts == 0) {
        return 0;
    }
    for (size_t i = 0; i < def->n_objectives + def->n_bounds; i++) {
        reader->part = i;
        if (record->parts[i] >= 0) {
            TRY(store_each_measurement(store, trial->row.id, record->parts[i], add_part, reader,
                                       err));
        }
    }
    if (trial->n_parts > 0) {
        qsort(trial->parts, trial->n_parts, sizeof *trial->parts, by_step_and_part);
    }
    return 0;
}

static int read_curves(struct record_reader *reader, struct store *store, bool *is_done,
                       struct err *err)
{
    struct study_record *record = reader->record;
    bool wanted = record->objective >= 0
                  && (study_record_def(record)->def->has_resource || record->n_facts > 0);
    int64_t end = wanted ? (int64_t)record->n_trials : 0;
    int64_t last = reader->after + CURVES_PER_SLICE < end ? reader->after + CURVES_PER_SLICE : end;

    while (reader->after < last) {
        struct points_reader points = {.record = record, .trial = &record->trials[reader->after++]};
        TRY(store_each_measurement(store, points.trial->row.id, record->objective, add_point,
                                   &points, err));
        TRY(read_parts(&points, store, err));
    }
    *is_done = reader->after >= end;
    return 0;
}

/* ---- in slices ---- */

void study_record_begin(struct study_record *record, int64_t study, struct record_reader *reader)
{
    *record = (struct study_record){.study = study, .objective = -1};
    for (size_t i = 0; i < sizeof record->parts / sizeof record->parts[0]; i++) {
        record->parts[i] = -1;
    }
    *reader = (struct record_reader){.record = record};
}

static int read_slice(struct record_reader *reader, struct store *store, bool *is_done,
                      struct err *err)
{
    *is_done = true;
    switch (reader->stage) {
    case 0:
        return read_study(reader->record, store, err);
    case 1:
        return read_trials(reader, store, is_done, err);
    case 2:
        return read_events(reader, store, is_done, err);
    default:
        return read_curves(reader, store, is_done, err);
    }
}

int study_record_read(struct record_reader *reader, struct store *store, bool *more,
                      struct err *err)
{
    bool is_done;

    TRY(store_read_begin(store, err));
    int result = read_slice(reader, store, &is_done, err);
    store_read_end(store);
    TRY(result);
    if (is_done) {
        reader->stage++;
        reader->after = 0;
    }
    *more = reader->stage <= 3;
    return 0;
}

void study_record_finish(struct study_record *record)
{
    for (size_t i = 0; i < record->n_definitions; i++) {
        shared_def_destroy(record->definitions[i].def);
    }
    for (size_t i = 0; i < record->n_trials; i++) {
        trial_row_finish(&record->trials[i].row);
        free(record->trials[i].basis);
        free(record->trials[i].points);
        free(record->trials[i].parts);
    }
    for (size_t i = 0; i < record->n_fits; i++) {
        release_const(record->fits[i].data);
    }
    free(record->definitions);
    free(record->trials);
    free(record->events);
    free(record->by_trial);
    free(record->standings);
    free(record->facts);
    free(record->fits);
    sources_finish(&record->sources);
    *record = (struct study_record){0};
}
