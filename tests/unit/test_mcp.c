#include <check.h>
#include <string.h>

#include "server/mcp/message.h"
#include "server/mcp/revision.h"
#include "server/mcp/text.h"
#include "server/mcp/tool.h"
#include "tests/support/run_suite.h"

/* ---- text ---- */

static const struct {
    const char *text, *shown;
    size_t bytes, left_out;
    enum text_end end;
} texts[] = {
    {"", "", 100, 0, TEXT_KEEPS_BEGIN},
    {"one", "| one\n", 100, 0, TEXT_KEEPS_BEGIN},
    {"one\ntwo\n", "| one\n| two\n", 100, 0, TEXT_KEEPS_BEGIN},
    {"one\n\ntwo", "| one\n| \n| two\n", 100, 0, TEXT_KEEPS_BEGIN},
    {"one\ntwo\nthree\n", "| one\n| two\n", 12, 1, TEXT_KEEPS_BEGIN},
    {"one\ntwo\nthree\n", "| one\n| two\n", 19, 1, TEXT_KEEPS_BEGIN},
    {"one\ntwo\nthree\n", "| one\n| two\n| three\n", 20, 0, TEXT_KEEPS_BEGIN},
    {"one\nlonger than that\nto", "| one\n", 12, 2,
     TEXT_KEEPS_BEGIN}, /* nothing is skipped within */
    {"one\ntwo\nthree\n", "| three\n", 13, 2, TEXT_KEEPS_END},
    {"one\ntwo\nthree\n", "| two\n| three\n", 14, 1, TEXT_KEEPS_END},
    {"one\ntwo\nthree", "| two\n| three\n", 14, 1, TEXT_KEEPS_END},
    {"one\ntwo\n\n", "| two\n| \n", 9, 1, TEXT_KEEPS_END},
    {"abcdefghij", "| abcd…\n", 10, 0, TEXT_KEEPS_BEGIN},
    {"one\nabcdefghij", "| abcd…\n", 10, 1, TEXT_KEEPS_END},
    {"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", "| \xc3\xa9\xc3\xa9…\n", 10, 0, TEXT_KEEPS_BEGIN},
    {"a\tb\rc\x1b[2Jd\x7f", "| a bc[2Jd\n", 100, 0, TEXT_KEEPS_BEGIN},
    {"\xff\xc3 \xe2\x80", "| ?? ??\n", 100, 0, TEXT_KEEPS_BEGIN},
    /* a direction, a separator of lines, letters and spaces that are not seen */
    {"a\xe2\x80\xae"
     "b\xe2\x80\xa8"
     "c\xf3\xa0\x81\x81"
     "d\xef\xb8\x8f"
     "e\xc2\xad"
     "f\xe3\x85\xa4g\xf3\xa0\x84\x80h",
     "| abcdefgh\n", 100, 0, TEXT_KEEPS_BEGIN},
    {"| forged\n… 3 lines left out", "| | forged\n| … 3 lines left out\n", 100, 0,
     TEXT_KEEPS_BEGIN},
};

START_TEST(data_is_marked_cleaned_and_cut_by_lines)
{
    OWN(buf) struct buf out;

    buf_init(&out, 1000);
    size_t left_out =
        text_add_data(&out, texts[_i].text, strlen(texts[_i].text), texts[_i].bytes, texts[_i].end);
    ck_assert_str_eq(buf_text(&out), texts[_i].shown);
    ck_assert_uint_eq(left_out, texts[_i].left_out);
}
END_TEST

static const struct {
    const char *text, *left;
    size_t n;
    enum text_end end;
} skips[] = {
    {"a\nb\nc\n", "a\nb\nc\n", 0, TEXT_KEEPS_BEGIN},
    {"a\nb\nc\n", "c\n", 2, TEXT_KEEPS_BEGIN},
    {"a\nb\nc", "", 3, TEXT_KEEPS_BEGIN},
    {"a\n\nb", "b", 2, TEXT_KEEPS_BEGIN},
    {"", "", 9, TEXT_KEEPS_BEGIN},
    {"a\nb\nc\n", "a\n", 2, TEXT_KEEPS_END},
    {"a\nb\nc", "a\nb\n", 1, TEXT_KEEPS_END},
    {"a\n\n", "a\n", 1, TEXT_KEEPS_END},
    {"a", "", 99, TEXT_KEEPS_END},
};

