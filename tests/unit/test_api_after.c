/* "after" in a study's body: what is refused and why, and that the first trial says where it is
 * from. Over real sockets and the real engine. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/run_suite.h"
#include "tests/unit/api_fixture.h"

#define X "{\"name\": \"x\", \"type\": \"float\", \"low\": 0, \"high\": 1}"

static void create(struct api_fixture *f, int status, const char *name, const char *metric,
                   const char *parameters, const char *more)
{
    char body[1000];

    (void)snprintf(body, sizeof body, "{\"name\": \"%s\", %s, \"parameters\": [%s]%s}", name,
                   metric, parameters, more);
    api_expect(f, status, "POST", "/v1/studies", body);
}

#define LOSS "\"metric\": \"loss\", \"direction\": \"minimize\""

/* older: finished; running; up: maximizes; empty: stopped before anything was tried; other:
 * another parameter; two: two objectives. */
static void make_older_ones(struct api_fixture *f)
{
    const char *two = "\"objectives\": [{\"metric\": \"loss\", \"direction\": \"minimize\"}, "
                      "{\"metric\": \"extra\", \"direction\": \"minimize\"}]";
    const char *limit = ", \"strategy\": \"random\", \"limits\": {\"trials\": 6}";
    const char *one = ", \"strategy\": \"random\", \"limits\": {\"trials\": 1}";

    create(f, 201, "older", LOSS, X, limit);
    for (int i = 0; i < 6; i++) {
        (void)api_finish_trial(f, "older", i == 3 ? 0.1 : 1.0 + i, NAN);
    }
    create(f, 201, "running", LOSS, X, limit);
    (void)api_finish_trial(f, "running", 1, NAN);
    create(f, 201, "up", "\"metric\": \"loss\", \"direction\": \"maximize\"", X, one);
    (void)api_finish_trial(f, "up", 1, NAN);
    create(f, 201, "empty", LOSS, X, limit);
    api_expect(f, 200, "PATCH", "/v1/studies/empty", "{\"state\": \"stopped\"}");
    create(f, 201, "other", LOSS, "{\"name\": \"y\", \"type\": \"float\", \"low\": 0, \"high\": 1}",
           one);
    (void)api_finish_trial(f, "other", 1, NAN);
    create(f, 201, "far", LOSS,
           "{\"name\": \"x\", \"type\": \"float\", \"low\": 100, \"high\": 200}", one);
    (void)api_finish_trial(f, "far", 1, NAN);
    create(f, 201, "two", two, X, one);
    (void)api_finish_trial(f, "two", 1, 2);
}

static const struct {
    const char *after;
    const char *more;
    const char *pointer;
    const char *says;
} refused[] = {
    {"[\"missing\"]", "", "/after/0", "no study \"missing\""},
    {"[\"older\", \"running\"]", "", "/after/1", "still running"},
    {"[\"up\"]", "", "/after/0", "maximizes"},
    {"[\"empty\"]", "", "/after/0", "no completed trial"},
    {"[\"other\"]", "", "/after/0", "shares no parameter"},
    {"[\"far\"]", "", "/after/0", "ranges"},
    {"[\"two\"]", "", "/after/0", "several objectives"},
    {"[\"older\", \"older\"]", "", "/after/1", "twice"},
    {"[\"new\"]", "", "/after/0", "itself"},
    {"[\"Not A Name\"]", "", "/after/0", "name"},
    {"[7]", "", "/after/0", "name"},
    {"\"older\"", "", "/after", "array"},
    {"[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\"]", "", "/after", "more than 8"},
    {"[\"older\"]", ", \"strategy\": \"random\"", "/after", "does not learn"},
    {"[\"older\"]",
     ", \"strategy\": \"grid\", \"parameters\": [{\"name\": \"x\", \"type\": "
     "\"int\", \"low\": 0, \"high\": 1}]",
     "/after", "does not learn"},
};

START_TEST(what_cannot_be_learned_from_is_refused_with_the_reason)
{
    struct api_fixture f;
    char more[600];

    api_fixture_start(&f);
    make_older_ones(&f);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        bool own_space = strstr(refused[i].more, "parameters") != NULL;
        (void)snprintf(more, sizeof more, "{\"name\": \"new\", " LOSS ", \"after\": %s%s%s}",
                       refused[i].after, refused[i].more,
                       own_space ? "" : ", \"parameters\": [" X "]");
        api_expect(&f, 422, "POST", "/v1/studies", more);
        json_auto_t *answer = api_json(&f);
        const char *pointer = json_string_value(json_at(answer, "errors.0.pointer"));
        const char *detail = json_string_value(json_at(answer, "errors.0.detail"));
        ck_assert_msg(pointer != NULL && strcmp(pointer, refused[i].pointer) == 0
                          && strstr(detail, refused[i].says) != NULL,
                      "%s: %s: %s", refused[i].after, pointer, detail);
    }
    api_expect(&f, 404, "GET", "/v1/studies/new", NULL);
    api_fixture_stop(&f);
}
END_TEST

/* Two values: what auto would have a grid see, were there nothing to learn from. */
START_TEST(auto_takes_a_search_that_learns)
{
    struct api_fixture f;
    const char *few = "{\"name\": \"x\", \"type\": \"float\", \"values\": [0, 0.5, 1]}";
    const char *limit = ", \"limits\": {\"trials\": 3}, \"after\": [\"older\"]";

    api_fixture_start(&f);
    create(&f, 201, "older", LOSS, few, ", \"limits\": {\"trials\": 1}");
    (void)api_finish_trial(&f, "older", 1, NAN);
    create(&f, 201, "new", LOSS, few, limit);
    json_auto_t *study = api_json(&f);
    ck_assert_str_eq(json_string_value(json_at(study, "strategy.chosen.name")), "bayesian");
    api_fixture_stop(&f);
}
END_TEST

