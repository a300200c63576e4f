#include <check.h>
#include <string.h>

#include "common/own.h"
#include "common/rng.h"
#include "tests/support/run_suite.h"
#include "worker/cli/define/scalar.h"
#include "worker/cli/define/yaml.h"

static const struct {
    const char *text;
    const char *json; /* as json_dumps writes it */
} scalars[] = {
    {"1e-5", "1.0000000000000001e-5"},
    {"1E5", "100000.0"},
    {".5", "0.5"},
    {"5.", "5.0"},
    {"+12", "12"},
    {"-0", "0"},
    {"0o17", "15"},
    {"0x1F", "31"},
    {"0123", "123"},
    {"1_000", "\"1_000\""},
    {"012", "12"},
    {"yes", "\"yes\""},
    {"no", "\"no\""},
    {"on", "\"on\""},
    {"True", "true"},
    {"FALSE", "false"},
    {"tRue", "\"tRue\""},
    {"~", "null"},
    {"", "null"},
    {"Null", "null"},
    {".inf", "\"Infinity\""},
    {"-.INF", "\"-Infinity\""},
    {".NaN", "\"NaN\""},
    {".", "\".\""},
    {"1e", "\"1e\""},
    {"-", "\"-\""},
    {"1:30", "\"1:30\""},
    {"0x", "\"0x\""},
    {"9223372036854775808", "\"\\u00009223372036854775808\""},
    {"-0018446744073709551616", "\"\\u0000-18446744073709551616\""},
    {"1e400", "\"\\u00001e400\""},
    {"1.2.3", "\"1.2.3\""},
    {"e5", "\"e5\""},
    {".e5", "\".e5\""},
};

START_TEST(plain_scalars_follow_the_core_schema)
{
    json_auto_t *value = scalar_value(scalars[_i].text);

    OWN(memory) char *got = json_dumps(value, JSON_ENCODE_ANY);
    ck_assert_str_eq(got, scalars[_i].json);
}
END_TEST

START_TEST(a_study_file_becomes_json)
{
    static const char text[] = "# tuned on Fridays, für größe\n"
                               "name: digits\n"
                               "objectives: [{metric: accuracy, direction: maximize}]\n"
                               "parameters:\n"
                               "  - {name: lr, type: float, low: 1e-5, high: 1e-1, scale: log}\n"
                               "  - &units\n"
                               "    name: units\n"
                               "    choices: [\"16\", 16, !!str 32, 'no']\n"
                               "labels: {on: yes, 5: five}\n";
    json_auto_t *value = NULL;
    struct err err = {0};

    ck_assert_int_eq(yaml_to_json(text, sizeof text - 1, &value, &err), 0);
    OWN(memory) char *got = json_dumps(value, JSON_COMPACT);
    ck_assert_str_eq(
        got, "{\"name\":\"digits\",\"objectives\":[{\"metric\":\"accuracy\","
             "\"direction\":\"maximize\"}],\"parameters\":[{\"name\":\"lr\","
             "\"type\":\"float\",\"low\":1.0000000000000001e-5,\"high\":0.10000000000000001,"
             "\"scale\":\"log\"},{\"name\":\"units\",\"choices\":[\"16\",16,\"32\","
             "\"no\"]}],\"labels\":{\"on\":\"yes\",\"5\":\"five\"}}");
}
END_TEST

static const struct {
    const char *text;
    const char *says;
    const char *where;
} refused[] = {
    {"a: 1\na: 2\n", "there twice", "line 2"},
    {"a: [1, 2\nb: 3\n", "not valid YAML", "line 2"},
    {"a: !secret 1\n", "means nothing here", "line 1"},
    {"a: 1\n---\nb: 2\n", "one document", ""},
    {"", "nothing in it", ""},
    {"? [1]\n: 2\n", "plain word", "line 1"},
    {"a: \"x\\0y\"\n", "NUL", "line 1"},
    {"&a [*a]\n", "deeper", "line 1"},
    {"a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
     "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
     "e: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n",
     "80,000", "line 1"},
    {"\xff\xfe", "not valid YAML", "line 1"},
};

START_TEST(hostile_and_unclear_yaml_is_refused_with_its_line)
{
    json_t *value = NULL;
    struct err err = {0};

    ck_assert_int_eq(yaml_to_json(refused[_i].text, strlen(refused[_i].text), &value, &err), -1);
    ck_assert_msg(strstr(err.text, refused[_i].says) != NULL, "%s", err.text);
    ck_assert_str_eq(err.where, refused[_i].where);
    ck_assert_ptr_null(value);
}
END_TEST

START_TEST(mutants_are_refused_or_become_json)
{
    static const char letters[] = "0123456789.,:-&*!|>%@`\"'{}[]#? \n\tetruenull\xff\xc3\x01";
    static const char text[] = "name: &n digits\n"
                               "objectives: [{metric: accuracy, direction: maximize}]\n"
                               "parameters:\n"
                               "  - {name: lr, low: 1e-5, high: !!float 1e-1, label: *n}\n"
                               "  - name: \"units\"\n"
                               "    when: {a: [true, 'no', ~]}\n";
    struct rng rng = rng_for(6, 1);
    char mutant[sizeof text];

    for (int round = 0; round < 5000; round++) {
        memcpy(mutant, text, sizeof text);
        for (uint64_t n = 1 + rng_below(&rng, 4); n > 0; n--) {
            mutant[rng_below(&rng, sizeof text - 1)] = letters[rng_below(&rng, sizeof letters - 1)];
        }
        json_t *value = NULL;
        struct err err = {0};
        if (yaml_to_json(mutant, sizeof text - 1, &value, &err) == 0) {
            ck_assert_ptr_nonnull(value);
            json_decref(value);
        } else {
            ck_assert_ptr_null(value);
            ck_assert_str_ne(err.text, "");
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli_yaml");
    TCase *tcase = tcase_create("yaml");

    tcase_add_loop_test(tcase, plain_scalars_follow_the_core_schema, 0,
                        (int)(sizeof scalars / sizeof scalars[0]));
    tcase_add_test(tcase, a_study_file_becomes_json);
    tcase_add_loop_test(tcase, hostile_and_unclear_yaml_is_refused_with_its_line, 0,
                        (int)(sizeof refused / sizeof refused[0]));
    tcase_add_test(tcase, mutants_are_refused_or_become_json);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
