/* The tools. What they do is up to the routes they name; here stands how their arguments are
 * called, and what is said around the answers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/names.h"
#include "server/mcp/call.h"

#define STUDY                                                                                      \
    {                                                                                              \
        .name = "study", .kind = ARGUMENT_NAME, .place = PLACE_PATH, .required = true,             \
        .description = "Name of the study"                                                         \
    }
#define TRIAL                                                                                      \
    {                                                                                              \
        .name = "trial", .kind = ARGUMENT_INTEGER, .place = PLACE_PATH, .required = true,          \
        .low = 1, .high = 4294967295, .description = "Number of the trial"                         \
    }

#define SKIP                                                                                       \
    {                                                                                              \
        .name = "skip", .kind = ARGUMENT_INTEGER, .place = PLACE_ANSWER, .low = 0,                 \
        .high = 10000000, .description = "Lines of the answer that were seen already"              \
    }

/* ---- what follows after an answer ---- */

/* Goes on with the study as text. */
static void show_study(struct call *call, const char *study)
{
    buf_clear(&call->target);
    buf_puts(&call->target, "/v1/studies/");
    url_add(&call->target, study);
    buf_puts(&call->target, "?format=text");
    call_forward(call, "GET", NULL);
}

static void show(struct call *call, const struct http_response *response)
{
    call_show(call, buf_text(&response->body), response->body.len);
}

/* The cursor in `Link: <…?cursor=X&…>; rel="next"`, as it stands there. */
static void add_cursor(struct call *call, const struct http_response *response)
{
    const char *link = response_header(response, "Link");
    const char *cursor = link == NULL ? NULL : strstr(link, "cursor=");

    if (cursor != NULL) {
        cursor += strlen("cursor=");
        buf_printf(&call->foot, "there are more: cursor=%.*s\n", (int)strcspn(cursor, "&>"),
                   cursor);
    }
}

static void show_page(struct call *call, const struct http_response *response)
{
    add_cursor(call, response);
    show(call, response);
}

/* ---- create_study ---- */

/* What of the arguments is for POST /v1/advice alone. */
static const char *const situation[] = {
    "evaluation_seconds", "available_seconds", "worker_seconds", "workers", "noisy",
    "checkpoints",        "experience",        "advice_rank",    NULL};
/* What POST /v1/advice does not take. */
static const char *const unadvised[] = {"description", "labels",      "job",      "seed",
                                        "after",       "lease",       "priority", "share",
                                        "requires",    "advice_rank", NULL};

