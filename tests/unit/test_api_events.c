/* Events that go by age, while streams of them are open. */
#include <check.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "common/own.h"
#include "tests/support/clock_ahead.h"
#include "tests/support/run_suite.h"
#include "tests/unit/api_fixture.h"

enum { READERS = 2, DAY_MS = 86400000 };

#define STUDY                                                                                      \
    "{\"name\": \"demo\", \"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"low\": 0, "    \
    "\"high\": 1}], \"objectives\": [{\"metric\": \"loss\", \"direction\": \"minimize\"}]}"

static struct api_fixture f;
static struct clock_ahead ahead;

/* A study and a worker: the events 1 (study-created) and 2 (trial-running). */
static void start(void)
{
    clock_ahead_init(&ahead);
    api_fixture_start_at(&f, &ahead.clock);
    api_expect(&f, 201, "POST", "/v1/studies", STUDY);
    api_expect(&f, 201, "POST", "/v1/leases", "{\"worker\": \"gpu07:0\"}");
}

static void stop(void)
{
    api_fixture_stop(&f);
}

/* One event each, of no study. */
static void drain_and_resume(void)
{
    api_expect(&f, 200, "POST", "/v1/workers/gpu07/drain", NULL);
    api_expect(&f, 200, "POST", "/v1/workers/gpu07/resume", NULL);
}

/* All events of no study that there are go, but for the newest; later writes do it. */
static void let_events_go(void)
{
    ahead.by_ms += INT64_C(401) * DAY_MS;
    drain_and_resume();
}

/* ---- reader threads that are busy ---- */

static sem_t entered, opened;

static void await(sem_t *sem)
{
    while (sem_wait(sem) != 0) {
    }
}

static void hold_reader(void *argument, struct store *reader)
{
    (void)argument;
    (void)reader;
    (void)sem_post(&entered);
    await(&opened);
}

static void hold_readers(void)
{
    (void)sem_init(&entered, 0, 0);
    (void)sem_init(&opened, 0, 0);
    for (int i = 0; i < READERS; i++) {
        ck_assert_int_eq(engine_read(f.api.engine, hold_reader, NULL, NULL), 0);
    }
    for (int i = 0; i < READERS; i++) {
        await(&entered);
    }
}

static void let_readers_go(void)
{
    for (int i = 0; i < READERS; i++) {
        (void)sem_post(&opened);
    }
}

/* ---- streams ---- */

static int follow(const char *path, struct buf *seen)
{
    int fd = http_connect(f.port);

    buf_init(seen, 1 << 20);
    http_send_request(fd, "GET", path, "Connection: close\r\n", NULL);
    return fd;
}

/* A stream that has shown event 4, and whose next chunk is read after those behind it are gone. */
static int fall_behind(const char *path, const char *shown, struct buf *seen)
{
    drain_and_resume(); /* 3 and 4 */
    int fd = follow(path, seen);
    ck_assert(http_receive_until(fd, seen, shown));
    hold_readers();
    drain_and_resume(); /* 5 and 6 */
    let_events_go();    /* with 7 and 8 */
    let_readers_go();
    return fd;
}

static const struct {
    const char *path, *shown, *hidden, *says;
} formats[] = {
    {"/v1/events?format=ndjson", "{\"seq\":4,", "{\"seq\":7,", "removed"},
    {"/v1/events?format=sse", "id: 4\n", "id: 7\n", "removed"},
    {"/v1/events?format=text", "# after=4\n", "# after=8\n",
     "\n# events after 4 were removed; read the studies anew, and go on with after=6\n"},
};

START_TEST(a_stream_that_events_were_removed_from_ends)
{
    OWN(buf) struct buf seen;

    OWN(fd) int fd = fall_behind(formats[_i].path, formats[_i].shown, &seen);
    ck_assert(!http_receive_until(fd, &seen, formats[_i].hidden));
    ck_assert_int_eq(strstr(buf_text(&seen), formats[_i].says) != NULL, _i == 2);
    api_expect(&f, 410, "GET", "/v1/events?follow=false&after=4", NULL);
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "go on with after=6"));
    api_expect(&f, 200, "GET", "/v1/events?follow=false&after=6", NULL);
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "{\"seq\":8,"));
    api_expect(&f, 200, "GET", "/v1/events?follow=false", NULL); /* what there is */
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "{\"seq\":2,"));
    ck_assert_ptr_null(strstr(buf_text(&f.last.body), "{\"seq\":4,"));
}
END_TEST

START_TEST(events_of_a_study_that_is_there_stay)
{
    OWN(buf) struct buf seen;

    OWN(fd) int fd = fall_behind("/v1/studies/demo/events", "{\"seq\":2,", &seen);
    api_expect(&f, 200, "PATCH", "/v1/studies/demo", "{\"state\": \"paused\"}");
    ck_assert(http_receive_until(fd, &seen, "\"kind\":\"study-changed\""));
}
END_TEST

/* What was removed before a stream began, or behind its place, is none of its business. */
START_TEST(a_stream_outlives_what_goes_behind_it)
{
    OWN(buf) struct buf seen;

    drain_and_resume(); /* 3 and 4 */
    let_events_go();    /* with 5 and 6 */
    OWN(fd) int fd = follow("/v1/events?after=0", &seen);
    ck_assert(http_receive_until(fd, &seen, "{\"seq\":6,"));
    let_events_go(); /* with 7 and 8 */
    ck_assert(http_receive_until(fd, &seen, "{\"seq\":8,"));
    drain_and_resume();
    ck_assert(http_receive_until(fd, &seen, "{\"seq\":10,"));
}
END_TEST

START_TEST(a_place_yet_to_come_is_the_newest_one)
{
    OWN(buf) struct buf seen;

    OWN(fd) int fd = follow("/v1/events?format=text&after=1000", &seen);
    ck_assert(http_receive_until(fd, &seen, "# after=2\n"));
    drain_and_resume();
    ck_assert(http_receive_until(fd, &seen, "draining"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_events");
    TCase *tcase = tcase_create("removed");

    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_loop_test(tcase, a_stream_that_events_were_removed_from_ends, 0,
                        (int)(sizeof formats / sizeof formats[0]));
    tcase_add_test(tcase, events_of_a_study_that_is_there_stay);
    tcase_add_test(tcase, a_place_yet_to_come_is_the_newest_one);
    tcase_add_test(tcase, a_stream_outlives_what_goes_behind_it);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
