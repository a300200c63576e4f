#include "server/state/node_health.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "server/state/events.h"

/* So many different trials in a row make a node suspicious. With three, a program that fails for
 * one configuration in five has a healthy node quarantined after about 125 trials, and the first
 * trial that it is given then most likely ends that. */
#define FAILURES_TO_QUARANTINE 3
/* A job that imports a large library and then finds no GPU takes most of a minute. */
#define AT_ONCE_MS (60 * 1000)
/* A node in quarantine gets a trial after this, then after twice that, and so on. */
#define PROBE_FIRST_MS (10 * 1000)
#define PROBE_MOST_MS (60 * 60 * 1000)
/* Where nothing runs, waits or has succeeded elsewhere for so long, it is the only node. */
#define ALONE_AFTER_MS (5 * 60 * 1000)
#define OTHERS_NOTED_MS (60 * 1000) /* not at every success */

/* ---- the table ---- */

/* The worker's name without the number of its slot, and behind an @ where it has one: workers of a
 * batch system are called TASK@NODE. */
void node_name(const char *worker, char name[WORKER_NAME_BYTES])
{
    const char *at = strrchr(worker, '@');

    (void)snprintf(name, WORKER_NAME_BYTES, "%s", at != NULL && at[1] != '\0' ? at + 1 : worker);
    char *colon = strrchr(name, ':');
    if (colon != NULL && colon != name && colon[1] != '\0'
        && strspn(colon + 1, "0123456789") == strlen(colon + 1)) {
        *colon = '\0';
    }
}

struct live_node *node_named(const struct state *state, const char *worker)
{
    char name[WORKER_NAME_BYTES];

    node_name(worker, name);
    return map_get(&state->node_by_name, digest_text(name));
}

/* Is there anything to remember of it? Then it has a row in the store. */
static bool is_noted(const struct node_row *row)
{
    return row->n_failed > 0 || row->draining || row->quarantined_at_ms != 0;
}

/* Into the nodes with a row, or out of them. Their order is that of the names, which a restart does
 * not change. */
static void link_noted(struct state *state, struct live_node *node)
{
    struct live_node **link = &state->nodes;

    while (*link != NULL && *link != node && strcmp((*link)->row.name, node->row.name) < 0) {
        link = &(*link)->next;
    }
    bool is_linked = *link == node;
    if (is_noted(&node->row) && !is_linked) {
        node->next = *link;
        *link = node;
    } else if (!is_noted(&node->row) && is_linked) {
        *link = node->next;
    }
}

static int node_of(struct state *state, const char *worker, struct live_node **node,
                   struct err *err)
{
    struct live_node *found = node_named(state, worker);

