/* What a study requires of a worker: which asks it may be given to, what the grant says of it, and
 * what an ask is told that it may not be given to. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/run_suite.h"
#include "tests/unit/api_fixture.h"

static void make_study(struct api_fixture *f, const char *requires)
{
    char body[600];

    (void)snprintf(body, sizeof body,
                   "{\"name\": \"demo\", \"metric\": \"loss\", \"direction\": \"minimize\", "
                   "\"strategy\": \"random\", \"parameters\": [{\"name\": \"x\", \"type\": "
                   "\"float\", \"low\": 0, \"high\": 1}], \"requires\": %s}",
                   requires);
    api_expect(f, 201, "POST", "/v1/studies", body);
}

/* What an ask for the study with these members is answered. */
static json_t *ask_with(struct api_fixture *f, const char *more)
{
    char body[400];

    (void)snprintf(body, sizeof body, "{\"worker\": \"w\", \"studies\": [\"demo\"]%s}", more);
    (void)api_call(f, "POST", "/v1/leases", body);
    return api_json(f);
}

static const struct {
    const char *requires, *gpus;
    const char *detail; /* NULL: it is given */
} offers[] = {
    {"{}", "[]", NULL},
    {"{}", "[{}, {}]", NULL},
    {"{\"gpus\": 2}", "[{}, {}]", NULL},
    {"{\"gpus\": 2}", "[{}]", "requires 2 GPUs; this worker offers 1 now"},
    {"{\"gpus\": 1}", "[]", "requires 1 GPU; this worker offers 0 now"},
    {"{\"gpus\": 1, \"gpu_memory_mib\": 40000}",
     "[{\"memory_mib\": 16000}, {\"memory_mib\": 40000}]",
     NULL}, /* a small one beside a large one hides nothing */
    {"{\"gpus\": 2, \"gpu_memory_mib\": 40000}",
     "[{\"memory_mib\": 16000}, {\"memory_mib\": 40000}]",
     "requires 2 GPUs of 40000 MiB; this worker offers 1 such now"},
    {"{\"gpu_memory_mib\": 40000}", "[{\"memory_mib\": 39999}]",
     "requires 1 GPU of 40000 MiB; this worker offers 0 such now"},
    {"{\"gpu_memory_mib\": 1}", "[{\"model\": \"H200\"}]",
     "requires 1 GPU of 1 MiB; this worker offers 0 such now"},
};

START_TEST(a_study_goes_to_those_who_have_what_it_requires)
{
    struct api_fixture f;
    char more[200];

    api_fixture_start(&f);
    make_study(&f, offers[_i].requires);
    (void)snprintf(more, sizeof more, ", \"gpus\": %s", offers[_i].gpus);
    json_auto_t *answer = ask_with(&f, more);
    if (offers[_i].detail == NULL) {
        ck_assert_int_eq(json_integer_value(json_at(answer, "trial.number")), 1);
    } else {
        const char *detail = json_string_value(json_at(answer, "detail"));
        ck_assert_str_eq(json_string_value(json_at(answer, "reason")), "none");
        ck_assert_msg(strstr(detail, offers[_i].detail) != NULL, "%s", detail);
    }
    api_fixture_stop(&f);
}
END_TEST

START_TEST(a_grant_says_what_the_study_requires)
{
    struct api_fixture f;

    api_fixture_start(&f);
    make_study(&f, "{\"gpus\": 2, \"gpu_memory_mib\": 16000}");
    json_auto_t *grant =
        ask_with(&f, ", \"gpus\": [{\"memory_mib\": 16000}, {\"memory_mib\": 16000}]");
    ck_assert_int_eq(json_integer_value(json_at(grant, "requires.gpus")), 2);
    ck_assert_int_eq(json_integer_value(json_at(grant, "requires.gpu_memory_mib")), 16000);
    api_fixture_stop(&f);
}
END_TEST

/* A worker that can run nothing now says so with an ask that names no runner. */
START_TEST(an_ask_without_any_runner_is_told_of_the_end_all_the_same)
{
    struct api_fixture f;

    api_fixture_start(&f);
    make_study(&f, "{\"gpus\": 2}");
    json_auto_t *before = ask_with(&f, ", \"gpus\": [{}, {}], \"runners\": []");
    ck_assert_str_eq(json_string_value(json_at(before, "reason")), "none");
    api_expect(&f, 200, "PATCH", "/v1/studies/demo", "{\"state\": \"stopped\"}");
    json_auto_t *after = ask_with(&f, ", \"gpus\": [{}, {}], \"runners\": []");
    ck_assert_str_eq(json_string_value(json_at(after, "reason")), "stopped");
    json_auto_t *without = ask_with(&f, "");
    ck_assert_str_eq(json_string_value(json_at(without, "reason")), "stopped");
    api_fixture_stop(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_requires");
    TCase *tcase = tcase_create("api_requires");

    tcase_add_loop_test(tcase, a_study_goes_to_those_who_have_what_it_requires, 0,
                        (int)(sizeof offers / sizeof offers[0]));
    tcase_add_test(tcase, a_grant_says_what_the_study_requires);
    tcase_add_test(tcase, an_ask_without_any_runner_is_told_of_the_end_all_the_same);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
