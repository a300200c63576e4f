#include "server/state/checkpoints.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "common/rng.h"
#include "server/store/discards.h"

/* ---- what a trial names ---- */

/* A path names another folder on another host. */
static uint64_t place_key(const char *host, const char *uri)
{
    return splitmix64(digest_text(host)) ^ digest_text(uri);
}

static size_t *holders_of(const struct state *state, const char *host, const char *uri)
{
    return map_get(&state->holders_by_place, place_key(host, uri));
}

static int count_holder(struct state *state, const struct checkpoint *checkpoint, struct err *err)
{
    uint64_t key = place_key(checkpoint->host, checkpoint->uri);
    size_t *n = map_get(&state->holders_by_place, key);

    if (n == NULL) {
        n = calloc(1, sizeof *n);
        if (n == NULL || map_put(&state->holders_by_place, key, n, err) != 0) {
            free(n);
            return err_set(err, ERR_NOMEM, "out of memory");
        }
    }
    (*n)++;
    return 0;
}

int checkpoint_hold(struct state *state, struct live_trial *trial,
                    const struct checkpoint *checkpoint, struct err *err)
{
    if (checkpoint->present) {
        TRY(count_holder(state, checkpoint, err));
    }
    checkpoint_let_go(state, trial);
    trial->checkpoint = *checkpoint;
    return 0;
}

void checkpoint_let_go(struct state *state, struct live_trial *trial)
{
    const struct checkpoint *checkpoint = &trial->checkpoint;
    uint64_t key = place_key(checkpoint->host, checkpoint->uri);
    size_t *n = checkpoint->present ? map_get(&state->holders_by_place, key) : NULL;

    if (n != NULL && --*n == 0) {
        free(map_take(&state->holders_by_place, key));
    }
    trial->checkpoint.present = false;
}

/* ---- queues ---- */

void obsolete_list_free(struct obsolete_checkpoint *first)
{
    while (first != NULL) {
        struct obsolete_checkpoint *next = first->next;
        free(first);
        first = next;
    }
}

static void push(struct obsolete_queue *queue, struct obsolete_checkpoint *item)
{
    item->next = NULL;
    *queue->tail = item;
    queue->tail = &item->next;
    queue->n++;
}

static struct obsolete_checkpoint *pop(struct obsolete_queue *queue)
{
    struct obsolete_checkpoint *item = queue->first;

    queue->first = item->next;
    if (queue->first == NULL) {
        queue->tail = &queue->first;
    }
    queue->n--;
    item->next = NULL;
    return item;
}

static struct obsolete_queue *queue_find(const struct state *state, const char *host)
{
    return map_get(&state->obsolete_by_host, digest_text(host));
}

static int queue_of(struct state *state, const char *host, struct obsolete_queue **queue,
                    struct err *err)
{
    *queue = queue_find(state, host);
    if (*queue != NULL) {
        return 0;
    }
    struct obsolete_queue *made = calloc(1, sizeof *made);
    if (made == NULL || map_put(&state->obsolete_by_host, digest_text(host), made, err) != 0) {
        free(made);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    made->tail = &made->first;
    (void)snprintf(made->host, sizeof made->host, "%s", host);
    *queue = made;
    return 0;
}

static int drop_oldest(struct state *state, struct obsolete_queue *queue, struct err *err)
{
    struct obsolete_checkpoint *item = pop(queue);
    int result = store_discard_delete(state->store, item->id, err);

    free(item);
    return result;
}

static int item_create(const struct discard_row *row, struct obsolete_queue *queue,
                       struct obsolete_checkpoint **item, struct err *err)
{
    size_t bytes = strlen(row->uri) + 1;
    struct obsolete_checkpoint *made = malloc(sizeof *made + bytes);

