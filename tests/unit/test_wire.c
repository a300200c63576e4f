#include "common/wire/wire.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/run_suite.h"

static const struct {
    bool (*fits)(const char *);
    const char *text;
    bool expected;
} names[] = {
    {name_is_study, "digits-svm", true},
    {name_is_study, "9a.b_c", true},
    {name_is_study, "Digits", false},
    {name_is_study, "", false},
    {name_is_study, "-a", false},
    {name_is_study, "a/b", false},
    {name_is_parameter, "0 größe(%)", true},
    {name_is_parameter, "a ", false},
    {name_is_resource, "_lr.0-x", true},
    {name_is_resource, "0lr", false},
    {name_is_parameter, "", false},
    {name_is_parameter, "a\xff", false},
    {name_is_resource, "a/b", false},
    {name_is_metric, "val/loss", true},
    {name_is_label, "val/top-1", true},
    {name_is_label, "val loss", false},
    {name_is_metric, "/loss", true},
    {name_is_metric, "val loss", true},
    {name_is_metric, "mAP50(B)", true},
    {name_is_metric, "recall@10:0.5,a=b", true},
    {name_is_metric, "1", true},
    {name_is_metric,
     "gr\xc3\xb6\xc3\x9f"
     "e",
     true},
    {name_is_metric, "\xe7\xb2\xbe", true},
    {name_is_metric, " loss", false},
    {name_is_metric, "loss ", false},
    {name_is_metric, "loss\xc2\xa0", false},
    {name_is_metric, "a\tb", false},
    {name_is_metric, "a\x1b[0m", false},
    {name_is_metric, "\xff", false},
    {name_is_metric, "", false},
    {name_is_metric,
     "a\xe2\x80\x8b"
     "b",
     false},
    {name_is_worker, "gpu07:0@site", true},
    {name_is_worker, ":0", false},
    {name_is_worker, "caf\xc3\xa9", false},
};

START_TEST(names_follow_the_contract)
{
    ck_assert_int_eq(names[_i].fits(names[_i].text), names[_i].expected);
}
END_TEST

START_TEST(names_have_a_greatest_length)
{
    char text[140];

    memset(text, 'a', sizeof text);
    text[63] = '\0';
    ck_assert(name_is_study(text));
    text[63] = 'a';
    text[64] = '\0';
    ck_assert(!name_is_study(text));
    ck_assert(name_is_label(text));
    text[64] = 'a';
    text[128] = '\0';
    ck_assert(!name_is_label(text));
    ck_assert(name_is_metric(text));
    ck_assert(name_is_worker(text));
    text[128] = 'a';
    text[129] = '\0';
    ck_assert(!name_is_worker(text));
    ck_assert(!name_is_metric(text));
}
END_TEST

static json_t *parse(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

    ck_assert_msg(value != NULL, "bad JSON in the test: %s", text);
    return value;
}

START_TEST(ask_reads_back_as_written)
{
    const char *text = "{\"worker\":\"gpu07:0\",\"request_id\":\"0b1f\",\"wait_seconds\":30,"
                       "\"ttl_seconds\":172800,"
                       "\"seconds_left\":90.5,"
                       "\"studies\":[\"digits-svm\"],\"runners\":[\"train\"],\"host\":\"gpu07\","
                       "\"gpus\":[{\"model\":\"H200\",\"memory_mib\":143771}],"
                       "\"labels\":{\"site\":\"a\"},"
                       "\"health\":{\"ok\":false,\"reason\":\"no GPU\"}}";
    json_auto_t *body = parse(text);
    OWN(lease_ask) struct lease_ask ask;
    OWN(buf) struct buf out;
    struct faults faults = {0};
    struct json_writer w;

    buf_init(&out, 4096);
    json_writer_init(&w, &out);
    ck_assert_int_eq(lease_ask_from_json(body, &ask, &faults), 0);
    ck_assert_uint_eq(lease_ask_gpus_with(&ask, 0), 1);
    ck_assert_uint_eq(lease_ask_gpus_with(&ask, 143771), 1);
    ck_assert_uint_eq(lease_ask_gpus_with(&ask, 143772), 0);
    lease_ask_write(&ask, &w);
    ck_assert_str_eq(buf_text(&out), text);
}
END_TEST

