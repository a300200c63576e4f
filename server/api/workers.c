/* Workers, as the writer has seen them of late. */
#include "server/api/workers.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_at.h"
#include "common/names.h"
#include "common/step.h"
#include "server/api/json.h"
#include "server/api/list.h"
#include "server/api/request.h"
#include "server/api/submit.h"

static void write_lease(struct json_writer *w, const struct live_view *view,
                        const struct live_lease_view *lease)
{
    json_object_begin(w);
    json_put_string(w, "study", read_study_name(view, lease->study));
    json_put_int(w, "trial", lease->trial);
    json_put_int(w, "attempt", lease->attempt);
    json_write_key(w, "progress");
    if (lease->progress >= 0) {
        json_write_number(w, lease->progress);
    } else {
        json_write_null(w);
    }
    json_write_key(w, "step");
    if (lease->last_step >= 0) {
        json_write_step(w, lease->last_step, lease->digits);
    } else {
        json_write_null(w);
    }
    json_put_number(w, "expires_in_seconds", (double)lease->expires_in_ms / 1000);
    json_object_end(w);
}

static void put_known(struct json_writer *w, const char *key, double value)
{
    if (isnan(value)) {
        json_put_null(w, key);
    } else {
        json_put_number(w, key, value);
    }
}

/* The leases of a view, ordered by worker and then as the view has them. */
struct leases_by_worker {
    const struct live_lease_view **leases;
    size_t n;
    size_t next; /* the first whose worker was not asked for yet */
};

static void leases_by_worker_finish(struct leases_by_worker *sorted)
{
    free(sorted->leases);
}
OWN_VALUE(leases_by_worker)

static int by_worker(const void *a, const void *b)
{
    const struct live_lease_view *const *left = a;
    const struct live_lease_view *const *right = b;
    int order = strcmp((*left)->worker, (*right)->worker);

    return order != 0 ? order : (*left > *right) - (*left < *right);
}

static int sort_leases(struct leases_by_worker *sorted, const struct live_view *view,
                       struct err *err)
{
    sorted->leases = calloc(view->n_leases + 1, sizeof(void *));
    if (sorted->leases == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < view->n_leases; i++) {
        sorted->leases[i] = &view->leases[i];
    }
    sorted->n = view->n_leases;
    qsort(sorted->leases, sorted->n, sizeof(void *), by_worker);
    return 0;
}

/* Returns the next lease of this worker, NULL after the last. Workers are asked for by name. */
static const struct live_lease_view *next_lease(struct leases_by_worker *sorted, const char *worker)
{
    int order = 1;

    while (sorted->next < sorted->n
           && (order = strcmp(sorted->leases[sorted->next]->worker, worker)) < 0) {
        sorted->next++;
    }
    return sorted->next < sorted->n && order == 0 ? sorted->leases[sorted->next++] : NULL;
}

static void write_worker(struct json_writer *w, const struct read_request *read,
                         const struct live_worker_view *worker, struct leases_by_worker *leases)
{
    const struct live_lease_view *lease;
    int64_t now_ms = read->api->clock->wall_ms(read->api->clock);

    json_object_begin(w);
    json_put_string(w, "name", worker->name);
    json_put_string(w, "host", worker->host[0] == '\0' ? NULL : worker->host);
    json_put_int(w, "gpus", worker->n_gpus);
    json_put_moment(w, "last_seen_at", worker->last_seen_ms == 0 ? -1 : worker->last_seen_ms);
    json_put_bool(w, "waiting", worker->waiting);
    json_put_string(w, "state", worker->state);
    json_put_string(w, "reason", worker->reason[0] == '\0' ? NULL : worker->reason);
    json_put_moment(w, "last_report_at", worker->last_report_ms == 0 ? -1 : worker->last_report_ms);
    json_put_int(w, "completed", worker->completed);
    json_put_int(w, "failed", worker->failed);
    put_known(w, "completed_per_hour", worker->per_hour);
    put_known(w, "seconds_per_trial", worker->seconds_per_trial);
    put_known(w, "seconds_per_step", worker->seconds_per_step);
    put_known(w, "gpu_utilization", worker->gpu_utilization);
    int64_t heard_ms = worker->last_report_ms > 0 ? worker->last_report_ms : worker->first_seen_ms;
    put_known(w, "silent_seconds", heard_ms > 0 ? (double)(now_ms - heard_ms) / 1000 : (double)NAN);
    json_write_key(w, "leases");
    json_array_begin(w);
    while ((lease = next_lease(leases, worker->name)) != NULL) {
        write_lease(w, read->view, lease);
    }
    json_array_end(w);
    json_object_end(w);
}

static int by_name(const void *a, const void *b)
{
    const struct live_worker_view *const *left = a;
    const struct live_worker_view *const *right = b;

    return strcmp((*left)->name, (*right)->name);
}

/* Takes a new view, which includes workers whose asks have just been answered. */
static void take_view_now(struct read_request *read)
{
    live_view_release(read->view);
    read->view = engine_view_now(read->api->engine);
}

/* ---- pages ---- */

/* A cursor is w and the last name of its page. */
#define WORKER_CURSOR_BYTES (1 + WORKER_NAME_BYTES)

/* Which workers of those in order of name. Without a limit all: dashboards need them at once. */
struct page_bounds {
    size_t from, to;
};

static int read_page(const struct read_request *read, const struct live_worker_view **workers,
                     size_t n, struct page_bounds *page, struct err *err)
{
    const char *cursor = http_query(read->request, "cursor");
    int64_t limit = (int64_t)n;

    *page = (struct page_bounds){.to = n};
    if (http_query(read->request, "limit") != NULL) {
        TRY(list_limit(read->request, &limit, err));
    }
    if (cursor != NULL && !(cursor_skip(&cursor, 'w') && name_is_worker(cursor))) {
        return cursor_refused(err);
    }
    while (cursor != NULL && page->from < n && strcmp(workers[page->from]->name, cursor) <= 0) {
        page->from++;
    }
    if (limit < (int64_t)(n - page->from)) {
        page->to = page->from + (size_t)limit;
    }
    return 0;
}

