/* Which strategy is advised, and what `auto` takes. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "server/advice/choose.h"

#define X "{\"name\": \"x\", \"type\": \"float\", \"low\": 0, \"high\": 1}"

/* A study of one parameter with these members (JSON without braces, with a trailing comma). */
static struct study_def *study_of(const char *members)
{
    struct study_def *study = NULL;
    struct faults faults = {0};
    char text[4000];

    (void)snprintf(text, sizeof text, "{\"name\": \"s\", %s \"parameters\": [" X "]}", members);
    json_auto_t *body = json_loads(text, 0, NULL);
    ck_assert_msg(body != NULL, "%s", text);
    int rc = study_def_from_json(body, 1, &study, &faults);
    ck_assert_msg(rc == 0, "%s: %s", text, faults.n > 0 ? faults.items[0].detail : "");
    faults_finish(&faults);
    return study;
}

#define LOSS "\"metric\": \"loss\", \"direction\": \"minimize\", "
#define TWO                                                                                        \
    "\"objectives\": [{\"metric\": \"a\", \"direction\": \"minimize\"}, {\"metric\": \"b\", "      \
    "\"direction\": \"maximize\"}], "

static const struct {
    const char *members;
    const char *name;
} choices[] = {
    {LOSS, "bayesian"},
    {TWO, "quasirandom"},
    {LOSS "\"limits\": {\"trials\": 100000}, ", "tpe"},
    {LOSS "\"resource\": {\"min\": 1, \"max\": 81}, ", "asha"},
    {LOSS "\"resource\": {\"min\": 81, \"max\": 81}, ", "bayesian"},
    {TWO "\"resource\": {\"min\": 1, \"max\": 81}, ", "quasirandom"},
};

START_TEST(auto_chooses_by_what_is_declared)
{
    OWN(study_def) struct study_def *study = study_of(choices[_i].members);
    OWN(chosen) struct chosen chosen = {0};
    struct err err = {0};

    ck_assert(advice_is_auto(study));
    ck_assert_int_eq(advice_choose(study, &chosen, &err), 0);
    ck_assert_str_eq(chosen.name, choices[_i].name);
    ck_assert_uint_gt(json_array_size(chosen.because), 0);
    ck_assert_str_eq(study_strategy(study), "auto");
    ck_assert_int_eq(advice_settle(study, &err), 0);
    ck_assert_str_eq(study_strategy(study), choices[_i].name);
}
END_TEST

START_TEST(a_named_strategy_is_left_alone)
{
    OWN(study_def)
    struct study_def *study = study_of(LOSS "\"strategy\": \"random\", ");
    struct err err = {0};

    ck_assert(!advice_is_auto(study));
    ck_assert_int_eq(advice_settle(study, &err), 0);
    ck_assert_str_eq(study_strategy(study), "random");
    ck_assert_str_eq(study->chosen.name, "");
}
END_TEST

static char *written(const struct study_def *study)
{
    struct buf out;
    struct json_writer w;

    buf_init(&out, 100000);
    json_writer_init(&w, &out);
    json_object_begin(&w);
    study_def_write(study, &w);
    json_object_end(&w);
    return buf_steal(&out);
}

/* What is stored is what is read, and no second choice is made. */
START_TEST(the_choice_is_kept)
{
    OWN(study_def) struct study_def *study = study_of(LOSS);
    OWN(study_def) struct study_def *again = NULL;
    struct faults faults = {0};
    struct err err = {0};

    ck_assert_int_eq(advice_settle(study, &err), 0);
    (void)snprintf(study->chosen.name, sizeof study->chosen.name, "tpe"); /* an older choice */
    OWN(memory) char *once = written(study);
    json_auto_t *body = json_loads(once, 0, NULL);
    ck_assert_int_eq(study_def_from_json(body, 1, &again, &faults), 0);
    ck_assert_int_eq(advice_settle(again, &err), 0);
    OWN(memory) char *twice = written(again);
    ck_assert_str_eq(once, twice);
    ck_assert_str_eq(study_strategy(again), "tpe");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("advice");
    TCase *tcase = tcase_create("auto");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tcase, auto_chooses_by_what_is_declared, 0,
                        (int)(sizeof choices / sizeof choices[0]));
    tcase_add_test(tcase, a_named_strategy_is_left_alone);
    tcase_add_test(tcase, the_choice_is_kept);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
