/* Advice and what `auto` chose, over real sockets and the real engine. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int main(void)
{
    Suite *suite = suite_create("api_advice");
    TCase *tcase = tcase_create("auto");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(tcase, a_study_shows_what_auto_chose_and_why);
    tcase_add_test(tcase, creating_again_is_the_same_study);
    tcase_add_test(tcase, a_patch_leaves_the_choice);
    tcase_add_test(tcase, a_choice_of_the_clients_is_refused);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
