#include "worker/agent/answer_class.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/run_suite.h"

#define CALLS (CALL_COUNT - 1) /* CALL_NONE is none */
#define EVERY_CALL "ask measurements result release heartbeat"

static const char *const call_names[CALL_COUNT] = {
    [CALL_ASK] = "ask",         [CALL_MEASUREMENTS] = "measurements", [CALL_RESULT] = "result",
    [CALL_RELEASE] = "release", [CALL_HEARTBEAT] = "heartbeat",
};

static const char *const class_names[] = {
    [ANSWER_CLASS_RETRY] = "retry",     [ANSWER_CLASS_TAKEN] = "taken",
    [ANSWER_CLASS_REFUSED] = "refused", [ANSWER_CLASS_LOST] = "lost",
    [ANSWER_CLASS_FATAL] = "fatal",
};

static enum answer_class classify(enum server_call call, int status, const char *type,
                                  const char *body, struct reply *reply, struct err *err)
{
    OWN(http_answer) struct http_answer answer = {.status = status, .retry_after_seconds = 7};

    buf_init(&answer.body, 10000);
    buf_puts(&answer.body, body);
    (void)snprintf(answer.content_type, sizeof answer.content_type, "%s", type);
    return answer_class_of(call, 0, 0, &answer, reply, err);
}

/* ---- successes ---- */

#define PROBLEM "application/problem+json"
#define JSON "application/json"
#define LEASE                                                                                      \
    "{\"lease\":{\"id\":\"l_1\"},\"study\":\"s\",\"objectives\":[],\"trial\":{\"number\":1,"       \
    "\"parameters\":{}}}"
#define NOTHING "{\"lease\":null,\"reason\":\"waiting\",\"detail\":\"\"}"
#define ACTION "{\"action\":\"continue\",\"duplicate\":0,\"conflict\":2}"
#define TRIAL "{\"trial\":{\"number\":1,\"state\":\"completed\"},\"late\":false}"

/* A body with a status of 2xx, and the calls that it answers; every other one is repeated. */
static const struct {
    int status;
    const char *type;
    const char *body;
    const char *taken_by;
} successes[] = {
    {201, JSON, LEASE, "ask"},
    {200, JSON, NOTHING, "ask"},
    {200, JSON, ACTION, "measurements heartbeat"},
    {200, JSON, TRIAL, "result"},
    {204, "", "", "release"},
    /* of a newer server */
    {200, "application/json; charset=utf-8", "{\"action\":\"stop\",\"mood\":\"fine\"}",
     "measurements heartbeat"},
    /* strangers */
    {200, "text/html", "<html>captive portal</html>", ""},
    {200, "text/html", "", ""},
    {204, "text/html", "<html>gone</html>", ""},
    {200, "", "", ""},
    {202, JSON, "{}", ""},
    {200, JSON, "[]", ""},
    {200, JSON, "null", ""},
    {200, JSON, "\"ok\"", ""},
    {200, JSON, "{\"status\":\"ok\"}", ""},
    {200, JSON, "{\"lease\":null}", ""},
    {200, JSON, "{\"reason\":\"waiting\"}", ""},
    {200, JSON, "{\"lease\":{}}", ""},
    {201, JSON, "{\"lease\":{\"id\":\"l_1\"},\"study\":\"../s\",\"trial\":{\"number\":1}}", ""},
    {200, JSON, "{\"action\":\"dance\"}", ""},
    {200, JSON, "{\"action\":7}", ""},
    {200, JSON, "{\"trial\":{}}", ""},
    {200, JSON, "{\"trial\":\"completed\"}", ""},
    {200, JSON, "{\"action\":\"continue\"", ""},
    {304, "", "", ""},
    {302, "text/html", "<html>this way</html>", ""},
    {307, JSON, ACTION, ""},
    {101, "", "", ""},
};

#define COUNT(list) (int)(sizeof(list) / sizeof((list)[0]))

START_TEST(a_success_counts_in_the_form_of_its_call)
{
    enum server_call call = (enum server_call)(_i % CALLS + 1);
    size_t at = (size_t)_i / CALLS;
    OWN(reply) struct reply reply;
    struct err err = {0};
    bool taken = strstr(successes[at].taken_by, call_names[call]) != NULL;

    enum answer_class class =
        classify(call, successes[at].status, successes[at].type, successes[at].body, &reply, &err);
    ck_assert_msg(class == (taken ? ANSWER_CLASS_TAKEN : ANSWER_CLASS_RETRY),
                  "%d %s to %s: %s (%s)", successes[at].status, successes[at].body,
                  call_names[call], class_names[class], err.text);
    if (!taken) {
        ck_assert_int_eq(err.code, ERR_UNREACHABLE);
        ck_assert_ptr_nonnull(strstr(err.text, "not from a Hone server"));
        ck_assert_double_lt(reply.retry_after_seconds, 0); /* a stranger sets no time */
    }
}
END_TEST