START_TEST(all_faults_are_reported_at_once)
{
    struct api_fixture f;

    api_fixture_start(&f);
    make_older_ones(&f);
    create(&f, 422, "new", LOSS, X, ", \"after\": [\"missing\", \"older\", \"up\"]");
    json_auto_t *answer = api_json(&f);
    ck_assert_uint_eq(json_array_size(json_at(answer, "errors")), 2);
    ck_assert_str_eq(json_string_value(json_at(answer, "errors.1.pointer")), "/after/2");
    api_fixture_stop(&f);
}
END_TEST

/* A parameter of the same name that is something else in the older study teaches nothing, and that
 * is said. */
START_TEST(what_an_older_study_cannot_say_is_told)
{
    struct api_fixture f;
    const char *there =
        X ", {\"name\": \"n\", \"type\": \"int\", \"low\": 1, \"high\": 9}, "
          "{\"name\": \"k\", \"type\": \"categorical\", \"choices\": [\"a\", \"b\"]}, "
          "{\"name\": \"t\", \"type\": \"categorical\", \"choices\": [\"a\", \"b\"]}, "
          "{\"name\": \"c\", \"type\": \"categorical\", \"choices\": [1, 2]}";
    const char *here =
        X ", {\"name\": \"n\", \"type\": \"categorical\", \"choices\": [\"1\", \"9\"]}, "
          "{\"name\": \"k\", \"type\": \"float\", \"low\": 0, \"high\": 1}, "
          "{\"name\": \"t\", \"type\": \"categorical\", \"choices\": [\"c\", \"d\"]}, "
          "{\"name\": \"c\", \"type\": \"int\", \"low\": 1, \"high\": 2}, "
          "{\"name\": \"new\", \"type\": \"bool\"}";
    static const char *const told[][2] = {
        {"n", "it is a number there and a choice here, and none of its choices is a number"},
        {"k", "it is a choice there and a number here, and none of its choices is a number"},
        {"t", "no choice that it has there is one here"}};

    api_fixture_start(&f);
    create(&f, 201, "older", LOSS, there,
           ", \"strategy\": \"random\", \"limits\": {\"trials\": 1}");
    (void)api_finish_trial(&f, "older", 1, NAN);
    create(&f, 201, "new", LOSS, here, ", \"after\": [\"older\"]");
    api_expect(&f, 200, "GET", "/v1/studies/new", NULL);
    json_auto_t *study = api_json(&f);
    const json_t *list = json_object_get(study, "not_learned");
    ck_assert_uint_eq(json_array_size(list), 3);
    for (size_t i = 0; i < 3; i++) {
        const json_t *item = json_array_get(list, i);
        ck_assert_str_eq(json_string_value(json_at(item, "study")), "older");
        ck_assert_str_eq(json_string_value(json_at(item, "parameter")), told[i][0]);
        ck_assert_str_eq(json_string_value(json_at(item, "detail")), told[i][1]);
    }
    api_expect(&f, 204, "DELETE", "/v1/studies/older", NULL);
    api_expect(&f, 200, "GET", "/v1/studies/new", NULL);
    json_auto_t *later = api_json(&f);
    ck_assert_uint_eq(json_array_size(json_object_get(later, "not_learned")), 0);
    api_expect(&f, 200, "GET", "/v1/studies", NULL);
    api_fixture_stop(&f);
}
END_TEST

START_TEST(the_first_trial_is_the_best_of_the_older_study_and_says_so)
{
    struct api_fixture f;

    api_fixture_start(&f);
    make_older_ones(&f);
    create(&f, 201, "new", LOSS, X, ", \"after\": [\"older\"]");
    json_auto_t *study = api_json(&f);
    ck_assert_str_eq(json_string_value(json_at(study, "after.0")), "older");
    create(&f, 200, "new", LOSS, X, ", \"after\": [\"older\"]");
    create(&f, 409, "new", LOSS, X, "");
    ck_assert_int_eq(api_finish_trial(&f, "new", 1, NAN), 1);
    api_expect(&f, 200, "GET", "/v1/studies/older/trials/4", NULL);
    json_auto_t *old = api_json(&f);
    api_expect(&f, 200, "GET", "/v1/studies/new/trials/1", NULL);
    json_auto_t *first = api_json(&f);
    ck_assert(json_equal(json_at(old, "parameters"), json_at(first, "parameters")));
    api_expect(&f, 200, "GET", "/v1/studies/new/trials/1/explain", NULL);
    json_auto_t *explain = api_json(&f);
    ck_assert_str_eq(json_string_value(json_at(explain, "suggestion.study")), "older");
    ck_assert_int_eq(json_integer_value(json_at(explain, "suggestion.trial")), 4);
    api_fixture_stop(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_after");
    TCase *tcase = tcase_create("after");

    tcase_add_test(tcase, what_cannot_be_learned_from_is_refused_with_the_reason);
    tcase_add_test(tcase, auto_takes_a_search_that_learns);
    tcase_add_test(tcase, all_faults_are_reported_at_once);
    tcase_add_test(tcase, what_an_older_study_cannot_say_is_told);
    tcase_add_test(tcase, the_first_trial_is_the_best_of_the_older_study_and_says_so);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
