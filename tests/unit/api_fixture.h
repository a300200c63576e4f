/* A whole server in the test's process: engine on a store in memory, the real routes, a loop
 * thread, and plain calls to it. */
#ifndef TESTS_UNIT_API_FIXTURE_H
#define TESTS_UNIT_API_FIXTURE_H

#include <jansson.h>
#include <pthread.h>

#include "server/api/api.h"
#include "server/api/deliver.h"
#include "server/api/problem.h"
#include "server/api/routes.h"
#include "server/api/study_news.h"
#include "server/store/tokens.h"
#include "tests/support/http_call.h"

struct api_fixture {
    struct api api;
    int port;
    pthread_t loop;
    struct http_answer last; /* of the last call */
};

void api_fixture_start(struct api_fixture *f);
/* With a store in this directory. */
void api_fixture_start_in(struct api_fixture *f, const char *directory);
/* With another clock for the engine, which its threads read. */
void api_fixture_start_at(struct api_fixture *f, const struct clock *clock);
/* With these routes instead. */
void api_fixture_start_routes(struct api_fixture *f, const struct http_route routes[], size_t n);
/* With tokens required: these are valid. */
void api_fixture_start_closed(struct api_fixture *f, const struct token_row tokens[], size_t n);
void api_fixture_stop(struct api_fixture *f);
/* Sends; the answer stands in f->last. Returns the status. */
int api_call(struct api_fixture *f, const char *method, const char *path, const char *body);
/* Fails the test with what was answered unless it has this status. */
void api_expect(struct api_fixture *f, int status, const char *method, const char *path,
                const char *body);
/* The last body as JSON; the caller owns it. */
json_t *api_json(const struct api_fixture *f);
/* A path into JSON such as "items.0.number": borrowed, NULL when missing. */
const json_t *json_at(const json_t *value, const char *path);
/* Leases a trial of `study`, reports `loss` at step 1 (and `extra` at step 1 unless NaN), ends it
 * as completed. Returns its number. */
int64_t api_finish_trial(struct api_fixture *f, const char *study, double loss, double extra);

#endif