START_TEST(a_reply_says_what_the_call_brought)
{
    OWN(reply) struct reply granted;
    OWN(reply) struct reply nothing;
    OWN(reply) struct reply measured;
    OWN(reply) struct reply ended;
    struct err err = {0};

    ck_assert_int_eq(classify(CALL_ASK, 201, JSON, LEASE, &granted, &err), ANSWER_CLASS_TAKEN);
    ck_assert(granted.granted);
    ck_assert_str_eq(granted.grant.id, "l_1");
    ck_assert_int_eq(classify(CALL_ASK, 200, JSON, NOTHING, &nothing, &err), ANSWER_CLASS_TAKEN);
    ck_assert(!nothing.granted);
    ck_assert_int_eq(classify(CALL_MEASUREMENTS, 200, JSON, ACTION, &measured, &err),
                     ANSWER_CLASS_TAKEN);
    ck_assert_int_eq(measured.action.conflict, 2);
    ck_assert_int_eq(classify(CALL_RESULT, 200, JSON, TRIAL, &ended, &err), ANSWER_CLASS_TAKEN);
    ck_assert_str_eq(ended.state, "completed");
}
END_TEST

/* ---- refusals ---- */

static const struct {
    const char *members, *text;
} refusals[] = {
    {"\"detail\":\"no\",\"title\":\"t\"", "no"},
    {"\"detail\":\"\",\"title\":\"t\"", "t"},
    {"\"title\":\"t\"", "t"},
    {"\"detail\":\"\",\"title\":\"\"", "the server refused"},
    {"\"detail\":3", "the server refused"},
    {"\"errors\":[{}],\"detail\":\"no\"", "no"},
    {"\"errors\":[{\"pointer\":\"/a\",\"detail\":\"b\"},{}],\"detail\":\"b\"", "/a: b"},
};

START_TEST(a_refusal_always_says_something)
{
    OWN(reply) struct reply reply;
    struct err err = {0};
    char body[300];

    (void)snprintf(body, sizeof body, "{\"type\":\"/problems/forbidden\",\"status\":403,%s}",
                   refusals[_i].members);
    ck_assert_int_eq(classify(CALL_ASK, 403, PROBLEM, body, &reply, &err), ANSWER_CLASS_FATAL);
    ck_assert_str_eq(err.text, refusals[_i].text);
}
END_TEST

/* A problem of ours, and what it means for each call in the order of EVERY_CALL. */
static const struct {
    int status;
    const char *type;
    const char *classes;
} problems[] = {
    {400, "malformed", "fatal refused refused refused refused"},
    {401, "unauthorized", "fatal fatal fatal fatal fatal"},
    {403, "forbidden", "fatal fatal fatal fatal fatal"},
    {404, "not-found", "retry lost lost lost lost"},
    {405, "method-not-allowed", "retry refused refused refused refused"},
    {409, "study-exists", "retry lost lost lost lost"},
    {409, "lease-superseded", "retry lost lost lost lost"},
    {409, "result-conflict", "retry lost lost lost lost"},
    {409, "wrong-state", "retry lost lost lost lost"},
    {410, "lease-ended", "lost lost lost lost lost"},
    {410, "epoch-changed", "lost lost lost lost lost"},
    {410, "events-gone", "retry refused refused refused refused"},
    {412, "revision-changed", "retry refused refused refused refused"},
    {413, "too-large", "retry refused refused refused refused"},
    {415, "unsupported-type", "retry refused refused refused refused"},
    {422, "invalid", "fatal refused refused refused refused"},
    {422, "key-reused", "retry refused refused refused refused"},
    {426, "upgrade-required", "fatal fatal fatal fatal fatal"},
    {429, "rate-limited", "retry retry retry retry retry"},
    {503, "overloaded", "retry retry retry retry retry"},
    {503, "starting", "retry retry retry retry retry"},
    {503, "read-only", "retry retry retry retry retry"},
    {503, "storage-full", "retry retry retry retry retry"},
};

/* What stands in the place of the problem document; only the first is ours. $S is the status, $T
 * the type. */
