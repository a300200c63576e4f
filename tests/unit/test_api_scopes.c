/* Every route × every scope: which are allowed, which get 401, which 403. The table of routes is
 * walked, so that a route without a decision cannot exist. */
#include <check.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

#include "server/store/tokens.h"
#include "tests/support/run_suite.h"
#include "tests/unit/api_fixture.h"

static const struct {
    const char *id;
    unsigned scopes; /* as a token of that name has them */
    unsigned opens;  /* routes whose scope is one of these */
} holders[] = {
    {"read0000", HTTP_SCOPE_READ, HTTP_SCOPE_READ},
    {"submit00", HTTP_SCOPE_SUBMIT, HTTP_SCOPE_SUBMIT | HTTP_SCOPE_READ},
    {"admin000", HTTP_SCOPE_ADMIN, HTTP_SCOPE_ADMIN | HTTP_SCOPE_SUBMIT | HTTP_SCOPE_READ},
    {"worker00", HTTP_SCOPE_WORKER, HTTP_SCOPE_WORKER},
};
#define N_HOLDERS (sizeof holders / sizeof holders[0])

static void start_with_tokens(struct api_fixture *f)
{
    struct token_row tokens[N_HOLDERS] = {0};
    char text[64];

    for (size_t i = 0; i < N_HOLDERS; i++) {
        (void)snprintf(tokens[i].id, sizeof tokens[i].id, "%s", holders[i].id);
        tokens[i].scopes = holders[i].scopes;
        (void)snprintf(text, sizeof text, "hp_%s_secret", holders[i].id);
        ck_assert_int_eq(gnutls_hash_fast(GNUTLS_DIG_SHA256, text, strlen(text), tokens[i].sha256),
                         0);
    }
    api_fixture_start_closed(f, tokens, N_HOLDERS);
}

/* "/v1/studies/{study}/events" → "/v1/studies/1/events?follow=false" */
static void fill_path(const char *pattern, char path[200])
{
    size_t len = 0;

    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '{') {
            path[len++] = '1';
            pattern = strchr(pattern, '}');
        } else {
            path[len++] = *pattern;
        }
    }
    path[len] = '\0';
    if (strstr(path, "/events") != NULL) {
        (void)strcat(path, "?follow=false");
    }
}

static int status_with(struct api_fixture *f, const struct http_route *route, const char *id)
{
    OWN(http_answer) struct http_answer answer = {0};
    char headers[120] = "";
    char path[200];

    fill_path(route->path, path);
    if (id != NULL) {
        (void)snprintf(headers, sizeof headers, "Authorization: Bearer hp_%s_secret\r\n", id);
    }
    return http_call(f->port, route->method, path, headers,
                     route->body == HTTP_BODY_NONE ? NULL : "{}", &answer);
}

START_TEST(every_route_asks_for_its_scope)
{
    struct api_fixture f;

    start_with_tokens(&f);
    for (size_t i = 0; i < api_n_routes; i++) {
        const struct http_route *route = &api_routes[i];
        int anonymous = status_with(&f, route, NULL);
        ck_assert_msg((anonymous == 401) == (route->scopes != HTTP_SCOPE_NONE), "%s %s: %d",
                      route->method, route->path, anonymous);
        for (size_t k = 0; k < N_HOLDERS; k++) {
            int status = status_with(&f, route, holders[k].id);
            bool open = route->scopes == HTTP_SCOPE_NONE || (route->scopes & holders[k].opens) != 0;
            ck_assert_msg(open ? status != 401 && status != 403 : status == 403, "%s %s as %s: %d",
                          route->method, route->path, holders[k].id, status);
        }
    }
    api_fixture_stop(&f);
}
END_TEST

START_TEST(a_token_lives_from_its_creation_to_its_revocation)
{
    struct api_fixture f;
    char headers[200];
    char path[100];

    start_with_tokens(&f);
    OWN(http_answer) struct http_answer created;
    ck_assert_int_eq(http_call(f.port, "POST", "/v1/tokens",
                               "Authorization: Bearer hp_admin000_secret\r\n",
                               "{\"scopes\": [\"admin\"]}", &created),
                     201);
    json_auto_t *token = json_loads(buf_text(&created.body), 0, NULL);
    (void)snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n",
                   json_string_value(json_object_get(token, "token")));
    (void)snprintf(path, sizeof path, "/v1/tokens/%s",
                   json_string_value(json_object_get(token, "id")));
    OWN(http_answer) struct http_answer listed;
    ck_assert_int_eq(http_call(f.port, "GET", "/v1/tokens", headers, NULL, &listed), 200);
    ck_assert_ptr_null(
        strstr(buf_text(&listed.body), json_string_value(json_object_get(token, "token"))));
    OWN(http_answer) struct http_answer revoked;
    ck_assert_int_eq(http_call(f.port, "DELETE", path, headers, NULL, &revoked), 204);
    OWN(http_answer) struct http_answer after;
    ck_assert_int_eq(http_call(f.port, "GET", "/v1/tokens", headers, NULL, &after), 401);
    api_fixture_stop(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_scopes");
    TCase *tcase = tcase_create("scopes");

    json_start();
    tcase_add_test(tcase, every_route_asks_for_its_scope);
    tcase_add_test(tcase, a_token_lives_from_its_creation_to_its_revocation);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
