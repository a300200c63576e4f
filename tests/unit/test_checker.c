/* A checker that cannot fail proves nothing: beside a clean history, every rule is shown one that
 * breaks it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "tests/support/checker.h"

/* Two trials of a grid and an enqueued one. Trial 1: attempt 1 falls silent, attempt 2 finishes it,
 * and sends its result twice. Trial 2: its worker never got the answer, and asked again. */
static const char *const clean_history[] = {
    "{'event':'invoke','op':1,'at_ns':1000000000,'client':'u','kind':'create',"
    "'input':{'study':'s'}}",
    "{'event':'ok','op':1,'at_ns':1001000000,'seq':1,'output':{'name':'s'}}",
    "{'event':'invoke','op':2,'at_ns':1002000000,'client':'u','kind':'enqueue',"
    "'input':{'study':'s','key':'k1','items':[{'x':9}]}}",
    "{'event':'info','op':2,'at_ns':1003000000}",
    "{'event':'invoke','op':3,'at_ns':1004000000,'client':'u','kind':'enqueue',"
    "'input':{'study':'s','key':'k1','items':[{'x':9.0}]}}",
    "{'event':'ok','op':3,'at_ns':1005000000,'seq':2,'output':{'items':[{'number':3}]}}",
    /* trial 1, attempt 1 */
    "{'event':'invoke','op':4,'at_ns':2000000000,'client':'a','kind':'lease',"
    "'input':{'study':'s','worker':'a','request_id':'r1'}}",
    "{'event':'ok','op':4,'at_ns':2001000000,'seq':3,'output':{'lease':{'id':'l_1',"
    "'ttl_seconds':15},'study':'s','trial':{'number':1,'attempt':1,'parameters':{'x':1}}}}",
    "{'event':'invoke','op':5,'at_ns':2002000000,'client':'a','kind':'measure','input':{"
    "'lease':'l_1','body':{'measurements':[{'step':1,'metrics':{'loss':0.5,'acc':'NaN'}}]}}}",
    "{'event':'ok','op':5,'at_ns':2003000000,'seq':4,'output':{'action':'continue',"
    "'duplicate':0,'conflict':0}}",
    "{'event':'invoke','op':6,'at_ns':3000000000,'client':'a','kind':'heartbeat',"
    "'input':{'lease':'l_1'}}",
    "{'event':'ok','op':6,'at_ns':3001000000,'output':{'action':'continue'}}",
    "{'event':'fault','at_ns':4000000000,'kind':'kill'}",
    /* trial 2: the answer is lost, the same request gets the same lease */
    "{'event':'invoke','op':7,'at_ns':4100000000,'client':'b','kind':'lease',"
    "'input':{'study':'s','worker':'b','request_id':'r2'}}",
    "{'event':'invoke','op':8,'at_ns':4200000000,'client':'b','kind':'lease',"
    "'input':{'study':'s','worker':'b','request_id':'r2'}}",
    "{'event':'ok','op':8,'at_ns':4201000000,'seq':5,'output':{'lease':{'id':'l_2',"
    "'ttl_seconds':15},'study':'s','trial':{'number':2,'attempt':1,'parameters':{'x':2}}}}",
    "{'event':'invoke','op':9,'at_ns':4300000000,'client':'b','kind':'result',"
    "'input':{'lease':'l_2','body':{'outcome':'completed','step':0,'metrics':{'loss':2}}}}",
    "{'event':'ok','op':9,'at_ns':4301000000,'seq':6,'output':{'trial':{'number':2,"
    "'state':'completed','value':2},'late':false}}",
    /* trial 1 again, 15 s after its last sign of life */
    "{'event':'invoke','op':10,'at_ns':4400000000,'client':'b','kind':'lease',"
    "'input':{'study':'s','worker':'b','request_id':'r3'}}",
    "{'event':'ok','op':10,'at_ns':18100000000,'seq':8,'output':{'lease':{'id':'l_3',"
    "'ttl_seconds':15},'study':'s','trial':{'number':1,'attempt':2,'parameters':{'x':1}}}}",
    "{'event':'invoke','op':11,'at_ns':18200000000,'client':'a','kind':'measure','input':{"
    "'lease':'l_1','body':{'measurements':[{'step':2,'metrics':{'loss':0.4}}]}}}",
    "{'event':'fail','op':11,'at_ns':18201000000,'output':{'type':'/problems/lease-superseded'}}",
    "{'event':'invoke','op':12,'at_ns':18300000000,'client':'b','kind':'result',"
    "'input':{'lease':'l_3','body':{'outcome':'completed','step':1,'metrics':{'loss':0.3}}}}",
    "{'event':'ok','op':12,'at_ns':18301000000,'seq':9,'output':{'trial':{'number':1,"
    "'state':'completed','value':0.3},'late':false}}",
    "{'event':'invoke','op':13,'at_ns':18400000000,'client':'b','kind':'result',"
    "'input':{'lease':'l_3','body':{'outcome':'completed','step':1,'metrics':{'loss':0.3}}}}",
    "{'event':'ok','op':13,'at_ns':18401000000,'seq':9,'output':{'trial':{'number':1,"
    "'state':'completed','value':0.3},'late':false}}",
    "{'event':'invoke','op':14,'at_ns':18500000000,'client':'u','kind':'read',"
    "'input':{'study':'s','trial':1}}",
    "{'event':'ok','op':14,'at_ns':18501000000,'output':{'number':1,'state':'completed'}}",
    NULL,
};