    if (found == NULL) {
        found = calloc(1, sizeof *found);
        if (found == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
        node_name(worker, found->row.name);
        if (map_put(&state->node_by_name, digest_text(found->row.name), found, err) != 0) {
            free(found);
            return -1;
        }
    }
    *node = found;
    return 0;
}

int node_enter(struct state *state, const char *worker, struct live_node **node, struct err *err)
{
    TRY(node_of(state, worker, node, err));
    (*node)->workers++;
    return 0;
}

void node_left(struct state *state, struct live_node *node)
{
    node->workers--;
    if (node->workers == 0 && !is_noted(&node->row)) {
        (void)map_take(&state->node_by_name, digest_text(node->row.name));
        free(node);
    }
}

int node_load(struct state *state, const struct node_row *row, struct err *err)
{
    struct live_node *node;

    TRY(node_of(state, row->name, &node, err));
    node->row = *row;
    link_noted(state, node);
    return 0;
}

void nodes_clear(struct state *state)
{
    while (state->nodes != NULL) {
        struct live_node *node = state->nodes;
        struct node_row blank = {0};
        state->nodes = node->next;
        memcpy(blank.name, node->row.name, sizeof blank.name);
        node->row = blank;
        node->takes_back = false;
    }
    state->takes_back = false;
}

void nodes_finish(struct state *state)
{
    struct live_node *node;

    for (size_t at = 0; (node = map_next(&state->node_by_name, &at)) != NULL;) {
        free(node);
    }
    map_finish(&state->node_by_name);
}

/* ---- changes ---- */

static int save(struct state *state, struct live_node *node, struct err *err)
{
    const struct node_row *row = &node->row;

    state->may_have_work = true;
    link_noted(state, node);
    return is_noted(row) ? store_node_save(state->store, row, err)
                         : store_node_delete(state->store, row->name, err);
}

static int tell(struct state *state, const struct live_node *node, enum event_kind kind,
                const char *detail, struct err *err)
{
    struct event_row event = {
        .kind = kind, .at_ms = state->wall_ms, .worker = node->row.name, .detail = detail};

    return store_event_append(state->store, &event, &state->last_seq, err);
}

static int quarantine(struct state *state, struct live_node *node, size_t n, struct err *err)
{
    struct node_row *row = &node->row;

    row->quarantined_at_ms = state->wall_ms;
    row->others_at_ms = state->wall_ms;
    row->probe_at_ms = state->wall_ms + PROBE_FIRST_MS;
    row->probes = 0;
    (void)snprintf(row->reason, sizeof row->reason,
                   "%zu different trials in a row failed at once here, and after the first of them "
                   "their studies had values elsewhere; the last: trial %" PRId64,
                   n, trial_id_number(row->failed[row->n_failed - 1].trial));
    return tell(state, node, EVENT_WORKER_QUARANTINED, row->reason, err);
}

/* Forgets its failures; *why goes into the event, if it was quarantined. */
static int recover(struct state *state, struct live_node *node, const char *why, struct err *err)
{
    struct node_row *row = &node->row;
    bool was_quarantined = row->quarantined_at_ms != 0;

    row->n_failed = 0;
    row->quarantined_at_ms = row->others_at_ms = row->probe_at_ms = row->probes = 0;
    row->reason[0] = '\0';
    node->takes_back = false;
    TRY(save(state, node, err));
    return was_quarantined ? tell(state, node, EVENT_WORKER_RESUMED, why, err) : 0;
}

/* Quarantines the node where enough of its trials have failed while others succeeded. */
static int judge(struct state *state, struct live_node *node, struct err *err)
{
    size_t n = 0;

    for (size_t i = 0; i < node->row.n_failed; i++) {
        n += node->row.failed[i].elsewhere != 0;
    }
    if (node->row.quarantined_at_ms == 0 && n >= FAILURES_TO_QUARANTINE) {
        TRY(quarantine(state, node, n, err));
    }
    if (node->row.quarantined_at_ms != 0) {
        node->takes_back = state->takes_back = true;
    }
    return save(state, node, err);
}

/* ---- what trials say ---- */

static bool has_failed(const struct live_node *node, int64_t trial)
{
    for (size_t i = 0; i < node->row.n_failed; i++) {
        if (node->row.failed[i].trial == trial) {
            return true;
        }
    }
    return false;
}

bool node_refuses(const struct live_node *node, int64_t trial)
{
    return node->row.quarantined_at_ms != 0 && has_failed(node, trial);
}

/* Has another node succeeded in this study since the first of the failures? */
static bool others_succeed(const struct node_row *row, int64_t study)
{
    for (size_t i = 0; i < row->n_failed; i++) {
        if (trial_id_study(row->failed[i].trial) == study && row->failed[i].elsewhere != 0) {
            return true;
        }
    }
    return false;
}

int node_note_failure(struct state *state, struct live_lease *lease, bool *excused, struct err *err)
{
    struct live_node *node = lease->worker->node;
    struct node_row *row = &node->row;
    struct trial_row *trial = &lease->trial->row;
    bool at_once = state->wall_ms - lease->row.leased_at_ms <= AT_ONCE_MS;

    *excused = false;
    if (lease->last_step >= 0 || trial->excused) {
        return 0; /* the node works, or the trial has failed on another one before */
    }
    if (row->quarantined_at_ms == 0 && !at_once) {
        return 0;
    }
    trial->excused = *excused = row->quarantined_at_ms != 0;
    if (row->n_failed == NODE_FAILURES_MAX || has_failed(node, trial->id)) {
        return 0;
    }
    row->failed[row->n_failed] = (struct node_failure){
        .trial = trial->id, .elsewhere = others_succeed(row, lease->study->row.id)};
    row->n_failed++;
    return judge(state, node, err);
}

/* A success on another node: what failed on this one may be the node's. */
static int note_elsewhere(struct state *state, struct live_node *node, int64_t study,
                          struct err *err)
{
    bool changed = false;

    for (size_t i = 0; i < node->row.n_failed; i++) {
        struct node_failure *failed = &node->row.failed[i];
        if (failed->elsewhere == 0 && trial_id_study(failed->trial) == study) {
            failed->elsewhere = 1;
            changed = true;
        }
    }
    struct node_row *row = &node->row;
    if (row->quarantined_at_ms != 0 && state->wall_ms - row->others_at_ms >= OTHERS_NOTED_MS) {
        row->others_at_ms = state->wall_ms;
        changed = true;
    }
    return changed ? judge(state, node, err) : 0;
}

int node_note_success(struct state *state, const struct live_lease *lease, struct err *err)
{
    struct live_node *own = lease->worker->node;

    if (own->row.n_failed > 0 || own->row.quarantined_at_ms != 0) {
        TRY(recover(state, own, "a trial succeeded", err));
    }
    for (struct live_node *node = state->nodes; node != NULL; node = node->next) {
        if (node != own) {
            TRY(note_elsewhere(state, node, lease->study->row.id, err));
        }
    }
    return 0;
}

struct live_node *node_next_to_take_back(struct state *state)
{
    struct live_node *node = state->takes_back ? state->nodes : NULL;

