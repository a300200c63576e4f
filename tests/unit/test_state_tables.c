/* The tables of request ids and tokens, in the cases that no client brings about at will. */
#include <check.h>
#include <string.h>

#include "server/state/requests.h"
#include "server/state/tokens.h"
#include "server/store/tokens.h"
#include "tests/support/run_suite.h"

/* They meet in the table: it looks at the first eight bytes. */
static const unsigned char request[16] = "12345678abcdefg";
static const unsigned char namesake[16] = "12345678hijklmn";

static void put(struct state *state, const unsigned char id[16], int64_t attempt, int64_t ended_ms)
{
    struct err err = {0};

    ck_assert_int_eq(request_put(state, id, attempt, ended_ms, &err), 0);
}

START_TEST(a_request_is_told_from_one_that_begins_like_it)
{
    struct state state = {0};

    put(&state, request, 7, 0);
    ck_assert_int_eq(request_find(&state, request)->attempt_id, 7);
    ck_assert_ptr_null(request_find(&state, namesake));
    put(&state, namesake, 8, 0); /* takes its place: asked again, the first is a new ask */
    ck_assert_ptr_null(request_find(&state, request));
    ck_assert_int_eq(request_find(&state, namesake)->attempt_id, 8);
    requests_clear(&state);
}
END_TEST

START_TEST(an_older_attempt_replaces_no_newer_one)
{
    struct state state = {0};

    put(&state, request, 7, 0);
    put(&state, request, 6, 1000); /* in whatever order the store has them */
    ck_assert_int_eq(request_find(&state, request)->attempt_id, 7);
    ck_assert_int_eq(request_find(&state, request)->ended_ms, 0);
    requests_clear(&state);
}
END_TEST

START_TEST(a_request_ends_with_its_own_lease_only)
{
    struct state state = {.now_ms = 5000};
    struct live_lease lease = {.row = {.id = 6, .has_request = true}};

    memcpy(lease.row.request, request, sizeof request);
    request_end(&state, &lease); /* unknown */
    put(&state, request, 7, 0);
    request_end(&state, &lease); /* of the attempt before */
    ck_assert_int_eq(request_find(&state, request)->ended_ms, 0);
    lease.row.id = 7;
    request_end(&state, &lease);
    ck_assert_int_eq(request_find(&state, request)->ended_ms, 5000);
    requests_clear(&state);
}
END_TEST

/* Taking one out may move another into its place, which must not be passed over. */
START_TEST(all_that_were_kept_long_enough_are_forgotten)
{
    struct state state = {.now_ms = REQUEST_KEPT_MS + 1001};

    for (uint64_t i = 0; i < 500; i++) {
        unsigned char id[16] = {0};
        memcpy(id, &i, sizeof i);
        put(&state, id, 1, i % 5 == 0 ? 0 : i % 5 == 1 ? 1001 : 1000);
    }
    requests_purge(&state);
    ck_assert_uint_eq(state.request_cache.n, 200); /* those that live, and the younger ones */
    requests_clear(&state);
}
END_TEST

static void enter(struct state *state, const struct token_row *row)
{
    struct err err = {0};

    ck_assert_int_eq(token_enter(state, row, &err), 0);
}

START_TEST(a_token_counts_until_it_ends)
{
    struct state state = {.now_ms = 100, .wall_ms = 5000};
    const struct token_row rows[] = {{.id = "valid", .scopes = 1},
                                     {.id = "ends", .scopes = 2, .expires_at_ms = 5001},
                                     {.id = "ended", .scopes = 4, .expires_at_ms = 5000},
                                     {.id = "revoked", .scopes = 8, .revoked_at_ms = 1}};
    struct err err = {0};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enter(&state, &rows[i]);
    }
    ck_assert_int_eq(token_check(&state, "", &err), 0); /* a server without tokens */
    ck_assert_int_eq(token_check(&state, "valid", &err), 0);
    ck_assert_int_eq(token_check(&state, "ends", &err), 0);
    ck_assert_int_eq(token_check(&state, "ended", &err), -1);
    ck_assert_int_eq(token_check(&state, "revoked", &err), -1);
    ck_assert_int_eq(token_check(&state, "unknown", &err), -1);
    ck_assert_int_eq(token_end_ms(&state, ""), INT64_MAX);
    ck_assert_int_eq(token_end_ms(&state, "unknown"), INT64_MAX);
    ck_assert_int_eq(token_end_ms(&state, "valid"), INT64_MAX);
    ck_assert_int_eq(token_end_ms(&state, "ends"), 101);
    ck_assert_int_eq(token_end_ms(&state, "ended"), 100);
    ck_assert(token_exists(&state, 4, false, NULL));
    ck_assert(!token_exists(&state, 4, true, NULL));
    ck_assert(!token_exists(&state, 8, true, NULL));
    ck_assert(token_exists(&state, 3, true, "valid"));
    ck_assert(!token_exists(&state, 1, true, "valid"));
    tokens_clear(&state);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state_tables");
    TCase *tcase = tcase_create("tables");

    tcase_add_test(tcase, a_request_is_told_from_one_that_begins_like_it);
    tcase_add_test(tcase, an_older_attempt_replaces_no_newer_one);
    tcase_add_test(tcase, a_request_ends_with_its_own_lease_only);
    tcase_add_test(tcase, all_that_were_kept_long_enough_are_forgotten);
    tcase_add_test(tcase, a_token_counts_until_it_ends);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