static const struct {
    const char *body, *health;
} healths[] = {
    {"{\"health\": null}", ""},
    {"{\"health\": {}}", ""},
    {"{\"health\": {\"ok\": true, \"reason\": \"fine\"}}", ""},
    {"{\"health\": {\"ok\": false}}", "no reason given"},
    {"{\"health\": {\"ok\": false, \"reason\": \"no GPU\"}}", "no GPU"},
};

START_TEST(an_ask_says_why_the_worker_is_not_well)
{
    json_auto_t *body = parse(healths[_i].body);
    OWN(lease_ask) struct lease_ask ask;
    struct faults faults = {0};

    ck_assert_int_eq(lease_ask_from_json(body, &ask, &faults), 0);
    ck_assert_str_eq(ask.health, healths[_i].health);
}
END_TEST

START_TEST(ask_may_be_empty)
{
    OWN(lease_ask) struct lease_ask ask;
    struct faults faults = {0};

    ck_assert_int_eq(lease_ask_from_json(NULL, &ask, &faults), 0);
    ck_assert(!ask.has_runners);
    ck_assert_double_eq(ask.wait_seconds, 0);
    ck_assert(!ask.has_seconds_left);
}
END_TEST

static const char *const refused_asks[] = {
    "[]",
    "{\"worker\": \" \"}",
    "{\"worker\": 7}",
    "{\"wait_seconds\": 61}",
    "{\"wait_seconds\": -1}",
    "{\"ttl_seconds\": 0}",
    "{\"ttl_seconds\": 14}",
    "{\"ttl_seconds\": 2592001}",
    "{\"wait_seconds\": \"NaN\"}",
    "{\"seconds_left\": -1}",
    "{\"seconds_left\": \"90\"}",
    "{\"studies\": [\"Bad Name\"]}",
    "{\"studies\": \"digits\"}",
    "{\"runners\": [1]}",
    "{\"runners\": [\"\"]}",
    "{\"gpus\": [1]}",
    "{\"gpus\": [{\"memory\": 1}]}",
    "{\"labels\": {\"a\": 1}}",
    "{\"request_id\": \"a b\"}",
    "{\"wroker\": \"a\"}",
    "{\"host\": \"../x\"}",
    "{\"health\": \"bad\"}",
    "{\"health\": {\"ok\": \"no\"}}",
    "{\"health\": {\"well\": false}}",
};

START_TEST(ask_with_a_fault_is_refused)
{
    json_auto_t *body = parse(refused_asks[_i]);
    struct lease_ask ask;
    struct faults faults = {0};

    ck_assert_int_eq(lease_ask_from_json(body, &ask, &faults), -1);
    ck_assert_uint_ge(faults.n, 1);
    faults_finish(&faults);
}
END_TEST

START_TEST(grant_reads_back_as_written)
{
    const char *text =
        "{\"lease\":{\"id\":\"l_9f8c\",\"expires_at\":\"2026-11-24T21:32:37.123Z\","
        "\"ttl_seconds\":60,\"heartbeat_seconds\":20},\"study\":\"digits-svm\","
        "\"objectives\":[{\"metric\":\"accuracy\",\"direction\":\"maximize\"}],"
        "\"trial\":{\"number\":12,\"attempt\":1,\"parameters\":{\"C\":1.3,\"kernel\":\"rbf\"},"
        "\"inactive\":[\"degree\"],"
        "\"seed\":8123,\"resource\":{\"name\":\"epochs\",\"from\":3,\"to\":9},"
        "\"checkpoint\":{\"uri\":\"x\",\"step\":3,\"reach\":\"any\"}},"
        "\"limits\":{\"trial_seconds\":3600,\"stall_seconds\":600},"
        "\"requires\":{\"gpus\":2,\"gpu_memory_mib\":16000},\"job\":{\"runner\":\"train\"},"
        "\"discard\":[\"old\"]}";
    json_auto_t *body = parse(text);
    OWN(lease_grant) struct lease_grant grant;
    OWN(buf) struct buf out;
    struct err err = {0};
    struct json_writer w;

    buf_init(&out, 4096);
    json_writer_init(&w, &out);
    ck_assert_msg(lease_grant_from_json(body, &grant, &err) == 0, "%s", err.text);
    ck_assert_int_eq(grant.trial, 12);
    ck_assert_ptr_eq(grant.values.job, json_object_get(body, "job")); /* kept, not copied */
    lease_grant_write(&grant, &w);
    ck_assert_str_eq(buf_text(&out), text);
}
END_TEST

