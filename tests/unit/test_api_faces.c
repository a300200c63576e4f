/* Explanations, sheets and the API document: what api/ says without a store. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "server/api/pages.h"
#include "server/api/sheet.h"

START_TEST(every_published_code_has_a_page_and_stands_in_the_document)
{
    json_auto_t *document = json_loads(openapi[0], 0, NULL);
    const json_t *schemas = json_object_get(json_object_get(document, "components"), "schemas");
    const json_t *names = json_object_get(json_object_get(schemas, "ProblemName"), "enum");
    size_t n_published = 0;

    ck_assert_ptr_nonnull(names);
    for (int code = ERR_NONE + 1; code < ERR_CODE_COUNT; code++) {
        const char *help = pages_problem_help((enum err_code)code);
        if (help == NULL) {
            ck_assert_int_gt(code, ERR_STORAGE_FULL);
            continue;
        }
        ck_assert_uint_gt(strlen(help), 20);
        ck_assert_str_eq(json_string_value(json_array_get(names, n_published)),
                         err_code_name((enum err_code)code));
        n_published++;
    }
    ck_assert_uint_eq(n_published, json_array_size(names));
}
END_TEST

static const struct {
    enum sheet_style style;
    const char *text;
} sheets[] = {
    {SHEET_CSV, "name,n,note\na,1,\"x, \"\"y\"\"\"\nbbbb,-20,\"1\n2\"\n"},
    {SHEET_LINES, "a\t1\tx, \"y\"\nbbbb\t-20\t1\\x0a2\n"},
    {SHEET_TABLE, "name  n    note\na     1    x, \"y\"\nbbbb  -20  1\\x0a2\n"},
};

START_TEST(rows_have_several_faces)
{
    OWN(sheet) struct sheet sheet;
    OWN(buf) struct buf out;

    buf_init(&out, 1000);
    sheet_init(&sheet, sheets[_i].style);
    sheet_column(&sheet, "name");
    sheet_column(&sheet, "n");
    sheet_column(&sheet, "note");
    sheet_text(&sheet, "a");
    sheet_int(&sheet, 1);
    sheet_text(&sheet, "x, \"y\"");
    sheet_text(&sheet, "bbbb");
    sheet_number(&sheet, -20);
    sheet_text(&sheet, "1\n2");
    sheet_write(&sheet, &out);
    ck_assert_str_eq(buf_text(&out), sheets[_i].text);
}
END_TEST

START_TEST(a_cell_commands_no_terminal)
{
    OWN(sheet) struct sheet sheet;
    OWN(buf) struct buf out;

    buf_init(&out, 1000);
    sheet_init(&sheet, SHEET_TABLE);
    sheet_column(&sheet, "\xc2\x9bm");
    sheet_column(&sheet, "b");
    sheet_text(&sheet, "\x1b[2J\xe2\x80\xaexx");
    sheet_text(&sheet, "größe\xff");
    sheet_write(&sheet, &out);
    ck_assert_str_eq(buf_text(&out), "\\u009bm          b\n\\x1b[2J\\u202exx  größe\\xff\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_faces");
    TCase *tcase = tcase_create("faces");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(tcase, every_published_code_has_a_page_and_stands_in_the_document);
    tcase_add_loop_test(tcase, rows_have_several_faces, 0, (int)(sizeof sheets / sizeof sheets[0]));
    tcase_add_test(tcase, a_cell_commands_no_terminal);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
