/* Every allocation fails once while a request's target is read, and while tokens are replaced. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "server/http/auth.h"
#include "server/http/target.h"
#include "tests/support/allocation.h"
#include "tests/support/run_suite.h"

static int run_target(struct buf *out, struct err *err)
{
    struct target target;
    int result = target_parse("/things/a%20b?x=1&y", &target, err);

    if (result == 0) {
        buf_printf(out, "%s %s", target.segments[1], target.query[0].value);
    }
    buf_puts(out, target.path[0] == '/' ? "" : " -"); /* may be logged in any case */
    target_finish(&target);
    return result;
}

START_TEST(a_target_without_memory_is_refused)
{
    ck_assert_uint_ge(allocation_fail_each("target", run_target), 1);
}
END_TEST

/* The old table may have one that was revoked since. */
START_TEST(without_memory_for_tokens_none_is_valid)
{
    const struct http_token token = {.id = "abc", .scopes = HTTP_SCOPE_READ};
    struct http_server *server = calloc(1, sizeof *server);

    ck_assert_ptr_nonnull(server);
    server->wake_fd = -1;
    (void)pthread_mutex_init(&server->lock, NULL);
    http_set_tokens(server, &token, 1);
    ck_assert_uint_eq(server->n_tokens, 1);
    allocation_fail_at(1, false);
    http_set_tokens(server, &token, 1);
    allocation_stop();
    ck_assert_uint_eq(server->n_tokens, 0);
    ck_assert_int_eq(http_token_used_at(server, "abc"), 0);
    http_set_tokens(server, &token, 1);
    ck_assert_uint_eq(server->n_tokens, 1);
    free(server->tokens);
    (void)pthread_mutex_destroy(&server->lock);
    free(server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("no_memory_http");
    TCase *tcase = tcase_create("every allocation");

    allocation_start();
    tcase_add_test(tcase, a_target_without_memory_is_refused);
    tcase_add_test(tcase, without_memory_for_tokens_none_is_valid);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
