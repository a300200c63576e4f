#include "tests/support/history.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/json.h"

#define LINE_BYTES_MAX (16 << 20)

static const struct json_limits line_limits = {LINE_BYTES_MAX, 32, 1000000};

static const char *const kind_names[OP_KIND_COUNT] = {
    [OP_CREATE] = "create",   [OP_ENQUEUE] = "enqueue", [OP_LEASE] = "lease",
    [OP_MEASURE] = "measure", [OP_RESULT] = "result",   [OP_HEARTBEAT] = "heartbeat",
    [OP_RELEASE] = "release", [OP_READ] = "read",
};

void history_init(struct history *history)
{
    *history = (struct history){.dump_seq = -1};
    texts_init(&history->texts);
}

void history_finish(struct history *history)
{
    texts_finish(&history->texts);
    free(history->ops);
    free(history->points);
    free(history->items);
    free(history->studies);
    free(history->trials);
    free(history->attempts);
    free(history->rows);
    free(history->events);
    free(history->row_of);
    *history = (struct history){0};
}

/* ---- canonical text: equal exactly when two JSON values mean the same ----------------------- */

static int name_compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void canonical_write(struct json_writer *w, const json_t *value);

static void canonical_object(struct json_writer *w, const json_t *value)
{
    size_t n = 0;
    size_t n_members = json_object_size(value);
    OWN(memory) const char **names = calloc(n_members + 1, sizeof *names);
    const char *name;
    json_t *member;

    if (names == NULL) {
        abort();
    }
    json_object_foreach (json_unconst(value), name, member) {
        names[n++] = name;
    }
    qsort(names, n, sizeof *names, name_compare);
    json_object_begin(w);
    for (size_t i = 0; i < n; i++) {
        json_write_key(w, names[i]);
        canonical_write(w, json_object_get(value, names[i]));
    }
    json_object_end(w);
}

static void canonical_write(struct json_writer *w, const json_t *value)
{
    size_t i;
    json_t *member;

    if (json_is_object(value)) {
        canonical_object(w, value);
    } else if (json_is_array(value)) {
        json_array_begin(w);
        json_array_foreach (value, i, member) {
            canonical_write(w, member);
        }
        json_array_end(w);
    } else if (json_is_number(value)) {
        json_write_number(w, json_number_value(value)); /* 1 and 1.0 are one value */
    } else {
        json_write_value(w, value);
    }
}

static uint32_t canonical(struct history *history, const json_t *value)
{
    OWN(buf) struct buf text;
    struct json_writer w;

    buf_init(&text, LINE_BYTES_MAX);
    if (value == NULL) {
        return 0;
    }
    json_writer_init(&w, &text);
    canonical_write(&w, value);
    return texts_add(&history->texts, buf_text(&text));
}

/* ---- small readers -------------------------------------------------------------------------- */

static uint32_t text_of(struct history *history, const json_t *object, const char *name)
{
    return texts_add(&history->texts, json_string_value(json_object_get(object, name)));
}

