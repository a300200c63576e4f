/* Names of leases, and how often a lease is renewed. */
#include <check.h>
#include <string.h>

#include "server/domain/lease.h"
#include "tests/support/run_suite.h"

static const struct lease_name sample = {
    .attempt_id = 123456789,
    .secret = {0x00, 0xff, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0x0f, 0xa5}};

START_TEST(name_reads_back_as_it_was)
{
    static const int64_t ids[] = {1, 31, 32, 1023, 1024, INT64_C(1) << 40, INT64_C(1) << 59};
    char text[LEASE_ID_BYTES];
    struct lease_name name = sample;
    struct lease_name back;
    struct err err;

    name.attempt_id = ids[_i];
    lease_name_format(&name, text);
    ck_assert_int_eq(lease_name_parse(text, &back, &err), 0);
    ck_assert_int_eq(back.attempt_id, name.attempt_id);
    ck_assert(lease_secret_equal(back.secret, name.secret));
}
END_TEST

/* Every other character at every place: another lease or none, never this one. */
START_TEST(lease_has_one_name)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    char text[LEASE_ID_BYTES];
    struct lease_name back;
    struct err err;

    lease_name_format(&sample, text);
    for (size_t i = 2; i < strlen(text); i++) {
        char right = text[i];

        for (const char *digit = digits; *digit != '\0'; digit++) {
            text[i] = *digit;
            if (*digit != right && lease_name_parse(text, &back, &err) == 0) {
                ck_assert(back.attempt_id != sample.attempt_id
                          || !lease_secret_equal(back.secret, sample.secret));
            }
        }
        text[i] = right;
    }
}
END_TEST

START_TEST(what_is_no_name_is_not_found)
{
    static const char *const texts[] = {
        "",
        "l_",
        "l_b",
        "x_baaaaaaaaaaaaaaaaaaaaa",
        "l_aaaaaaaaaaaaaaaaaaaaaa",  /* a row never begins with 0 */
        "l_Baaaaaaaaaaaaaaaaaaaaa",  /* upper case */
        "l_b1aaaaaaaaaaaaaaaaaaaa",  /* 1 is no digit */
        "l_b8aaaaaaaaaaaaaaaaaaaaa", /* nor 8 */
        "l_b{aaaaaaaaaaaaaaaaaaaaa", /* nor what follows z */
        "l_baaaaaaaaaa{aaaaaaaaaa",  /* the same in the secret */
        "l_baaaaaaaaaaaaaaaaaaa_",
        "l_bbbbbbbbbbbbbaaaaaaaaaaaaaaaaaaaaaaa", /* a row beyond 60 bits */
        "l_baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    struct lease_name name;
    struct err err;

    ck_assert_int_eq(lease_name_parse(texts[_i], &name, &err), -1);
    ck_assert_int_eq(err.code, ERR_NOT_FOUND);
}
END_TEST

START_TEST(cluster_beats_at_most_500_times_a_second)
{
    ck_assert_double_eq(lease_heartbeat_seconds(60000, 1), 20);
    ck_assert_double_eq(lease_heartbeat_seconds(60000, 100000), 200);
    ck_assert_int_eq(lease_ttl_ms(60000, 1), 60000);
    ck_assert_int_ge(lease_ttl_ms(60000, 100000), 600000); /* three beats at least */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lease_name");
    TCase *tcase = tcase_create("lease");

    tcase_add_loop_test(tcase, name_reads_back_as_it_was, 0, 7);
    tcase_add_test(tcase, lease_has_one_name);
    tcase_add_loop_test(tcase, what_is_no_name_is_not_found, 0, 13);
    tcase_add_test(tcase, cluster_beats_at_most_500_times_a_second);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