    while (node != NULL && !node->takes_back) {
        node = node->next;
    }
    state->takes_back = node != NULL;
    if (node != NULL) {
        node->takes_back = false;
    }
    return node;
}

/* ---- what it may be given ---- */

/* Does no other node train or wait, and has none succeeded of late? */
static bool is_alone(const struct state *state, const struct live_node *node)
{
    const struct live_worker *worker;

    if (state->wall_ms - node->row.others_at_ms < ALONE_AFTER_MS) {
        return false;
    }
    for (size_t at = 0; (worker = map_next(&state->worker_by_name, &at)) != NULL;) {
        if (worker->node != node && (worker->leases > 0 || worker->waiting > 0)) {
            return false;
        }
    }
    return true;
}

int node_admit(struct state *state, struct live_node *node, bool *admitted, struct err *err)
{
    const struct node_row *row = &node->row;

    *admitted =
        !row->draining && (row->quarantined_at_ms == 0 || state->wall_ms >= row->probe_at_ms);
    if (*admitted && row->quarantined_at_ms != 0 && is_alone(state, node)) {
        return recover(state, node, "no other node is left", err);
    }
    return 0;
}

int node_granted(struct state *state, struct live_node *node, struct err *err)
{
    struct node_row *row = &node->row;
    int64_t wait_ms = PROBE_FIRST_MS;

    if (row->quarantined_at_ms == 0) {
        return 0;
    }
    row->probes++;
    for (int64_t i = 0; i < row->probes && wait_ms < PROBE_MOST_MS; i++) {
        wait_ms *= 2;
    }
    row->probe_at_ms = state->wall_ms + (wait_ms < PROBE_MOST_MS ? wait_ms : PROBE_MOST_MS);
    return save(state, node, err);
}

void node_explain(const struct state *state, const struct live_node *node, struct no_lease *no)
{
    const struct node_row *row = &node->row;

    if (row->draining && no->reason != NO_LEASE_FINISHED && no->reason != NO_LEASE_STOPPED) {
        no->reason = NO_LEASE_DRAINED;
        (void)snprintf(no->detail, sizeof no->detail,
                       "%.80s is draining: it is given no trial until it is resumed", row->name);
    }
    if (no->reason != NO_LEASE_WAITING) {
        return;
    }
    if (row->quarantined_at_ms != 0 && state->wall_ms < row->probe_at_ms) {
        int64_t seconds = (row->probe_at_ms - state->wall_ms + 999) / 1000;
        (void)snprintf(no->detail, sizeof no->detail,
                       "%.60s is quarantined (trials failed at once on it and succeeded "
                       "elsewhere): it is given its next trial in %" PRId64 " s",
                       row->name, seconds);
        no->retry_after_seconds = seconds < 60 ? (double)seconds : 60;
    }
}

int node_drain(struct state *state, struct live_node *node, struct err *err)
{
    if (node->row.draining) {
        return 0;
    }
    node->row.draining = true;
    state->studies_moved = true; /* those of its asks that wait are answered */
    TRY(save(state, node, err));
    return tell(state, node, EVENT_WORKER_DRAINING, "by request", err);
}

int node_resume(struct state *state, struct live_node *node, struct err *err)
{
    bool was_draining = node->row.draining;

    node->row.draining = false;
    if (was_draining && node->row.quarantined_at_ms == 0) {
        TRY(tell(state, node, EVENT_WORKER_RESUMED, "by request", err));
    }
    return recover(state, node, "by request", err);
}

enum node_state node_state(const struct live_node *node)
{
    return node->row.draining                 ? NODE_DRAINING
           : node->row.quarantined_at_ms != 0 ? NODE_QUARANTINED
                                              : NODE_ACTIVE;
}

const char *node_state_name(enum node_state state)
{
    static const char *const names[NODE_STATE_COUNT] = {[NODE_ACTIVE] = "active",
                                                        [NODE_DRAINING] = "draining",
                                                        [NODE_QUARANTINED] = "quarantined",
                                                        [NODE_GONE] = "gone"};

    return names[state];
}
