/* Long answers in chunks. */
#include <check.h>
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "server/api/stream.h"
#include "tests/unit/api_fixture.h"

#define HANG_SECONDS 30 /* a bound against hanging, never what is measured */

/* A source whose chunks are empty and never end. */
static struct {
    atomic_int n_chunks;
    sem_t begun;
    sem_t destroyed;
} endless;

static int empty_chunk(void *context, struct store *store, struct buf *out, bool *more,
                       struct err *err)
{
    (void)context;
    (void)store;
    (void)out;
    (void)err;
    *more = true;
    if (atomic_fetch_add(&endless.n_chunks, 1) == 10) {
        (void)sem_post(&endless.begun);
    }
    return 0;
}

static void note_end(void *context)
{
    (void)context;
    (void)sem_post(&endless.destroyed);
}

static void get_endless(void *context, struct http_request *request)
{
    struct http_response response;
    const struct stream_source source = {.read_chunk = empty_chunk, .destroy = note_end};

    ck_assert(http_may_stream(request));
    http_response_init(&response, 200, "text/plain");
    stream_reply(context, request, &response, &source);
}

static void await(sem_t *sem)
{
    struct timespec until;

    ck_assert_int_eq(clock_gettime(CLOCK_REALTIME, &until), 0);
    until.tv_sec += HANG_SECONDS;
    while (sem_timedwait(sem, &until) != 0) {
        ck_assert_int_eq(errno, EINTR);
    }
}

START_TEST(empty_chunks_end_when_the_client_is_gone)
{
    static const struct http_route routes[] = {
        {"GET", "/endless", HTTP_SCOPE_NONE, HTTP_BODY_NONE, get_endless}};
    struct api_fixture f;

    ck_assert_int_eq(sem_init(&endless.begun, 0, 0), 0);
    ck_assert_int_eq(sem_init(&endless.destroyed, 0, 0), 0);
    api_fixture_start_routes(&f, routes, 1);
    int client = http_connect(f.port);
    http_send_request(client, "GET", "/endless", NULL, NULL);
    await(&endless.begun);
    (void)close(client);
    int before = atomic_load(&endless.n_chunks);
    await(&endless.destroyed);
    ck_assert_int_le(atomic_load(&endless.n_chunks) - before, 3);
    api_fixture_stop(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_stream");
    TCase *tcase = tcase_create("stream");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(tcase, empty_chunks_end_when_the_client_is_gone);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
