#include "server/domain/study.h"

#include <check.h>
#include <math.h>
#include <string.h>

#include "tests/support/run_suite.h"

/* Every field there is, as in the documentation of the interface. */
static const char whole[] =
    "{\"name\": \"digits-svm\", \"description\": \"d\", \"labels\": {\"team\": \"vision\", \"a\": "
    "\"b\"},"
    "\"objectives\": [{\"metric\": \"accuracy\", \"direction\": \"maximize\", \"fold\": \"best\"}],"
    "\"subject_to\": [\"p99_ms<=500\", \"accuracy >= 0.50\"], \"parameters\": ["
    "{\"name\": \"C\", \"type\": \"float\", \"low\": 1e-3, \"high\": 1e3, \"scale\": \"log\"},"
    "{\"name\": \"gamma\", \"type\": \"float\", \"low\": 1e-6, \"high\": 1e1, \"scale\": \"log\", "
    "\"grid\": 8},"
    "{\"name\": \"units\", \"type\": \"int\", \"low\": 16, \"high\": 512, \"step\": 16},"
    "{\"name\": \"dropout\", \"type\": \"float\", \"low\": 0, \"high\": 0.8, \"step\": 0.1, "
    "\"default\": 0.2},"
    "{\"name\": \"kernel\", \"type\": \"categorical\", \"choices\": [\"rbf\", \"poly\"]},"
    "{\"name\": \"size\", \"type\": \"ordinal\", \"choices\": [\"s\", \"m\", \"l\"]},"
    "{\"name\": \"degree\", \"type\": \"int\", \"low\": 2, \"high\": 5, \"when\": {\"kernel\": "
    "[\"poly\"]}},"
    "{\"name\": \"amp\", \"type\": \"bool\"},"
    "{\"name\": \"fixed\", \"type\": \"constant\", \"value\": 1},"
    "{\"name\": \"noise\", \"type\": \"float\", \"distribution\": \"normal\", \"mean\": 0, \"sd\": "
    "1,"
    " \"low\": -3, \"high\": 3}],"
    "\"constraints\": [\"units * degree <= 1024\"],"
    "\"strategy\": {\"name\": \"hyperband\", \"search\": \"bayesian\", \"eta\": 3, \"rounds\": "
    "null},"
    "\"resource\": {\"name\": \"epochs\", \"min\": 1, \"max\": 81},"
    "\"stopping\": {\"rule\": \"median\", \"after\": 5},"
    "\"limits\": {\"trials\": 200, \"parallel\": 64, \"seconds\": 86400, \"resource\": 20000,"
    " \"target\": 0.99, \"failures\": 20, \"attempts\": 3, \"retries\": 0, \"trial_seconds\": 3600,"
    " \"stall_seconds\": 600, \"guest_share\": 0.25}, \"lease\": {\"ttl_seconds\": 60}, \"job\": "
    "{\"runner\": \"train\"},"
    "\"priority\": 2, \"share\": 1.5, \"requires\": {\"gpus\": 1, \"gpu_memory_mib\": 0, "
    "\"labels\": {}},"
    "\"after\": [\"older\"], \"seed\": 7}";

static char *normalise(const char *text)
{
    json_auto_t *body = json_loads(text, 0, NULL);
    OWN(study_def) struct study_def *def = NULL;
    struct faults faults = {0};
    OWN(buf) struct buf out;
    struct json_writer w;

    ck_assert_ptr_nonnull(body);
    int rc = study_def_from_json(body, 99, &def, &faults);
    for (size_t i = 0; i < faults.n; i++) {
        ck_abort_msg("%s: %s", faults.items[i].pointer, faults.items[i].detail);
    }
    ck_assert_int_eq(rc, 0);
    buf_init(&out, 100000);
    json_writer_init(&w, &out);
    json_object_begin(&w);
    study_def_write(def, &w);
    json_object_end(&w);
    return buf_steal(&out);
}

