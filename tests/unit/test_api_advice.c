/* Advice and what `auto` chose, over real sockets and the real engine. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/run_suite.h"
#include "tests/unit/api_fixture.h"

#define BODY                                                                                       \
    "\"name\": \"demo\", \"metric\": \"loss\", \"direction\": \"minimize\", \"seed\": 7, "         \
    "\"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"low\": 0, \"high\": 1}]"

/* The text at a path of the last answer. */
static void answer_has(const struct api_fixture *f, const char *path, const char *text)
{
    json_auto_t *answer = api_json(f);
    const char *found = json_string_value(json_at(answer, path));

    ck_assert_msg(found != NULL && strcmp(found, text) == 0, "%s is %s", path,
                  found == NULL ? "missing" : found);
}

START_TEST(a_study_shows_what_auto_chose_and_why)
{
    struct api_fixture f;

    api_fixture_start(&f);
    api_expect(&f, 201, "POST", "/v1/studies", "{" BODY "}");
    answer_has(&f, "strategy.name", "auto");
    answer_has(&f, "strategy.chosen.name", "bayesian");
    api_expect(&f, 200, "GET", "/v1/studies/demo", NULL);
    answer_has(&f, "strategy.chosen.name", "bayesian");
    json_auto_t *study = api_json(&f);
    ck_assert_ptr_nonnull(json_at(study, "strategy.chosen.because.0"));
    ck_assert_int_eq(api_finish_trial(&f, "demo", 1, 2), 1);
    api_fixture_stop(&f);
}
END_TEST

START_TEST(creating_again_is_the_same_study)
{
    struct api_fixture f;
    char body[2000];

    api_fixture_start(&f);
    api_expect(&f, 201, "POST", "/v1/studies", "{" BODY "}");
    json_auto_t *study = api_json(&f);
    OWN(memory) char *strategy = json_dumps(json_object_get(study, "strategy"), 0);
    api_expect(&f, 200, "POST", "/v1/studies", "{" BODY "}");
    api_expect(&f, 200, "POST", "/v1/studies", "{" BODY ", \"strategy\": \"auto\"}");
    (void)snprintf(body, sizeof body, "{" BODY ", \"strategy\": %s}", strategy);
    api_expect(&f, 200, "POST", "/v1/studies", body);
    api_expect(&f, 409, "POST", "/v1/studies", "{" BODY ", \"strategy\": \"bayesian\"}");
    api_fixture_stop(&f);
}
END_TEST

START_TEST(a_patch_leaves_the_choice)
{
    struct api_fixture f;

    api_fixture_start(&f);
    api_expect(&f, 201, "POST", "/v1/studies", "{" BODY "}");
    api_expect(&f, 200, "PATCH", "/v1/studies/demo", "{\"limits\": {\"trials\": 1000000}}");
    answer_has(&f, "strategy.chosen.name", "bayesian");
    api_fixture_stop(&f);
}
END_TEST

static const struct {
    const char *strategy;
    const char *pointer;
} refused[] = {
    {"{\"name\": \"auto\", \"eta\": 3}", "/strategy/eta"},
    {"{\"name\": \"auto\", \"chosen\": {\"name\": \"tpe\"}}", "/strategy/chosen"},
    {"{\"name\": \"auto\", \"chosen\": {\"name\": \"bayesian\", \"eta\": 3}}", "/strategy/chosen"},
    {"{\"name\": \"auto\", \"chosen\": {\"name\": 5}}", "/strategy/chosen/name"},
    {"{\"name\": \"auto\", \"chosen\": \"tpe\"}", "/strategy/chosen"},
    {"{\"name\": \"auto\", \"chosen\": {\"name\": \"tpe\", \"because\": [1]}}",
     "/strategy/chosen/because"},
    {"{\"name\": \"random\", \"chosen\": {\"name\": \"random\"}}", "/strategy/chosen"},
};

START_TEST(a_choice_of_the_clients_is_refused)
{
    struct api_fixture f;
    char body[2000];

    api_fixture_start(&f);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        (void)snprintf(body, sizeof body, "{" BODY ", \"strategy\": %s}", refused[i].strategy);
        api_expect(&f, 422, "POST", "/v1/studies", body);
        answer_has(&f, "errors.0.pointer", refused[i].pointer);
    }
    api_fixture_stop(&f);
}
END_TEST