START_TEST(grant_of_a_newer_server_is_understood)
{
    json_auto_t *body =
        parse("{\"lease\":{\"id\":\"l_1\",\"colour\":1},\"study\":\"s\",\"new\":true,"
              "\"trial\":{\"number\":1,\"mood\":\"fine\"}}");
    OWN(lease_grant) struct lease_grant grant;
    struct err err = {0};

    ck_assert_msg(lease_grant_from_json(body, &grant, &err) == 0, "%s", err.text);
    ck_assert(!grant.has_resource);
    ck_assert_ptr_null(grant.values.inactive); /* not said is not the same as none */
    ck_assert(!grant.checkpoint.present);
    ck_assert_double_eq(grant.heartbeat_seconds, 20);
    ck_assert_int_eq(grant.requires_gpus, 0); /* an older server does not say it */
}
END_TEST

static const char *const refused_grants[] = {
    "{}",
    "{\"lease\":{},\"study\":\"s\",\"trial\":{\"number\":1}}",
    "{\"lease\":{\"id\":\"l_1\"},\"study\":\"s\",\"trial\":{}}",
    "{\"lease\":{\"id\":\"l_1\"},\"study\":\"../s\",\"trial\":{\"number\":1}}",
    "{\"lease\":{\"id\":\"l_1\"},\"trial\":{\"number\":1}}",
};

START_TEST(grant_that_cannot_be_worked_on_is_refused)
{
    json_auto_t *body = parse(refused_grants[_i]);
    struct lease_grant grant;
    struct err err = {0};

    ck_assert_int_eq(lease_grant_from_json(body, &grant, &err), -1);
}
END_TEST

START_TEST(no_lease_reads_back_as_written)
{
    const char *text = "{\"lease\":null,\"reason\":\"finished\",\"detail\":\"d\","
                       "\"retry_after_seconds\":5}";
    json_auto_t *body = parse(text);
    OWN(buf) struct buf out;
    struct no_lease no;
    struct err err;
    struct json_writer w;

    buf_init(&out, 1024);
    json_writer_init(&w, &out);
    ck_assert_int_eq(no_lease_from_json(body, &no, &err), 0);
    ck_assert_int_eq(no.reason, NO_LEASE_FINISHED);
    no_lease_write(&no, &w);
    ck_assert_str_eq(buf_text(&out), text);
}
END_TEST

START_TEST(measurements_read_back_as_written)
{
    static const char *const ends[] = {"]}", "],\"replace\":true}"};
    char text[200];
    (void)snprintf(text, sizeof text, "%s%s",
                   "{\"measurements\":[{\"step\":5,\"metrics\":{\"accuracy\":0.91,"
                   "\"loss\":\"NaN\"}},{\"step\":6,\"metrics\":{\"val loss\":\"-Infinity\"}}",
                   ends[_i]);
    json_auto_t *body = parse(text);
    OWN(measurement_list) struct measurement_list list;
    OWN(buf) struct buf out;
    struct faults faults = {0};
    struct json_writer w;

    buf_init(&out, 1024);
    json_writer_init(&w, &out);
    ck_assert_int_eq(measurement_list_from_json(body, &list, &faults), 0);
    ck_assert_uint_eq(list.n, 3);
    ck_assert(isnan(list.items[1].value));
    ck_assert_int_eq(measurement_list_settle(&list, 0, &faults), 0);
    measurement_list_write(&list, &w);
    ck_assert_str_eq(buf_text(&out), text);
}
END_TEST

/* Items as "step metric=value", and what is written for them. */
static const struct {
    const char *items;
    const char *written;
} written_lists[] = {
    {"1 a=1;1 b=2;2 a=3",
     "{\"step\":1,\"metrics\":{\"a\":1,\"b\":2}},{\"step\":2,\"metrics\":{\"a\":3}}"},
    {"3 a=1;3 a=2", "{\"step\":3,\"metrics\":{\"a\":1}}"},
    {"3 a=1;3 b=2;3 a=1", "{\"step\":3,\"metrics\":{\"a\":1,\"b\":2}}"},
    {"3 a=1;4 a=2;3 a=3;3 b=4",
     "{\"step\":3,\"metrics\":{\"a\":1}},{\"step\":4,\"metrics\":{\"a\":2}},"
     "{\"step\":3,\"metrics\":{\"b\":4}}"},
    {"3 a=1;4 a=2;3 a=3;4 a=5",
     "{\"step\":3,\"metrics\":{\"a\":1}},{\"step\":4,\"metrics\":{\"a\":2}}"},
};

