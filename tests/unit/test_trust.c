/* Where a distribution keeps its trusted authorities, in folders made up for it. */
#include "common/http/trust.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/http/client.h"
#include "tests/support/run_suite.h"

static char root[64];

static void make_root(void)
{
    (void)snprintf(root, sizeof root, "/tmp/test_trust.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    ck_assert_int_eq(unsetenv("SSL_CERT_FILE"), 0);
    ck_assert_int_eq(unsetenv("SSL_CERT_DIR"), 0);
}

static void remove_root(void)
{
    char command[128];

    (void)snprintf(command, sizeof command, "rm -rf %s", root);
    ck_assert_int_eq(system(command), 0);
}

/* An empty file below the root, with its folders. */
static void put(const char *path)
{
    char command[512];

    (void)snprintf(command, sizeof command, "mkdir -p $(dirname %s%s) && touch %s%s", root, path,
                   root, path);
    ck_assert_int_eq(system(command), 0);
}

static void expect_file(const char *path)
{
    OWN(trust) struct trust trust = {0};
    struct err err = {0};
    char full[512];

    (void)snprintf(full, sizeof full, "%s%s", root, path);
    ck_assert_msg(trust_find(root, &trust, &err) == 0, "%s", err.text);
    ck_assert_str_eq(trust.file, full);
    ck_assert_ptr_null(trust.dir);
}

static const char *const places[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

START_TEST(every_distribution_s_place_is_found)
{
    put(places[_i]);
    expect_file(places[_i]);
}
END_TEST

START_TEST(the_first_place_counts)
{
    put("/etc/ssl/cert.pem");
    put("/etc/ssl/certs/ca-certificates.crt");
    expect_file("/etc/ssl/certs/ca-certificates.crt");
}
END_TEST

START_TEST(nothing_found_is_told_as_nothing)
{
    OWN(trust) struct trust trust = {0};
    struct err err = {0};
    char text[512];

    ck_assert_int_eq(trust_find(root, &trust, &err), 0);
    ck_assert_ptr_null(trust.file);
    ck_assert_ptr_null(trust.dir);
    trust_places(text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "/etc/ssl/cert.pem"));
}
END_TEST

START_TEST(the_environment_goes_first)
{
    OWN(trust) struct trust trust = {0};
    struct err err = {0};

    put("/etc/ssl/cert.pem");
    put("/mine.pem");
    char mine[128];
    (void)snprintf(mine, sizeof mine, "%s/mine.pem", root);
    ck_assert_int_eq(setenv("SSL_CERT_FILE", mine, 1), 0);
    ck_assert_int_eq(setenv("SSL_CERT_DIR", root, 1), 0);
    ck_assert_msg(trust_find(root, &trust, &err) == 0, "%s", err.text);
    ck_assert_str_eq(trust.file, mine);
    ck_assert_str_eq(trust.dir, root);
}
END_TEST

START_TEST(an_empty_variable_is_none)
{
    put("/etc/ssl/cert.pem");
    ck_assert_int_eq(setenv("SSL_CERT_FILE", "", 1), 0);
    expect_file("/etc/ssl/cert.pem");
}
END_TEST

static const char *const variables[] = {"SSL_CERT_FILE", "SSL_CERT_DIR"};

START_TEST(a_variable_that_names_nothing_is_an_error)
{
    OWN(trust) struct trust trust = {0};
    struct err err = {0};

    put("/etc/ssl/cert.pem");
    ck_assert_int_eq(setenv(variables[_i], "/no/such/thing", 1), 0);
    ck_assert_int_eq(trust_find(root, &trust, &err), -1);
    ck_assert_int_eq(err.code, ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, variables[_i]));
    ck_assert_ptr_nonnull(strstr(err.text, "/no/such/thing"));
}
END_TEST

START_TEST(a_client_asks_for_it_only_where_it_matters)
{
    struct http_client *client = NULL;
    struct err err = {0};
    struct http_client_settings plain = {.url = "http://localhost"};
    struct http_client_settings named = {.url = "https://localhost", .ca_file = "/some.pem"};
    struct http_client_settings system_s = {.url = "HTTPS://localhost"};

    ck_assert_int_eq(setenv("SSL_CERT_FILE", "/no/such/thing", 1), 0);
    ck_assert_msg(http_client_create(&plain, &client, &err) == 0, "%s", err.text);
    http_client_destroy(client);
    ck_assert_msg(http_client_create(&named, &client, &err) == 0, "%s", err.text);
    http_client_destroy(client);
    ck_assert_int_eq(http_client_create(&system_s, &client, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "SSL_CERT_FILE"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trust");
    TCase *tcase = tcase_create("places");

    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, make_root, remove_root);
    tcase_add_loop_test(tcase, every_distribution_s_place_is_found, 0,
                        (int)(sizeof places / sizeof places[0]));
    tcase_add_test(tcase, the_first_place_counts);
    tcase_add_test(tcase, nothing_found_is_told_as_nothing);
    tcase_add_test(tcase, the_environment_goes_first);
    tcase_add_test(tcase, an_empty_variable_is_none);
    tcase_add_loop_test(tcase, a_variable_that_names_nothing_is_an_error, 0,
                        (int)(sizeof variables / sizeof variables[0]));
    tcase_add_test(tcase, a_client_asks_for_it_only_where_it_matters);
    return run_suite(suite);
}