/* Nothing that auto could take serves these; the refusal is about them, not about its choice. */
START_TEST(what_no_strategy_can_serve_is_refused_by_its_place)
{
#define TWO_OBJECTIVES                                                                             \
    "\"name\": \"demo\", \"objectives\": [{\"metric\": \"a\", \"direction\": \"minimize\"}, "      \
    "{\"metric\": \"b\", \"direction\": \"maximize\"}], \"parameters\": [{\"name\": \"x\", "       \
    "\"type\": \"float\", \"low\": 0, \"high\": 1}]"
    struct api_fixture f;

    api_fixture_start(&f);
    api_expect(&f, 422, "POST", "/v1/studies",
               "{" TWO_OBJECTIVES ", \"stopping\": {\"rule\": \"median\"}}");
    answer_has(&f, "errors.0.pointer", "/stopping");
    api_expect(&f, 422, "POST", "/v1/studies", "{" TWO_OBJECTIVES ", \"after\": [\"older\"]}");
    answer_has(&f, "errors.0.pointer", "/after");
    api_fixture_stop(&f);
}
END_TEST

/* ---- POST /v1/advice ---- */

#define LR "{\"name\": \"lr\", \"type\": \"float\", \"low\": 1e-5, \"high\": 1, \"scale\": \"log\"}"
#define KERNEL "{\"name\": \"kernel\", \"type\": \"categorical\", \"choices\": [\"rbf\", \"poly\"]}"
#define DEGREE                                                                                     \
    "{\"name\": \"degree\", \"type\": \"int\", \"low\": 2, \"high\": 5, \"when\": {\"kernel\": "   \
    "[\"poly\"]}}"
#define EPOCHS "\"resource\": {\"name\": \"epochs\", \"min\": 1, \"max\": 81}"

static const char *const described[] = {
    "{\"parameters\": [" LR "]}",
    "{\"parameters\": [" KERNEL ", " DEGREE "], \"workers\": 4}",
    "{\"name\": \"mine\", \"metric\": \"accuracy\", \"direction\": \"maximize\", \"parameters\": "
    "[" LR "], " EPOCHS
    ", \"limits\": {\"trials\": 30, \"failures\": 3}, \"labels\": {\"a\": \"b\"}}",
    "{\"parameters\": [" LR "], " EPOCHS ", \"evaluation_seconds\": 600, \"workers\": 8, "
    "\"available_seconds\": 7200, \"checkpoints\": false, \"noisy\": true, \"experience\": "
    "\"new\"}",
    "{\"parameters\": [" LR "], \"evaluation_seconds\": 0.001, \"available_seconds\": 0.01}",
    "{\"parameters\": [" LR ", " KERNEL "], \"constraints\": [\"lr < 0.5\"], \"worker_seconds\": "
    "1e6, \"evaluation_seconds\": 3600, \"stopping\": {\"rule\": \"median\"}}",
    "{\"parameters\": [" KERNEL "], \"objectives\": [{\"metric\": \"a\", \"direction\": "
    "\"minimize\"}, {\"metric\": \"b\", \"direction\": \"maximize\"}], \"limits\": {\"seconds\": "
    "60}}",
    "{\"parameters\": [" LR "], \"resource\": {\"name\": \"steps\", \"min\": 3, \"max\": 4}, "
    "\"strategy\": {\"name\": \"asha\", \"mode\": \"stopping\", \"eta\": 2, \"search\": \"tpe\"}}",
};

/* What is offered can be sent as it is, and hands out a trial. */
START_TEST(every_study_offered_is_taken)
{
    struct api_fixture f;
    size_t n_taken = 0;

    api_fixture_start(&f);
    api_expect(&f, 200, "POST", "/v1/advice", described[_i]);
    json_auto_t *advice = api_json(&f);
    const json_t *items = json_object_get(advice, "items");
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *study = json_object_get(json_array_get(items, i), "study");
        char path[100];
        if (json_is_null(study)) {
            continue;
        }
        OWN(memory) char *body = json_dumps(study, JSON_COMPACT);
        const char *name = json_string_value(json_object_get(study, "name"));
        api_expect(&f, 201, "POST", "/v1/studies", body);
        (void)snprintf(path, sizeof path, "/v1/studies/%s/leases", name);
        api_expect(&f, 201, "POST", path, "{}");
        (void)snprintf(path, sizeof path, "/v1/studies/%s?force=true", name);
        api_expect(&f, 204, "DELETE", path, NULL);
        n_taken++;
    }
    ck_assert_uint_ge(n_taken, 3);
    api_fixture_stop(&f);
}
END_TEST