static void add_items(const char *text, struct measurement_list *list)
{
    static char letters[8][2];
    long long step;
    int used = 0;

    for (; sscanf(text, "%lld %1[a-z]=%lf%n", &step, letters[list->n], &list->items[list->n].value,
                  &used)
           == 3;
         text += used + (text[used] == ';')) {
        list->items[list->n].metric = letters[list->n];
        list->items[list->n++].step = step;
    }
}

START_TEST(a_step_and_a_metric_are_written_once)
{
    struct measurement items[8] = {0};
    struct measurement_list list = {.items = items};
    OWN(buf) struct buf out;
    char expected[400];
    struct json_writer w;

    buf_init(&out, 4096);
    json_writer_init(&w, &out);
    add_items(written_lists[_i].items, &list);
    measurement_list_write(&list, &w);
    (void)snprintf(expected, sizeof expected, "{\"measurements\":[%s]}", written_lists[_i].written);
    ck_assert_str_eq(buf_text(&out), expected);
}
END_TEST

/* n items, so many of them a step, each metric of a step with a name of its own. */
static void fill(struct measurement_list *list, size_t n, size_t a_step)
{
    char(*made)[24] = calloc(n + 1, sizeof *made);

    list->items = calloc(n + 1, sizeof *list->items);
    list->names = (char *)made;
    list->n = n;
    for (size_t i = 0; i < n; i++) {
        list->items[i].step = (int64_t)(i / a_step);
        (void)snprintf(made[i], sizeof made[i], "m%zu", i % a_step);
        list->items[i].metric = made[i];
    }
}

static const struct {
    size_t n, a_step, fit;
} fits[] = {
    {0, 1, 0}, {5, 1, 5}, {1001, 1, 1000}, {4000, 4, 4000}, {3000, 2, 2000}, {65, 65, 65},
};

START_TEST(as_much_as_fits_reads_back)
{
    OWN(measurement_list) struct measurement_list list = {0};
    OWN(measurement_list) struct measurement_list read = {0};
    OWN(buf) struct buf out;
    struct faults faults = {0};
    struct json_writer w;

    fill(&list, fits[_i].n, fits[_i].a_step);
    list.n = measurement_list_fit(&list);
    ck_assert_uint_eq(list.n, fits[_i].fit);
    buf_init(&out, 1 << 20);
    json_writer_init(&w, &out);
    measurement_list_write(&list, &w);
    json_auto_t *body = parse(buf_text(&out));
    ck_assert_int_eq(measurement_list_from_json(body, &read, &faults), 0);
    ck_assert_uint_eq(read.n, list.n);
}
END_TEST

static const char *const refused_measurements[] = {
    "{}",
    "{\"measurements\": {}}",
    "{\"measurements\": [1]}",
    "{\"measurements\": [{\"metrics\": {\"a\": 1}}]}",
    "{\"measurements\": [{\"step\": 1}]}",
    "{\"measurements\": [{\"step\": 1, \"metrics\": {}}]}",
    "{\"measurements\": [{\"step\": -1, \"metrics\": {\"a\": 1}}]}",
    "{\"measurements\": [{\"step\": 1.5, \"metrics\": {\"a\": 1}}]}",
    "{\"measurements\": [{\"step\": 1, \"metrics\": {\"a \": 1}}]}",
    "{\"measurements\": [{\"step\": 1, \"metrics\": {\"a\": 1}}], \"replace\": 1}",
    "{\"measurements\": [{\"step\": 1, \"metrics\": {\"a\": \"inf\"}}]}",
    "{\"measurements\": [{\"step\": 1, \"metrics\": {\"a\": null}}]}",
    "{\"measurements\": [{\"step\": 1, \"metrics\": {\"a\": 1}, \"at\": 3}]}",
};

START_TEST(measurement_with_a_fault_is_refused)
{
    json_auto_t *body = parse(refused_measurements[_i]);
    struct measurement_list list;
    struct faults faults = {0};

    bool is_read = measurement_list_from_json(body, &list, &faults) == 0;
    ck_assert_int_eq(is_read ? measurement_list_settle(&list, 0, &faults) : -1, -1);
    measurement_list_finish(&list);
    ck_assert_uint_ge(faults.n, 1);
    faults_finish(&faults);
}
END_TEST

