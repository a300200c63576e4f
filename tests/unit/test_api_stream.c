/* Long answers in chunks. */
#include <check.h>
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server/api/stream.h"
#include "tests/support/run_suite.h"
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

/* ---- answers that are stopped before their end ---- */

/* A source with one chunk of text; the second one fails. */
struct failing {
    int n_chunks;
};

static int failing_chunk(void *context, struct store *store, struct buf *out, bool *more,
                         struct err *err)
{
    struct failing *failing = context;

    (void)store;
    *more = true;
    if (failing->n_chunks++ > 0) {
        return err_set(err, ERR_IO, "a chunk that fails");
    }
    buf_puts(out, "a part\n");
    return 0;
}

static bool no_news(void *context)
{
    (void)context;
    return false;
}

static void reply_failing(struct api *api, struct http_request *request,
                          bool (*has_news)(void *context))
{
    struct http_response response;
    const struct stream_source source = {.context = calloc(1, sizeof(struct failing)),
                                         .read_chunk = failing_chunk,
                                         .has_news = has_news,
                                         .destroy = free};

    ck_assert_ptr_nonnull(source.context);
    ck_assert(http_may_stream(request));
    http_response_init(&response, 200, "text/plain");
    stream_reply(api, request, &response, &source);
}

static void get_whole(void *context, struct http_request *request)
{
    reply_failing(context, request, NULL);
}

static void get_followed(void *context, struct http_request *request)
{
    reply_failing(context, request, no_news);
}

static const struct http_route failing_routes[] = {
    {"GET", "/whole", HTTP_SCOPE_NONE, HTTP_BODY_NONE, get_whole},
    {"GET", "/followed", HTTP_SCOPE_NONE, HTTP_BODY_NONE, get_followed},
    {"GET", "/endless", HTTP_SCOPE_NONE, HTTP_BODY_NONE, get_endless},
};

/* Reads until the server closes; returns whether the answer has the chunk that ends it. */
static bool ends_well(int client, struct buf *answer)
{
    char piece[4096];
    ssize_t n;

    while ((n = recv(client, piece, sizeof piece, 0)) > 0) {
        buf_append(answer, piece, (size_t)n);
    }
    (void)close(client);
    return strstr(buf_text(answer), "\r\n0\r\n\r\n") != NULL;
}

static bool call_ends_well(int port, const char *path)
{
    OWN(buf) struct buf answer;
    int client = http_connect(port);

    buf_init(&answer, 65536);
    http_send_request(client, "GET", path, "Connection: close\r\n", NULL);
    bool well = ends_well(client, &answer);
    ck_assert_ptr_nonnull(strstr(buf_text(&answer), "a part\n"));
    return well;
}

START_TEST(a_part_is_not_taken_for_the_whole)
{
    struct api_fixture f;

    api_fixture_start_routes(&f, failing_routes, 3);
    ck_assert(!call_ends_well(f.port, "/whole"));
    ck_assert(call_ends_well(f.port, "/followed"));
    api_fixture_stop(&f);
}
END_TEST

START_TEST(a_server_that_stops_breaks_what_has_an_end)
{
    OWN(buf) struct buf answer;
    struct api_fixture f;

    buf_init(&answer, 65536);
    ck_assert_int_eq(sem_init(&endless.begun, 0, 0), 0);
    ck_assert_int_eq(sem_init(&endless.destroyed, 0, 0), 0);
    api_fixture_start_routes(&f, failing_routes, 3);
    int client = http_connect(f.port);
    http_send_request(client, "GET", "/endless", NULL, NULL);
    await(&endless.begun);
    api_fixture_stop(&f);
    ck_assert(!ends_well(client, &answer));
    ck_assert_ptr_nonnull(strstr(buf_text(&answer), " 200 "));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_stream");
    TCase *tcase = tcase_create("stream");

    tcase_add_test(tcase, empty_chunks_end_when_the_client_is_gone);
    tcase_add_test(tcase, a_part_is_not_taken_for_the_whole);
    tcase_add_test(tcase, a_server_that_stops_breaks_what_has_an_end);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
