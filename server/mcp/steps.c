#include "server/mcp/steps.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/cell.h"
#include "common/json_value.h"
#include "server/mcp/answer.h"
#include "server/mcp/run.h"

/* ---- what follows after an answer ---- */

/* Goes on with the study as text. */
static void show_study(struct call *call, const char *study)
{
    buf_clear(&call->target);
    buf_puts(&call->target, "/v1/studies/");
    url_add(&call->target, study);
    buf_puts(&call->target, "?format=text");
    run_forward(call, "GET", NULL);
}

static void show(struct call *call, const struct http_response *response)
{
    answer_show(call, buf_text(&response->body), response->body.len);
}

/* The cursor in `Link: <…?cursor=X&…>; rel="next"`, as it stands there. */
static void add_cursor(struct call *call, const struct http_response *response)
{
    const char *link = answer_header(response, "Link");
    const char *cursor = link == NULL ? NULL : strstr(link, "cursor=");

    if (cursor != NULL) {
        cursor += strlen("cursor=");
        buf_printf(&call->foot, "there are more: cursor=%.*s\n", (int)strcspn(cursor, "&>"),
                   cursor);
    }
}

void step_show_page(struct call *call, const struct http_response *response)
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

void step_prepare_study(struct call *call, struct buf *body, struct faults *faults)
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
        answer_decline(call, "what stands at rank %" JSON_INTEGER_FORMAT " is not usable here: %s",
                       rank, why == NULL ? "see advise" : why);
        return NULL;
    }
    answer_decline(call, "the advice has no rank %" JSON_INTEGER_FORMAT "; see advise", rank);
    return NULL;
}

/* The definition that was sent, with what is advised in its place. */
static void create_advised(struct call *call, const struct http_response *response)
{
    json_auto_t *advice = run_json(call, response);
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
    run_forward(call, "POST", &body);
}

static void show_created(struct call *call, const struct http_response *response)
{
    json_auto_t *study = run_json(call, response);

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

void step_after_study(struct call *call, const struct http_response *response)
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

void step_prepare_status(struct call *call, struct buf *body, struct faults *faults)
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
    json_auto_t *study = run_json(call, response);
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
        answer_show(call, buf_text(&lines), lines.len);
    }
}

void step_show_status(struct call *call, const struct http_response *response)
{
    if (json_is_true(json_object_get(call->arguments, "definition"))) {
        show_definition(call, response);
    } else {
        show(call, response);
    }
}

/* ---- best ---- */

static void show_of_study(struct call *call, const char *path)
{
    buf_clear(&call->target);
    buf_puts(&call->target, "/v1/studies/");
    url_add(&call->target, run_argument(call, "study"));
    buf_puts(&call->target, path);
    run_forward(call, "GET", NULL);
}

static void add_field(const char *prefix, const char *key, const json_t *value, struct buf *out)
{
    OWN(buf) struct buf cell;

    buf_init(&cell, json_limits_default.bytes);
    json_append_cell(&cell, value);
    buf_printf(out, "%s%s: ", prefix, key);
    cell_append_escaped(out, buf_text(&cell));
    buf_putc(out, '\n');
    buf_check_part(out, &cell);
}

/* The members that are neither empty nor objects, a line each, and then those of its metrics and of
 * its parameters, which may be many, and null as well. */
static void add_trial(const json_t *trial, struct buf *out)
{
    const char *key;
    json_t *value;

    json_object_foreach (json_unconst(trial), key, value) {
        if (!json_is_null(value) && !json_is_object(value)) {
            add_field("", key, value, out);
        }
    }
    json_object_foreach (json_object_get(trial, "metrics"), key, value) {
        add_field("metrics.", key, value, out);
    }
    json_object_foreach (json_object_get(trial, "parameters"), key, value) {
        add_field("parameters.", key, value, out);
    }
}

/* The trial and what is recommended are of one answer, and so of one moment. */
static void show_best(struct call *call, const json_t *best)
{
    const json_t *trial = json_object_get(best, "trial");
    const json_t *recommended = json_object_get(best, "recommended");
    const char *text = json_string_value(json_object_get(recommended, "text"));
    OWN(buf) struct buf lines;

    buf_init(&lines, (size_t)32 << 20);
    if (json_is_object(trial)) {
        add_trial(trial, &lines);
    } else {
        buf_puts(&lines, "no trial of the study is complete yet, or none is feasible\n");
    }
    if (text != NULL && json_is_true(json_object_get(recommended, "matters"))) {
        buf_printf(&call->foot, "rather use trial %" JSON_INTEGER_FORMAT ": %s\n",
                   json_integer_value(json_object_get(recommended, "trial")), text);
    }
    answer_show(call, buf_text(&lines), lines.len);
}

void step_show_best(struct call *call, const struct http_response *response)
{
    if (call->is_front) {
        show(call, response);
        return;
    }
    json_auto_t *best = run_json(call, response);
    if (best != NULL) {
        show_best(call, best);
    }
}

/* With several objectives there is no best trial but a front; a busy server recommends none. */
bool step_show_best_despite(struct call *call, const struct http_response *response)
{
    if (call->step != 1 || (response->status != 409 && response->status != 503)) {
        return false;
    }
    if (response->status == 409) {
        buf_puts(&call->head,
                 "several objectives: no trial here is worse than another in all of them\n");
    }
    call->is_front = response->status == 409;
    show_of_study(call, call->is_front ? "/pareto?format=table&width=180" : "/best");
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

void step_prepare_proposals(struct call *call, struct buf *body, struct faults *faults)
{
    const json_t *trials = json_object_get(call->arguments, "trials");
    const char *key = run_argument(call, "request_id");
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

void step_show_proposed(struct call *call, const struct http_response *response)
{
    json_auto_t *answer = run_json(call, response);
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
    answer_show(call, "", 0);
}

/* ---- steer ---- */

static const struct {
    const char *action, *state;
} actions[] = {{"pause", "paused"}, {"resume", "running"}, {"stop", "stopped"}};

void step_prepare_steer(struct call *call, struct buf *body, struct faults *faults)
{
    const char *action = run_argument(call, "action");
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

void step_after_steer(struct call *call, const struct http_response *response)
{
    if (call->step == 1) {
        buf_puts(&call->head, "done; the study is now\n");
        show_study(call, run_argument(call, "study"));
    } else {
        show(call, response);
    }
}

/* ---- wait ---- */

void step_show_waited(struct call *call, const struct http_response *response)
{
    const char *seq = answer_header(response, "Server-Seq");
    const char *again = answer_header(response, "Retry-After");

    if (again != NULL) {
        buf_printf(&call->foot, "too many wait already: this answered at once; wait %.8s s\n",
                   again);
    }
    if (seq != NULL) {
        buf_printf(&call->foot, "to wait for what happens after this: after=%.20s\n", seq);
    }
    show(call, response);
}
