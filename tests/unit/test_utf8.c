/* Texts that were cut, are no UTF-8, or would command a terminal; and where they leave. */
#include <check.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/json.h"
#include "common/utf8.h"
#include "tests/support/run_suite.h"

static const struct {
    const char *text;
    const char *mended;
} mends[] = {
    {"", ""},
    {"größe 学习 🙂", "größe 学习 🙂"},
    {"a\xc3", "a"},                         /* cut behind 1 of 2 */
    {"a\xe5\xad", "a"},                     /* 2 of 3 */
    {"a\xf0\x9f\x99", "a"},                 /* 3 of 4 */
    {"\"a\xc3\" is none", "\"a\" is none"}, /* in the middle: %.40s */
    {"\xff\xfe", "??"},
    {"\x80z", "?z"},
    {"\xc0\x80", "??"},           /* too long for what it says */
    {"\xed\xa0\x80", "???"},      /* half of a pair */
    {"\xf4\x90\x80\x80", "????"}, /* beyond the last character */
    {"tab\tand\nline", "tab\tand\nline"},
};

START_TEST(a_text_is_made_whole)
{
    char text[64];

    (void)strcpy(text, mends[_i].text);
    utf8_mend(text);
    ck_assert_str_eq(text, mends[_i].mended);
}
END_TEST

/* 600 characters of two bytes, and one byte before them or not. */
static void long_text(char text[1300], bool shifted)
{
    text[0] = '\0';
    if (shifted) {
        (void)strcpy(text, "a");
    }
    for (int i = 0; i < 600; i++) {
        (void)strcat(text, "é");
    }
}

static bool is_whole(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len;) {
        uint32_t point;
        size_t n = utf8_decode(text + i, len - i, &point);
        if (n == 0) {
            return false;
        }
        i += n;
    }
    return true;
}

START_TEST(an_error_ends_with_a_whole_character)
{
    struct err err;
    struct faults faults = {0};
    char text[1300];

    long_text(text, _i == 1);
    (void)err_set(&err, ERR_INVALID, "%s", text);
    ck_assert(is_whole(err.text));
    ck_assert_uint_ge(strlen(err.text), sizeof err.text - 2);
    (void)err_wrap(&err, "%.33s", text);
    ck_assert(is_whole(err.text));
    (void)err_wrap(&err, "%s", text);
    ck_assert(is_whole(err.text));
    (void)err_at(&err, "%s", text);
    ck_assert(is_whole(err.where));
    faults_add(&faults, text, "%.21s, %s", text, text);
    ck_assert(is_whole(faults.items[0].detail));
    ck_assert_int_eq(faults_result(&faults, &err), -1);
    ck_assert(is_whole(err.text));
    ck_assert(is_whole(err.where));
    faults_finish(&faults);
}
END_TEST

START_TEST(a_cut_name_of_a_member_is_whole_in_its_pointer)
{
    json_auto_t *object = json_object();
    struct faults faults = {0};
    struct fields fields;
    char text[1300];

    long_text(text, _i == 1);
    ck_assert_int_eq(json_object_set_new(object, text, json_true()), 0);
    fields_begin(&fields, object, "", &faults);
    fields_end(&fields);
    ck_assert_uint_eq(faults.n, 1);
    ck_assert(is_whole(faults.items[0].pointer));
    ck_assert(is_whole(faults.items[0].detail));
    faults_finish(&faults);
}
END_TEST

static const struct {
    const char *text;
    const char *json;
} quoted[] = {
    {"größe 学习 🙂", "\"größe 学习 🙂\""},
    {"\x1b[2J\x7f", "\"\\u001b[2J\\u007f\""},
    {"\xc2\x9b"
     "2J",
     "\"\\u009b2J\""},
    {"\xe2\x80\xae"
     "gnp",
     "\"\\u202egnp\""},
    {"\xff\xc3", "\"\\ufffd\\ufffd\""},
};

START_TEST(json_is_valid_and_commands_no_terminal)
{
    OWN(buf) struct buf out = {0};
    struct json_writer w;

    buf_init(&out, 1024);
    json_writer_init(&w, &out);
    json_write_string(&w, quoted[_i].text);
    ck_assert_str_eq(buf_text(&out), quoted[_i].json);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("utf8");
    TCase *tcase = tcase_create("utf8");

    tcase_add_loop_test(tcase, a_text_is_made_whole, 0, (int)(sizeof mends / sizeof mends[0]));
    tcase_add_loop_test(tcase, an_error_ends_with_a_whole_character, 0, 2);
    tcase_add_loop_test(tcase, a_cut_name_of_a_member_is_whole_in_its_pointer, 0, 2);
    tcase_add_loop_test(tcase, json_is_valid_and_commands_no_terminal, 0,
                        (int)(sizeof quoted / sizeof quoted[0]));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
