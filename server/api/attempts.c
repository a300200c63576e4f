/* A trial's attempts: who had it, how far it came, how it ended. */
#include "server/api/attempts.h"

#include <string.h>

#include "common/step.h"
#include "server/api/list.h"

static void put_raw_or_null(struct json_writer *w, const char *key, const char *json)
{
    if (json == NULL) {
        json_put_null(w, key);
    } else {
        json_put_raw(w, key, json, strlen(json));
    }
}

static void put_step_or_null(struct json_writer *w, const char *key, bool present, int64_t step,
                             int digits)
{
    if (present) {
        json_put_step(w, key, step, digits);
    } else {
        json_put_null(w, key);
    }
}

static void write_attempt(struct json_writer *w, const struct attempt_row *row, int digits)
{
    json_object_begin(w);
    json_put_int(w, "attempt", row->number);
    json_put_string(w, "worker", row->worker_name);
    json_put_string(w, "state", attempt_end_name(row->end));
    json_put_string(w, "reason", row->reason[0] == '\0' ? NULL : row->reason);
    json_put_string(w, "detail", row->detail);
    json_put_step(w, "from", row->from, digits);
    put_step_or_null(w, "to", row->to > 0, row->to, digits);
    put_step_or_null(w, "step", row->has_step, row->step, digits);
    json_put_bool(w, "late", row->late);
    put_raw_or_null(w, "checkpoint", row->checkpoint);
    put_raw_or_null(w, "usage", row->usage);
    json_put_moment(w, "started_at", row->leased_at_ms);
    json_put_moment(w, "ended_at", row->ended_at_ms == 0 ? -1 : row->ended_at_ms);
    json_object_end(w);
}

static int attempt_item(void *context, struct attempt_row *row, struct err *err)
{
    struct item_list *listing = context;

    (void)err;
    write_attempt(item_list_item(listing), row, listing->read->study->def->def->resource_digits);
    item_list_item_end(listing);
    return 0;
}

static int read_attempts(struct read_request *read, struct err *err)
{
    OWN(item_list) struct item_list listing = {0};
    OWN(trial_row) struct trial_row row = {0};
    int64_t id = trial_id(read->study->id, read->trial);

    TRY(store_trial_load(read->store, id, &row, err));
    TRY(item_list_begin(&listing, read, err));
    TRY(store_each_attempt(read->store, id, attempt_item, &listing, err));
    return item_list_end(&listing, NULL, err);
}

static const struct representation_column columns[] = {{.key = "attempt", .is_right = true},
                                                       {.key = "worker"},
                                                       {.key = "state"},
                                                       {.key = "reason"},
                                                       {.key = "from", .is_right = true},
                                                       {.key = "to", .is_right = true},
                                                       {.key = "step", .is_right = true},
                                                       {.key = "started_at"},
                                                       {.key = "ended_at"},
                                                       {.key = "late", .is_extra = true},
                                                       {.key = "detail", .is_extra = true},
                                                       {.key = "checkpoint", .is_extra = true},
                                                       {.key = "usage", .is_extra = true},
                                                       {0}};
static const struct representation representation = {.formats = FORMATS_LIST, .columns = columns};

REPRESENTATION_HANDLER(get_attempts, &representation, NULL, read_attempts)
