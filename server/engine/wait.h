/* Waiting for a condition variable for a limited time, by CLOCK_MONOTONIC. Any thread. */
#ifndef SERVER_ENGINE_WAIT_H
#define SERVER_ENGINE_WAIT_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* For waits until wait_deadline(). */
void wait_condition_init(pthread_cond_t *condition);
/* So long from now. */
struct timespec wait_deadline(int64_t ms);

#endif
