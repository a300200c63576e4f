/* Which nodes are fit to run trials.
 *
 * A node is where workers run: the workers gpu07:0, gpu07:1 and 12_3@gpu07:0 run on the node gpu07.
 * A node on
 * which different trials in a row fail at once, while another node succeeds in their studies, is
 * quarantined: it is given one trial now and then, until one of them measures something or
 * completes, or until it is resumed by hand. Trials that failed there and nowhere else are taken
 * back, each once at most: they are tried again elsewhere, and count as no failures of their
 * studies. Where no other node succeeds, none is quarantined: it may as well be the program.
 *
 * What is known of a node stands in its row of the store, so that a restart changes no decision.
 * What a trial is excused stands in the trial's. */
#ifndef SERVER_STATE_NODE_HEALTH_H
#define SERVER_STATE_NODE_HEALTH_H

#include "server/state/state.h"

/* name ← the node of a worker. */
void node_name(const char *worker, char name[WORKER_NAME_BYTES]);
/* Finds or adds the node of a worker that becomes known. ERR_NOMEM. */
MUST_USE int node_enter(struct state *state, const char *worker, struct live_node **node,
                        struct err *err);
/* A worker of the node is forgotten; so is the node where it was the last one and there is nothing
 * to remember of it. */
void node_left(struct state *state, struct live_node *node);
/* NULL: there is none of that name. */
struct live_node *node_named(const struct state *state, const char *worker);
/* Takes the row of the store. ERR_NOMEM. */
MUST_USE int node_load(struct state *state, const struct node_row *row, struct err *err);
/* Forgets what the store knows better; the nodes stay. */
void nodes_clear(struct state *state);
void nodes_finish(struct state *state);

/* ---- what trials say of their node ---- */

/* The trial of this lease fails without having measured anything. Sets *excused where that is put
 * down to its quarantined node and the trial may be tried again. */
MUST_USE int node_note_failure(struct state *state, struct live_lease *lease, bool *excused,
                               struct err *err);
/* The trial of this lease has measured something or completed. */
MUST_USE int node_note_success(struct state *state, const struct live_lease *lease,
                               struct err *err);
/* Is the node quarantined, and has this trial failed on it? Then it is tried again elsewhere. */
bool node_refuses(const struct live_node *node, int64_t trial);
/* Returns a node whose failures are to be taken back, and begins to; NULL: there is none. */
struct live_node *node_next_to_take_back(struct state *state);

/* ---- what a node may be given ---- */

/* May it be given a trial now? One that has become the only node there is leaves quarantine. */
MUST_USE int node_admit(struct state *state, struct live_node *node, bool *admitted,
                        struct err *err);
/* It was given a trial. */
MUST_USE int node_granted(struct state *state, struct live_node *node, struct err *err);
/* Says in the answer to an ask why this node is given nothing, where that is the reason. */
void node_explain(const struct state *state, const struct live_node *node, struct no_lease *no);

/* By hand: no further trial, or trials as before. */
MUST_USE int node_drain(struct state *state, struct live_node *node, struct err *err);
MUST_USE int node_resume(struct state *state, struct live_node *node, struct err *err);

enum node_state node_state(const struct live_node *node);
/* The word of the API; static text. */
const char *node_state_name(enum node_state state);

#endif