static const char *const clean_dump[] = {
    "{'kind':'study','row':{'name':'s','strategy':{'name':'grid'}}}",
    "{'kind':'trial','study':'s','row':{'number':1,'state':'completed','reason':null,"
    "'parameters':{'x':1},'source':'suggested','attempt':2,'step':1,'metrics':{'loss':0.3}}}",
    "{'kind':'trial','study':'s','row':{'number':2,'state':'completed','reason':null,"
    "'parameters':{'x':2},'source':'suggested','attempt':1,'step':0,'metrics':{'loss':2}}}",
    "{'kind':'trial','study':'s','row':{'number':3,'state':'cancelled','reason':null,"
    "'parameters':{'x':9},'source':'enqueued','attempt':0,'step':0,'metrics':{}}}",
    "{'kind':'attempt','study':'s','trial':1,'row':{'attempt':1,'worker':'a'}}",
    "{'kind':'attempt','study':'s','trial':1,'row':{'attempt':2,'worker':'b'}}",
    "{'kind':'attempt','study':'s','trial':2,'row':{'attempt':1,'worker':'b'}}",
    "{'kind':'measurement','study':'s','trial':1,'row':{'attempt':1,'step':1,"
    "'metrics':{'loss':0.5,'acc':'NaN'}}}",
    "{'kind':'server','seq':9}",
    NULL,
};

/* One planted fault: every line that holds `find` has it replaced (NULL: the line goes), and one
 * more line may follow. */
struct plant {
    int rule; /* that must be broken */
    const char *fact;
    bool in_dump;
    const char *find, *replace;
    const char *more[3];
};

