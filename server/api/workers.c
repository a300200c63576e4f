/* Workers, as the writer has seen them since the server started. */
#include <string.h>

#include "server/api/resources.h"

static const char *study_name(const struct live_view *view, int64_t id)
{
    for (size_t i = 0; i < view->n_studies; i++) {
        if (view->studies[i].id == id) {
            return view->studies[i].name;
        }
    }
    return NULL; /* deleted */
}

static void write_lease(struct json_writer *w, const struct live_view *view,
                        const struct live_lease_view *lease)
{
    json_object_begin(w);
    json_put_string(w, "study", study_name(view, lease->study));
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
        json_write_int(w, lease->last_step);
    } else {
        json_write_null(w);
    }
    json_put_number(w, "expires_in_seconds", (double)lease->expires_in_ms / 1000);
    json_object_end(w);
}

static void write_worker(struct json_writer *w, const struct live_view *view,
                         const struct live_worker_view *worker)
{
    json_object_begin(w);
    json_put_string(w, "name", worker->name);
    json_put_string(w, "host", worker->host[0] == '\0' ? NULL : worker->host);
    json_put_int(w, "gpus", worker->n_gpus);
    json_put_moment(w, "last_seen_at", worker->last_seen_ms == 0 ? -1 : worker->last_seen_ms);
    json_put_bool(w, "waiting", worker->waiting);
    json_write_key(w, "leases");
    json_array_begin(w);
    for (size_t i = 0; i < view->n_leases; i++) {
        if (strcmp(view->leases[i].worker, worker->name) == 0) {
            write_lease(w, view, &view->leases[i]);
        }
    }
    json_array_end(w);
    json_object_end(w);
}

static void worker_cells(struct sheet *sheet, const struct live_worker_view *worker)
{
    sheet_text(sheet, worker->name);
    sheet_text(sheet, worker->host);
    sheet_int(sheet, worker->n_gpus);
    sheet_int(sheet, worker->leases);
    sheet_text(sheet, worker->waiting ? "yes" : "no");
    sheet_moment(sheet, worker->last_seen_ms);
}

static int read_workers(struct reading *reading, struct err *err)
{
    static const char *const columns[] = {"name",   "host",    "gpus",
                                          "leases", "waiting", "last_seen_at"};
    OWN(listing) struct listing listing = {0};
    const struct live_view *view = reading->view;

    (void)err;
    listing_begin(&listing, reading);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        sheet_column(&listing.sheet, columns[i]);
    }
    for (size_t i = 0; i < view->n_workers; i++) {
        if (listing.is_sheet) {
            worker_cells(&listing.sheet, &view->workers[i]);
        } else {
            write_worker(listing_item(&listing), view, &view->workers[i]);
            listing_item_end(&listing);
        }
    }
    listing_end(&listing, NULL);
    return 0;
}

static int read_worker(struct reading *reading, struct err *err)
{
    const char *name = http_param(reading->request, "worker");
    struct json_writer w;

    json_writer_init(&w, &reading->response.body);
    for (size_t i = 0; i < reading->view->n_workers; i++) {
        if (strcmp(reading->view->workers[i].name, name) == 0) {
            write_worker(&w, reading->view, &reading->view->workers[i]);
            buf_putc(&reading->response.body, '\n');
            return 0;
        }
    }
    return err_set(err, ERR_NOT_FOUND,
                   "no worker \"%.128s\" has asked since the server started; GET /v1/workers "
                   "lists those that have",
                   name);
}

READING_HANDLER(get_workers, FORMATS_LIST, NULL, read_workers)
READING_HANDLER(get_worker, FORMAT_BIT(FORMAT_JSON), NULL, read_worker)