    if (made == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    *made = (struct obsolete_checkpoint){.id = row->id, .study = row->study, .at_ms = row->at_ms};
    memcpy(made->uri, row->uri, bytes);
    made->queue = queue;
    *item = made;
    return 0;
}

static int add(struct state *state, const struct live_study *study,
               const struct checkpoint *checkpoint, struct err *err)
{
    struct discard_row row = {
        .study = study->row.id, .uri = checkpoint->uri, .at_ms = state->wall_ms};
    struct obsolete_queue *queue;
    struct obsolete_checkpoint *item;

    if (!checkpoint->present || checkpoint_uri_is_uploaded(checkpoint->uri)) {
        return 0; /* the server removes its own files by itself */
    }
    (void)snprintf(row.host, sizeof row.host, "%s", checkpoint->host);
    TRY(queue_of(state, row.host, &queue, err));
    TRY(store_discard_insert(state->store, &row, err));
    TRY(item_create(&row, queue, &item, err));
    push(queue, item);
    return queue->n > OBSOLETE_KEPT ? drop_oldest(state, queue, err) : 0;
}

int checkpoint_supersede(struct state *state, struct live_trial *trial,
                         const struct checkpoint *checkpoint, struct err *err)
{
    struct checkpoint before = trial->checkpoint;

    TRY(checkpoint_hold(state, trial, checkpoint, err));
    bool in_place =
        strcmp(before.uri, checkpoint->uri) == 0
        && (strcmp(before.host, checkpoint->host) == 0 || checkpoint->reach == REACH_ANY);
    return in_place ? 0 : add(state, trial->study, &before, err);
}

int checkpoint_follow_best(struct state *state, struct live_study *study, struct err *err)
{
    if (study->best_checkpoint.present && study->best_holder != study->row.best_trial) {
        TRY(add(state, study, &study->best_checkpoint, err));
        study->best_checkpoint.present = false;
    }
    return 0;
}

int checkpoint_end(struct state *state, struct live_trial *trial, struct err *err)
{
    struct live_study *study = trial->study;
    int64_t number = trial_id_number(trial->row.id);

    TRY(checkpoint_follow_best(state, study, err));
    if (trial->row.state == TRIAL_COMPLETED) {
        return 0;
    }
    if (study->row.best_trial == number) {
        study->best_checkpoint = trial->checkpoint;
        study->best_holder = number;
        return 0;
    }
    return add(state, study, &trial->checkpoint, err);
}

/* ---- leases ---- */

struct obsolete_listing {
    struct obsolete_checkpoint **tail;
    size_t n, bytes;
};

/* Does an open trial name the queue's first one? */
static bool is_held(const struct state *state, const struct obsolete_queue *queue)
{
    const char *uri = queue->first->uri;

    return holders_of(state, queue->host, uri) != NULL || holders_of(state, "", uri) != NULL;
}

static int list_from(struct state *state, struct live_lease *lease, const char *host,
                     struct obsolete_listing *listing, struct err *err)
{
    struct obsolete_queue *queue = queue_find(state, host);