START_TEST(too_many_measurements_are_refused)
{
    json_auto_t *body = json_object();
    json_t *list = json_array();
    struct measurement_list read;
    struct faults faults = {0};

    for (int i = 0; i <= MEASUREMENTS_MAX; i++) {
        json_array_append_new(list, json_pack("{s:i, s:{s:i}}", "step", i, "metrics", "a", 1));
    }
    json_object_set_new(body, "measurements", list);
    ck_assert_int_eq(measurement_list_from_json(body, &read, &faults), -1);
    ck_assert_str_eq(faults.items[0].pointer, "/measurements");
    faults_finish(&faults);
}
END_TEST

START_TEST(action_reads_back_as_written)
{
    const char *text = "{\"action\":\"continue\",\"until\":27,"
                       "\"expires_at\":\"2026-11-24T21:32:37.123Z\",\"heartbeat_seconds\":20,"
                       "\"duplicate\":1,\"conflict\":0,\"replaced\":2,\"late\":true}";
    json_auto_t *body = parse(text);
    OWN(buf) struct buf out;
    struct action_reply reply;
    struct err err;
    struct json_writer w;

    buf_init(&out, 1024);
    json_writer_init(&w, &out);
    ck_assert_int_eq(action_reply_from_json(body, 0, &reply, &err), 0);
    action_reply_write(&reply, &w);
    ck_assert_str_eq(buf_text(&out), text);
}
END_TEST

START_TEST(unknown_action_is_an_error)
{
    json_auto_t *body = parse("{\"action\":\"dance\"}");
    struct action_reply reply;
    struct err err;

    ck_assert_int_eq(action_reply_from_json(body, 0, &reply, &err), -1);
}
END_TEST

START_TEST(result_reads_back_as_written)
{
    const char *text = "{\"outcome\":\"failed\",\"step\":9,\"metrics\":{\"accuracy\":\"Infinity\"},"
                       "\"reason\":\"oom\",\"detail\":\"last lines\","
                       "\"checkpoint\":{\"uri\":\"/x\",\"step\":9,\"reach\":\"host:gpu07\"},"
                       "\"usage\":{\"wall_seconds\":1.5}}";
    json_auto_t *body = parse(text);
    OWN(result_report) struct result_report report;
    OWN(buf) struct buf out;
    struct faults faults = {0};
    struct json_writer w;

    buf_init(&out, 1024);
    json_writer_init(&w, &out);
    ck_assert_int_eq(result_report_from_json(body, &report, &faults), 0);
    result_report_write(&report, &w);
    ck_assert_str_eq(buf_text(&out), text);
}
END_TEST

START_TEST(bare_checkpoint_takes_the_step_of_its_result)
{
    json_auto_t *body = parse("{\"outcome\":\"completed\",\"step\":9,\"checkpoint\":\"s3://x\"}");
    OWN(result_report) struct result_report report;
    struct faults faults = {0};

    ck_assert_int_eq(result_report_from_json(body, &report, &faults), 0);
    ck_assert_int_eq(result_report_settle(&report, 0, &faults), 0);
    ck_assert_str_eq(report.checkpoint.uri, "s3://x");
    ck_assert_int_eq(report.checkpoint.reach, REACH_ANY);
    ck_assert_str_eq(report.checkpoint.host, "");
    ck_assert_int_eq(report.checkpoint.step, 9);
}
END_TEST

/* Whom a checkpoint's `reach` lets go on from it. */
static const struct {
    const char *reach; /* NULL: not said */
    const char *host;  /* of the worker */
    bool is_reached;
} reaches[] = {
    {NULL, "gpu07", true},         {NULL, "", true},
    {"any", "gpu07", true},        {"any", "", true},
    {"host:gpu07", "", false},     {"host:gpu07", "gpu07", true},
    {"host:gpu07", "gpu0", false}, {"host:any", "any", true},
    {"host:any", "gpu07", false},
};

START_TEST(a_checkpoint_is_reached_from_where_it_says)
{
    const char *reach = reaches[_i].reach;
    json_auto_t *body = json_pack("{s:s, s:i, s:s*}", "uri", "/x", "step", 3, "reach", reach);
    struct checkpoint checkpoint;
    OWN(buf) struct buf out;
    struct json_writer w;

    checkpoint_from_json(body, 0, &checkpoint);
    ck_assert(checkpoint.present);
    ck_assert_int_eq(checkpoint_is_reached_from(&checkpoint, reaches[_i].host),
                     reaches[_i].is_reached);
    buf_init(&out, 1024);
    json_writer_init(&w, &out);
    checkpoint_write(&checkpoint, 0, &w);
    json_auto_t *written = json_loads(buf_text(&out), 0, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(written, "reach")),
                     reach == NULL ? "any" : reach);
}
END_TEST