static const struct plant plants[] = {
    {1, "a study is lost", true, "'kind':'study'", NULL, {0}},
    {1, "an enqueued trial is lost", true, "'number':3", NULL, {0}},
    {1, "an enqueued trial is another", true, "{'x':9}", "{'x':8}", {0}},
    {1, "a leased attempt is lost", true, "'trial':2,'row':{'attempt':1", NULL, {0}},
    {1,
     "an attempt went to another",
     true,
     "'attempt':1,'worker':'b'",
     "'attempt':1,'worker':'z'",
     {0}},
    {1, "a measurement is lost", true, "'kind':'measurement'", NULL, {0}},
    {1, "a measurement has another value", true, "'NaN'", "1", {0}},
    {1,
     "a result is lost",
     true,
     "'number':2,'state':'completed'",
     "'number':2,'state':'queued'",
     {0}},
    {1, "a trial with a result is lost", true, "{'number':2", NULL, {0}},
    {2,
     "no request created this study",
     true,
     "'seq':9",
     "'seq':9",
     {"{'kind':'study','row':{'name':'t'}}"}},
    {2,
     "no request enqueued it twice",
     true,
     "'seq':9",
     "'seq':9",
     {"{'kind':'trial','study':'s','row':{'number':4,'state':'queued','parameters':{'x':9},"
      "'source':'enqueued','attempt':0}}"}},
    {2,
     "no request asked for this attempt",
     true,
     "'seq':9",
     "'seq':9",
     {"{'kind':'attempt','study':'s','trial':2,'row':{'attempt':2,'worker':'c'}}"}},
    {2,
     "no request measured this",
     true,
     "'seq':9",
     "'seq':9",
     {"{'kind':'measurement','study':'s','trial':2,'row':{'attempt':1,'step':7,"
      "'metrics':{'loss':1}}}"}},
    {2,
     "a refused measurement is stored",
     true,
     "'seq':9",
     "'seq':9",
     {"{'kind':'measurement','study':'s','trial':1,'row':{'attempt':1,'step':2,"
      "'metrics':{'loss':0.4}}}"}},
    {2, "no request sent this result", true, "'state':'cancelled'", "'state':'completed'", {0}},
    {3, "an attempt is skipped", true, "'attempt':2,'worker'", "'attempt':3,'worker'", {0}},
    {3,
     "an attempt stands twice",
     true,
     "'seq':9",
     "'seq':9",
     {"{'kind':'attempt','study':'s','trial':1,'row':{'attempt':2,'worker':'b'}}"}},
    {3, "a lease id is used twice", false, "'id':'l_2'", "'id':'l_1'", {0}},
    {3,
     "an attempt is leased twice",
     false,
     "'number':1,'attempt':2",
     "'number':1,'attempt':1",
     {0}},
    {3, "a zombie is believed", false, "'event':'fail','op':11", "'event':'ok','op':11", {0}},
    {4,
     "a trial has two different results",
     false,
     "'kind':'read'",
     "'kind':'read'",
     {"{'event':'invoke','op':20,'at_ns':19000000000,'client':'b','kind':'result',"
      "'input':{'lease':'l_3','body':{'outcome':'completed','step':1,'metrics':{'loss':0.2}}}}",
      "{'event':'ok','op':20,'at_ns':19001000000,'seq':9,'output':{'trial':{'number':1,"
      "'state':'completed','value':0.3},'late':false}}"}},
    {4,
     "the same result gets another answer",
     false,
     "'seq':9,'output':{'trial':{'number':1",
     "'seq':9,'output':{'trial':{'number':1",
     {"{'event':'invoke','op':20,'at_ns':19000000000,'client':'b','kind':'result',"
      "'input':{'lease':'l_3','body':{'outcome':'completed','step':1,'metrics':{'loss':0.3}}}}",
      "{'event':'ok','op':20,'at_ns':19001000000,'seq':9,'output':{'trial':{'number':1,"
      "'state':'completed','value':0.2},'late':false}}"}},
    {4,
     "the dump holds another value",
     true,
     "'metrics':{'loss':0.3}",
     "'metrics':{'loss':0.2}",
     {0}},
    {4, "an older attempt's result won", true, "'attempt':2,'step'", "'attempt':1,'step'", {0}},
    {4,
     "a trial stands twice",
     true,
     "'seq':9",
     "'seq':9",
     {"{'kind':'trial','study':'s','row':{'number':3,'state':'cancelled','parameters':{'x':7},"
      "'source':'suggested','attempt':0}}"}},
    {5,
     "one key makes two trials",
     false,
     "'event':'info','op':2,'at_ns':1003000000",
     "'event':'ok','op':2,'at_ns':1003000000,'output':{'items':[{'number':4}]}",
     {0}},
    {5,
     "two keys make one trial",
     false,
     "'key':'k1','items':[{'x':9}]",
     "'key':'k2','items':[{'x':9}]",
     {"{'event':'invoke','op':21,'at_ns':19000000000,'client':'u','kind':'enqueue',"
      "'input':{'study':'s','key':'k3','items':[{'x':9}]}}",
      "{'event':'ok','op':21,'at_ns':19001000000,'seq':9,'output':{'items':[{'number':3}]}}"}},
    {5,
     "two requests get one lease",
     false,
     "'request_id':'r3'",
     "'request_id':'r3'",
     {"{'event':'invoke','op':21,'at_ns':19000000000,'client':'c','kind':'lease',"
      "'input':{'study':'s','worker':'b','request_id':'r9'}}",
      "{'event':'ok','op':21,'at_ns':19001000000,'seq':9,'output':{'lease':{'id':'l_3',"
      "'ttl_seconds':15},'study':'s','trial':{'number':1,'attempt':2,'parameters':{'x':1}}}}"}},
    {6, "a grid point stands twice", true, "{'x':2}", "{'x':1}", {0}},
    {6,
     "a retry has other parameters",
     false,
     "'number':1,'attempt':2,'parameters':{'x':1}",
     "'number':1,'attempt':2,'parameters':{'x':3}",
     {0}},
    {7,
     "a read misses the result",
     false,
     "'output':{'number':1,'state':'completed'}",
     "'output':{'number':1,'state':'running'}",
     {0}},
    {7,
     "Server-Seq falls",
     false,
     "'op':13,'at_ns':18401000000,'seq':9",
     "'op':13,'at_ns':18401000000,'seq':7",
     {0}},
    {7, "the server forgot its sequence", true, "'seq':9", "'seq':8", {0}},
    {8,
     "a lease ends early",
     false,
     "'op':10,'at_ns':18100000000",
     "'op':10,'at_ns':17900000000",
     {0}},
    {9, "a trial is left over", true, "'state':'cancelled'", "'state':'queued'", {0}},
};

