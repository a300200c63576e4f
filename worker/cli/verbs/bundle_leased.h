/* What 'hone bundle' has leased before its file is written: a list beside the file, FILE.leased. If
 * the program is killed, the next one that writes this file hands back what the list names;
 * otherwise those trials would wait for days. */
#ifndef WORKER_CLI_VERBS_BUNDLE_LEASED_H
#define WORKER_CLI_VERBS_BUNDLE_LEASED_H

#include <jansson.h>
#include <stddef.h>

#include "worker/cli/session.h"

struct leased_list {
    char *path;
    int fd; /* -1: there is no list; locked while its program runs */
};

/* Removes the list of a file that was written in full. */
void leased_list_forget(const char *file);
/* Hands back what a killed program has leased for `file`, which is not there. ERR_LOCKED: another
 * one writes it. What cannot be handed back, for what `err` says, stays in the list. */
MUST_USE int leased_list_recover(const char *file, struct session *session, struct err *err);
struct leased_asks {
    const char *server, *path;
    const char *request; /* each ask has it as its request id, with "-1" behind, "-2", … */
    const json_t *body;  /* of each but for that */
};
MUST_USE int leased_list_begin(struct leased_list *list, const char *file,
                               const struct leased_asks *asks, struct err *err);
MUST_USE int leased_list_note(struct leased_list *list, const char *lease, struct err *err);
/* The leases are handed back, or are in the file. Also of a list that was not begun. */
void leased_list_end(struct leased_list *list);
/* Leaves the list for the next program. */
void leased_list_finish(struct leased_list *list);
OWN_VALUE(leased_list)

/* Repeats a call that was not answered. */
MUST_USE int lease_hand_back(struct session *session, const char *lease, struct err *err);

#endif