START_TEST(normalised_body_reads_back_to_itself)
{
    OWN(memory) char *once = normalise(whole);
    OWN(memory) char *twice = normalise(once);

    ck_assert_str_eq(once, twice);
    ck_assert_ptr_nonnull(strstr(once, "\"labels\":{\"a\":\"b\",\"team\":\"vision\"}"));
    ck_assert_ptr_nonnull(
        strstr(once, "\"strategy\":{\"name\":\"hyperband\",\"eta\":3,\"search\":\"bayesian\"}"));
    ck_assert_ptr_nonnull(strstr(once, "\"seed\":7}"));
    ck_assert_ptr_nonnull(strstr(once, "\"subject_to\":[\"p99_ms <= 500\",\"accuracy >= 0.5\"]"));
}
END_TEST

#define PARAMETERS                                                                                 \
    "\"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"low\": 0, \"high\": 1}]"
#define LOSS "\"metric\": \"loss\", \"direction\": \"minimize\""

START_TEST(short_form_equals_long_form)
{
    OWN(memory) char *brief = normalise("{\"name\": \"a\", " LOSS ", " PARAMETERS "}");
    OWN(memory)
    char *wordy = normalise("{\"seed\": 99, \"strategy\": {\"name\": \"auto\"}, " PARAMETERS
                            ", \"limits\": {\"attempts\": 3},"
                            "\"objectives\": [{" LOSS
                            ", \"fold\": \"last\"}], \"name\": \"a\", \"share\": 1.0}");

    ck_assert_str_eq(brief, wordy);
}
END_TEST

START_TEST(a_goal_is_kept_where_one_is_named)
{
    OWN(memory)
    char *text =
        normalise("{\"name\": \"a\", \"objectives\": [{" LOSS ", \"goal\": 0.25}, {\"metric\": "
                  "\"b\", \"direction\": \"maximize\", \"goal\": null}], " PARAMETERS "}");

    ck_assert_ptr_nonnull(strstr(text, "\"fold\":\"last\",\"goal\":0.25}"));
    ck_assert_ptr_nonnull(strstr(text, "\"direction\":\"maximize\",\"fold\":\"last\"}"));
}
END_TEST

/* A study with these outcome constraints. */
#define SUBJECT_TO(list) "{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"subject_to\": " list "}"

START_TEST(bounds_may_meet_and_a_study_without_any_is_written_as_before)
{
    OWN(memory) char *none = normalise(SUBJECT_TO("[]"));
    OWN(memory) char *both = normalise(SUBJECT_TO("[\"loss >= 2\", \"`loss` <= 2\"]"));
    OWN(memory) char *plain = normalise("{\"name\": \"a\", " LOSS ", " PARAMETERS "}");

    ck_assert_str_eq(none, plain);
    ck_assert_ptr_null(strstr(none, "subject_to"));
    ck_assert_ptr_nonnull(strstr(both, "\"subject_to\":[\"loss >= 2\",\"loss <= 2\"]"));
}
END_TEST

START_TEST(what_is_not_known_to_be_feasible_is_not_among_the_best)
{
    json_auto_t *body = json_loads(SUBJECT_TO("[\"p99 <= 5\"]"), 0, NULL);
    OWN(study_def) struct study_def *def = NULL;
    struct faults faults = {0};
    const double config = 0.5;
    const double values[] = {5, 5.5, (double)NAN};

    ck_assert_int_eq(study_def_from_json(body, 0, &def, &faults), 0);
    ck_assert_int_eq(study_best_level(def, TRIAL_COMPLETED, 0, &config, &values[0]), 0);
    ck_assert_int_eq(study_best_level(def, TRIAL_COMPLETED, 0, &config, &values[1]), -1);
    ck_assert_int_eq(study_best_level(def, TRIAL_COMPLETED, 0, &config, &values[2]), -1);
    ck_assert_int_eq(study_best_level(def, TRIAL_COMPLETED, 0, &config, NULL), -1);
    ck_assert_double_eq_tol(study_violation(def, &values[1]), 0.1, 1e-12);
}
END_TEST