static int64_t int_of(const json_t *object, const char *name, int64_t fallback)
{
    const json_t *value = json_object_get(object, name);

    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

static void add_points(struct history *history, int64_t step, const json_t *metrics)
{
    const char *name;
    json_t *value;

    json_object_foreach (json_unconst(metrics), name, value) {
        history->points =
            grow(history->points, history->n_points, &history->cap_points, sizeof(struct point));
        history->points[history->n_points++] = (struct point){
            .step = step,
            .metric = texts_add(&history->texts, name),
            .value = canonical(history, value),
        };
    }
}

static int parse_line(const char *line, size_t len, json_t **object, struct err *err)
{
    TRY(json_parse(line, len, &line_limits, object, err));
    if (!json_is_object(*object)) {
        return err_set(err, ERR_INVALID, "a line is no JSON object");
    }
    return 0;
}

/* ---- the history ---------------------------------------------------------------------------- */

static int kind_from_name(const char *name, enum op_kind *kind, struct err *err)
{
    for (int i = 0; i < OP_KIND_COUNT; i++) {
        if (name != NULL && strcmp(kind_names[i], name) == 0) {
            *kind = (enum op_kind)i;
            return 0;
        }
    }
    return err_set(err, ERR_INVALID, "unknown kind \"%s\"", name == NULL ? "" : name);
}

static void read_items(struct history *history, struct op *op, const json_t *items)
{
    size_t i;
    json_t *item;

    op->first_item = history->n_items;
    json_array_foreach (items, i, item) {
        history->items =
            grow(history->items, history->n_items, &history->cap_items, sizeof(struct enqueued));
        history->items[history->n_items++] = (struct enqueued){.params = canonical(history, item)};
    }
    op->n_items = history->n_items - op->first_item;
}

static void read_body(struct history *history, struct op *op, const json_t *body)
{
    size_t i;
    json_t *entry;

    op->body = canonical(history, body);
    op->outcome = text_of(history, body, "outcome");
    op->first_point = history->n_points;
    json_array_foreach (json_object_get(body, "measurements"), i, entry) {
        add_points(history, int_of(entry, "step", 0), json_object_get(entry, "metrics"));
    }
    if (op->kind == OP_RESULT) {
        add_points(history, int_of(body, "step", -1), json_object_get(body, "metrics"));
    }
    op->n_points = history->n_points - op->first_point;
}

static int remember_row(struct history *history, int64_t id, struct err *err)
{
    if (id < 1 || id > OP_MAX) {
        return err_set(err, ERR_INVALID, "op %" PRId64 " is not in 1..%d", id, OP_MAX);
    }
    while ((size_t)id >= history->cap_row_of) {
        size_t old = history->cap_row_of;

        history->row_of =
            grow(history->row_of, history->cap_row_of, &history->cap_row_of, sizeof(size_t));
        memset(history->row_of + old, 0, (history->cap_row_of - old) * sizeof(size_t));
    }
    if (history->row_of[id] != 0) {
        return err_set(err, ERR_INVALID, "op %" PRId64 " is invoked twice", id);
    }
    history->row_of[id] = history->n_ops + 1;
    return 0;
}

static int add_invoke(struct history *history, const json_t *line, struct err *err)
{
    const json_t *input = json_object_get(line, "input");
    struct op op = {.status = OP_INFO, .completed_ns = INT64_MAX, .seq = -1, .ttl_seconds = NAN};

    TRY(kind_from_name(json_string_value(json_object_get(line, "kind")), &op.kind, err));
    op.id = int_of(line, "op", 0);
    TRY(remember_row(history, op.id, err));
    op.invoked_ns = int_of(line, "at_ns", 0);
    op.client = text_of(history, line, "client");
    op.study = text_of(history, input, "study");
    op.worker = text_of(history, input, "worker");
    op.lease = text_of(history, input, "lease");
    op.key = text_of(history, input, op.kind == OP_LEASE ? "request_id" : "key");
    op.trial = int_of(input, "trial", 0);
    read_items(history, &op, json_object_get(input, "items"));
    read_body(history, &op, json_object_get(input, "body"));
    history->ops = grow(history->ops, history->n_ops, &history->cap_ops, sizeof(struct op));
    history->ops[history->n_ops++] = op;
    return 0;
}

static void read_lease_answer(struct history *history, struct op *op, const json_t *output)
{
    const json_t *lease = json_object_get(output, "lease");
    const json_t *trial = json_object_get(output, "trial");

    op->granted = json_is_object(lease);
    if (!op->granted) {
        return;
    }
    op->lease = text_of(history, lease, "id");
    op->ttl_seconds = json_number_value(json_object_get(lease, "ttl_seconds"));
    op->study = text_of(history, output, "study");
    op->trial = int_of(trial, "number", 0);
    op->attempt = int_of(trial, "attempt", 0);
    op->until = int_of(json_object_get(trial, "resource"), "to", 0);
    op->params = canonical(history, json_object_get(trial, "parameters"));
}

/* One trial, or {"items": [{"number"}, …]}. */
static void read_enqueue_answer(struct history *history, const struct op *op, const json_t *output)
{
    const json_t *items = json_object_get(output, "items");
    struct enqueued *enqueued = history->items + op->first_item;

    if (items == NULL && op->n_items == 1) {
        enqueued[0].number = int_of(output, "number", 0);
    }
    for (size_t i = 0; i < json_array_size(items) && i < op->n_items; i++) {
        enqueued[i].number = int_of(json_array_get(items, i), "number", 0);
    }
}

static void read_answer(struct history *history, struct op *op, const json_t *output)
{
    const char *action = json_string_value(json_object_get(output, "action"));

    op->aborted = action != NULL && strcmp(action, "abort") == 0;
    op->late = json_is_true(json_object_get(output, "late"));
    op->conflict = int_of(output, "conflict", 0);
    op->expires_ns = int_of(output, "expires_at_ns", 0);
    if (op->kind == OP_LEASE) {
        read_lease_answer(history, op, output);
    } else if (op->kind == OP_ENQUEUE) {
        read_enqueue_answer(history, op, output);
        op->answer = canonical(history, output);
    } else if (op->kind == OP_RESULT) {
        op->state = text_of(history, json_object_get(output, "trial"), "state");
        op->holder = int_of(json_object_get(output, "trial"), "attempt", 0);
        op->answer = canonical(history, output);
    } else if (op->kind == OP_READ) {
        op->state = text_of(history, output, "state");
        op->holder = int_of(output, "attempt", 0);
    }
}

static int add_answer(struct history *history, const char *event, const json_t *line,
                      struct err *err)
{
    int64_t id = int_of(line, "op", 0);
    struct op *op;

    if (id < 1 || (size_t)id >= history->cap_row_of || history->row_of[id] == 0) {
        return err_set(err, ERR_INVALID, "op %" PRId64 " is answered, but was not invoked", id);
    }
    op = &history->ops[history->row_of[id] - 1];
    if (op->completed_ns != INT64_MAX) {
        return err_set(err, ERR_INVALID, "op %" PRId64 " is answered twice", id);
    }
    op->completed_ns = int_of(line, "at_ns", 0);
    op->seq = int_of(line, "seq", -1);
    if (strcmp(event, "ok") == 0) {
        op->status = OP_OK;
        read_answer(history, op, json_object_get(line, "output"));
    } else {
        op->status = strcmp(event, "fail") == 0 ? OP_FAIL : OP_INFO;
        op->problem = text_of(history, json_object_get(line, "output"), "type");
    }
    return 0;
}

int history_add(struct history *history, const char *line, size_t len, struct err *err)
{
    json_auto_t *object = NULL;
    const char *event;

    TRY(parse_line(line, len, &object, err));
    event = json_string_value(json_object_get(object, "event"));
    if (event == NULL) {
        return err_set(err, ERR_INVALID, "a line has no \"event\"");
    }
    if (strcmp(event, "invoke") == 0) {
        return add_invoke(history, object, err);
    }
    if (strcmp(event, "ok") == 0 || strcmp(event, "fail") == 0 || strcmp(event, "info") == 0) {
        return add_answer(history, event, object, err);
    }
    if (strcmp(event, "fault") == 0) {
        history->n_faults++;
        history->calm_ns = int_of(object, "at_ns", 0);
        return 0;
    }
    if (strcmp(event, "calm") == 0 || strcmp(event, "drained") == 0) {
        *(event[0] == 'c' ? &history->calm_ns : &history->drained_ns) = int_of(object, "at_ns", 0);
        return 0;
    }
    return err_set(err, ERR_INVALID, "unknown event \"%s\"", event);
}

/* ---- the dump ------------------------------------------------------------------------------- */

static void add_study(struct history *history, const json_t *row)
{
    const json_t *strategy = json_object_get(row, "strategy");

    history->studies = grow(history->studies, history->n_studies, &history->cap_studies,
                            sizeof(struct dumped_study));
    history->studies[history->n_studies++] = (struct dumped_study){
        .name = text_of(history, row, "name"),
        .strategy = json_is_string(strategy)
                        ? texts_add(&history->texts, json_string_value(strategy))
                        : text_of(history, strategy, "name"),
        .resource_max =
            json_integer_value(json_object_get(json_object_get(row, "resource"), "max")),
        .attempts_max = int_of(json_object_get(row, "limits"), "attempts", 0),
    };
}

static void add_trial(struct history *history, uint32_t study, const json_t *row)
{
    struct dumped_trial trial = {
        .study = study,
        .number = int_of(row, "number", 0),
        .attempt = int_of(row, "attempt", 0),
        .state = text_of(history, row, "state"),
        .reason = text_of(history, row, "reason"),
        .source = text_of(history, row, "source"),
        .params = canonical(history, json_object_get(row, "parameters")),
        .first_point = history->n_points,
    };

    add_points(history, int_of(row, "step", 0), json_object_get(row, "metrics"));
    trial.n_points = history->n_points - trial.first_point;
    history->trials =
        grow(history->trials, history->n_trials, &history->cap_trials, sizeof(struct dumped_trial));
    history->trials[history->n_trials++] = trial;
}

static void add_attempt(struct history *history, uint32_t study, int64_t trial, const json_t *row)
{
    history->attempts = grow(history->attempts, history->n_attempts, &history->cap_attempts,
                             sizeof(struct dumped_attempt));
    history->attempts[history->n_attempts++] = (struct dumped_attempt){
        .study = study,
        .trial = trial,
        .attempt = int_of(row, "attempt", 0),
        .worker = text_of(history, row, "worker"),
        .state = text_of(history, row, "state"),
    };
}

static void add_event(struct history *history, const json_t *row)
{
    history->events =
        grow(history->events, history->n_events, &history->cap_events, sizeof(struct dumped_event));
    history->events[history->n_events++] = (struct dumped_event){
        .kind = text_of(history, row, "kind"),
        .study = text_of(history, row, "study"),
        .seq = int_of(row, "seq", 0),
        .trial = int_of(row, "trial", 0),
        .attempt = int_of(row, "attempt", 0),
    };
    if (history->events[history->n_events - 1].seq > history->dump_seq) {
        history->dump_seq = history->events[history->n_events - 1].seq;
    }
}

static void add_measurement(struct history *history, uint32_t study, int64_t trial,
                            const json_t *row)
{
    size_t first = history->n_points;

    add_points(history, int_of(row, "step", 0), json_object_get(row, "metrics"));
    for (size_t i = first; i < history->n_points; i++) {
        history->rows =
            grow(history->rows, history->n_rows, &history->cap_rows, sizeof(struct dumped_point));
        history->rows[history->n_rows++] = (struct dumped_point){
            .study = study,
            .trial = trial,
            .attempt = int_of(row, "attempt", 0),
            .point = history->points[i],
        };
    }
    history->n_points = first; /* they live in rows now */
}

int history_add_dump(struct history *history, const char *line, size_t len, struct err *err)
{
    json_auto_t *object = NULL;
    const json_t *row;
    const char *kind;
    uint32_t study;
    int64_t trial;

    TRY(parse_line(line, len, &object, err));
    kind = json_string_value(json_object_get(object, "kind"));
    row = json_object_get(object, "row");
    study = text_of(history, object, "study");
    trial = int_of(object, "trial", 0);
    if (kind == NULL) {
        return err_set(err, ERR_INVALID, "a line of the dump has no \"kind\"");
    }
    if (strcmp(kind, "study") == 0) {
        add_study(history, row);
    } else if (strcmp(kind, "trial") == 0) {
        add_trial(history, study, row);
    } else if (strcmp(kind, "attempt") == 0) {
        add_attempt(history, study, trial, row);
    } else if (strcmp(kind, "measurement") == 0) {
        add_measurement(history, study, trial, row);
    } else if (strcmp(kind, "event") == 0) {
        add_event(history, row);
    } else if (strcmp(kind, "server") == 0) {
        history->dump_seq = int_of(object, "seq", -1);
    } else {
        return err_set(err, ERR_INVALID, "unknown kind \"%s\" in the dump", kind);
    }
    return 0;
}
