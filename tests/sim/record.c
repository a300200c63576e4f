#include "tests/sim/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"

#define LINE_BYTES_MAX (4 << 20)

void record_init(struct record *record, FILE *trace)
{
    *record = (struct record){.trace = trace};
    history_init(&record->history);
}

void record_finish(struct record *record)
{
    history_finish(&record->history);
}

typedef int add_line(struct history *history, const char *line, size_t len, struct err *err);

static void put(struct record *record, add_line *add, const struct buf *line)
{
    struct err err = {0};

    for (size_t i = 0; i < line->len; i++) {
        record->hash = splitmix64(record->hash ^ (unsigned char)line->data[i]);
    }
    if (record->trace != NULL) {
        (void)fprintf(record->trace, "%s\n", buf_text(line));
    }
    if (line->failed || add(&record->history, line->data, line->len, &err) != 0) {
        (void)fprintf(stderr, "the recorder wrote a line that cannot be read: %s: %s\n", err.text,
                      buf_text(line));
        abort();
    }
}

static int64_t moment_ns(struct record *record, int64_t now_ms)
{
    return now_ms * 1000000 + record->tick++ % 1000000;
}

int64_t record_invoke(struct record *record, int64_t now_ms, const char *client, const char *kind,
                      const char *input)
{
    OWN(buf) struct buf line;

    buf_init(&line, LINE_BYTES_MAX);
    buf_printf(&line,
               "{\"event\":\"invoke\",\"op\":%" PRId64 ",\"at_ns\":%" PRId64
               ",\"client\":\"%s\",\"kind\":\"%s\",\"input\":%s}",
               ++record->n_ops, moment_ns(record, now_ms), client, kind, input);
    put(record, history_add, &line);
    return record->n_ops;
}

void record_fault(struct record *record, int64_t now_ms, const char *kind)
{
    OWN(buf) struct buf line;

    buf_init(&line, LINE_BYTES_MAX);
    buf_printf(&line, "{\"event\":\"fault\",\"at_ns\":%" PRId64 ",\"kind\":\"%s\"}",
               moment_ns(record, now_ms), kind);
    put(record, history_add, &line);
}

/* ---- answers -------------------------------------------------------------------------------- */

static void write_grant(struct buf *line, const struct lease_grant *grant)
{
    buf_printf(line,
               "{\"lease\":{\"id\":\"%s\",\"ttl_seconds\":%.3f},\"study\":\"%s\",\"trial\":{"
               "\"number\":%" PRId64 ",\"attempt\":%" PRId64 ",\"resource\":{\"to\":%" PRId64
               "},\"parameters\":%s}}",
               grant->id, grant->ttl_seconds, grant->study, grant->trial, grant->attempt,
               grant->has_resource ? grant->to : 0, grant->parameters);
}

static void write_numbers(struct buf *line, const struct command *command)
{
    const char *at = command->is_replay ? command->replay_text : "";
    bool first = true;

    buf_puts(line, "{\"items\":[");
    for (size_t i = 0; !command->is_replay && i < as_const_trials_add(command)->out.n_numbers;
         i++) {
        buf_printf(line, "%s{\"number\":%" PRId64 "}", i == 0 ? "" : ",",
                   as_const_trials_add(command)->out.numbers[i]);
    }
    while (*at != '\0') {
        char *end;

        buf_printf(line, "%s{\"number\":%lld}", first ? "" : ",", strtoll(at, &end, 10));
        first = false;
        at = *end == ' ' ? end + 1 : end;
    }
    buf_puts(line, "]}");
}

static void write_trial(struct buf *line, const struct result_command *result)
{
    const struct trial_row *row = &result->out.trial.row;
    char value[JSON_NUMBER_BYTES];

    buf_printf(line, "{\"trial\":{\"state\":\"%s\",\"attempt\":%" PRId64,
               trial_state_name(row->state), row->attempt);
    if (row->n_values == 1) {
        buf_printf(line, ",\"value\":\"%s\"", json_format_number(row->values[0], value));
    }
    buf_printf(line, "},\"late\":%s}", result->out.late ? "true" : "false");
}

static void write_action(struct buf *line, const struct action_reply *reply, int64_t wall_offset_ms)
{
    buf_printf(line, "{\"action\":\"%s\",\"conflict\":%" PRId64 ",\"expires_at_ns\":%" PRId64 "}",
               action_name(reply->action), reply->conflict,
               (reply->expires_at_ms - wall_offset_ms) * 1000000);
}

