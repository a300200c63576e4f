/* What an offer is asked for, and what it is. */
#ifndef SERVER_SCHEDULE_OFFER_TYPES_H
#define SERVER_SCHEDULE_OFFER_TYPES_H

#include <stdbool.h>
#include <stdint.h>

struct schedule_moment {
    int64_t now_ms;   /* wall clock, for the facts; decides nothing unless a quorum is set */
    bool may_start;   /* a new configuration may go out: no limit is reached, … */
    bool may_promote; /* false once seconds, resource, failures are used up, or while paused */
    /* Whether the asking worker prefers this trial, because it holds its checkpoint. May be NULL.
     */
    bool (*prefers)(const void *worker, int64_t trial);
    const void *worker;
};

enum offer_kind { OFFER_NOTHING, OFFER_NEW, OFFER_RESUME };

struct schedule_offer {
    enum offer_kind kind;
    int64_t trial;    /* OFFER_RESUME: the trial that continues */
    int64_t bracket;  /* OFFER_NEW: where it enters */
    bool has_until;   /* the study has a resource */
    int64_t until;    /* train to */
    bool is_over;     /* OFFER_NOTHING: nothing will ever go out again (`rounds`) */
    char detail[256]; /* OFFER_NOTHING: "bracket 2, rung 1 waits for 3 running trials" */
};

#endif
