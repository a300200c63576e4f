/* How many of a study's trials may be proposed by others than its strategy: limits.guest_share.
 *
 * What the strategy has not chosen takes the place of what it would have learned from, so a program
 * that proposes configurations is given a share. The share counts of limits.trials; in a study
 * without that limit of the trials so far, the proposed ones included, and of GUESTS_TRIALS_MIN at
 * least, so that a few may come first. Plain numbers; any thread. */
#ifndef SERVER_DOMAIN_GUESTS_H
#define SERVER_DOMAIN_GUESTS_H

#include "server/domain/study.h"

/* Of trials that a program proposes where limits.guest_share says nothing. People's own are not
 * limited there. */
#define GUEST_SHARE_DEFAULT 0.3
#define GUESTS_TRIALS_MIN 10

struct guests {
    const struct limits *limits;
    bool by_program;  /* proposed by a program: the default share holds where none is set */
    int64_t trials;   /* leased at least once or enqueued, these not included */
    int64_t enqueued; /* those of them that were enqueued */
    int64_t more;     /* these: to be enqueued */
};

/* May they be enqueued? ERR_WRONG_STATE says what the share is, how much of it is used, and what
 * can be done. */
MUST_USE int guests_check(const struct guests *guests, struct err *err);

#endif