static const struct {
    const char *type;
    const char *body;
} bodies[] = {
    {"application/problem+json",
     "{\"type\":\"/problems/$T\",\"title\":\"t\",\"status\":$S,\"detail\":\"refused\"}"},
    {"text/html", "<html><h1>$S</h1>$T</html>"},
    {"text/plain", "$T"},
    {"", ""},
    {"application/json",
     "{\"type\":\"/problems/$T\",\"title\":\"t\",\"status\":$S,\"detail\":\"refused\"}"},
    {"application/problem+json", ""},
    {"application/problem+json", "<html>$T</html>"},
    {"application/problem+json", "[]"},
    {"application/problem+json", "{}"},
    {"application/problem+json", "{\"status\":$S,\"detail\":\"no type\"}"},
    {"application/problem+json", "{\"type\":\"/problems/$T\",\"detail\":\"no status\"}"},
    {"application/problem+json", "{\"type\":\"/problems/$T\",\"status\":\"$S\"}"},
    {"application/problem+json", "{\"type\":\"/problems/$T\",\"status\":1$S}"},
    {"application/problem+json", "{\"type\":\"about:blank\",\"status\":$S}"},
    {"application/problem+json", "{\"type\":\"/problems/teapot\",\"status\":$S}"},
    {"application/problem+json", "{\"type\":\"/problems/unreachable\",\"status\":$S}"},
    {"application/problem+json", "{\"type\":\"/problems/none\",\"status\":$S}"},
    {"application/problem+json", "{\"type\":\"$T\",\"status\":$S}"},
    {"application/problem+json", "{\"type\":\"https://example.org/problems/$T\",\"status\":$S}"},
};

static void fill(struct buf *body, const char *pattern, int status, const char *type)
{
    buf_init(body, 1000);
    for (const char *at = pattern; *at != '\0'; at++) {
        if (at[0] == '$' && at[1] == 'S') {
            buf_printf(body, "%d", status);
            at++;
        } else if (at[0] == '$' && at[1] == 'T') {
            buf_puts(body, type);
            at++;
        } else {
            buf_putc(body, *at);
        }
    }
}

static const char *nth_word(const char *text, int n)
{
    static char word[20];

    for (; n > 0; n--) {
        text = strchr(text, ' ') + 1;
    }
    (void)sscanf(text, "%19s", word);
    return word;
}

START_TEST(a_refusal_counts_only_as_a_problem_of_ours)
{
    int call = _i % CALLS;
    size_t problem = (size_t)(_i / CALLS) % (size_t)COUNT(problems);
    size_t at = (size_t)(_i / CALLS) / (size_t)COUNT(problems);
    OWN(reply) struct reply reply;
    struct err err = {0};
    OWN(buf) struct buf body;
    const char *wanted = at == 0 ? nth_word(problems[problem].classes, call) : "retry";

    fill(&body, bodies[at].body, problems[problem].status, problems[problem].type);
    enum answer_class class = classify((enum server_call)(call + 1), problems[problem].status,
                                       bodies[at].type, buf_text(&body), &reply, &err);
    ck_assert_msg(strcmp(class_names[class], wanted) == 0, "%d %s \"%s\" to %s: %s (%s)",
                  problems[problem].status, bodies[at].type, buf_text(&body), call_names[call + 1],
                  class_names[class], err.text);
    ck_assert_int_eq(err.code == ERR_UNREACHABLE, at != 0);
    ck_assert_double_eq(reply.retry_after_seconds, at == 0 ? 7 : -1);
}
END_TEST

START_TEST(no_answer_at_all_is_repeated)
{
    OWN(reply) struct reply reply;
    struct err err = {.code = ERR_UNREACHABLE, .text = "it does not answer"};

    ck_assert_int_eq(answer_class_of((enum server_call)(_i + 1), 0, -1, NULL, &reply, &err),
                     ANSWER_CLASS_RETRY);
    ck_assert_str_eq(err.text, "it does not answer");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("answer_class");
    TCase *tcase = tcase_create("answer_class");

    tcase_add_loop_test(tcase, a_success_counts_in_the_form_of_its_call, 0,
                        COUNT(successes) * CALLS);
    tcase_add_test(tcase, a_reply_says_what_the_call_brought);
    tcase_add_loop_test(tcase, a_refusal_always_says_something, 0,
                        sizeof refusals / sizeof refusals[0]);
    tcase_add_loop_test(tcase, a_refusal_counts_only_as_a_problem_of_ours, 0,
                        COUNT(bodies) * COUNT(problems) * CALLS);
    tcase_add_loop_test(tcase, no_answer_at_all_is_repeated, 0, CALLS);
    suite_add_tcase(suite, tcase);
    return run_suite_in_process(suite); /* thousands of cells, each harmless */
}