static void write_output(struct buf *line, const struct command *command, int64_t wall_offset_ms)
{
    switch (command->kind) {
    case COMMAND_ASK:
        if (as_const_ask(command)->out.granted) {
            write_grant(line, &as_const_ask(command)->out.grant);
        } else {
            buf_puts(line, "{\"lease\":null}");
        }
        break;
    case COMMAND_MEASURE:
        write_action(line, &as_const_measure(command)->out.action, wall_offset_ms);
        break;
    case COMMAND_HEARTBEAT:
        write_action(line, &as_const_heartbeat(command)->out.action, wall_offset_ms);
        break;
    case COMMAND_RESULT:
        write_trial(line, as_const_result(command));
        break;
    case COMMAND_TRIALS_ADD:
        write_numbers(line, command);
        break;
    case COMMAND_STUDY_CREATE:
    case COMMAND_STUDY_PATCH:
    case COMMAND_STUDY_DELETE:
    case COMMAND_TRIAL_CANCEL:
    case COMMAND_TRIALS_RETRY:
    case COMMAND_RELEASE:
    case COMMAND_SUGGESTION:
    case COMMAND_UNSENT:
    case COMMAND_TOKEN_CREATE:
    case COMMAND_TOKEN_REVOKE:
    case COMMAND_WORKER_SET:
    case COMMAND_BACKUP:
    case COMMAND_KIND_COUNT:
    default:
        buf_puts(line, "{}");
        break;
    }
}

void record_answer(struct record *record, int64_t now_ms, int64_t op, const struct command *command)
{
    const char *event = command->err.code == ERR_NONE         ? "ok"
                        : command->err.code == ERR_OVERLOADED ? "info"
                                                              : "fail";
    OWN(buf) struct buf line;

    buf_init(&line, LINE_BYTES_MAX);
    buf_printf(&line, "{\"event\":\"%s\",\"op\":%" PRId64 ",\"at_ns\":%" PRId64, event, op,
               moment_ns(record, now_ms));
    if (command->err.code == ERR_NONE) {
        if (command->kind != COMMAND_HEARTBEAT) {
            buf_printf(&line, ",\"seq\":%" PRId64, command->server_seq);
        }
        buf_puts(&line, ",\"output\":");
        write_output(&line, command, record->wall_offset_ms);
    }
    buf_puts(&line, "}");
    put(record, history_add, &line);
}

/* ---- the dump ------------------------------------------------------------------------------- */

struct dump {
    struct record *record;
    struct world *world;
    const char *study;
    struct study_def *def;
    char metrics[METRICS_MAX][METRIC_NAME_BYTES + 1];
    struct texts workers; /* in order of id */
    int64_t trial;
};

static void dump_line(struct dump *dump, const char *kind, const char *row)
{
    OWN(buf) struct buf line;

    buf_init(&line, LINE_BYTES_MAX);
    buf_printf(&line, "{\"kind\":\"%s\",\"study\":\"%s\",\"trial\":%" PRId64 ",\"row\":%s}", kind,
               dump->study, trial_id_number(dump->trial), row);
    put(dump->record, history_add_dump, &line);
}

static int dump_measurement(void *context, int64_t metric, int64_t attempt, int64_t step,
                            double value, struct err *err)
{
    struct dump *dump = context;
    OWN(buf) struct buf row;
    struct json_writer w;

    (void)err;
    buf_init(&row, LINE_BYTES_MAX);
    buf_printf(&row, "{\"attempt\":%" PRId64 ",\"step\":%" PRId64 ",\"metrics\":{\"%s\":", attempt,
               step, dump->metrics[metric]);
    json_writer_init(&w, &row);
    json_write_number(&w, value);
    buf_puts(&row, "}}");
    dump_line(dump, "measurement", buf_text(&row));
    return 0;
}

static int dump_attempt(void *context, struct attempt_row *attempt, struct err *err)
{
    struct dump *dump = context;
    char row[256];

    (void)err;
    (void)snprintf(row, sizeof row, "{\"attempt\":%" PRId64 ",\"worker\":\"%s\",\"state\":\"%s\"}",
                   attempt->number, texts_get(&dump->workers, (uint32_t)attempt->worker),
                   attempt_end_name(attempt->end));
    dump_line(dump, "attempt", row);
    attempt_row_finish(attempt);
    return 0;
}

