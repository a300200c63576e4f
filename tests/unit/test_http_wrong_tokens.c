/* The brake on those who send wrong tokens: ten a second for an address, or a network of IPv6. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/http/limits.h"
#include "tests/support/clock_manual.h"
#include "tests/support/run_suite.h"

#define A_SECOND 10

static struct clock_manual manual;

static struct http_server *server_without_loop(void)
{
    struct http_server *server = calloc(1, sizeof *server);

    ck_assert_ptr_nonnull(server);
    clock_manual_init(&manual, 5000000, 0);
    server->clock = &manual.clock;
    return server;
}

static void fail_times(struct http_server *server, const char *peer, int n)
{
    for (int i = 0; i < n; i++) {
        bad_token_count(server, peer);
    }
}

/* `failing` has failed too often: which of the others is held back, too? */
static const struct {
    const char *failing, *other;
    bool held_back;
} neighbours[] = {
    {"192.0.2.1", "192.0.2.1", true},
    {"192.0.2.1", "192.0.2.2", false},
    {"2001:db8:1:2::1", "2001:db8:1:2::1", true},
    {"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
    {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
    {"2001:db8::1", "2001:db8::", true},
    {"::ffff:192.0.2.1", "::ffff:192.0.2.1", true},
    {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false}, /* IPv4 on a socket of IPv6 */
    {"::1", "::2", true},
    {"::1", "127.0.0.1", false},
};

START_TEST(networks_are_told_apart)
{
    struct http_server *server = server_without_loop();

    fail_times(server, neighbours[_i].failing, A_SECOND - 1);
    ck_assert(!bad_token_is_limited(server, neighbours[_i].failing));
    fail_times(server, neighbours[_i].failing, 1);
    ck_assert(bad_token_is_limited(server, neighbours[_i].failing));
    ck_assert_int_eq(bad_token_is_limited(server, neighbours[_i].other), neighbours[_i].held_back);
    free(server);
}
END_TEST

START_TEST(many_addresses_of_one_network_get_no_more_tries)
{
    struct http_server *server = server_without_loop();
    char peer[64];

    for (int i = 0; i < A_SECOND; i++) {
        (void)snprintf(peer, sizeof peer, "2001:db8:1:2::%x", i + 1);
        ck_assert(!bad_token_is_limited(server, peer));
        bad_token_count(server, peer);
    }
    ck_assert(bad_token_is_limited(server, "2001:db8:1:2:3:4:5:6"));
    free(server);
}
END_TEST

START_TEST(the_next_second_is_another)
{
    struct http_server *server = server_without_loop();

    fail_times(server, "192.0.2.1", A_SECOND);
    ck_assert(bad_token_is_limited(server, "192.0.2.1"));
    manual.now_ms += 1000;
    ck_assert(!bad_token_is_limited(server, "192.0.2.1"));
    free(server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_wrong_tokens");
    TCase *tcase = tcase_create("brake");

    tcase_add_loop_test(tcase, networks_are_told_apart, 0,
                        sizeof neighbours / sizeof neighbours[0]);
    tcase_add_test(tcase, many_addresses_of_one_network_get_no_more_tries);
    tcase_add_test(tcase, the_next_second_is_another);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