static const struct {
    const char *body;
    const char *pointer;
} refused[] = {
    {"{\"name\": \"a\", " LOSS "}", "/parameters"},
    {"{" LOSS ", " PARAMETERS "}", "/name"},
    {"{\"name\": \"A\", " LOSS ", " PARAMETERS "}", "/name"},
    {"{\"name\": \"a\", " PARAMETERS "}", "/objectives"},
    {"{\"name\": \"a\", \"metric\": \"loss\", " PARAMETERS "}", "/direction"},
    {"{\"name\": \"a\", \"objectives\": [], " PARAMETERS "}", "/objectives"},
    {"{\"name\": \"a\", \"objectives\": [{" LOSS ", \"goal\": 1}], " PARAMETERS "}",
     "/objectives/0/goal"},
    {"{\"name\": \"a\", \"objectives\": [{" LOSS "}, {\"metric\": \"b\", \"direction\": "
     "\"minimize\", \"goal\": \"low\"}], " PARAMETERS "}",
     "/objectives/1/goal"},
    {"{\"name\": \"a\", \"objectives\": [{" LOSS "}], " LOSS ", " PARAMETERS "}", "/metric"},
    {"{\"name\": \"a\", \"objectives\": [{" LOSS "}, {" LOSS "}], " PARAMETERS "}",
     "/objectives/1/metric"},
    {"{\"name\": \"a\", \"objectives\": [{\"metric\": \"a \", \"direction\": "
     "\"minimize\"}], " PARAMETERS "}",
     "/objectives/0/metric"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"color\": 1}", "/color"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"limits\": {\"trials\": 0}}", "/limits/trials"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"limits\": {\"seconds\": -1}}",
     "/limits/seconds"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"limits\": {\"target\": \"x\"}}",
     "/limits/target"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"limits\": {\"trails\": 5}}", "/limits/trails"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"limits\": {\"guest_share\": 1.5}}",
     "/limits/guest_share"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"limits\": {\"guest_share\": -1}}",
     "/limits/guest_share"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"limits\": {\"guest_share\": \"0.3\"}}",
     "/limits/guest_share"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"lease\": {\"ttl_seconds\": 14}}",
     "/lease/ttl_seconds"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"lease\": {\"ttl_seconds\": 86401}}",
     "/lease/ttl_seconds"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"resource\": {\"min\": 3, \"max\": 2}}",
     "/resource/min"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"resource\": {\"min\": 0, \"max\": 1.5}}",
     "/resource/min"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"resource\": {\"max\": 0.5}}", "/resource/min"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"resource\": {\"max\": \"1.5\"}}",
     "/resource/max"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"resource\": {\"min\": 1e-13, \"max\": 1}}",
     "/resource/min"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"resource\": {\"min\": 1e-9, \"max\": 1e9}}",
     "/resource/min"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"resource\": {\"max\": 9, \"step\": 0}}",
     "/resource/step"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"resource\": {\"max\": 9, \"step\": 9.5}}",
     "/resource/step"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"resource\": {\"max\": 9, \"unit\": 0.5}}",
     "/resource/unit"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS
     ", \"resource\": {\"min\": 0.25, \"max\": 9, \"unit\": 0.1}}",
     "/resource/min"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS
     ", \"resource\": {\"max\": 9}, \"limits\": {\"resource\": 4.5}}",
     "/limits/resource"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS
     ", \"resource\": {\"min\": 0.5, \"max\": 9}, \"limits\": {\"resource\": 4.00001}}",
     "/limits/resource"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"resource\": {\"name\": \"epochs\"}}",
     "/resource/max"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"stopping\": {\"rule\": \"mean\"}}",
     "/stopping/rule"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS
     ", \"stopping\": {\"rule\": \"threshold\", \"step\": 1}}",
     "/stopping/value"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"strategy\": 5}", "/strategy"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"strategy\": {\"eta\": 3}}", "/strategy/name"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS
     ", \"strategy\": {\"name\": \"tpe\", \"serving\": \"x\"}}",
     "/strategy/serving"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"job\": {\"command\": \"x\"}}", "/job/runner"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"labels\": {\"a\": 1}}", "/labels/a"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"requires\": {\"gpus\": -1}}", "/requires/gpus"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"share\": 0}", "/share"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"priority\": 0.5}", "/priority"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"seed\": 9007199254740992}", "/seed"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"seed\": -1}", "/seed"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"after\": [\"a\"]}", "/after/0"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"after\": [1]}", "/after/0"},
    {"{\"name\": \"a\", " LOSS ", " PARAMETERS ", \"state\": \"running\"}", "/state"},
    {SUBJECT_TO("\"p99 <= 5\""), "/subject_to"},
    {SUBJECT_TO("{\"p99\": 5}"), "/subject_to"},
    {SUBJECT_TO("[5]"), "/subject_to/0"},
    {SUBJECT_TO("[\"p99 <= 5\", \"x < 5\"]"), "/subject_to/1"},
    {SUBJECT_TO("[\"p99 <= 5\", \"p99 <= 5\"]"), "/subject_to/1"},
    {SUBJECT_TO("[\"p99 <= 5\", \"x >= 1\", \"p99 >= 6\"]"), "/subject_to/2"},
    {SUBJECT_TO("[\"p99 >= 6\", \"p99 <= 5\"]"), "/subject_to/1"},
    {SUBJECT_TO("[\"a>=1\",\"b>=1\",\"c>=1\",\"d>=1\",\"e>=1\",\"f>=1\",\"g>=1\",\"h>=1\","
                "\"i>=1\"]"),
     "/subject_to"},
    {"[]", ""},
};

