#include "worker/cli/import/upload.h"

#include <inttypes.h>
#include <string.h>

#include "common/buf.h"
#include "common/json.h"
#include "worker/cli/status.h"

/* A request has at most 1,000 trials, 1 MiB and 50,000 values. */
enum { BATCH = 1000, BATCH_BYTES = 700 << 10, BATCH_VALUES = 30000 };

struct size {
    size_t bytes, values; /* at most */
};

static void measure(const json_t *value, struct size *size)
{
    const char *key;
    size_t i;
    json_t *member;

    size->values++;
    size->bytes += json_is_string(value) ? 6 * json_string_length(value) + 4 : 28;
    json_object_foreach (json_unconst(value), key, member) {
        size->bytes += strlen(key) + 6;
        size->values++;
        measure(member, size);
    }
    json_array_foreach (json_unconst(value), i, member) {
        measure(member, size);
    }
}

/* The trials from `from` on that one request may hold, at least one. */
static json_t *next_batch(const json_t *trials, size_t from)
{
    json_t *batch = json_array();
    struct size size = {0};

    for (size_t i = from; i < json_array_size(trials) && i < from + BATCH; i++) {
        measure(json_array_get(trials, i), &size);
        if (i > from && (size.bytes > BATCH_BYTES || size.values > BATCH_VALUES)) {
            break;
        }
        (void)json_array_append(batch, json_array_get(trials, i));
    }
    return batch;
}

struct known {
    size_t n;
    json_t *last; /* parameters; owned */
};

static int count_imported(void *context, json_t *item, struct err *err)
{
    struct known *known = context;

    (void)err;
    if (strcmp(text_at(item, "source"), "imported") == 0) {
        known->n++;
        json_decref(known->last);
        known->last = json_incref(json_object_get(item, "parameters"));
    }
    return 0;
}

/* As JSON compares: 1 is 1.0. */
static bool is_same_number(const json_t *a, const json_t *b)
{
    return json_is_number(a) && json_is_number(b) && json_number_value(a) == json_number_value(b);
}

static bool are_in(const json_t *parameters, const json_t *others)
{
    const char *name;
    json_t *value;

    json_object_foreach (json_unconst(parameters), name, value) {
        const json_t *other = json_object_get(others, name);
        if (!json_equal(value, json_unconst(other)) && !is_same_number(value, other)) {
            return false;
        }
    }
    return true;
}

/* The place of the finished trial that is the n-th one, counted from 1; the size: there is none. */
static size_t place_of(const json_t *trials, size_t n)
{
    size_t i = 0;

    for (; i < json_array_size(trials); i++) {
        n -= json_object_get(json_array_get(trials, i), "state") != NULL ? 1U : 0U;
        if (n == 0) {
            break;
        }
    }
    return i;
}

/* *from ← the first one that the study does not have. */
static int find_known(struct session *session, const char *study, const json_t *trials,
                      size_t *from, struct err *err)
{
    OWN(buf) struct buf path = {0};
    struct known known = {0};

    *from = 0;
    int rc = session_each(session, study_path(&path, study, "/trials?limit=1000"), count_imported,
                          &known, err);
    if (rc == 0 && known.n > 0) {
        size_t last = place_of(trials, known.n);
        const json_t *own = json_object_get(json_array_get(trials, last), "parameters");
        *from = last + 1;
        if (own == NULL || !are_in(own, known.last)) {
            rc = err_set(err, ERR_STUDY_EXISTS,
                         "study '%s' has %zu imported trials already, which are not those of this "
                         "file; import it under another name, with --study NAME",
                         study, known.n);
        }
    }
    json_decref(known.last);
    return rc;
}

static void count(const json_t *trials, size_t from, size_t *n_finished, size_t *n_to_try)
{
    *n_finished = 0;
    *n_to_try = 0;
    for (size_t i = from; i < json_array_size(trials); i++) {
        bool is_finished = json_object_get(json_array_get(trials, i), "state") != NULL;
        *(is_finished ? n_finished : n_to_try) += 1;
    }
}

void upload_preview(const json_t *trials)
{
    size_t n_finished;
    size_t n_to_try;

    count(trials, 0, &n_finished, &n_to_try);
    if (n_finished + n_to_try > 0) {
        say("and then %zu finished trials and %zu to try", n_finished, n_to_try);
    }
}

int upload_trials(struct session *session, const char *study, const json_t *trials, struct err *err)
{
    OWN(buf) struct buf path = {0};
    size_t from = 0;
    size_t n_finished;
    size_t n_to_try;

    if (json_array_size(trials) == 0) {
        return 0;
    }
    if (session->status != 201) {
        TRY(find_known(session, study, trials, &from, err));
    }
    count(trials, from, &n_finished, &n_to_try);
    if (from > 0) {
        say("%zu of its trials were there already", from);
    }
    if (from > 0 && n_finished == 0) { /* what was to be tried is queued */
        return 0;
    }
    (void)study_path(&path, study, "/trials");
    for (size_t at = from; at < json_array_size(trials);) {
        json_auto_t *batch = next_batch(trials, at);
        if (session_send(session, "POST", buf_text(&path), batch, NULL, err) != 0) {
            return err_wrap(err, "trials %zu to %zu of the file", at + 1,
                            at + json_array_size(batch));
        }
        at += json_array_size(batch);
    }
    say("%zu finished trials are imported, %zu to try are queued", n_finished, n_to_try);
    return 0;
}

static void rename_member(json_t *object, const char *from, const char *to)
{
    json_t *value = json_object_get(object, from);

    if (value != NULL && strcmp(from, to) != 0) {
        (void)json_object_set(object, to, value);
        (void)json_object_del(object, from);
    }
}

void upload_rename_metric(json_t *trials, const char *from, const char *to)
{
    size_t i;
    size_t k;
    json_t *trial;
    json_t *measurement;

    json_array_foreach (trials, i, trial) {
        rename_member(json_object_get(trial, "metrics"), from, to);
        json_array_foreach (json_object_get(trial, "measurements"), k, measurement) {
            rename_member(json_object_get(measurement, "metrics"), from, to);
        }
    }
}
