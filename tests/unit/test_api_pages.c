/* What needs no study: the pages that everyone may read, and the document of the API beside the
 * table of routes. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "server/api/pages.h"
#include "tests/support/run_suite.h"
#include "tests/unit/api_fixture.h"

START_TEST(open_pages_are_served)
{
    static const char *const pages[] = {
        "/", "/healthz", "/readyz", "/version", "/openapi.json", "/problems/invalid", "/metrics"};
    struct api_fixture f;

    api_fixture_start(&f);
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        api_expect(&f, 200, "GET", pages[i], NULL);
        ck_assert_uint_gt(f.last.body.len, 2);
        api_expect(&f, 200, "HEAD", pages[i], NULL);
    }
    api_fixture_stop(&f);
}
END_TEST

/* Its commands can be pasted as they stand, whatever port and name the server has. */
START_TEST(the_cheat_sheet_names_the_server_that_shows_it)
{
    static const char *const hosts[] = {"127.0.0.1:9", "localhost:65000"};
    struct api_fixture f;

    api_fixture_start(&f);
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        OWN(fd) int fd = http_connect(f.port);
        OWN(http_answer) struct http_answer answer;
        char bytes[100];
        char line[100];
        int len = snprintf(bytes, sizeof bytes, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", hosts[i]);
        http_send(fd, bytes, (size_t)len);
        ck_assert_int_eq(http_receive(fd, false, &answer), 200);
        (void)snprintf(line, sizeof line, "\n  H=http://%s/v1\n", hosts[i]);
        ck_assert_ptr_nonnull(strstr(buf_text(&answer.body), line));
    }
    api_fixture_stop(&f);
}
END_TEST

static bool has_route(const char *method, const char *path)
{
    for (size_t i = 0; i < api_n_routes; i++) {
        if (strcmp(api_routes[i].path, path) == 0
            && strcasecmp(api_routes[i].method, method) == 0) {
            return true;
        }
    }
    return false;
}

static const char *scope_of(unsigned scopes)
{
    return scopes == (HTTP_SCOPE_WORKER | HTTP_SCOPE_READ) ? "any"
           : (scopes & HTTP_SCOPE_WORKER) != 0             ? "worker"
           : (scopes & HTTP_SCOPE_READ) != 0               ? "read"
           : (scopes & HTTP_SCOPE_SUBMIT) != 0             ? "submit"
           : (scopes & HTTP_SCOPE_ADMIN) != 0              ? "admin"
                                                           : "none";
}

START_TEST(the_document_and_the_table_of_routes_agree)
{
    json_auto_t *document = json_loads(openapi[0], 0, NULL);
    const json_t *paths = json_object_get(document, "paths");
    const char *path;
    json_t *item;

    for (size_t i = 0; i < api_n_routes; i++) {
        char method[16] = "";
        for (size_t k = 0; api_routes[i].method[k] != '\0' && k < sizeof method - 1; k++) {
            method[k] = (char)(api_routes[i].method[k] | 0x20);
        }
        const json_t *operation =
            json_object_get(json_object_get(paths, api_routes[i].path), method);
        ck_assert_msg(operation != NULL, "%s %s is not in the document", api_routes[i].method,
                      api_routes[i].path);
        const char *scope = json_string_value(json_object_get(operation, "x-scope"));
        ck_assert_msg(scope != NULL && strcmp(scope, scope_of(api_routes[i].scopes)) == 0,
                      "%s %s: x-scope", api_routes[i].method, api_routes[i].path);
        ck_assert_msg((json_object_get(operation, "requestBody") != NULL)
                          == (api_routes[i].body != HTTP_BODY_NONE),
                      "%s %s: requestBody", api_routes[i].method, api_routes[i].path);
    }
    json_object_foreach (json_unconst(paths), path, item) {
        const char *method;
        json_t *operation;
        json_object_foreach (item, method, operation) {
            if (json_is_object(operation)) {
                ck_assert_msg(has_route(method, path), "%s %s is in the document only", method,
                              path);
            }
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_pages");
    TCase *tcase = tcase_create("pages");

    json_start();
    tcase_add_test(tcase, open_pages_are_served);
    tcase_add_test(tcase, the_cheat_sheet_names_the_server_that_shows_it);
    tcase_add_test(tcase, the_document_and_the_table_of_routes_agree);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