START_TEST(what_cannot_work_is_refused_at_its_place)
{
    json_auto_t *body = json_loads(refused[_i].body, 0, NULL);
    OWN(study_def) struct study_def *def = NULL;
    struct faults faults = {0};
    bool found = false;

    ck_assert_ptr_nonnull(body);
    ck_assert_int_eq(study_def_from_json(body, 0, &def, &faults), -1);
    ck_assert_ptr_null(def);
    for (size_t i = 0; i < faults.n; i++) {
        found = found || strcmp(faults.items[i].pointer, refused[_i].pointer) == 0;
    }
    ck_assert_msg(found, "%s: first fault at %s", refused[_i].pointer, faults.items[0].pointer);
    faults_finish(&faults);
}
END_TEST

START_TEST(all_faults_are_reported_at_once)
{
    json_auto_t *body = json_loads(
        "{\"name\": \"No\", \"objectives\": [{\"metric\": \"m\", \"direction\": \"up\"}],"
        "\"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"low\": 2, \"high\": 1},"
        "{\"name\": \"y\", \"type\": \"flaot\"}], \"seed\": \"s\", \"colour\": 1}",
        0, NULL);
    OWN(study_def) struct study_def *def = NULL;
    struct faults faults = {0};

    ck_assert_int_eq(study_def_from_json(body, 0, &def, &faults), -1);
    ck_assert_uint_eq(faults.total, 6);
    faults_finish(&faults);
}
END_TEST

START_TEST(better_follows_the_direction_and_nan_is_worst)
{
    struct study_def def = {.n_objectives = 1};

    def.objectives[0].direction = DIRECTION_MAXIMIZE;
    ck_assert(study_is_better(&def, 2, 1));
    ck_assert(!study_is_better(&def, 1, 1));
    ck_assert(study_is_better(&def, 1, (double)NAN));
    ck_assert(!study_is_better(&def, (double)INFINITY, 1));
    ck_assert(!study_is_better(&def, (double)NAN, (double)NAN));
    def.objectives[0].direction = DIRECTION_MINIMIZE;
    ck_assert(study_is_better(&def, 1, 2));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("study");
    TCase *tcase = tcase_create("study");

    tcase_add_test(tcase, normalised_body_reads_back_to_itself);
    tcase_add_test(tcase, short_form_equals_long_form);
    tcase_add_loop_test(tcase, what_cannot_work_is_refused_at_its_place, 0,
                        (int)(sizeof refused / sizeof refused[0]));
    tcase_add_test(tcase, a_goal_is_kept_where_one_is_named);
    tcase_add_test(tcase, bounds_may_meet_and_a_study_without_any_is_written_as_before);
    tcase_add_test(tcase, what_is_not_known_to_be_feasible_is_not_among_the_best);
    tcase_add_test(tcase, all_faults_are_reported_at_once);
    tcase_add_test(tcase, better_follows_the_direction_and_nan_is_worst);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
