/* More clients than the server has places or descriptors for: it stops accepting, without turning,
 * and goes on as soon as there is a free place again, however the connections before ended. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/http_call.h"
#include "tests/support/run_suite.h"
#include "tests/unit/http_fixture.h"
#include "tests/unit/tls_fixture.h"

#define FILLERS_MAX 256

/* ---- clients in a process of their own, so that only the server's descriptors are limited ---- */

struct crowd {
    pid_t pid;
    int orders; /* a port to connect to, then how often */
    int done;   /* one byte when all are connected */
};

static void read_all(int fd, void *to, size_t len)
{
    ck_assert_int_eq((int)read(fd, to, len), (int)len);
}

static void write_all(int fd, const void *from, size_t len)
{
    ck_assert_int_eq((int)write(fd, from, len), (int)len);
}

/* Opens connections, sends `bytes` on each and keeps them open until it is killed. */
static _Noreturn void run_crowd(int orders, int done, const char *bytes)
{
    int order[2];

    while (read(orders, order, sizeof order) == (ssize_t)sizeof order) {
        for (int i = 0; i < order[1]; i++) {
            http_send(http_connect(order[0]), bytes, strlen(bytes));
        }
        (void)!write(done, "", 1);
    }
    _exit(0);
}

static void crowd_start(struct crowd *crowd, const char *bytes)
{
    int orders[2];
    int done[2];

    ck_assert_int_eq(pipe2(orders, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(done, O_CLOEXEC), 0);
    crowd->pid = fork();
    ck_assert_int_ge(crowd->pid, 0);
    if (crowd->pid == 0) {
        (void)close(orders[1]);
        run_crowd(orders[0], done[1], bytes);
    }
    (void)close(orders[0]);
    (void)close(done[1]);
    crowd->orders = orders[1];
    crowd->done = done[0];
}

static void crowd_connect(const struct crowd *crowd, int port, int times)
{
    int order[2] = {port, times};
    char byte;

    write_all(crowd->orders, order, sizeof order);
    read_all(crowd->done, &byte, 1);
}

static void crowd_end(struct crowd *crowd)
{
    (void)kill(crowd->pid, SIGKILL);
    (void)waitpid(crowd->pid, NULL, 0);
    (void)close(crowd->orders);
    (void)close(crowd->done);
}

static void limit_descriptors(rlim_t n)
{
    struct rlimit limit = {n, n};

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* ---- the limit on connections ---- */

enum ending { SWEPT, KILLED };

static const struct {
    rlim_t descriptors;
    int connections; /* what fits */
    enum ending ending;
    bool tls;
    const char *bytes;
} limits[] = {
    {64, 32, SWEPT, false, ""},
    {256, 192, SWEPT, false, ""},
    {1024, 960, SWEPT, false, ""},
    {256, 192, SWEPT, false, "GET /hello HTTP/1.1\r\nHost:"},
    {64, 32, KILLED, false, ""},
    {256, 192, KILLED, false, ""},
    {1024, 960, KILLED, false, ""},
    {64, 32, SWEPT, true, ""},
    {256, 192, SWEPT, true, "\x16\x03\x01\x02"},
    {1024, 960, SWEPT, true, "\x16\x03\x01\x02"},
    {256, 192, KILLED, true, "\x16\x03\x01\x02"},
};

START_TEST(the_server_accepts_again_after_its_limit)
{
    struct http_settings settings = {.open = true};
    struct crowd crowd;
    int more = 3; /* in the backlog */

    if (limits[_i].tls) {
        tls_make_certificate(&settings);
    }
    crowd_start(&crowd, limits[_i].bytes);
    limit_descriptors(limits[_i].descriptors);
    struct fixture *f = fixture_start(&settings);
    crowd_connect(&crowd, f->port, limits[_i].connections + more);
    fixture_wait_connections(f, (uint64_t)limits[_i].connections);
    fixture_wait_rest(f);
    if (limits[_i].ending == SWEPT) {
        fixture_pass(f, 10000);
        fixture_wait_connections(f, (uint64_t)more);
        fixture_wait_rest(f);
    }
    crowd_end(&crowd);
    fixture_wait_connections(f, 0);
    OWN(fd) int fd = http_connect(f->port);
    fixture_wait_connections(f, 1);
    fixture_stop(f);
    if (limits[_i].tls) {
        tls_remove_certificate();
    }
}
END_TEST

START_TEST(at_the_limit_open_connections_are_served_and_make_room)
{
    struct http_settings settings = {.open = true, .connections_max = 2};
    struct fixture *f = fixture_start(&settings);
    int first = http_connect(f->port);
    OWN(fd) int second = http_connect(f->port);
    OWN(http_answer) struct http_answer answer;
    OWN(http_answer) struct http_answer waited;

    fixture_wait_connections(f, 2);
    OWN(fd) int third = http_connect(f->port);
    http_send_request(third, "GET", "/hello", NULL, NULL);
    fixture_wait_rest(f);
    http_send_request(second, "GET", "/hello", NULL, NULL);
    ck_assert_int_eq(http_receive(second, false, &answer), 200);
    (void)close(first);
    ck_assert_int_eq(http_receive(third, false, &waited), 200);
    fixture_stop(f);
}
END_TEST

/* ---- descriptors that other parts of the process hold ---- */

static size_t take_rest(int fillers[FILLERS_MAX])
{
    size_t n = 0;

    while (n < FILLERS_MAX && (fillers[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) {
        n++;
    }
    ck_assert_uint_lt(n, FILLERS_MAX);
    return n;
}

static void give_back(const int fillers[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        (void)close(fillers[i]);
    }
}

START_TEST(without_descriptors_accepting_pauses_and_goes_on)
{
    int fillers[FILLERS_MAX];
    struct crowd crowd;

    crowd_start(&crowd, "");
    limit_descriptors(256);
    struct fixture *f = fixture_start(NULL);
    crowd_connect(&crowd, f->port, _i); /* as many that live on */
    fixture_wait_connections(f, (uint64_t)_i);
    size_t n = take_rest(fillers);
    crowd_connect(&crowd, f->port, 5);
    fixture_wait_rest(f);
    give_back(fillers, n);
    fixture_pass(f, 1000);
    fixture_wait_connections(f, (uint64_t)_i + 5);
    crowd_end(&crowd);
    fixture_stop(f);
}
END_TEST

START_TEST(a_connection_that_ends_gives_its_descriptor_to_the_next)
{
    int fillers[FILLERS_MAX];
    struct crowd first;
    struct crowd second;

    crowd_start(&first, "");
    crowd_start(&second, "");
    limit_descriptors(256);
    struct fixture *f = fixture_start(NULL);
    crowd_connect(&first, f->port, 5);
    fixture_wait_connections(f, 5);
    size_t n = take_rest(fillers);
    crowd_connect(&second, f->port, 3);
    fixture_wait_rest(f);
    crowd_end(&first); /* the clock stands still meanwhile */
    fixture_wait_connections(f, 3);
    give_back(fillers, n);
    crowd_end(&second);
    fixture_stop(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_limit");
    TCase *tcase = tcase_create("limit");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, the_server_accepts_again_after_its_limit, 0,
                        (int)(sizeof limits / sizeof limits[0]));
    tcase_add_test(tcase, at_the_limit_open_connections_are_served_and_make_room);
    tcase_add_loop_test(tcase, without_descriptors_accepting_pauses_and_goes_on, 0, 2);
    tcase_add_test(tcase, a_connection_that_ends_gives_its_descriptor_to_the_next);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
