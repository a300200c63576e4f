/* A small server in a thread of the test, with routes that show what arrived, and a second thread
 * that answers what the routes /later and /batch deferred. */
#ifndef TESTS_UNIT_HTTP_FIXTURE_H
#define TESTS_UNIT_HTTP_FIXTURE_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/http/http.h"

#define FIXTURE_QUEUE 1024

/* A hand-turned clock that the loop thread may read meanwhile. */
struct fixture_clock {
    struct clock clock; /* first */
    atomic_llong now_ms;
    atomic_ulong n_reads; /* the loop reads it in every turn */
};

struct fixture {
    struct http_server *server;
    int port;
    struct fixture_clock clock;
    pthread_t loop;
    atomic_int loop_stat; /* of its thread, in /proc */
    pthread_t answerer;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    struct http_request *queue[FIXTURE_QUEUE];
    size_t n_queued;
    size_t hold;                 /* the answerer waits until so many are there */
    bool stop;                   /* the answerer leaves */
    size_t n_done;               /* on_done calls */
    size_t n_sent;               /* … that said sent */
    size_t produced;             /* lines the stream has made */
    size_t available;            /* lines the stream may make */
    bool stream_ends;            /* after the available lines */
    bool stream_fails;           /* the same, in the middle of something that has an end */
    bool stream_beats;           /* the newest says something from time to time */
    int64_t beat_ms;             /* when it last did */
    size_t n_finished;           /* streams that ended */
    size_t n_streams;            /* streams that began */
    struct http_request *stream; /* the newest */
    struct http_request *upload; /* the newest of /upload, which waits after each piece */
    size_t n_pieces;             /* that it has taken */
    size_t n_uploaded;           /* their bytes */
};

/* `settings`: NULL for an open server; listen, clock, routes and problem are filled in here. */
struct fixture *fixture_start(const struct http_settings *settings);
void fixture_stop(struct fixture *f);
/* The same when the loop has been stopped and joined already. */
void fixture_stop_ended(struct fixture *f);
/* Tries to start; for settings that are refused. */
int fixture_try(const struct http_settings *settings, struct err *err);
/* Waits until *value (a member, under the lock) is at least `wanted`. */
void fixture_wait(struct fixture *f, const size_t *value, size_t wanted);
/* Moves the clock and sends a request of its own, so that the loop has looked. */
void fixture_advance(struct fixture *f, int64_t ms);
/* Moves the clock and wakes the loop, without a connection. */
void fixture_pass(struct fixture *f, int64_t ms);
/* Waits until so many connections are open. At 0 no request may be left either. */
void fixture_wait_connections(struct fixture *f, uint64_t wanted);
/* Waits until the loop sleeps. A loop that turns without a pause never returns from here. */
void fixture_wait_rest(struct fixture *f);

#endif
