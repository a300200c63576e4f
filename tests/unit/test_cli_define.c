/* What people write at the command line and in tables: conditions, CSV, configurations; and events
 * and flat objects as they are shown. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/json.h"
#include "tests/support/run_suite.h"
#include "worker/cli/define/condition.h"
#include "worker/cli/define/configurations.h"
#include "worker/cli/define/csv.h"
#include "worker/cli/show/event_line.h"
#include "worker/cli/show/flat.h"

static json_t *json(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

    ck_assert_ptr_nonnull(value);
    return value;
}

/* 12 trials have ended, 3 of them failed, 2 run; the best is 0.25. */
static const struct {
    const char *text;
    bool holds;
} conditions[] = {
    {"finished", false},  {"best<0.3", true},       {"best<0.25", false}, {"best<=0.25", true},
    {"best>0.2", true},   {"trials>=12", true},     {"trials>12", false}, {"trials = 12", true},
    {"failed>3", false},  {"failed>=3", true},      {"running<3", true},  {"completed==9", true},
    {"pruned>=1", false}, {"best < 2.5e-1", false},
};

START_TEST(a_condition_holds_or_not)
{
    json_auto_t *study = json("{\"state\": \"running\", \"counts\": {\"completed\": 9, \"failed\":"
                              " 3, \"running\": 2}}");
    json_auto_t *best = json("{\"trial\": {\"value\": 0.25}}");
    struct wait_condition condition;
    struct err err = {0};

    ck_assert_int_eq(condition_read(conditions[_i].text, &condition, &err), 0);
    ck_assert_int_eq(condition_holds(&condition, study, best), conditions[_i].holds);
}
END_TEST

START_TEST(nothing_is_said_of_a_best_that_is_not_there)
{
    json_auto_t *study = json("{\"state\": \"finished\", \"counts\": {\"running\": 0}}");
    json_auto_t *best = json("{\"trial\": null}");
    struct wait_condition condition;
    struct err err = {0};

    ck_assert_int_eq(condition_read("best<9", &condition, &err), 0);
    ck_assert(!condition_holds(&condition, study, best));
    ck_assert(!condition_holds(&condition, study, NULL));
    ck_assert_int_eq(condition_read("finished", &condition, &err), 0);
    ck_assert(condition_holds(&condition, study, NULL));
    (void)json_object_set_new(json_object_get(study, "counts"), "running", json_integer(1));
    ck_assert(!condition_holds(&condition, study, NULL)); /* a last job still runs */
}
END_TEST

static const struct {
    const char *text, *said;
} mistakes[] = {
    {"finshed", "did you mean 'finished'?"},
    {"bst<1", "did you mean 'best'?"},
    {"best", "such as best>=50"},
    {"best<", "such as best>=50"},
    {"best<x", "such as best>=50"},
    {"what 3", "write finished, or a comparison"},
    {"", "write finished, or a comparison"},
    {"trials>=1_000", "such as trials>=50"},
};

START_TEST(a_condition_that_is_none_is_told_what_to_write)
{
    struct wait_condition condition;
    struct err err = {0};

    ck_assert_int_eq(condition_read(mistakes[_i].text, &condition, &err), -1);
    ck_assert_msg(strstr(err.text, mistakes[_i].said) != NULL, "%s", err.text);
}
END_TEST

static const struct {
    const char *csv, *list;
} tables[] = {
    {"lr,act\n0.1,relu\n1e-5,tanh\n", "[{\"parameters\": {\"lr\": 0.1, \"act\": \"relu\"}},"
                                      " {\"parameters\": {\"lr\": 1e-5, \"act\": \"tanh\"}}]"},
    {"\xef\xbb\xbfn\r\n3\r\n\r\n4", "[{\"parameters\": {\"n\": 3}}, {\"parameters\": {\"n\": 4}}]"},
    {"a,b\n,yes\n", "[{\"parameters\": {\"b\": \"yes\"}}]"},
    {"\"a,\"\"b\"\"\",c\n\"x\ny\",\"[64,32]\"\n",
     "[{\"parameters\": {\"a,\\\"b\\\"\": \"x\\ny\", \"c\": [64, 32]}}]"},
    {"s\n\"\"\"1\"\"\"\n", "[{\"parameters\": {\"s\": \"1\"}}]"},
    {"number,state,parameters.lr\n1,failed,0.5\n", "[{\"parameters\": {\"lr\": 0.5}}]"},
    {"lr\n", "[]"},
};

