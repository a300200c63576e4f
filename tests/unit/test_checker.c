/* A checker that cannot fail proves nothing: beside a clean history, every rule is shown one that
 * breaks it. */
#include <check.h>
#include <string.h>

#include "common/json.h"
#include "tests/support/checker.h"
#include "tests/support/run_suite.h"
#include "tests/unit/checker_cases.h"

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
    const struct checker_options options = {.drained = true, .drained_within_seconds = 60};
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

/* No rule is seen by another rule's eyes only: each has a history that breaks it and nothing else.
 */
START_TEST(each_rule_can_be_broken_alone)
{
    size_t n_alone = 0;

    for (size_t i = 0; i < sizeof plants / sizeof *plants; i++) {
        OWN(verdict) struct verdict verdict = {0};

        if (plants[i].rule == _i) {
            check_planted(&plants[i], &verdict);
            n_alone += verdict.counts[_i] == verdict.total;
        }
    }
    ck_assert_uint_gt(n_alone, 0);
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

    tcase_add_test(tcase, clean_history_is_accepted);
    tcase_add_loop_test(tcase, planted_fault_is_found, 0, (int)(sizeof plants / sizeof *plants));
    tcase_add_loop_test(tcase, each_rule_can_be_broken_alone, 1, CHECKER_RULES);
    tcase_add_test(tcase, faster_clock_shortens_the_lease);
    tcase_add_loop_test(tcase, nonsense_is_refused, 0, 7);
    tcase_add_test(tcase, long_history_is_checked);
    suite_add_tcase(suite, tcase);
    json_start();
    return run_suite(suite);
}
