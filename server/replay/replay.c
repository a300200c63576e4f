#include "server/replay/replay.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "common/json.h"
#include "common/step.h"
#include "server/replay/calls.h"
#include "server/replay/record.h"
#include "server/replay/suggestion.h"

enum result { SAME, DIFFERENT, NOT_RECORDED };

struct replay {
    struct study_record record;
    struct record_reader reader;
    struct calls calls;
    size_t next_trial; /* whose suggestion may be next */
    int64_t until;     /* decisions; 0: all */
    struct replay_counts counts;
    double largest_difference;
    struct digest *stored, *again;
};

int replay_create(int64_t study, int64_t until, struct replay **replay, struct err *err)
{
    OWN(replay) struct replay *made = calloc(1, sizeof *made);

    if (made == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    study_record_begin(&made->record, study, &made->reader);
    made->until = until;
    TRY(digest_create(&made->stored, err));
    TRY(digest_create(&made->again, err));
    *replay = made;
    made = NULL;
    return 0;
}

void replay_destroy(struct replay *replay)
{
    if (replay == NULL) {
        return;
    }
    calls_finish(&replay->calls);
    study_record_finish(&replay->record);
    digest_destroy(replay->stored);
    digest_destroy(replay->again);
    free(replay);
}

struct replay_counts replay_counts(const struct replay *replay)
{
    return replay->counts;
}

int replay_read(struct replay *replay, struct store *store, bool *more, struct err *err)
{
    TRY(study_record_read(&replay->reader, store, more, err));
    if (*more) {
        return 0;
    }
    for (size_t i = 0; i < replay->record.n_trials; i++) {
        const struct record_trial *trial = &replay->record.trials[i];
        replay->counts.enqueued += trial->n_events > 0 && trial->row.source == SOURCE_ENQUEUED;
        replay->counts.imported += trial->n_events > 0 && trial->row.source == SOURCE_IMPORTED;
    }
    return calls_create(&replay->record, &replay->calls, err);
}

/* ---- lines ---- */

static bool is_at_end(const struct replay *replay)
{
    return replay->until > 0 && replay->counts.decisions >= replay->until;
}

/* Begins the line of the next decision, and counts it. */
static void begin_line(struct replay *replay, const char *kind, int64_t trial, enum result result,
                       struct json_writer *w)
{
    static const char *const names[] = {
        [SAME] = "same", [DIFFERENT] = "different", [NOT_RECORDED] = "not_recorded"};
    struct replay_counts *counts = &replay->counts;

    counts->decisions++;
    counts->same += result == SAME;
    counts->different += result == DIFFERENT;
    counts->not_recorded += result == NOT_RECORDED;
    if (result == DIFFERENT && counts->first_difference == 0) {
        counts->first_difference = counts->decisions;
    }
    json_object_begin(w);
    json_put_int(w, "decision", counts->decisions);
    json_put_string(w, "kind", kind);
    json_put_int(w, "trial", trial);
    json_put_string(w, "result", names[result]);
}

static void end_line(struct json_writer *w, struct buf *out)
{
    json_object_end(w);
    buf_putc(out, '\n');
}

/* ---- suggestions ---- */

static void digest_number(struct digest *digest, double value)
{
    if (isnan(value)) {
        value = (double)NAN; /* of one kind */
    }
    digest_add(digest, &value, sizeof value);
}

static void digest_config(struct digest *digest, const struct record_trial *trial,
                          const double config[], size_t n_params)
{
    char text[64];
    int len = snprintf(text, sizeof text, "suggestion %" PRId64 " %" PRIu64 "\n",
                       trial_id_number(trial->row.id), trial->row.ordinal);

    digest_add(digest, text, (size_t)len);
    for (size_t i = 0; config != NULL && i < n_params; i++) {
        digest_number(digest, config[i]);
    }
}

/* Of the numbers, as parts of the larger one; 1: where only one of both is active. */
static double difference(const double a[], const double b[], size_t n)
{
    double largest = 0.0;

    for (size_t i = 0; i < n; i++) {
        if (isnan(a[i]) && isnan(b[i])) {
            continue;
        }
        double scale = fmax(fabs(a[i]), fabs(b[i]));
        double part = isnan(a[i]) || isnan(b[i]) ? 1.0
                      : scale > 0.0              ? fabs(a[i] - b[i]) / scale
                                                 : 0.0;
        largest = fmax(largest, part);
    }
    return largest;
}

static void write_suggestion(struct replay *replay, const struct record_trial *trial,
                             const struct suggestion_again *again, struct buf *out)
{
    const struct space *space = again->def->space;
    bool same = suggestion_is_same(trial, again);
    struct json_writer w;

    json_writer_init(&w, out);
    begin_line(replay, "suggestion", trial_id_number(trial->row.id),
               again->missing != NULL ? NOT_RECORDED
               : same                 ? SAME
                                      : DIFFERENT,
               &w);
    json_put_int(&w, "ordinal", (int64_t)trial->row.ordinal);
    json_write_key(&w, "stored");
    space_config_write(space, trial->row.config, &w);
    if (again->missing != NULL) {
        json_put_null(&w, "again");
        json_put_string(&w, "why", again->missing);
        end_line(&w, out);
        return;
    }
    digest_config(replay->stored, trial, trial->row.config, space->n_params);
    digest_config(replay->again, trial, again->config, space->n_params);
    if (again->config == NULL) {
        json_put_null(&w, "again");
        json_put_string(&w, "why", again->why.text);
    } else {
        json_write_key(&w, "again");
        space_config_write(space, again->config, &w);
        if (!same) {
            double part = difference(trial->row.config, again->config, space->n_params);
            replay->largest_difference = fmax(replay->largest_difference, part);
            json_put_number(&w, "difference", part);
        }
    }
    end_line(&w, out);
}

static int make_suggestion(struct replay *replay, const struct record_trial *trial,
                           const atomic_bool *stop, struct buf *out, struct err *err)
{
    OWN(suggestion_again) struct suggestion_again again = {0};

    TRY(suggestion_make_again(&replay->record, trial, stop, &again, err));
    write_suggestion(replay, trial, &again, out);
    return 0;
}

/* ---- what schedules decided ---- */

/* What kind of decision a fact is; NULL: it is an input. */
static const char *kind_of(enum schedule_fact fact)
{
    switch (fact) {
    case FACT_START:
        return "start";
    case FACT_PROMOTE:
        return "promotion";
    case FACT_LOSE:
    case FACT_LATE:
    case FACT_MEDIAN:
    case FACT_THRESHOLD:
        return "stop";
    case FACT_UNLOCK:
        return "unlock";
    case FACT_OBJECTIVE:
    case FACT_VALUE:
    case FACT_SHORT:
    case FACT_FAIL:
    case FACT_CANCEL:
    case FACT_SEAL:
    case FACT_DROP:
    case FACT_CHANCE:
    case FACT_MEAN:
    case FACT_SPREAD:
    case FACT_INCUMBENT:
    case FACT_RETRY:
    case FACT_COUNT:
    default:
        return NULL;
    }
}

static bool is_same_fact(const struct schedule_record *a, const struct schedule_record *b)
{
    return a != NULL && b != NULL && calls_same_fact(a, b);
}

static void digest_fact(struct digest *digest, const struct schedule_record *fact)
{
    char text[160];

    if (fact != NULL) {
        int len = snprintf(text, sizeof text, "%s %" PRId64 " %" PRId64 " %" PRId64 "\n",
                           schedule_fact_name(fact->fact), fact->trial, fact->bracket, fact->step);
        digest_add(digest, text, (size_t)len);
        digest_number(digest, fact->value);
    }
}

static void write_fact(const struct replay *replay, const char *key,
                       const struct schedule_record *fact, struct json_writer *w)
{
    int digits = study_record_def(&replay->record)->def->resource_digits;

    if (fact == NULL) {
        json_put_null(w, key);
        return;
    }
    json_write_key(w, key);
    json_object_begin(w);
    json_put_string(w, "event", schedule_fact_name(fact->fact));
    json_put_int(w, "trial", fact->trial);
    json_put_int(w, "bracket", fact->bracket);
    json_put_step(w, "step", fact->step, digits);
    if (isnan(fact->value) && fact->fact != FACT_VALUE) {
        json_put_null(w, "value");
    } else {
        json_put_number(w, "value", fact->value);
    }
    json_object_end(w);
}

/* `stored` or `again` is NULL where one of both has no such fact. */
static void write_decision(struct replay *replay, const struct schedule_record *stored,
                           const struct schedule_record *again, bool is_kept, struct buf *out)
{
    const struct schedule_record *one = stored != NULL ? stored : again;
    const char *kind = kind_of(one->fact);
    bool same = is_same_fact(stored, again);
    struct json_writer w;

    if ((kind == NULL && (same || !is_kept)) || is_at_end(replay)) {
        return;
    }
    json_writer_init(&w, out);
    begin_line(replay, kind == NULL ? "value" : kind, one->trial,
               !is_kept ? NOT_RECORDED
               : same   ? SAME
                        : DIFFERENT,
               &w);
    json_put_moment(&w, "at", one->at_ms);
    write_fact(replay, "stored", stored, &w);
    write_fact(replay, "again", again, &w);
    if (!is_kept) {
        json_put_string(&w, "why", "it was made by a version that did not keep its circumstances");
    } else {
        digest_fact(replay->stored, stored);
        digest_fact(replay->again, again);
    }
    end_line(&w, out);
}

static int make_call(struct replay *replay, struct buf *out, struct err *err)
{
    OWN(call_again) struct call_again again = {0};

    TRY(calls_make_next(&replay->calls, &again, err));
    size_t n = again.n > again.log.n ? again.n : again.log.n;
    for (size_t i = 0; i < n; i++) {
        const struct schedule_record *stored =
            i < again.n ? &replay->record.facts[again.first + i].record : NULL;
        write_decision(replay, stored, i < again.log.n ? &again.log.items[i] : NULL, again.is_kept,
                       out);
    }
    return 0;
}

/* ---- in order ---- */

static void hex(struct digest *digest, char text[2 * SHA256_BYTES + 1])
{
    unsigned char bytes[SHA256_BYTES];

    digest_end(digest, bytes);
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    }
}

