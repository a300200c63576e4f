/* What is a token, and which uses of tokens are handed on. */
#include <check.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/http/auth.h"
#include "tests/support/run_suite.h"

#define LONG_50 "01234567890123456789012345678901234567890123456789"

static const struct {
    const char *text;
    const char *id;
    bool is_it;
} texts[] = {
    {"hp_abcdefgh_secret", "abcdefgh", true},
    {"hp_abcdefghijklmno_secret", "abcdefghijklmno", true}, /* 15 characters */
    {"hp_abcdefgh_secret", "abcdefgi", false},
    {"hp_abcdefghijklmnop_secret", "abcdefghijklmno", false},
    {"hp__secret", "", false},
    {"hp_abcdefgh", "abcdefgh", false},
    {"HP_abcdefgh_secret", "abcdefgh", false},
    {"abcdefgh_secret", "abcdefgh", false},
    {"", "", false},
    {"hp_a_" LONG_50 LONG_50 LONG_50 LONG_50 LONG_50, "a", true},
    {"hp_a_" LONG_50 LONG_50 LONG_50 LONG_50 LONG_50 "01", "a", false}, /* 257 */
};

START_TEST(a_text_is_a_token_or_not)
{
    unsigned char sha256[32];

    ck_assert_int_eq(
        gnutls_hash_fast(GNUTLS_DIG_SHA256, texts[_i].text, strlen(texts[_i].text), sha256), 0);
    ck_assert_msg(http_token_is(texts[_i].text, texts[_i].id, sha256) == texts[_i].is_it, "%s",
                  texts[_i].text);
    sha256[31] ^= 1;
    ck_assert(!http_token_is(texts[_i].text, texts[_i].id, sha256));
}
END_TEST

static struct http_server *server_with(size_t n)
{
    struct http_server *server = calloc(1, sizeof *server);
    struct http_token *tokens = calloc(n + 1, sizeof *tokens);

    ck_assert(server != NULL && tokens != NULL);
    server->wake_fd = -1;
    (void)pthread_mutex_init(&server->lock, NULL);
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(tokens[i].id, sizeof tokens[i].id, "t%zu", n - i);
        tokens[i].used_at_ms = 99; /* the caller's: not believed */
        tokens[i].use_is_new = true;
    }
    http_set_tokens(server, tokens, n);
    for (size_t i = 0; i < n; i++) {
        server->tokens[i].used_at_ms = 1000 + (int64_t)i;
        server->tokens[i].use_is_new = i != 1;
    }
    http_set_tokens(server, tokens, n); /* what is known of their use stays */
    free(tokens);
    return server;
}

static void server_free(struct http_server *server)
{
    free(server->tokens);
    (void)pthread_mutex_destroy(&server->lock);
    free(server);
}

START_TEST(uses_are_handed_on_once_and_as_many_as_there_is_room_for)
{
    struct http_server *server = server_with(4); /* t1 … t4; t2 was not used since */
    struct http_token_use uses[4];

    ck_assert_uint_eq(http_take_token_uses(server, uses, 2), 2);
    ck_assert_str_eq(uses[0].id, "t1");
    ck_assert_str_eq(uses[1].id, "t3");
    ck_assert_int_eq(uses[1].at_ms, 1002);
    ck_assert_uint_eq(http_take_token_uses(server, uses, 4), 1);
    ck_assert_str_eq(uses[0].id, "t4");
    ck_assert_uint_eq(http_take_token_uses(server, uses, 4), 0);
    http_token_uses_again(server); /* they could not be kept: each is handed on once more */
    ck_assert_uint_eq(http_take_token_uses(server, uses, 2), 2);
    ck_assert_uint_eq(http_take_token_uses(server, uses, 4), 2);
    ck_assert_uint_eq(http_take_token_uses(server, uses, 4), 0);
    ck_assert_int_eq(http_token_used_at(server, "t2"), 1001);
    ck_assert_int_eq(http_token_used_at(server, "t5"), 0);
    server_free(server);
}
END_TEST

START_TEST(without_tokens_none_is_found)
{
    struct http_server *server = server_with(3);
    struct http_token_use uses[3];

    http_set_tokens(server, NULL, 0);
    http_token_uses_again(server);
    ck_assert_uint_eq(http_take_token_uses(server, uses, 3), 0);
    ck_assert_int_eq(http_token_used_at(server, "t1"), 0);
    server_free(server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_auth");
    TCase *tcase = tcase_create("tokens");

    tcase_add_loop_test(tcase, a_text_is_a_token_or_not, 0, (int)(sizeof texts / sizeof texts[0]));
    tcase_add_test(tcase, uses_are_handed_on_once_and_as_many_as_there_is_room_for);
    tcase_add_test(tcase, without_tokens_none_is_found);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
