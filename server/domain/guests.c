#include "server/domain/guests.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* Negative: there is no limit. */
static double share_of(const struct guests *guests)
{
    double share = guests->limits->guest_share;

    return share < 0 && guests->by_program ? GUEST_SHARE_DEFAULT : share;
}

/* The trials that the share is of, when `more` are enqueued. */
static int64_t basis(const struct guests *guests, int64_t more)
{
    int64_t then = guests->trials + more;

    if (guests->limits->trials >= 0) {
        return guests->limits->trials;
    }
    return then < GUESTS_TRIALS_MIN ? GUESTS_TRIALS_MIN : then;
}

/* 0.29 of 100 is 29, though the product is a little less. */
static int64_t allowed(const struct guests *guests, int64_t more)
{
    return (int64_t)floor(share_of(guests) * (double)basis(guests, more) + 1e-9);
}

/* How many could be enqueued now, fewer than were asked for. */
static int64_t left(const struct guests *guests)
{
    int64_t n = guests->more;

    while (n > 0 && guests->enqueued + n > allowed(guests, n)) {
        n--;
    }
    return n;
}

static void write_basis(const struct guests *guests, char *text, size_t size)
{
    if (guests->limits->trials >= 0) {
        (void)snprintf(text, size, "limits.trials, %" PRId64, guests->limits->trials);
    } else if (basis(guests, guests->more) == GUESTS_TRIALS_MIN) {
        (void)snprintf(text, size, "%d, the least that is counted in a study without limits.trials",
                       GUESTS_TRIALS_MIN);
    } else {
        (void)snprintf(text, size, "%" PRId64 " trials, these included",
                       basis(guests, guests->more));
    }
}

int guests_check(const struct guests *guests, struct err *err)
{
    char of[96], fit[96] = "";
    double share = share_of(guests);
    int64_t most = allowed(guests, guests->more);

    if (share < 0 || share >= 1 || guests->more == 0 || guests->enqueued + guests->more <= most) {
        return 0;
    }
    write_basis(guests, of, sizeof of);
    if (left(guests) > 0) {
        (void)snprintf(fit, sizeof fit, "enqueue at most %" PRId64 " now, or ", left(guests));
    }
    return err_set(err, ERR_WRONG_STATE,
                   "%s is %.3g: of %s, %" PRId64 " may be enqueued, of which %" PRId64
                   " are used, and %" PRId64 " more were sent; %slet the strategy propose the next "
                   "ones, or raise limits.guest_share",
                   guests->limits->guest_share < 0 ? "the share for programs that propose trials"
                                                   : "limits.guest_share",
                   share, of, most, guests->enqueued, guests->more, fit);
}