static void write_summary(struct replay *replay, struct buf *out)
{
    const struct replay_counts *counts = &replay->counts;
    char text[2 * SHA256_BYTES + 1];
    struct json_writer w;

    json_writer_init(&w, out);
    json_object_begin(&w);
    json_put_int(&w, "decisions", counts->decisions);
    json_put_int(&w, "same", counts->same);
    json_put_int(&w, "different", counts->different);
    json_put_int(&w, "not_recorded", counts->not_recorded);
    json_put_int(&w, "enqueued", counts->enqueued);
    json_put_int(&w, "imported", counts->imported);
    if (counts->first_difference > 0) {
        json_put_int(&w, "first_difference", counts->first_difference);
        json_put_number(&w, "largest_difference", replay->largest_difference);
    } else {
        json_put_null(&w, "first_difference");
        json_put_null(&w, "largest_difference");
    }
    hex(replay->stored, text);
    json_put_string(&w, "digest", text);
    hex(replay->again, text);
    json_put_string(&w, "digest_again", text);
    json_object_end(&w);
    buf_putc(out, '\n');
}

/* The next trial that was suggested; NULL: none is left. */
static const struct record_trial *next_suggested(struct replay *replay)
{
    const struct study_record *record = &replay->record;

    for (; replay->next_trial < record->n_trials; replay->next_trial++) {
        const struct record_trial *trial = &record->trials[replay->next_trial];
        if (trial->n_events > 0 && trial->row.source == SOURCE_SUGGESTED) {
            return trial;
        }
    }
    return NULL;
}

