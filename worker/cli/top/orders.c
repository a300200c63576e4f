#include "worker/cli/top/orders.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/http/client.h"
#include "worker/cli/session.h"

/* ---- what is chosen ------------------------------------------------------------------------- */

/* The row that is chosen, if its key begins so; NULL: none. On a page of one thing, that thing. */
static const json_t *chosen_row(const struct top *top, const char *kind, char key[TOP_NAME_BYTES])
{
    OWN(top_rows) struct top_rows rows = {0};

    top_rows(top, &rows);
    if (rows.n == 0) {
        return NULL;
    }
    size_t at = top_row_at(top, &rows);
    (void)snprintf(key, TOP_NAME_BYTES, "%s", rows.keys[at]);
    return strncmp(key, kind, strlen(kind)) == 0 ? rows.items[at] : NULL;
}

static const json_t *named(const json_t *items, const char *name)
{
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        if (strcmp(text_at(item, "name"), name) == 0) {
            return item;
        }
    }
    return NULL;
}

static const json_t *chosen_study(const struct top *top)
{
    char key[TOP_NAME_BYTES];

    return top_shown(top)->page == TOP_OVERVIEW ? chosen_row(top, "study:", key)
           : top_shown(top)->page == TOP_STUDY  ? top->answers[TOP_STUDY_ANSWER]
                                                : NULL;
}

static const json_t *chosen_worker(const struct top *top)
{
    const struct top_place *place = top_shown(top);
    char key[TOP_NAME_BYTES];

    return place->page == TOP_OVERVIEW ? chosen_row(top, "worker:", key)
           : place->page == TOP_WORKER ? named(top->answers[TOP_WORKERS_ANSWER], place->worker)
                                       : NULL;
}

static const json_t *chosen_trial(const struct top *top)
{
    char key[TOP_NAME_BYTES];

    return top_shown(top)->page == TOP_STUDY   ? chosen_row(top, "trial:", key)
           : top_shown(top)->page == TOP_TRIAL ? top->answers[TOP_TRIAL_ANSWER]
                                               : NULL;
}

/* ---- orders --------------------------------------------------------------------------------- */

/* "/v1/KIND/NAME"; false: it is too long, as no name is. */
static bool set_path(struct top_order *order, const char *kind, const char *name)
{
    OWN(buf) struct buf path = {0};

    buf_init(&path, sizeof order->path);
    buf_printf(&path, "/v1/%s/", kind);
    http_escape(&path, name);
    (void)snprintf(order->path, sizeof order->path, "%s", buf_text(&path));
    return !path.failed;
}

static bool order_state(struct top *top, const json_t *study, const char *state, const char *verb,
                        const char *meaning)
{
    struct top_order order = {.method = "PATCH"};
    const char *name = text_at(study, "name");

    (void)snprintf(order.body, sizeof order.body, "{\"state\": \"%s\"}", state);
    (void)snprintf(order.question, sizeof order.question, "%s %.*s? %s", verb, TOP_NAME_BYTES, name,
                   meaning);
    (void)snprintf(order.done, sizeof order.done, "%.*s is %s", TOP_NAME_BYTES, name, state);
    if (!set_path(&order, "studies", name)) {
        return false;
    }
    top->order = order;
    return true;
}

static bool pause_or_resume(struct top *top)
{
    const json_t *study = chosen_study(top);
    const char *state = text_at(study, "state");

    if (study == NULL || strcmp(state, "finished") == 0) {
        return false;
    }
    return strcmp(state, "running") == 0
               ? order_state(top, study, "paused", "pause", "running trials go on to their rung")
               : order_state(top, study, "running", "resume", "its trials go out again");
}

static bool stop(struct top *top)
{
    const json_t *study = chosen_study(top);
    const char *state = text_at(study, "state");

    return study != NULL && (strcmp(state, "running") == 0 || strcmp(state, "paused") == 0)
           && order_state(top, study, "stopped", "stop", "those that wait are cancelled");
}

static bool drain_or_resume(struct top *top)
{
    struct top_order order = {.method = "POST", .body = "{}"};
    const json_t *worker = chosen_worker(top);
    const char *name = text_at(worker, "name");
    const char *state = text_at(worker, "state");
    bool resumes = strcmp(state, "draining") == 0 || strcmp(state, "quarantined") == 0;

    if (worker == NULL || !set_path(&order, "workers", name)) {
        return false;
    }
    size_t len = strlen(order.path);
    (void)snprintf(order.path + len, sizeof order.path - len, resumes ? "/resume" : "/drain");
    (void)snprintf(order.question, sizeof order.question, "%s the node of %.*s? %s",
                   resumes ? "resume" : "drain", TOP_NAME_BYTES, name,
                   resumes ? "it gets trials again" : "it gets no further trial");
    (void)snprintf(order.done, sizeof order.done, "the node of %.*s %s", TOP_NAME_BYTES, name,
                   resumes ? "gets trials again" : "gets no further trial");
    top->order = order;
    return true;
}

static bool order_trial(struct top *top, const char *verb, bool cancels)
{
    struct top_order order = {.method = cancels ? "PATCH" : "POST"};
    const json_t *trial = chosen_trial(top);
    const char *study = top_shown(top)->study;
    int64_t number = int_at(trial, "number", 0);

    if (number == 0 || !set_path(&order, "studies", study)) {
        return false;
    }
    size_t len = strlen(order.path);
    (void)snprintf(order.path + len, sizeof order.path - len, "/trials/%" PRId64 "%s", number,
                   cancels ? "" : "/retry");
    (void)snprintf(order.body, sizeof order.body, "%s",
                   cancels ? "{\"state\": \"cancelled\"}" : "{}");
    (void)snprintf(order.question, sizeof order.question, "%s trial %" PRId64 " of %.*s?", verb,
                   number, TOP_NAME_BYTES, study);
    (void)snprintf(order.done, sizeof order.done, "trial %" PRId64 " %s", number,
                   cancels ? "is cancelled" : "is tried again");
    top->order = order;
    return true;
}

bool top_order_make(struct top *top, int key)
{
    switch (key) {
    case 'p':
        return pause_or_resume(top);
    case 'x':
        return stop(top);
    case 'd':
        return drain_or_resume(top);
    case 'c':
        return order_trial(top, "cancel", true);
    case 't':
        return order_trial(top, "retry", false);
    default:
        return false;
    }
}

/* ---- what became of it ---------------------------------------------------------------------- */

void top_order_done(struct top *top)
{
    (void)snprintf(top->said, sizeof top->said, "%s", top->order.done);
    top->said_is_bad = false;
    top->order = (struct top_order){0};
}

void top_order_failed(struct top *top, const char *why)
{
    (void)snprintf(top->said, sizeof top->said, "not done: %.400s", why);
    top->said_is_bad = true;
    top->order = (struct top_order){0};
}
