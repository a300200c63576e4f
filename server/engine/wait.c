#include "server/engine/wait.h"

#include "common/clock.h"

void wait_condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;

    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

struct timespec wait_deadline(int64_t ms)
{
    int64_t until_us = clock_monotonic_us() + ms * 1000;

    return (struct timespec){.tv_sec = (time_t)(until_us / 1000000),
                             .tv_nsec = (long)(until_us % 1000000) * 1000};
}