    while (queue != NULL && queue->n > 0 && listing->n < OBSOLETE_LISTED
           && listing->bytes < OBSOLETE_LISTED_BYTES) {
        if (is_held(state, queue)) { /* its last holder will give it up */
            TRY(drop_oldest(state, queue, err));
            continue;
        }
        TRY(store_discard_assign(state->store, queue->first->id, lease->row.id, err));
        struct obsolete_checkpoint *item = pop(queue);
        queue->n_listed++;
        *listing->tail = item;
        listing->tail = &item->next;
        listing->n++;
        listing->bytes += strlen(item->uri);
    }
    return 0;
}

int obsolete_list(struct state *state, struct live_lease *lease, const char *host, struct err *err)
{
    struct obsolete_listing listing = {.tail = &lease->obsolete};

    if (host[0] != '\0') {
        TRY(list_from(state, lease, host, &listing, err));
    }
    return list_from(state, lease, "", &listing, err);
}

int obsolete_write(const struct live_lease *lease, char **array, struct err *err)
{
    struct buf text;
    struct json_writer w;

    *array = NULL;
    if (lease->obsolete == NULL) {
        return 0;
    }
    buf_init(&text, 1 << 20);
    json_writer_init(&w, &text);
    json_array_begin(&w);
    for (const struct obsolete_checkpoint *item = lease->obsolete; item != NULL;
         item = item->next) {
        json_write_string(&w, item->uri);
    }
    json_array_end(&w);
    *array = buf_steal(&text);
    return *array == NULL ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

/* The first of the lease's list leaves it. */
static struct obsolete_checkpoint *unlist(struct live_lease *lease)
{
    struct obsolete_checkpoint *item = lease->obsolete;

    lease->obsolete = item->next;
    item->queue->n_listed--;
    return item;
}

int obsolete_settle(struct state *state, struct live_lease *lease, bool received, struct err *err)
{
    while (lease->obsolete != NULL) {
        int64_t id = lease->obsolete->id;
        if (received) {
            TRY(store_discard_delete(state->store, id, err));
            free(unlist(lease));
        } else { /* it waits for the next worker of its host */
            TRY(store_discard_assign(state->store, id, 0, err));
            struct obsolete_checkpoint *item = unlist(lease);
            push(item->queue, item);
        }
    }
    return 0;
}

/* ---- what is forgotten ---- */

static int forget_in(struct state *state, struct obsolete_checkpoint **at, int64_t study,
                     bool listed, struct err *err)
{
    while (*at != NULL) {
        struct obsolete_checkpoint *item = *at;
        if (item->study != study) {
            at = &item->next;
            continue;
        }
        TRY(store_discard_delete(state->store, item->id, err));
        *(listed ? &item->queue->n_listed : &item->queue->n) -= 1;
        *at = item->next;
        free(item);
    }
    return 0;
}

int obsolete_forget(struct state *state, const struct live_study *study, struct err *err)
{
    struct obsolete_queue *queue;
    struct live_lease *lease;
    size_t at = 0;

    while ((queue = map_next(&state->obsolete_by_host, &at)) != NULL) {
        int result = forget_in(state, &queue->first, study->row.id, false, err);
        for (queue->tail = &queue->first; *queue->tail != NULL;) {
            queue->tail = &(*queue->tail)->next;
        }
        TRY(result);
    }
    for (at = 0; (lease = map_next(&state->lease_by_attempt, &at)) != NULL;) {
        TRY(forget_in(state, &lease->obsolete, study->row.id, true, err));
    }
    return 0;
}

int obsolete_purge(struct state *state, int64_t before_ms, struct err *err)
{
    struct map *queues = &state->obsolete_by_host;
    struct obsolete_queue *queue;
    size_t at = 0;

    while ((queue = map_next(queues, &at)) != NULL) {
        while (queue->n > 0 && queue->first->at_ms < before_ms) {
            TRY(drop_oldest(state, queue, err));
        }
        if (queue->n == 0 && queue->n_listed == 0) { /* hosts come and go */
            free(map_take(queues, digest_text(queue->host)));
            at = at > 0 ? at - 1 : 0; /* the slot may have been filled from behind */
        }
    }
    return 0;
}

/* ---- the whole ---- */

static int load_one(void *context, const struct discard_row *row, struct err *err)
{
    struct state *state = context;
    struct live_lease *lease = map_get(&state->lease_by_attempt, (uint64_t)row->attempt);
    struct obsolete_queue *queue;
    struct obsolete_checkpoint *item;

    TRY(queue_of(state, row->host, &queue, err));
    TRY(item_create(row, queue, &item, err));
    if (row->attempt == 0 || lease == NULL) {
        push(queue, item);
        return 0;
    }
    queue->n_listed++;
    struct obsolete_checkpoint **tail = &lease->obsolete;
    while (*tail != NULL) {
        tail = &(*tail)->next;
    }
    *tail = item;
    return 0;
}

int obsolete_load(struct state *state, struct err *err)
{
    return store_each_discard(state->store, load_one, state, err);
}

void obsolete_clear(struct state *state)
{
    struct obsolete_queue *queue;
    size_t at = 0;
    void *count;

    while ((queue = map_next(&state->obsolete_by_host, &at)) != NULL) {
        obsolete_list_free(queue->first);
        free(queue);
    }
    map_finish(&state->obsolete_by_host);
    for (at = 0; (count = map_next(&state->holders_by_place, &at)) != NULL;) {
        free(count);
    }
    map_finish(&state->holders_by_place);
}