START_TEST(advice_tells_its_problem_and_the_rank_of_what_was_asked)
{
    struct api_fixture f;

    api_fixture_start(&f);
    api_expect(&f, 200, "POST", "/v1/advice",
               "{\"parameters\": [" LR "], " EPOCHS
               ", \"strategy\": \"hyperband\", \"evaluation_seconds\": 60, \"workers\": 4, "
               "\"available_seconds\": 900}");
    json_auto_t *advice = api_json(&f);
    json_int_t asked = json_integer_value(json_object_get(advice, "asked"));
    const json_t *item = json_array_get(json_object_get(advice, "items"), (size_t)asked - 1);
    ck_assert_str_eq(json_string_value(json_object_get(item, "title")), "hyperband");
    ck_assert_str_eq(json_string_value(json_at(advice, "problem.budget_from")), "time");
    ck_assert_double_eq(json_number_value(json_at(advice, "problem.full_evaluations")), 60);
    ck_assert_double_le(json_number_value(json_at(advice, "items.0.expected.finish_seconds")), 900);
    ck_assert_str_eq(json_string_value(json_at(advice, "items.0.study.strategy.mode")),
                     "predictive");
    api_fixture_stop(&f);
}
END_TEST

START_TEST(advice_has_formats_for_a_terminal)
{
    static const char body[] =
        "{\"parameters\": [" LR "], " EPOCHS ", \"strategy\": \"hyperband\"}";
    struct api_fixture f;

    api_fixture_start(&f);
    api_expect(&f, 200, "POST", "/v1/advice?format=table", body);
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "RANK  STRATEGY"));
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "not: grid: "));
    ck_assert_ptr_null(strstr(buf_text(&f.last.body), "create this study"));
    api_expect(&f, 200, "POST", "/v1/advice?format=text", body);
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "RANK  STRATEGY"));
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "1. asha, predictive"));
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "    81@1 27@3 9@9 3@27 1@81\n"));
    ck_assert_ptr_nonnull(strstr(buf_text(&f.last.body), "create this study"));
    api_fixture_stop(&f);
}
END_TEST

static const struct {
    int status;
    const char *path, *body, *pointer;
} poor[] = {
    {400, "/v1/advice", "{", NULL},
    {400, "/v1/advice?format=sh", "{\"parameters\": [" LR "]}", NULL},
    {400, "/v1/advice?colour=red", "{\"parameters\": [" LR "]}", NULL},
    {422, "/v1/advice", "[]", ""},
    {422, "/v1/advice", "{}", "/parameters"},
    {422, "/v1/advice", "{\"parameters\": [" LR "], \"evaluation_secs\": 5}", "/evaluation_secs"},
    {422, "/v1/advice", "{\"parameters\": [" LR "], \"workers\": 0}", "/workers"},
    {422, "/v1/advice", "{\"parameters\": [" LR "], \"available_seconds\": -5}",
     "/available_seconds"},
    {422, "/v1/advice", "{\"parameters\": [" LR "], \"strategy\": 7}", "/strategy"},
};

START_TEST(poor_questions_are_refused)
{
    struct api_fixture f;

    api_fixture_start(&f);
    for (size_t i = 0; i < sizeof poor / sizeof poor[0]; i++) {
        api_expect(&f, poor[i].status, "POST", poor[i].path, poor[i].body);
        if (poor[i].pointer != NULL) {
            answer_has(&f, "errors.0.pointer", poor[i].pointer);
        }
    }
    api_expect(&f, 405, "GET", "/v1/advice", NULL);
    api_fixture_stop(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_advice");
    TCase *tcase = tcase_create("auto");

    tcase_add_test(tcase, a_study_shows_what_auto_chose_and_why);
    tcase_add_test(tcase, creating_again_is_the_same_study);
    tcase_add_test(tcase, a_patch_leaves_the_choice);
    tcase_add_test(tcase, a_choice_of_the_clients_is_refused);
    tcase_add_test(tcase, what_no_strategy_can_serve_is_refused_by_its_place);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("advice");
    tcase_add_loop_test(tcase, every_study_offered_is_taken, 0,
                        (int)(sizeof described / sizeof described[0]));
    tcase_add_test(tcase, advice_tells_its_problem_and_the_rank_of_what_was_asked);
    tcase_add_test(tcase, advice_has_formats_for_a_terminal);
    tcase_add_test(tcase, poor_questions_are_refused);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