/* A line with ' for ", and one text replaced. Needs free(). */
static char *make_line(const char *line, const char *find, const char *replace)
{
    const char *at = find == NULL ? NULL : strstr(line, find);
    struct buf text;

    buf_init(&text, 4096);
    if (at == NULL) {
        buf_puts(&text, line);
    } else {
        buf_append(&text, line, (size_t)(at - line));
        buf_puts(&text, replace);
        buf_puts(&text, at + strlen(find));
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\'') {
            text.data[i] = '"';
        }
    }
    return buf_steal(&text);
}

typedef int add_line(struct history *history, const char *line, size_t len, struct err *err);

static void feed(struct history *history, add_line *add, const char *line)
{
    struct err err = {0};

    ck_assert_msg(add(history, line, strlen(line), &err) == 0, "%s: %s", err.text, line);
}

/* Feeds the lines with the plant in them; counts how often it took. */
static size_t feed_planted(struct history *history, add_line *add, const char *const lines[],
                           const struct plant *plant)
{
    size_t n_planted = 0;

    for (size_t i = 0; lines[i] != NULL; i++) {
        bool found = plant != NULL && strstr(lines[i], plant->find) != NULL;
        char *line;

        n_planted += found;
        if (found && plant->replace == NULL) {
            continue;
        }
        line = make_line(lines[i], found ? plant->find : NULL, found ? plant->replace : NULL);
        feed(history, add, line);
        free(line);
    }
    for (size_t i = 0; plant != NULL && i < 3 && plant->more[i] != NULL; i++) {
        char *line = make_line(plant->more[i], NULL, NULL);

        feed(history, add, line);
        free(line);
    }
    return n_planted;
}

static void check_planted(const struct plant *plant, struct verdict *verdict)
{
    const struct checker_options options = {.drained = true};
    OWN(history) struct history history;
    size_t n_planted;

    history_init(&history);
    n_planted = feed_planted(&history, history_add, clean_history,
                             plant != NULL && !plant->in_dump ? plant : NULL);
    n_planted += feed_planted(&history, history_add_dump, clean_dump,
                              plant != NULL && plant->in_dump ? plant : NULL);
    ck_assert(plant == NULL || n_planted > 0);
    checker_run(&history, &options, verdict);
}

START_TEST(clean_history_is_accepted)
{
    OWN(verdict) struct verdict verdict;

    check_planted(NULL, &verdict);
    ck_assert_msg(verdict.total == 0, "%s", buf_text(&verdict.text));
}
END_TEST

START_TEST(planted_fault_is_found)
{
    const struct plant *plant = &plants[_i];
    OWN(verdict) struct verdict verdict;

    check_planted(plant, &verdict);
    ck_assert_msg(verdict.counts[plant->rule] > 0, "A%d did not see that %s; found:\n%s",
                  plant->rule, plant->fact, buf_text(&verdict.text));
}
END_TEST