START_TEST(a_table_is_read_as_configurations)
{
    json_auto_t *list = json_array();
    json_auto_t *wanted = json(tables[_i].list);
    struct err err = {0};

    ck_assert_int_eq(configurations_from_csv(tables[_i].csv, list, &err), 0);
    ck_assert_msg(json_equal(list, wanted), "%s", json_dumps(list, 0));
}
END_TEST

static const struct {
    const char *csv, *said;
} faults[] = {
    {"", "names the parameters"},
    {"a,b\n1\n", "line 2: it has 1 cells, and the first line has 2"},
    {"a\n1\n\"x\n", "line 3: the quotes do not end"},
    {"a\n\"x\"y\n", "line 2: text stands behind the quotes"},
    {"a,a\n1,2\n", "two columns are called 'a'"},
};

START_TEST(a_fault_of_a_table_is_told_with_its_line)
{
    json_auto_t *list = json_array();
    struct err err = {0};

    ck_assert_int_eq(configurations_from_csv(faults[_i].csv, list, &err), -1);
    ck_assert_msg(strstr(err.text, faults[_i].said) != NULL, "%s", err.text);
}
END_TEST

static const struct {
    const char *event, *line;
} events[] = {
    {"{\"seq\": 7, \"kind\": \"trial-ended\", \"study\": \"d\", \"trial\": 5, \"attempt\": 2,"
     " \"at\": \"2026-11-29T20:01:16.459Z\"}",
     "2026-11-29 20:01:16 +00:00  d  trial 5, attempt 2: ended"},
    {"{\"kind\": \"study-finished\", \"study\": \"d\", \"at\": \"2026-11-29T20:01:16.459Z\"}",
     "2026-11-29 20:01:16 +00:00  d  study finished"},
    {"{\"kind\": \"measurement\", \"study\": \"d\", \"trial\": 4, \"attempt\": 1, \"at\":"
     " \"2026-11-29T20:01:16.459Z\", \"report\": {\"measurements\": [{\"step\": 5, \"metrics\":"
     " {\"loss\": 0.25, \"acc\": \"NaN\"}}]}}",
     "2026-11-29 20:01:16 +00:00  d  trial 4, attempt 1: step 5 loss=0.25 acc=NaN"},
    {"{\"kind\": \"worker-quarantined\", \"study\": null, \"worker\": \"n\\u001b[2J\", \"detail\":"
     " \"3 in a row\", \"at\": \"2026-11-29T20:01:16.459Z\"}",
     "2026-11-29 20:01:16 +00:00    worker n[2J: worker quarantined: 3 in a row"},
};

START_TEST(an_event_is_a_line)
{
    json_auto_t *event = json(events[_i].event);
    OWN(buf) struct buf out = {0};

    ck_assert_int_eq(setenv("TZ", "UTC", 1), 0);
    tzset();
    buf_init(&out, 4096);
    event_line(event, &out);
    ck_assert_str_eq(buf_text(&out), events[_i].line);
}
END_TEST

START_TEST(an_object_becomes_flat)
{
    static const char *const left_out[] = {"name", NULL};
    json_auto_t *object =
        json("{\"name\": \"x\", \"limits\": {\"trials\": 4}, \"none\": null, \"empty\": [],"
             " \"parameters\": [{\"name\": \"lr\", \"low\": 1}], \"list\": [1, 2]}");
    json_auto_t *flat = flat_object(object, left_out);
    json_auto_t *wanted =
        json("{\"limits.trials\": 4, \"parameters.lr.low\": 1, \"list\": [1, 2]}");

    ck_assert_msg(json_equal(flat, wanted), "%s", json_dumps(flat, 0));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli_define");
    TCase *tcase = tcase_create("define");

    json_start();
    tcase_add_loop_test(tcase, a_condition_holds_or_not, 0,
                        (int)(sizeof conditions / sizeof conditions[0]));
    tcase_add_test(tcase, nothing_is_said_of_a_best_that_is_not_there);
    tcase_add_loop_test(tcase, a_condition_that_is_none_is_told_what_to_write, 0,
                        (int)(sizeof mistakes / sizeof mistakes[0]));
    tcase_add_loop_test(tcase, a_table_is_read_as_configurations, 0,
                        (int)(sizeof tables / sizeof tables[0]));
    tcase_add_loop_test(tcase, a_fault_of_a_table_is_told_with_its_line, 0,
                        (int)(sizeof faults / sizeof faults[0]));
    tcase_add_loop_test(tcase, an_event_is_a_line, 0, (int)(sizeof events / sizeof events[0]));
    tcase_add_test(tcase, an_object_becomes_flat);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
