/* A bracket with its rungs, which rank the values of trials. One thread at a time. */
#ifndef SERVER_SCHEDULE_BRACKET_H
#define SERVER_SCHEDULE_BRACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "server/schedule/cost_table.h"
#include "server/schedule/entry.h"
#include "server/schedule/ranking.h"
#include "server/schedule/tables.h"

struct rung {
    int64_t level;
    int64_t size;                /* slots; 0: unlimited */
    size_t started;              /* trials that took a slot */
    size_t reported;             /* of these, those with a value and those that gave the slot up */
    struct rung_ranking all;     /* every finite value */
    struct rung_ranking waiting; /* the values of undecided trials */
    /* Several objectives: the trials of `all`, each with the row of its costs. */
    size_t n_rows, cap_rows;
    struct rung_row *rows;
    bool is_unsorted;       /* rows came that are in no order, as while facts are loaded: their
                               places are those of arrival */
    size_t n_without_lease; /* of these, those that need no lease to continue */
    size_t n_durations, cap_durations;
    int64_t *durations_ms; /* of the trials that reported, sorted; only with a quorum */
};

struct bracket {
    int index;
    int kind; /* s, the number of halvings; asha: its first level */
    bool is_sealed;
    bool is_done;
    size_t n_rungs;
    struct rung *rungs;
};

/* Returns an empty bracket; NULL: no memory. */
struct bracket *bracket_create(int index, int kind, const struct bracket_plan *plan);
void bracket_destroy(struct bracket *bracket);
/* Returns how many values a rung may still get; without a size: how many trials run there. */
size_t bracket_outstanding(const struct bracket *bracket, size_t rung);
/* Whether this waiting trial could enter the next rung without a lease. */
bool bracket_needs_no_lease(const struct bracket *bracket, const struct rung_entry *entry);
/* Adds how long a value took, in ms. ERR_NOMEM. */
MUST_USE int rung_add_duration(struct rung *rung, int64_t duration_ms, struct err *err);

#endif