START_TEST(faster_clock_shortens_the_lease)
{
    const struct checker_options options = {.ttl_scale = 10};
    const struct plant plant = {.find = "'op':10,'at_ns':18100000000",
                                .replace = "'op':10,'at_ns':5200000000"};
    OWN(history) struct history history;
    OWN(verdict) struct verdict verdict;

    history_init(&history);
    ck_assert_uint_eq(feed_planted(&history, history_add, clean_history, &plant), 1);
    (void)feed_planted(&history, history_add_dump, clean_dump, NULL);
    checker_run(&history, &options, &verdict);
    ck_assert_uint_eq(verdict.counts[8], 0);
}
END_TEST

START_TEST(nonsense_is_refused)
{
    static const char *const lines[] = {
        "[]",
        "{",
        "{}",
        "{\"event\":\"jump\"}",
        "{\"event\":\"ok\",\"op\":1}",
        "{\"event\":\"invoke\",\"op\":1,\"kind\":\"sing\"}",
        "{\"event\":\"invoke\",\"op\":0,\"kind\":\"read\"}",
    };
    OWN(history) struct history history;
    struct err err;

    history_init(&history);
    ck_assert_int_eq(history_add(&history, lines[_i], strlen(lines[_i]), &err), -1);
    ck_assert_int_eq(history_add_dump(&history, lines[_i], strlen(lines[_i]), &err), -1);
}
END_TEST

/* Many trials, so that growing tables and long ranges are walked too. */
START_TEST(long_history_is_checked)
{
    const struct checker_options options = {.drained = true};
    OWN(history) struct history history;
    OWN(verdict) struct verdict verdict;
    char line[512];

    history_init(&history);
    feed(&history, history_add,
         "{\"event\":\"invoke\",\"op\":1,\"at_ns\":1,\"kind\":\"create\",\"input\":"
         "{\"study\":\"s\"}}");
    feed(&history, history_add_dump,
         "{\"kind\":\"study\",\"row\":{\"name\":\"s\",\"strategy\":\"grid\"}}");
    for (int i = 1; i <= 3000; i++) {
        (void)snprintf(line, sizeof line,
                       "{\"event\":\"invoke\",\"op\":%d,\"at_ns\":%d,\"kind\":\"lease\","
                       "\"input\":{\"worker\":\"w\",\"request_id\":\"r%d\"}}",
                       2 * i, 10 * i, i);
        feed(&history, history_add, line);
        (void)snprintf(line, sizeof line,
                       "{\"event\":\"ok\",\"op\":%d,\"at_ns\":%d,\"seq\":%d,\"output\":{\"lease\":{"
                       "\"id\":\"l_%d\",\"ttl_seconds\":60},\"study\":\"s\",\"trial\":{"
                       "\"number\":%d,\"attempt\":1,\"parameters\":{\"x\":%d}}}}",
                       2 * i, 10 * i + 1, i, i, i, i);
        feed(&history, history_add, line);
        (void)snprintf(line, sizeof line,
                       "{\"kind\":\"trial\",\"study\":\"s\",\"row\":{\"number\":%d,\"state\":"
                       "\"cancelled\",\"parameters\":{\"x\":%d},\"source\":\"suggested\"}}",
                       i, i);
        feed(&history, history_add_dump, line);
        (void)snprintf(line, sizeof line,
                       "{\"kind\":\"attempt\",\"study\":\"s\",\"trial\":%d,\"row\":"
                       "{\"attempt\":1,\"worker\":\"w\"}}",
                       i);
        feed(&history, history_add_dump, line);
    }
    checker_run(&history, &options, &verdict);
    ck_assert_msg(verdict.total == 0, "%s", buf_text(&verdict.text));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checker");
    TCase *tcase = tcase_create("rules");
    SRunner *runner;
    int failed;

    tcase_add_test(tcase, clean_history_is_accepted);
    tcase_add_loop_test(tcase, planted_fault_is_found, 0, (int)(sizeof plants / sizeof *plants));
    tcase_add_test(tcase, faster_clock_shortens_the_lease);
    tcase_add_loop_test(tcase, nonsense_is_refused, 0, 7);
    tcase_add_test(tcase, long_history_is_checked);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    json_start();
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
