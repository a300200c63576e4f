/* Which trials a list is asked for, in which order, and from where on: its query parameters.
 *
 * Cursors are opaque to clients and checked when they come back. A walk by value covers the trials
 * that were final when it began, which its cursor carries along. */
#ifndef SERVER_API_SELECTION_H
#define SERVER_API_SELECTION_H

#include "server/api/list.h"
#include "server/api/value_order.h"

struct selection {
    struct read_request *read;
    enum sort_kind sort;
    bool reverse;
    char metric[METRIC_NAME_BYTES + 1];
    bool maximize; /* larger metrics first */
    int64_t limit;
    unsigned states; /* 0: all */
    int source;      /* -1: all */
    const char *worker;
    /* from the cursor */
    int64_t after_number;
    int64_t until_seq; /* of a walk by value: trials that were final then; 0: begins now */
    bool has_key;
    struct sort_key after;
};

/* ERR_MALFORMED with what may be said. The texts are borrowed from the request. */
MUST_USE int selection_read(struct read_request *read, struct selection *selection,
                            struct err *err);
/* Is it from the source and the worker asked for? The states are the store's to choose. */
bool selection_takes(const struct selection *selection, const struct trial_row *row);
/* The cursor of a walk by value, behind this key. */
void selection_write_key(char cursor[CURSOR_BYTES], int64_t until_seq, const struct sort_key *key);

#endif