static int read_workers(struct read_request *read, struct err *err)
{
    char cursor[WORKER_CURSOR_BYTES];
    struct page_bounds page;
    OWN(item_list) struct item_list listing = {0};
    OWN(leases_by_worker) struct leases_by_worker leases = {0};
    take_view_now(read);
    const struct live_view *view = read->view;
    OWN(memory)
    const struct live_worker_view **workers = calloc(view->n_workers + 1, sizeof(void *));

    if (workers == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < view->n_workers; i++) {
        workers[i] = &view->workers[i];
    }
    qsort(workers, view->n_workers, sizeof(void *), by_name);
    TRY(read_page(read, workers, view->n_workers, &page, err));
    TRY(sort_leases(&leases, view, err));
    TRY(item_list_begin(&listing, read, err));
    for (size_t i = page.from; i < page.to; i++) {
        write_worker(item_list_item(&listing), read, workers[i], &leases);
        item_list_item_end(&listing);
    }
    if (page.to < view->n_workers) {
        (void)snprintf(cursor, sizeof cursor, "w%s", workers[page.to - 1]->name);
    }
    return item_list_end(&listing, page.to < view->n_workers ? cursor : NULL, err);
}

static int read_worker(struct read_request *read, struct err *err)
{
    const char *name = http_param(read->request, "worker");
    OWN(leases_by_worker) struct leases_by_worker leases = {0};
    struct json_writer w;

    take_view_now(read);
    TRY(sort_leases(&leases, read->view, err));
    json_writer_init(&w, &read->response.body);
    for (size_t i = 0; i < read->view->n_workers; i++) {
        if (strcmp(read->view->workers[i].name, name) == 0) {
            write_worker(&w, read, &read->view->workers[i], &leases);
            return 0;
        }
    }
    return err_set(err, ERR_NOT_FOUND,
                   "no worker \"%.128s\" has asked of late; GET /v1/workers "
                   "lists those that have",
                   name);
}

/* What it trains: "digits #18 step 3". */
static void append_trials(const json_t *row, struct buf *out)
{
    size_t i;
    json_t *lease;

    json_array_foreach (json_object_get(row, "leases"), i, lease) {
        char step[JSON_NUMBER_BYTES];
        buf_printf(out, "%s%s #%" PRId64, i > 0 ? "; " : "", text_at(lease, "study"),
                   int_at(lease, "trial", 0));
        if (json_is_number(json_object_get(lease, "step"))) {
            buf_printf(out, " step %s", number_text_at(lease, "step", "", step));
        }
    }
}

static const struct representation_column columns[] = {
    {.key = "name", .variable = "worker"},
    {.key = "host"},
    {.key = "state"},
    {.key = "trials", .append = append_trials},
    {.key = "completed", .is_right = true},
    {.key = "failed", .is_right = true},
    {.key = "completed_per_hour", .is_right = true},
    {.key = "seconds_per_trial", .is_right = true},
    {.key = "seconds_per_step", .is_right = true},
    {.key = "silent_seconds", .is_right = true},
    {.key = "gpu_utilization", .is_right = true, .is_extra = true},
    {.key = "last_report_at", .is_extra = true},
    {.key = "waiting", .is_extra = true},
    {.key = "gpus", .is_extra = true},
    {.key = "last_seen_at", .is_extra = true},
    {.key = "reason"},
    {0}};
static const struct representation list_representation = {.formats = FORMATS_LIST,
                                                          .columns = columns};
static const struct representation one_representation = {
    .formats = FORMATS_ONE, .columns = columns, .is_one = true};

static const char *const workers_query[] = {"limit", "cursor", NULL};

REPRESENTATION_HANDLER(get_workers, &list_representation, workers_query, read_workers)
REPRESENTATION_HANDLER(get_worker, &one_representation, NULL, read_worker)

/* ---- POST …/drain, …/resume ---- */

void encode_worker_set(const struct command *command, struct http_response *response)
{
    const struct worker_set_command *set = as_const_worker_set(command);
    struct json_writer w;

    json_response(response, 200, &w);
    json_object_begin(&w);
    json_put_string(&w, "worker", set->out.node);
    json_put_string(&w, "state", set->out.state);
    json_object_end(&w);
}

/* There is nothing to say in the body. */
static int read_worker_set(const struct http_request *request, struct worker_set_command *set)
{
    struct err *err = &set->head.err;
    const char *name = http_param(request, "worker");
    json_auto_t *body = NULL;
    struct fields fields;

    TRY(request_json(request, &body, err));
    if (body != NULL) {
        fields_begin(&fields, body, "", &set->head.faults);
        fields_end(&fields);
        TRY(faults_result(&set->head.faults, err));
    }
    if (strlen(name) >= sizeof set->in.worker) {
        return err_set(err, ERR_NOT_FOUND, "there is no such worker");
    }
    (void)strcpy(set->in.worker, name);
    return 0;
}

static void post_worker(void *context, struct http_request *request, bool drain)
{
    struct command *command = command_for(request, COMMAND_WORKER_SET);

    if (command != NULL) {
        struct worker_set_command *set = as_worker_set(command);
        set->in.drain = drain;
        submit_or_refuse(context, command, read_worker_set(request, set));
    }
}

void post_drain(void *context, struct http_request *request)
{
    post_worker(context, request, true);
}

void post_resume(void *context, struct http_request *request)
{
    post_worker(context, request, false);
}
