#include "server/api/think.h"

#include <stdlib.h>

#include "common/clock.h"
#include "server/engine/optimisers.h"

int think_check(struct http_request *request, int64_t began_us, const char *advice, struct err *err)
{
    if (http_client_has_left(request)) {
        return err_set(err, ERR_OVERLOADED, "the client has gone");
    }
    if (clock_monotonic_us() - began_us > (int64_t)THINK_SECONDS_MAX * 1000000) {
        return err_set(err, ERR_OVERLOADED, "not done within %d s; %s", THINK_SECONDS_MAX, advice);
    }
    return 0;
}

struct think_job {
    struct request_job head;  /* first */
    struct read_request read; /* its view is held, its response owned */
    const struct read_thought *thought;
    void *state; /* owned */
    int64_t began_us;
    struct err err; /* code 0: none */
};

static bool step(struct request_job *head, const atomic_bool *stop)
{
    struct think_job *job = (struct think_job *)head;
    bool more = false;

    if (think_check(job->read.request, job->began_us, job->thought->advice, &job->err) != 0
        || job->thought->step(job->state, stop, &more, &job->err) != 0) {
        return false;
    }
    return more;
}

static int finish(struct think_job *job, const struct err *why, struct err *err)
{
    if (why != NULL || job->err.code != ERR_NONE) {
        *err = why != NULL ? *why : job->err;
        return -1;
    }
    TRY(job->thought->write(&job->read, job->state, err));
    return read_show(&job->read, err);
}

static void end(struct request_job *head, const struct err *why)
{
    struct think_job *job = (struct think_job *)head;
    struct err err = {0};
    int result = finish(job, why, &err);

    read_answer(&job->read, result, &err);
    job->thought->destroy(job->state);
    live_view_release(job->read.view);
    free(job);
}

int read_think(struct read_request *read, const struct read_thought *thought, void *state,
               size_t bytes, struct err *err)
{
    struct think_job *job = calloc(1, sizeof *job);

    if (job == NULL) {
        return err_set(err, ERR_NOMEM, "the server is out of memory; repeat in a moment");
    }
    *job = (struct think_job){.head = {.step = step, .end = end, .bytes = bytes},
                              .read = *read,
                              .thought = thought,
                              .state = state,
                              .began_us = clock_monotonic_us()};
    job->read.store = NULL;
    job->read.view = live_view_hold(read->view);
    if (engine_think(read->api->engine, &job->head, err) != 0) {
        live_view_release(job->read.view);
        free(job);
        return -1;
    }
    read->is_answered = true;
    return 0;
}
