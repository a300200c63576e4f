/* Bugs on purpose. A checker of histories that finds nothing proves nothing unless it is shown to
 * find something: tests/faults/test_planted.py runs a server with each of these bugs and demands
 * that the checker says so.
 *
 * Only the test program honed_planted has them. In every other build PLANTED() is the constant
 * false, and what depends on it is not compiled in. Safe from any thread. */
#ifndef COMMON_PLANTED_H
#define COMMON_PLANTED_H

#include <stdbool.h>

enum planted_bug {
    PLANTED_EARLY_ACK = 1,    /* a group's answers leave before its commit */
    PLANTED_KEY_NOT_KEPT,     /* what an Idempotency-Key did is not kept with its effect */
    PLANTED_FAILED_GROUP_ACK, /* answers of a group that was undone stay as they were */
    PLANTED_OLD_LEASE_COUNTS, /* no attempt is compared: an overtaken lease counts as the newest */
    PLANTED_OLD_LEASE_BEATS,  /* an overtaken lease may go on beating */
    PLANTED_WALL_CLOCK,       /* leases run by the wall clock */
    PLANTED_EARLY_EXPIRY,     /* a lease ends one heartbeat early */
    PLANTED_LOST_FOR_GOOD,    /* a lease that runs out takes its trial with it */
    PLANTED_GRID_AGAIN,       /* after a start the grid begins anew */
    PLANTED_RUNG_AGAIN,       /* a promoted trial is sent to the rung that it has reached */
    PLANTED_SECOND_RESULT,    /* a second, different result is accepted */
    PLANTED_OTHER_ANSWER,     /* the same result again gets another answer */
    PLANTED_RELEASE_CHARGED,  /* handing a lease back counts as losing it */
    PLANTED_SEQ_FROM_START,   /* Server-Seq counts from the start of the process */
    PLANTED_BATCH_CUT,        /* the last configuration of a batch is lost if others came before */
    PLANTED_OLD_SNAPSHOT,     /* a reader never lets go of its first snapshot */
    PLANTED_WRONG_ATTEMPT,    /* measurements are stored under the first attempt */
    PLANTED_RESULT_FORGOTTEN, /* a result's metrics are not stored */
    PLANTED_ASK_FORGOTTEN,    /* an ask that is repeated is a new ask */
    PLANTED_ATTEMPT_SKIPPED,  /* a retry skips a number */
    PLANTED_OTHER_PARAMETERS, /* a retry is handed out without its parameters */
};

#ifdef HONE_PLANTED
/* Is it the one whose number stands in the environment's HONE_PLANTED? */
bool planted_is(enum planted_bug bug);
#define PLANTED(bug) planted_is(PLANTED_##bug)
#else
#define PLANTED(bug) false
#endif

#endif