START_TEST(lines_that_were_seen_are_taken_away)
{
    const char *text = skips[_i].text;
    size_t len = strlen(text);

    text_skip(&text, &len, skips[_i].n, skips[_i].end);
    ck_assert_uint_eq(len, strlen(skips[_i].left));
    ck_assert_int_eq(strncmp(text, skips[_i].left, len), 0);
}
END_TEST

START_TEST(sentences_are_one_line)
{
    OWN(buf) struct buf out;

    buf_init(&out, 1000);
    text_add_sentence(&out, "one\ntwo\x1b\n\nthree", 100);
    ck_assert_str_eq(buf_text(&out), "one two  three\n");
    buf_clear(&out);
    text_add_sentence(&out, "", 100);
    ck_assert_str_eq(buf_text(&out), "\n");
    buf_clear(&out);
    text_add_sentence(&out, "a sentence that is too long", 12);
    ck_assert_str_eq(buf_text(&out), "a sente…\n");
}
END_TEST

/* ---- headers ---- */

static const struct {
    const char *value, *decoded; /* NULL: it is refused */
} headers[] = {
    {"", ""},
    {"best", "best"},
    {"a b\tc", "a b\tc"},
    {"=?base64?YmVzdA==?=", "best"},
    {"=?base64?YmVzdA?=", "best"},
    {"=?base64?w6k=?=", "\xc3\xa9"},
    {"=?base64?\?=", ""},
    {"=?base64?=", "=?base64?="}, /* too short to be one */
    {"=?BASE64?YmVzdA==?=", "=?BASE64?YmVzdA==?="},
    {"=?base64?Ym-z?=", NULL},
    {"=?base64?Ym z?=", NULL},
    {"=?base64?AAAA?=", NULL}, /* NUL */
    {"=?base64?YmVzdGJlc3RiZXN0YmVzdGJlc3RiZXN0?=", NULL},
    {"123456789012345678901234", NULL},
    {"\xc3\xa9", NULL},
    {"a\nb", NULL},
};

START_TEST(headers_are_decoded)
{
    char out[24];
    bool is_sound = header_decode(headers[_i].value, out, sizeof out);

    ck_assert_msg(is_sound == (headers[_i].decoded != NULL), "%s", headers[_i].value);
    if (is_sound) {
        ck_assert_str_eq(out, headers[_i].decoded);
    }
}
END_TEST

START_TEST(revisions_have_names)
{
    enum revision revision;

    for (int i = 0; i < REVISION_COUNT; i++) {
        ck_assert(revision_find(revision_name((enum revision)i), &revision));
        ck_assert_int_eq((int)revision, i);
    }
    ck_assert_str_eq(revision_name(REVISION_2026_07_28), "2026-07-28");
    ck_assert_str_eq(revision_name(REVISION_2025_03_26), "2025-03-26");
    ck_assert(!revision_find("", &revision) && !revision_find("2024-11-05", &revision));
}
END_TEST

/* ---- arguments ---- */

