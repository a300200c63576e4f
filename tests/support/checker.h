/* Judges a history against the dump (history.h) by the rules of our promise:
 *
 *   A1 nothing lost       every acknowledged study, configuration, lease, measurement and result is
 *                         in the dump as it was acknowledged
 *   A2 nothing invented   every row of the dump comes from a request that was acknowledged or whose
 *                         fate is unknown, none from one that was refused; a trial fails as lost
 *                         only after as many lost attempts as its study allows
 *   A3 ownership          attempts of a trial are 1, 2, 3, …; a lease id means one attempt; once
 *                         attempt k+1 is handed out, nothing sent later by attempt k is accepted
 *   A4 one result         a trial has at most one final result, the one of its newest attempt; the
 *                         same result again gets the same answer
 *   A5 idempotency        equal keys get equal answers and make one object
 *   A6 once               a grid proposes no point twice; a retry has the same parameters; a trial
 *                         that has reached a rung is not sent there again
 *   A7 real time          a read begun after an answer shows what that answer told; states move as
 *                         the diagram allows; Server-Seq never falls, events are numbered once
 *   A8 no early expiry    attempt k+1 comes no sooner than the lease's time after the last
 *                         acknowledged sign of life of attempt k, unless k ended
 *   A9 drained            (if asked for) every trial is final, so many seconds after the last fault
 *
 * Nobody calls …/retry in such a history: what is final stays so.
 * O(n log n) in the number of requests and rows. Requests need no order among clients: the attempts
 * order each trial. */
#ifndef TESTS_SUPPORT_CHECKER_H
#define TESTS_SUPPORT_CHECKER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "tests/support/history.h"

#define CHECKER_RULES 10 /* counts[1] is A1's; counts[0] stays 0 */

struct checker_options {
    bool drained;                  /* A9 */
    double drained_within_seconds; /* of the history's clock; 0: not asked for */
    double ttl_scale; /* the server's clock runs this many times faster; 0 stands for 1 */
};

struct verdict {
    size_t counts[CHECKER_RULES];
    size_t total;
    struct buf text; /* one line a violation, the first hundred */
};

void verdict_finish(struct verdict *verdict);
OWN_VALUE(verdict)

/* Resolves the leases of the history (which it changes in no other way) and fills *verdict. */
void checker_run(struct history *history, const struct checker_options *options,
                 struct verdict *verdict);

#endif