int replay_write(struct replay *replay, const atomic_bool *stop, struct buf *out, bool *more,
                 struct err *err)
{
    const struct record_trial *trial = next_suggested(replay);
    int64_t call_seq = calls_next_seq(&replay->calls);
    bool has_call = call_seq != INT64_MAX;

    *more = !is_at_end(replay) && (trial != NULL || has_call);
    if (!*more) {
        write_summary(replay, out);
        return buf_check(out, err);
    }
    if (trial != NULL && (!has_call || trial->events[0].seq <= call_seq)) {
        replay->next_trial++;
        TRY(make_suggestion(replay, trial, stop, out, err));
    } else {
        TRY(make_call(replay, out, err));
    }
    return buf_check(out, err);
}

/* ---- all of it ---- */

struct study_search {
    const char *name;
    int64_t id; /* 0: not found */
};

static int find_study(void *context, struct study_row *row, struct err *err)
{
    struct study_search *search = context;

    (void)err;
    if (strcmp(row->name, search->name) == 0) {
        search->id = row->id;
    }
    return 0;
}

static int print_next(struct replay *replay, FILE *out, bool *more, struct err *err)
{
    OWN(buf) struct buf lines;

    buf_init(&lines, 64 << 20);
    TRY(replay_write(replay, NULL, &lines, more, err));
    return fwrite(buf_text(&lines), 1, lines.len, out) == lines.len
               ? 0
               : err_set(err, ERR_IO, "the decisions cannot be written");
}

int replay_print(struct store *store, const char *study, int64_t until, FILE *out, struct err *err)
{
    struct study_search search = {.name = study};
    OWN(replay) struct replay *replay = NULL;
    bool more = true;

    TRY(store_each_study(store, find_study, &search, err));
    if (search.id == 0) {
        return no_such_study(study, err);
    }
    TRY(replay_create(search.id, until, &replay, err));
    while (more) {
        TRY(replay_read(replay, store, &more, err));
    }
    for (more = true; more;) {
        TRY(print_next(replay, out, &more, err));
    }
    return fflush(out) == 0 ? 0 : err_set(err, ERR_IO, "the decisions cannot be written");
}