static const char *const no_checkpoints[] = {
    "{}",
    "[]",
    "{\"uri\": \"\", \"reach\": \"any\"}",
    "{\"uri\": \"x\", \"reach\": \"\"}",
    "{\"uri\": \"x\", \"reach\": \"host:\"}",
    "{\"uri\": \"x\", \"reach\": \"host:a b\"}",
    "{\"uri\": \"x\", \"reach\": \"Any\"}",
};

START_TEST(what_is_no_checkpoint_is_not_present)
{
    json_auto_t *body = parse(no_checkpoints[_i]);
    struct checkpoint checkpoint;

    checkpoint_from_json(body, 0, &checkpoint);
    ck_assert(!checkpoint.present);
    checkpoint_from_json(NULL, 0, &checkpoint);
    ck_assert(!checkpoint.present);
}
END_TEST

static const char *const refused_results[] = {
    "{}",
    "{\"outcome\": \"lost\"}",
    "{\"outcome\": \"completed\", \"step\": -1}",
    "{\"outcome\": \"completed\", \"metrics\": {\"a\": true}}",
    "{\"outcome\": \"completed\", \"metrics\": [1]}",
    "{\"outcome\": \"completed\", \"checkpoint\": {\"step\": 1}}",
    "{\"outcome\": \"completed\", \"checkpoint\": {\"uri\": \"x\", \"reach\": \"there\"}}",
    "{\"outcome\": \"completed\", \"checkpoint\": {\"uri\": \"x\", \"extra\": 1}}",
    "{\"outcome\": \"completed\", \"usage\": {\"wall_seconds\": -1}}",
    "{\"outcome\": \"completed\", \"value\": 1}",
    "{\"outcome\": \"failed\", \"reason\": "
    "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
};

START_TEST(result_with_a_fault_is_refused)
{
    json_auto_t *body = parse(refused_results[_i]);
    struct result_report report;
    struct faults faults = {0};

    ck_assert_int_eq(result_report_from_json(body, &report, &faults), -1);
    ck_assert_uint_ge(faults.n, 1);
    faults_finish(&faults);
}
END_TEST

#define COUNT(list) (int)(sizeof(list) / sizeof((list)[0]))

int main(void)
{
    Suite *suite = suite_create("wire");
    TCase *tcase = tcase_create("wire");

    tcase_add_loop_test(tcase, names_follow_the_contract, 0, COUNT(names));
    tcase_add_test(tcase, names_have_a_greatest_length);
    tcase_add_test(tcase, ask_reads_back_as_written);
    tcase_add_test(tcase, ask_may_be_empty);
    tcase_add_loop_test(tcase, an_ask_says_why_the_worker_is_not_well, 0,
                        sizeof healths / sizeof healths[0]);
    tcase_add_loop_test(tcase, ask_with_a_fault_is_refused, 0, COUNT(refused_asks));
    tcase_add_test(tcase, grant_reads_back_as_written);
    tcase_add_test(tcase, grant_of_a_newer_server_is_understood);
    tcase_add_loop_test(tcase, grant_that_cannot_be_worked_on_is_refused, 0, COUNT(refused_grants));
    tcase_add_test(tcase, no_lease_reads_back_as_written);
    tcase_add_loop_test(tcase, measurements_read_back_as_written, 0, 2);
    tcase_add_loop_test(tcase, a_step_and_a_metric_are_written_once, 0, COUNT(written_lists));
    tcase_add_loop_test(tcase, as_much_as_fits_reads_back, 0, COUNT(fits));
    tcase_add_loop_test(tcase, measurement_with_a_fault_is_refused, 0, COUNT(refused_measurements));
    tcase_add_test(tcase, too_many_measurements_are_refused);
    tcase_add_test(tcase, action_reads_back_as_written);
    tcase_add_test(tcase, unknown_action_is_an_error);
    tcase_add_test(tcase, result_reads_back_as_written);
    tcase_add_test(tcase, bare_checkpoint_takes_the_step_of_its_result);
    tcase_add_loop_test(tcase, a_checkpoint_is_reached_from_where_it_says, 0, COUNT(reaches));
    tcase_add_loop_test(tcase, what_is_no_checkpoint_is_not_present, 0, COUNT(no_checkpoints));
    tcase_add_loop_test(tcase, result_with_a_fault_is_refused, 0, COUNT(refused_results));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