static bool is_in(const char *name, const char *const names[])
{
    for (size_t i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Writes the arguments but those named, and those in `other`, as members of an open object. */
static void write_arguments(const struct call *call, const char *const except[],
                            const json_t *other, struct json_writer *w)
{
    const char *key;
    json_t *value;

    json_object_foreach (json_unconst(call->arguments), key, value) {
        if (!is_in(key, except) && json_object_get(other, key) == NULL) {
            json_put_value(w, key, value);
        }
    }
}

static void prepare_study(struct call *call, struct buf *body, struct faults *faults)
{
    const json_t *rank = json_object_get(call->arguments, "advice_rank");
    struct json_writer w;

    if (rank != NULL && (!json_is_integer(rank) || json_integer_value(rank) < 1)) {
        faults_add(faults, "/advice_rank", "must be an integer of at least 1");
        return;
    }
    if (rank != NULL) {
        buf_clear(&call->target);
        buf_puts(&call->target, "/v1/advice");
    }
    json_writer_init(&w, body);
    json_object_begin(&w);
    write_arguments(call, rank == NULL ? (const char *const[]){NULL} : unadvised, NULL, &w);
    json_object_end(&w);
}

/* The technique of that rank in the advice; NULL: the call was refused. */
static const json_t *find_advised(struct call *call, const json_t *advice)
{
    json_int_t rank = json_integer_value(json_object_get(call->arguments, "advice_rank"));
    const json_t *items = json_object_get(advice, "items");
    const json_t *item;
    size_t i;

    json_array_foreach (json_unconst(items), i, item) {
        if (json_integer_value(json_object_get(item, "rank")) != rank) {
            continue;
        }
        if (json_is_object(json_object_get(item, "study"))) {
            return item;
        }
        const char *why = json_string_value(json_array_get(json_object_get(item, "refused"), 0));
        call_refuse(call, "what stands at rank %" JSON_INTEGER_FORMAT " is not usable here: %s",
                    rank, why == NULL ? "see advise" : why);
        return NULL;
    }
    call_refuse(call, "the advice has no rank %" JSON_INTEGER_FORMAT "; see advise", rank);
    return NULL;
}

/* The definition that was sent, with what is advised in its place. */
static void create_advised(struct call *call, const struct http_response *response)
{
    json_auto_t *advice = call_json(call, response);
    const json_t *item = advice == NULL ? NULL : find_advised(call, advice);
    OWN(buf) struct buf body;
    struct json_writer w;
    const char *key;
    json_t *value;

    buf_init(&body, json_limits_default.bytes * 2);
    if (item == NULL) {
        return;
    }
    json_writer_init(&w, &body);
    json_object_begin(&w);
    write_arguments(call, situation, json_object_get(item, "study"), &w);
    json_object_foreach (json_object_get(item, "study"), key, value) {
        bool is_given =
            strcmp(key, "name") == 0 && json_object_get(call->arguments, "name") != NULL;
        json_put_value(&w, key, is_given ? json_object_get(call->arguments, "name") : value);
    }
    json_object_end(&w);
    const char *title = json_string_value(json_object_get(item, "title"));
    buf_printf(&call->head, "as advised: %s\n", title == NULL ? "" : title);
    buf_clear(&call->target);
    buf_puts(&call->target, "/v1/studies");
    call_forward(call, "POST", &body);
}

static void show_created(struct call *call, const struct http_response *response)
{
    json_auto_t *study = call_json(call, response);

    if (study == NULL) {
        return;
    }
    const char *name = json_string_value(json_object_get(study, "name"));
    buf_printf(&call->head, "%s study %s\n",
               response->status == 201 ? "created" : "there is already, with this definition,",
               name);
    buf_printf(&call->foot,
               "start workers where the program is: hone worker --study %s -- COMMAND {args}\n"
               "then: wait, study_status, best, explain_trial\n",
               name);
    show_study(call, name);
}

static void next_of_study(struct call *call, const struct http_response *response)
{
    bool is_advised = json_object_get(call->arguments, "advice_rank") != NULL;

    if (is_advised && call->step == 1) {
        create_advised(call, response);
    } else if (call->step == (is_advised ? 2 : 1)) {
        show_created(call, response);
    } else {
        show(call, response);
    }
}

/* ---- study_status ---- */

static void prepare_status(struct call *call, struct buf *body, struct faults *faults)
{
    (void)body;
    (void)faults;
    if (!json_is_true(json_object_get(call->arguments, "definition"))) {
        buf_puts(&call->target, "?format=text");
    }
}

/* A member a line; of a list of objects, an element. */
static void add_member(const char *key, const json_t *value, struct buf *out)
{
    struct json_writer w;
    const json_t *element;
    size_t i;

    if (json_is_array(value) && json_is_object(json_array_get(value, 0))) {
        json_array_foreach (json_unconst(value), i, element) {
            buf_printf(out, "%s[%zu]: ", key, i);
            json_writer_init(&w, out);
            json_write_value(&w, element);
            buf_putc(out, '\n');
        }
        return;
    }
    buf_printf(out, "%s: ", key);
    json_writer_init(&w, out);
    json_write_value(&w, value);
    buf_putc(out, '\n');
}

static void show_definition(struct call *call, const struct http_response *response)
{
    json_auto_t *study = call_json(call, response);
    OWN(buf) struct buf lines;
    const char *key;
    json_t *value;

    buf_init(&lines, (size_t)32 << 20);
    json_object_foreach (study, key, value) { /* parameters, which may be many, come last */
        if (strcmp(key, "parameters") != 0) {
            add_member(key, value, &lines);
        }
    }
    add_member("parameters", json_object_get(study, "parameters"), &lines);
    if (study != NULL) {
        call_show(call, buf_text(&lines), lines.len);
    }
}

static void show_status(struct call *call, const struct http_response *response)
{
    if (json_is_true(json_object_get(call->arguments, "definition"))) {
        show_definition(call, response);
    } else {
        show(call, response);
    }
}

/* ---- best ---- */

/* With several objectives there is no best trial but a front. */
static bool show_front(struct call *call, const struct http_response *response)
{
    if (response->status != 409 || call->step != 1) {
        return false;
    }
    buf_clear(&call->target);
    buf_puts(&call->target, "/v1/studies/");
    url_add(&call->target, call_string(call, "study"));
    buf_puts(&call->target, "/pareto?format=table&width=180");
    buf_puts(&call->head,
             "several objectives: no trial here is worse than another in all of them\n");
    call_forward(call, "GET", NULL);
    return true;
}

/* ---- propose_trials ---- */

static void check_proposal(const json_t *trial, size_t i, struct faults *faults)
{
    const char *key;
    json_t *value;

    json_object_foreach (json_unconst(trial), key, value) {
        if (strcmp(key, "parameters") != 0) {
            char pointer[120];
            (void)snprintf(pointer, sizeof pointer, "/trials/%zu/%.60s", i, key);
            faults_add(faults, pointer, "is not taken here: a proposal has \"parameters\" alone");
        }
    }
}

static void prepare_proposals(struct call *call, struct buf *body, struct faults *faults)
{
    const json_t *trials = json_object_get(call->arguments, "trials");
    const char *key = call_string(call, "request_id");
    const json_t *trial;
    struct json_writer w;
    size_t i;

    if (!json_is_array(trials) || json_array_size(trials) == 0) {
        faults_add(faults, "/trials", "must be a list: [{\"parameters\": {…}}, …]");
    }
    json_array_foreach (json_unconst(trials), i, trial) {
        check_proposal(trial, i, faults);
    }
    if (key != NULL && strlen(key) >= sizeof call->key) {
        faults_add(faults, "/request_id", "has at most %zu characters", sizeof call->key - 1);
        return;
    }
    (void)snprintf(call->key, sizeof call->key, "%s", key == NULL ? "" : key);
    json_writer_init(&w, body);
    json_write_value(&w, trials);
}

static void show_proposed(struct call *call, const struct http_response *response)
{
    json_auto_t *answer = call_json(call, response);
    const json_t *item;
    size_t i;

    if (answer == NULL) {
        return;
    }
    const json_t *items = json_object_get(answer, "items");
    buf_puts(&call->head, json_array_size(items) == 1 ? "queued as trial" : "queued as trials");
    json_array_foreach (json_unconst(items), i, item) {
        if (i < 100) {
            buf_printf(&call->head, "%s %" JSON_INTEGER_FORMAT, i == 0 ? "" : ",",
                       json_integer_value(json_object_get(item, "number")));
        }
    }
    buf_printf(&call->head,
               "%s\nthey are handed out before what the strategy proposes; wait, then "
               "explain_trial or trials shows what they came to\n",
               json_array_size(items) > 100 ? ", …" : "");
    call_show(call, "", 0);
}

/* ---- steer ---- */

static const struct {
    const char *action, *state;
} actions[] = {{"pause", "paused"}, {"resume", "running"}, {"stop", "stopped"}};

static void prepare_steer(struct call *call, struct buf *body, struct faults *faults)
{
    const char *action = call_string(call, "action");
    const json_t *limits = json_object_get(call->arguments, "limits");
    struct json_writer w;

    if (action == NULL && limits == NULL) {
        faults_add(faults, "/action", "is missing, and limits are not given either");
        return;
    }
    json_writer_init(&w, body);
    json_object_begin(&w);
    for (size_t i = 0; action != NULL && i < sizeof actions / sizeof actions[0]; i++) {
        if (strcmp(actions[i].action, action) == 0) {
            json_put_string(&w, "state", actions[i].state);
        }
    }
    if (limits != NULL) {
        json_put_value(&w, "limits", limits);
    }
    json_object_end(&w);
}

static void next_of_steer(struct call *call, const struct http_response *response)
{
    if (call->step == 1) {
        buf_puts(&call->head, "done; the study is now\n");
        show_study(call, call_string(call, "study"));
    } else {
        show(call, response);
    }
}

/* ---- wait ---- */

static void show_waited(struct call *call, const struct http_response *response)
{
    const char *seq = response_header(response, "Server-Seq");
    const char *again = response_header(response, "Retry-After");

    if (again != NULL) {
        buf_printf(&call->foot, "too many wait already: this answered at once; wait %.8s s\n",
                   again);
    }
    if (seq != NULL) {
        buf_printf(&call->foot, "to wait for what happens after this: after=%.20s\n", seq);
    }
    show(call, response);
}

/* ---- the tables ---- */

#define OBJECTIVE_ARGUMENTS                                                                        \
    {.name = "metric", .kind = ARGUMENT_STRING, .description = "Name of the metric, as reported"}, \
        {.name = "direction",                                                                      \
         .kind = ARGUMENT_CHOICE,                                                                  \
         .choices = {"minimize", "maximize"},                                                      \
         .description = "Of the metric"},                                                          \
        {.name = "objectives",                                                                     \
         .kind = ARGUMENT_JSON,                                                                    \
         .schema = "\"type\":\"array\",\"items\":{\"type\":\"object\"}",                           \
         .description = "Instead of metric and direction: [{metric, direction}, …]"},              \
        {.name = "parameters",                                                                     \
         .kind = ARGUMENT_JSON,                                                                    \
         .required = true,                                                                         \
         .schema = "\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"name\":"   \
                   "{\"type\":\"string\"},\"type\":{\"type\":\"string\",\"enum\":[\"float\","      \
                   "\"int\",\"categorical\",\"ordinal\",\"bool\",\"constant\"]},\"low\":{\"type\"" \
                   ":\"number\"},\"high\":{\"type\":\"number\"},\"scale\":{\"type\":\"string\","   \
                   "\"enum\":[\"linear\",\"log\",\"reverse_log\"]},\"step\":{\"type\":\"number\"}" \
                   ",\"choices\":{\"type\":\"array\"},\"default\":{},\"value\":{},\"when\":"       \
                   "{\"type\":\"object\"}},\"required\":[\"name\",\"type\"]}",                     \
         .description = "What is tuned: {name, type: float, low, high, scale: log}, {name, type: " \
                        "int, low, high}, {name, type: categorical, choices}; `when` {parent: "    \
                        "[values]} makes it conditional"},                                         \
        {.name = "constraints",                                                                    \
         .kind = ARGUMENT_JSON,                                                                    \
         .schema = "\"type\":\"array\",\"items\":{\"type\":\"string\"}",                           \
         .description = "Such as \"units * layers <= 1024\""},                                     \
        {.name = "resource",                                                                       \
         .kind = ARGUMENT_JSON,                                                                    \
         .schema = "\"type\":\"object\"",                                                          \
         .description = "What a trial is trained with, where it reports as it trains: {name: "     \
                        "epochs, min: 1, max: 81}"},                                               \
        {.name = "strategy",                                                                       \
         .kind = ARGUMENT_JSON,                                                                    \
         .schema = "\"type\":[\"string\",\"object\"]",                                             \
         .description = "Name, or {name, options}; auto unless said"},                             \
        {.name = "stopping",                                                                       \
         .kind = ARGUMENT_JSON,                                                                    \
         .schema = "\"type\":\"object\"",                                                          \
         .description = "{rule: median}, or {rule: threshold, step, value}"},                      \
    {                                                                                              \
        .name = "limits", .kind = ARGUMENT_JSON, .schema = "\"type\":\"object\"",                  \
        .description = "{trials, parallel, seconds, resource, target, failures, guest_share, …}" \
    }

#define SITUATION_ARGUMENTS                                                                        \
    {.name = "evaluation_seconds",                                                                 \
     .kind = ARGUMENT_JSON,                                                                        \
     .schema = "\"type\":\"number\"",                                                              \
     .description = "What one full training takes"},                                               \
        {.name = "available_seconds",                                                              \
         .kind = ARGUMENT_JSON,                                                                    \
         .schema = "\"type\":\"number\"",                                                          \
         .description = "How long it may take, by the clock"},                                     \
        {.name = "worker_seconds",                                                                 \
         .kind = ARGUMENT_JSON,                                                                    \
         .schema = "\"type\":\"number\"",                                                          \
         .description = "What all workers together may spend"},                                    \
        {.name = "workers",                                                                        \
         .kind = ARGUMENT_INTEGER,                                                                 \
         .low = 1,                                                                                 \
         .high = 1000000,                                                                          \
         .description = "How many trials can run at once"},                                        \
        {.name = "noisy",                                                                          \
         .kind = ARGUMENT_BOOLEAN,                                                                 \
         .description = "The same configuration gives another value each time"},                   \
        {.name = "checkpoints",                                                                    \
         .kind = ARGUMENT_BOOLEAN,                                                                 \
         .description = "The program goes on where it was paused"},                                \
    {                                                                                              \
        .name = "experience", .kind = ARGUMENT_CHOICE, .choices = {"new", "some", "expert"},       \
        .description = "With tuning, of who reads the advice"                                      \
    }

static const struct argument advise_arguments[] = {
    OBJECTIVE_ARGUMENTS,
    SITUATION_ARGUMENTS,
    SKIP,
    {0},
};

static const struct argument create_arguments[] = {
    {.name = "name",
     .kind = ARGUMENT_NAME,
     .required = true,
     .description = "Of the study; the same name and definition again is no new study"},
    OBJECTIVE_ARGUMENTS,
    {.name = "description", .kind = ARGUMENT_STRING, .description = "For people"},
    {.name = "labels",
     .kind = ARGUMENT_JSON,
     .schema = "\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}",
     .description = "For people and queries"},
    {.name = "job",
     .kind = ARGUMENT_JSON,
     .schema = "\"type\":\"object\"",
     .description = "{runner: NAME}: only workers with this runner take its trials"},
    {.name = "after",
     .kind = ARGUMENT_JSON,
     .schema = "\"type\":\"array\",\"items\":{\"type\":\"string\"}",
     .description = "Finished studies to learn from"},
    {.name = "seed",
     .kind = ARGUMENT_INTEGER,
     .low = 0,
     .high = 9007199254740991,
     .description = "The same seed and definition give the same trials"},
    {.name = "requires",
     .kind = ARGUMENT_JSON,
     .schema = "\"type\":\"object\"",
     .description = "{gpus, gpu_memory_mib, labels} of the workers"},
    {.name = "advice_rank",
     .kind = ARGUMENT_INTEGER,
     .low = 1,
     .high = 100,
     .description = "Take the strategy at this rank of what advise says for the same arguments; "
                    "the situation (workers, evaluation_seconds, …) counts with it alone"},
    SITUATION_ARGUMENTS,
    {0},
};

static const struct argument list_arguments[] = {
    {.name = "state",
     .kind = ARGUMENT_CHOICE,
     .place = PLACE_QUERY,
     .choices = {"running", "paused", "stopped", "finished"},
     .description = "Only studies in this state"},
    {.name = "limit",
     .kind = ARGUMENT_INTEGER,
     .place = PLACE_QUERY,
     .low = 1,
     .high = 100,
     .fallback = "10",
     .description = "How many at most; 10 unless said"},
    {.name = "cursor",
     .kind = ARGUMENT_STRING,
     .place = PLACE_QUERY,
     .description = "Where the last page ended, as it said"},
    {0},
};

static const struct argument status_arguments[] = {
    STUDY,
    {.name = "definition",
     .kind = ARGUMENT_BOOLEAN,
     .description = "Show what the study was made of as well: parameters, strategy, limits"},
    SKIP,
    {0},
};

static const struct argument study_arguments[] = {STUDY, SKIP, {0}};
static const struct argument trial_arguments[] = {STUDY, TRIAL, SKIP, {0}};

static const struct argument trials_arguments[] = {
    STUDY,
    {.name = "sort",
     .kind = ARGUMENT_STRING,
     .place = PLACE_QUERY,
     .fallback = "best",
     .description = "best (default), number, metric:NAME; -number is the newest first"},
    {.name = "state",
     .kind = ARGUMENT_STRING,
     .place = PLACE_QUERY,
     .description = "Only trials in these states, with commas: queued, running, paused, completed, "
                    "pruned, failed, infeasible, cancelled"},
    {.name = "source",
     .kind = ARGUMENT_CHOICE,
     .place = PLACE_QUERY,
     .choices = {"suggested", "enqueued", "imported"},
     .description = "Only trials that came this way"},
    {.name = "columns",
     .kind = ARGUMENT_STRING,
     .place = PLACE_QUERY,
     .query = "cols",
     .description =
         "Which columns, with commas: number,value,lr. Those that do not fit are left out"},
    {.name = "limit",
     .kind = ARGUMENT_INTEGER,
     .place = PLACE_QUERY,
     .low = 1,
     .high = 100,
     .fallback = "10",
     .description = "How many at most; 10 unless said"},
    {.name = "cursor",
     .kind = ARGUMENT_STRING,
     .place = PLACE_QUERY,
     .description = "Where the last page ended, as it said"},
    {0},
};

static const struct argument propose_arguments[] = {
    STUDY,
    {.name = "trials",
     .kind = ARGUMENT_JSON,
     .required = true,
     .schema =
         "\"type\":\"array\",\"minItems\":1,\"maxItems\":1000,\"items\":{\"type\":\"object\","
         "\"properties\":{\"parameters\":{\"type\":\"object\"}},\"required\":[\"parameters\"],"
         "\"additionalProperties\":false}",
     .description = "[{parameters: {lr: 0.01, …}}, …], all or none; a parameter that is left out "
                    "takes its default"},
    {.name = "request_id",
     .kind = ARGUMENT_STRING,
     .description = "Any text: the same again within a day queues nothing twice"},
    {0},
};

static const struct argument log_arguments[] = {
    STUDY,
    TRIAL,
    {.name = "lines",
     .kind = ARGUMENT_INTEGER,
     .place = PLACE_QUERY,
     .query = "tail",
     .low = 1,
     .high = 1000,
     .fallback = "40",
     .description = "The last ones, 40 unless said; skip counts from the end"},
    {.name = "attempt",
     .kind = ARGUMENT_INTEGER,
     .place = PLACE_QUERY,
     .low = 1,
     .high = 2147483647,
     .description = "The newest unless said"},
    SKIP,
    {0},
};

static const struct argument steer_arguments[] = {
    STUDY,
    {.name = "action",
     .kind = ARGUMENT_CHOICE,
     .choices = {"pause", "resume", "stop"},
     .description =
         "pause: running trials go on, nothing new goes out; stop: running trials are told "
         "to stop, those that wait are cancelled for good; resume: after either"},
    {.name = "limits",
     .kind = ARGUMENT_JSON,
     .schema = "\"type\":\"object\"",
     .description =
         "Limits to set, null removes one: {trials: 200}. A study that had ended by a limit "
         "runs again once that is raised"},
    {0},
};

static const struct argument wait_arguments[] = {
    STUDY,
    {.name = "seconds",
     .kind = ARGUMENT_INTEGER,
     .place = PLACE_QUERY,
     .query = "wait",
     .low = 1,
     .high = 50,
     .fallback = "20",
     .description = "At most; 20 unless said"},
    {.name = "after",
     .kind = ARGUMENT_INTEGER,
     .place = PLACE_QUERY,
     .low = 0,
     .high = 9007199254740991,
     .description = "Answer at once if something has happened after this event: the number that an "
                    "earlier wait ended with"},
    {0},
};

#define READ HTTP_SCOPE_READ
#define SUBMIT HTTP_SCOPE_SUBMIT

const struct tool tools[] = {
    {.name = "advise",
     .title = "Which strategy?",
     .description =
         "Ranks all strategies for a described problem by what was measured, with reasons, "
         "cost and finish time. Stores nothing. The more of the situation is said, the "
         "better: evaluation_seconds, workers, available_seconds.",
     .scopes = READ,
     .repeatable = true,
     .passes_on = true,
     .arguments = advise_arguments,
     .method = "POST",
     .target = "/v1/advice?format=text"},
    {.name = "create_study",
     .title = "Create a study",
     .description =
         "Creates a study, of a whole definition, or with the strategy that advise puts at "
         "advice_rank for the same arguments. Its trials then wait for workers.",
     .scopes = SUBMIT,
     .writes = true,
     .repeatable = true,
     .passes_on = true,
     .arguments = create_arguments,
     .method = "POST",
     .target = "/v1/studies",
     .prepare = prepare_study,
     .next = next_of_study,
     .rest = "study_status has the study"},
    {.name = "list_studies",
     .title = "List the studies",
     .description = "The studies, a line each: state, trials by state, best value.",
     .scopes = READ,
     .repeatable = true,
     .arguments = list_arguments,
     .method = "GET",
     .target = "/v1/studies?format=table&width=180",
     .next = show_page,
     .rest = "ask with a smaller limit, and the cursor of its end"},
    {.name = "study_status",
     .title = "How a study stands",
     .description =
         "State, trials by state, best value; with definition also parameters, strategy and "
         "limits.",
     .scopes = READ,
     .repeatable = true,
     .arguments = status_arguments,
     .method = "GET",
     .target = "/v1/studies/{study}",
     .prepare = prepare_status,
     .next = show_status},
    {.name = "trials",
     .title = "List trials",
     .description = "Trials of a study as a table, the best first: state, value, configuration.",
     .scopes = READ,
     .repeatable = true,
     .arguments = trials_arguments,
     .method = "GET",
     .target = "/v1/studies/{study}/trials?format=table&width=180",
     .next = show_page,
     .rest = "ask with a smaller limit, and the cursor of its end"},
    {.name = "best",
     .title = "The best trial",
     .description =
         "The best trial with its configuration; the Pareto front with several objectives.",
     .scopes = READ,
     .repeatable = true,
     .arguments = study_arguments,
     .method = "GET",
     .target = "/v1/studies/{study}/best?format=text",
     .despite = show_front},
    {.name = "explain_trial",
     .title = "Why a trial?",
     .description = "Why a trial was tried, and why it went on, waits, or was stopped.",
     .scopes = READ,
     .repeatable = true,
     .arguments = trial_arguments,
     .method = "GET",
     .target = "/v1/studies/{study}/trials/{trial}/explain?format=text"},
    {.name = "history",
     .title = "How the best improved",
     .description = "Each trial that was better than all before it, with the time and the training "
                    "spent until then.",
     .scopes = READ,
     .repeatable = true,
     .arguments = study_arguments,
     .method = "GET",
     .target = "/v1/studies/{study}/history?format=table",
     .end = TEXT_KEEPS_END},
    {.name = "brackets",
     .title = "Who goes on",
     .description =
         "For hyperband, successive_halving and asha: how many trials stand at each rung, "
         "what was promoted, what is waited for.",
     .scopes = READ,
     .repeatable = true,
     .arguments = study_arguments,
     .method = "GET",
     .target = "/v1/studies/{study}/brackets?format=text"},
    {.name = "importance",
     .title = "Which parameters matter",
     .description = "The share of each parameter in what makes a trial good.",
     .scopes = READ,
     .repeatable = true,
     .arguments = study_arguments,
     .method = "GET",
     .target = "/v1/studies/{study}/importance?format=table"},
    {.name = "trial_log",
     .title = "What a trial printed",
     .description = "The last lines that the program of a trial printed.",
     .scopes = READ,
     .repeatable = true,
     .arguments = log_arguments,
     .method = "GET",
     .target = "/v1/studies/{study}/trials/{trial}/log?format=table",
     .end = TEXT_KEEPS_END},
    {.name = "propose_trials",
     .title = "Propose configurations",
     .description =
         "Queues configurations of yours beside those of the strategy, which learns from "
         "them. They may be a share of all trials (limits.guest_share, 0.3 unless the study "
         "says otherwise): propose what you have a reason for, and leave the search to the "
         "strategy.",
     .scopes = SUBMIT,
     .writes = true,
     .arguments = propose_arguments,
     .method = "POST",
     .target = "/v1/studies/{study}/trials?guest=true",
     .prepare = prepare_proposals,
     .next = show_proposed,
     .faults_at = "/trials",
     .rest = ""},
    {.name = "steer",
     .title = "Pause, resume, stop",
     .description = "Pauses, resumes or stops a study, and changes its limits.",
     .scopes = SUBMIT,
     .writes = true,
     .destroys = true,
     .repeatable = true,
     .arguments = steer_arguments,
     .method = "PATCH",
     .target = "/v1/studies/{study}",
     .prepare = prepare_steer,
     .next = next_of_steer,
     .rest = "study_status has the study"},
    {.name = "wait",
     .title = "Wait for news",
     .description =
         "Answers when something has happened in a study, or the time is over, with how it "
         "stands.",
     .scopes = READ,
     .repeatable = true,
     .arguments = wait_arguments,
     .method = "GET",
     .target = "/v1/studies/{study}?format=text",
     .next = show_waited,
     .rest = "study_status has the study"},
    {0},
};