static void write_trial_row(const struct dump *dump, const struct trial_row *trial, struct buf *row)
{
    struct json_writer w;

    json_writer_init(&w, row);
    json_object_begin(&w);
    json_put_int(&w, "number", trial_id_number(trial->id));
    json_put_string(&w, "state", trial_state_name(trial->state));
    json_put_string(&w, "reason", trial->reason);
    json_put_string(&w, "source", trial_source_name(trial->source));
    json_put_int(&w, "attempt", trial->attempt);
    json_put_int(&w, "step", trial->step);
    json_write_key(&w, "parameters");
    space_config_write(dump->def->space, trial->config, &w);
    if (trial->metrics != NULL) {
        json_put_raw(&w, "metrics", trial->metrics, strlen(trial->metrics));
    }
    json_object_end(&w);
}

static int dump_trial(void *context, struct trial_row *trial, struct err *err)
{
    struct dump *dump = context;
    OWN(buf) struct buf row;

    buf_init(&row, LINE_BYTES_MAX);
    dump->trial = trial->id;
    write_trial_row(dump, trial, &row);
    trial_row_finish(trial);
    dump_line(dump, "trial", buf_text(&row));
    TRY(store_each_attempt(dump->world->store, dump->trial, dump_attempt, dump, err));
    return store_each_measurement(dump->world->store, dump->trial, -1, dump_measurement, dump, err);
}

static int dump_event(void *context, const struct event_row *event, struct err *err)
{
    struct dump *dump = context;
    char row[256];

    (void)err;
    (void)snprintf(row, sizeof row,
                   "{\"seq\":%" PRId64 ",\"kind\":\"%s\",\"study\":\"%s\",\"trial\":%" PRId64
                   ",\"attempt\":%" PRId64 "}",
                   event->seq, event_kind_name(event->kind), dump->study, event->trial,
                   event->attempt);
    dump_line(dump, "event", row);
    return 0;
}

static int note_metric(void *context, int64_t id, const char *name, struct err *err)
{
    struct dump *dump = context;

    (void)err;
    (void)snprintf(dump->metrics[id], sizeof dump->metrics[0], "%s", name);
    return 0;
}

/* Every trial by its number, in pages, as a list through the API would. */
static int dump_trials(struct dump *dump, const struct study_row *study, struct err *err)
{
    struct trial_query query = {.study = study->id, .limit = 500};
    int64_t last;

    do {
        last = query.after_number;
        TRY(store_each_trial(dump->world->store, &query, dump_trial, dump, err));
        query.after_number = trial_id_number(dump->trial);
    } while (query.after_number > last && query.after_number < study->last_number);
    return 0;
}

static int dump_study(void *context, struct study_row *study, struct err *err)
{
    struct dump *dump = context;
    struct faults faults = {0};
    json_auto_t *body = NULL;
    int result;

    dump->study = study->name;
    dump->trial = 0;
    dump_line(dump, "study", study->definition);
    TRY(json_parse(study->definition, strlen(study->definition), &json_limits_default, &body, err));
    TRY(study_def_from_json(body, 0, &dump->def, &faults));
    result = store_each_metric(dump->world->store, study->id, note_metric, dump, err);
    if (result == 0) {
        result = dump_trials(dump, study, err);
    }
    if (result == 0) {
        int64_t looked_at = 0;
        result = store_each_event(dump->world->store, study->id, 0, -1, dump_event, dump,
                                  &looked_at, err);
    }
    study_def_destroy(dump->def);
    study_row_finish(study);
    return result;
}

static int note_worker(void *context, int64_t id, const char *name, struct err *err)
{
    struct dump *dump = context;

    (void)err;
    while ((int64_t)dump->workers.n < id) {
        char gap[32];

        (void)snprintf(gap, sizeof gap, "gap %zu", dump->workers.n);
        (void)texts_add(&dump->workers, gap);
    }
    (void)texts_add(&dump->workers, name);
    return 0;
}

int record_dump(struct record *record, struct world *world, struct err *err)
{
    struct dump *dump = calloc(1, sizeof *dump);
    OWN(buf) struct buf line;
    int result;

    buf_init(&line, LINE_BYTES_MAX);
    if (dump == NULL) {
        abort();
    }
    dump->record = record;
    dump->world = world;
    texts_init(&dump->workers);
    result = store_each_worker(world->store, INT64_MAX, note_worker, dump, err);
    if (result == 0) {
        result = store_each_study(world->store, dump_study, dump, err);
    }
    buf_printf(&line, "{\"kind\":\"server\",\"seq\":%" PRId64 "}", tuning_last_seq(world->tuning));
    put(record, history_add_dump, &line);
    texts_finish(&dump->workers);
    free(dump);
    return result;
}
