/* Every allocation fails once while the body of a request is checked and advice is given: the
 * answer is the undisturbed one, or that memory is out. It never is that the request is invalid. */
#include <check.h>
#include <string.h>

#include "server/advice/advice.h"
#include "server/advice/advice_json.h"
#include "server/advice/advice_text.h"
#include "server/advice/choose.h"
#include "server/advice/study_body.h"
#include "server/domain/study.h"
#include "tests/support/allocation.h"
#include "tests/support/run_suite.h"

static json_t *body; /* parsed undisturbed */

static json_t *parse(const char *text)
{
    struct err err = {0};
    json_t *value = NULL;

    if (json_parse(text, strlen(text), &json_limits_default, &value, &err) != 0) {
        ck_abort_msg("%s", err.text);
    }
    return value;
}

/* ---- studies ---- */

#define NUMBERS                                                                                    \
    "\"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"low\": 0, \"high\": 1},"            \
    " {\"name\": \"n\", \"type\": \"int\", \"low\": 1, \"high\": 9}]"
#define LOSS "\"metric\": \"loss\", \"direction\": \"minimize\""

static const char *const studies[] = {
    "{\"name\": \"a\", \"description\": \"all there is\", \"labels\": {\"team\": \"a\"}, "
    "\"objectives\":"
    " [{\"metric\": \"loss\", \"direction\": \"minimize\", \"fold\": \"best\"}], \"parameters\":"
    " [{\"name\": \"lr\", \"type\": \"float\", \"low\": 0.001, \"high\": 1, \"scale\": \"log\"},"
    "  {\"name\": \"kernel\", \"type\": \"categorical\", \"choices\": [\"rbf\", \"poly\", 3],"
    "   \"removed\": [{\"index\": 1, \"value\": null}]},"
    "  {\"name\": \"width\", \"type\": \"int\", \"values\": [16, 32, 64]},"
    "  {\"name\": \"flag\", \"type\": \"bool\"},"
    "  {\"name\": \"mode\", \"type\": \"constant\", \"value\": \"fast\"},"
    "  {\"name\": \"degree\", \"type\": \"int\", \"low\": 1, \"high\": 5,"
    "   \"when\": {\"kernel\": [\"poly\", 3], \"width\": [16]}}],"
    " \"constraints\": [\"width <= 64 and (kernel != 'poly' or degree < 5)\", \"lr < 1\"],"
    " \"strategy\": {\"name\": \"hyperband\", \"eta\": 3, \"search\": \"tpe\"},"
    " \"resource\": {\"name\": \"epochs\", \"min\": 1, \"max\": 9},"
    " \"limits\": {\"trials\": 100, \"target\": 0.1}, \"job\": {\"runner\": \"train\"},"
    " \"requires\": {\"gpus\": 1, \"labels\": {\"site\": \"b\"}}, \"after\": [\"older\"]}",
    "{\"name\": \"b\", " LOSS ", " NUMBERS "}", /* auto chooses */
    "{\"name\": \"c\", " LOSS ", " NUMBERS ", \"resource\": {\"max\": 81}, \"strategy\": \"auto\"}",
    "{\"name\": \"d\", " LOSS ", " NUMBERS ", \"strategy\": \"tpe\","
    " \"stopping\": {\"rule\": \"median\", \"after\": 3}}",
    "{\"name\": \"e\", " LOSS ", \"strategy\": \"grid\", \"parameters\":"
    " [{\"name\": \"n\", \"type\": \"int\", \"low\": 1, \"high\": 4},"
    "  {\"name\": \"m\", \"type\": \"int\", \"low\": 1, \"high\": 4, \"when\": {\"n\": [1, 2]}}],"
    " \"constraints\": [\"n > m\"]}",
    "{\"name\": \"f\", \"objectives\": [{\"metric\": \"a\", \"direction\": \"minimize\"},"
    " {\"metric\": \"b\", \"direction\": \"maximize\"}], " NUMBERS "}",
};

static int check_study(struct study_def **study, struct faults *faults, struct err *err)
{
    if (study_def_from_json(body, 1, study, faults) != 0) {
        return faults_result(faults, err);
    }
    advice_settle_body(*study, faults);
    advice_check(*study, faults);
    return faults_result(faults, err);
}

static int run_study(struct buf *out, struct err *err)
{
    OWN(study_def) struct study_def *study = NULL;
    struct faults faults = {0};
    struct json_writer w;

    int result = check_study(&study, &faults, err);
    faults_finish(&faults);
    TRY(result);
    json_writer_init(&w, out);
    json_object_begin(&w);
    study_def_write(study, &w);
    json_object_end(&w);
    return buf_check(out, err);
}

START_TEST(study_is_whole_or_memory_is_out)
{
    body = parse(studies[_i]);
    ck_assert_uint_gt(allocation_fail_each("study", run_study), 10);
    json_decref(body);
}
END_TEST

/* ---- advice ---- */

static const char *const problems[] = {
    "{" NUMBERS ", \"evaluation_seconds\": 60, \"available_seconds\": 86400, \"workers\": 4}",
    "{\"name\": \"b\", " LOSS ", " NUMBERS ", \"resource\": {\"name\": \"epochs\", \"max\": 81},"
    " \"limits\": {\"trials\": 200}, \"noisy\": true, \"experience\": \"expert\","
    " \"strategy\": {\"name\": \"asha\", \"eta\": 3}}",
    "{\"objectives\": [{\"metric\": \"a\", \"direction\": \"minimize\"},"
    " {\"metric\": \"b\", \"direction\": \"maximize\"}], \"limits\": {\"trials\": 20}, " NUMBERS
    "}",
};

static int give_advice(struct faults *faults, struct buf *out, struct err *err)
{
    OWN(problem) struct problem problem = {0};
    OWN(advice) struct advice advice = {0};
    struct json_writer w;

    if (problem_from_json(body, &problem, faults) != 0) {
        return faults_result(faults, err);
    }
    TRY(advice_rank(&problem, &advice, err));
    TRY(advice_make_studies(&problem, &advice, err));
    json_writer_init(&w, out);
    json_object_begin(&w);
    advice_write(&problem, &advice, &w);
    json_object_end(&w);
    advice_write_table(&advice, out);
    advice_write_text(&problem, &advice, out);
    return buf_check(out, err);
}

static int run_advice(struct buf *out, struct err *err)
{
    struct faults faults = {0};
    int result = give_advice(&faults, out, err);

    faults_finish(&faults);
    return result;
}

START_TEST(advice_is_whole_or_memory_is_out)
{
    body = parse(problems[_i]);
    ck_assert_uint_gt(allocation_fail_each("advice", run_advice), 50);
    json_decref(body);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("no_memory_requests");
    TCase *tcase = tcase_create("every allocation");

    allocation_start();
    json_start();
    tcase_add_loop_test(tcase, study_is_whole_or_memory_is_out, 0,
                        (int)(sizeof studies / sizeof studies[0]));
    tcase_add_loop_test(tcase, advice_is_whole_or_memory_is_out, 0,
                        (int)(sizeof problems / sizeof problems[0]));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