static const struct {
    const char *tool, *arguments;
    const char *target;  /* NULL: there are faults */
    const char *pointer; /* of the first */
} targets[] = {
    {"list_studies", "{}", "/v1/studies?format=table&width=180&limit=10", NULL},
    {"list_studies", "{\"limit\": 5, \"cursor\": \"a&b=c/?#\", \"state\": \"paused\"}",
     "/v1/studies?format=table&width=180&state=paused&limit=5&cursor=a%26b%3Dc%2F%3F%23", NULL},
    {"list_studies", "{\"cursor\": \"\xc3\xa9 %\"}",
     "/v1/studies?format=table&width=180&limit=10&cursor=%C3%A9%20%25", NULL},
    {"list_studies", "{\"limit\": null, \"state\": null}",
     "/v1/studies?format=table&width=180&limit=10", NULL},
    {"best", "{\"study\": \"a.b-c_d\"}", "/v1/studies/a.b-c_d/best?recommended=true", NULL},
    {"explain_trial", "{\"study\": \"s\", \"trial\": 4294967295}",
     "/v1/studies/s/trials/4294967295/explain?format=text", NULL},
    {"trial_log", "{\"study\": \"s\", \"trial\": 1.0, \"lines\": 3, \"attempt\": 2}",
     "/v1/studies/s/trials/1/log?format=table&tail=3&attempt=2", NULL},
    {"wait", "{\"study\": \"s\"}", "/v1/studies/s?format=text&wait=20", NULL},
    {"study_status", "{\"study\": \"s\", \"definition\": true}", "/v1/studies/s", NULL},
    {"best", "{}", NULL, "/study"},
    {"best", "{\"study\": null}", NULL, "/study"},
    {"best", "{\"study\": \"\"}", NULL, "/study"},
    {"best", "{\"study\": \"..\"}", NULL, "/study"},
    {"best", "{\"study\": \"a/b\"}", NULL, "/study"},
    {"best", "{\"study\": 99999999999999999999}", NULL, "/study"},
    {"best", "{\"study\": \"s\", \"more\": 1}", NULL, "/more"},
    {"explain_trial", "{\"study\": \"s\", \"trial\": 4294967296}", NULL, "/trial"},
    {"explain_trial", "{\"study\": \"s\", \"trial\": 1.5}", NULL, "/trial"},
    {"explain_trial", "{\"study\": \"s\", \"trial\": [1]}", NULL, "/trial"},
    {"steer", "{\"study\": \"s\", \"action\": \"go\"}", NULL, "/action"},
    {"study_status", "{\"study\": \"s\", \"definition\": 1}", NULL, "/definition"},
};

START_TEST(arguments_become_a_target_or_faults)
{
    json_t *parsed = NULL;
    struct faults faults = {0};
    OWN(buf) struct buf out;

    buf_init(&out, 1000);
    ck_assert_int_eq(json_parse(targets[_i].arguments, strlen(targets[_i].arguments),
                                &json_limits_default, &parsed, NULL),
                     0);
    tool_target(tool_find(targets[_i].tool), parsed, &out, &faults);
    ck_assert_msg((faults.total == 0) == (targets[_i].target != NULL), "%s", targets[_i].arguments);
    if (targets[_i].target != NULL) {
        ck_assert_str_eq(buf_text(&out), targets[_i].target);
    } else {
        ck_assert_str_eq(faults.items[0].pointer, targets[_i].pointer);
    }
    faults_finish(&faults);
    json_decref(parsed);
}
END_TEST

static bool takes_skip(const struct tool *tool)
{
    const struct argument *at = tool->arguments;

    while (at->name != NULL && strcmp(at->name, "skip") != 0) {
        at++;
    }
    return at->name != NULL;
}

START_TEST(tools_say_what_they_are)
{
    for (const struct tool *tool = tools; tool->name != NULL; tool++) {
        ck_assert_msg(tool_find(tool->name) == tool, "%s stands there twice", tool->name);
        ck_assert_msg(tool->title != NULL && tool->description != NULL
                          && (tool->rest != NULL) == !takes_skip(tool),
                      "%s", tool->name);
        ck_assert_msg(tool->writes == (tool->scopes == HTTP_SCOPE_SUBMIT), "%s", tool->name);
        ck_assert_msg(tool->writes || !tool->destroys, "%s", tool->name);
    }
    ck_assert_ptr_null(tool_find(""));
}
END_TEST

static void add_loops(TCase *tcase)
{
    tcase_add_loop_test(tcase, data_is_marked_cleaned_and_cut_by_lines, 0,
                        sizeof texts / sizeof texts[0]);
    tcase_add_loop_test(tcase, lines_that_were_seen_are_taken_away, 0,
                        sizeof skips / sizeof skips[0]);
    tcase_add_loop_test(tcase, headers_are_decoded, 0, sizeof headers / sizeof headers[0]);
    tcase_add_loop_test(tcase, arguments_become_a_target_or_faults, 0,
                        sizeof targets / sizeof targets[0]);
}

int main(void)
{
    Suite *suite = suite_create("mcp");
    TCase *tcase = tcase_create("parts");

    add_loops(tcase);
    tcase_add_test(tcase, sentences_are_one_line);
    tcase_add_test(tcase, revisions_have_names);
    tcase_add_test(tcase, tools_say_what_they_are);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
