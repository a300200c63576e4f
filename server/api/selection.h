/* Which trials a list is asked for, in which order, and from where on: its query parameters.
 *
 * Cursors are opaque to clients and checked when they come back. A walk by value covers the trials
 * that were final when it began, which its cursor carries along. */
#ifndef SERVER_API_SELECTION_H
#define SERVER_API_SELECTION_H

#include "server/api/reading.h"

#define PAGE_DEFAULT 100
#define PAGE_MAX 1000
#define CURSOR_BYTES 96

enum sort_kind { SORT_BY_NUMBER, SORT_BY_BEST, SORT_BY_METRIC };

/* Where a trial stands when sorted by value: finite ones first, then by cost, then by number. */
struct place {
    int rank; /* 0 finite, 1 not finite or none */
    double cost;
    int64_t number;
};

struct selection {
    struct reading *reading;
    enum sort_kind sort;
    bool reverse;
    char metric[NAME_BYTES + 1];
    bool maximize; /* larger metrics first */
    int64_t limit;
    unsigned states; /* 0: all */
    int source;      /* -1: all */
    const char *worker;
    /* from the cursor */
    int64_t after_number;
    int64_t until_seq; /* of a walk by value: trials that were final then; 0: begins now */
    bool has_place;
    struct place after;
};

/* ERR_MALFORMED with what may be said. The texts are borrowed from the request. */
MUST_USE int selection_read(struct reading *reading, struct selection *selection, struct err *err);
/* Is it from the source and the worker asked for? The states are the store's to choose. */
bool selection_takes(const struct selection *selection, const struct trial_row *row);
/* The cursor of a walk by value, behind this place. */
void selection_write_place(char cursor[CURSOR_BYTES], int64_t until_seq, const struct place *place);
/* Reading a cursor: is `c` next? Then *at moves behind it. */
bool cursor_skip(const char **at, char c);
/* What came as cursor is none of this list; always -1. */
int cursor_refused(struct err *err);

#endif
