/* Problems, sheets and the API document: what api/ says without a store. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "server/api/face.h"
#include "server/api/pages.h"
#include "server/api/problem.h"

START_TEST(every_published_code_has_a_page_and_stands_in_the_document)
{
    json_auto_t *document = json_loadb((const char *)openapi_json, openapi_json_len, 0, NULL);
    const json_t *schemas = json_object_get(json_object_get(document, "components"), "schemas");
    const json_t *names = json_object_get(json_object_get(schemas, "ProblemName"), "enum");
    size_t n_published = 0;

    ck_assert_ptr_nonnull(names);
    for (int code = ERR_NONE + 1; code < ERR_CODE_COUNT; code++) {
        const struct problem_kind *kind = problem_kind((enum err_code)code);
        if (kind == NULL) {
            ck_assert_int_gt(code, ERR_STORAGE_FULL);
            continue;
        }
        ck_assert_int_ge(kind->status, 400);
        ck_assert_uint_gt(strlen(kind->help), 20);
        ck_assert_str_eq(json_string_value(json_array_get(names, n_published)),
                         err_code_name((enum err_code)code));
        n_published++;
    }
    ck_assert_uint_eq(n_published, json_array_size(names));
}
END_TEST

static json_t *problem_json(const struct err *err, const struct faults *faults, int status)
{
    struct http_response response;

    problem_respond(err, faults, "r_1", &response);
    ck_assert_int_eq(response.status, status);
    json_t *problem = json_loads(buf_text(&response.body), 0, NULL);
    ck_assert_ptr_nonnull(problem);
    http_response_finish(&response);
    return problem;
}

START_TEST(all_faults_are_told_at_once)
{
    struct faults faults = {0};
    struct err err = {0};

    faults_add(&faults, "/parameters/0/low", "must be below high");
    faults_add(&faults, "/nme", "unknown field \"nme\"");
    ck_assert_int_eq(faults_result(&faults, &err), -1);
    json_auto_t *problem = problem_json(&err, &faults, 422);
    ck_assert_str_eq(json_string_value(json_object_get(problem, "type")), "/problems/invalid");
    const json_t *errors = json_object_get(problem, "errors");
    ck_assert_uint_eq(json_array_size(errors), 2);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(errors, 1), "pointer")),
                     "/nme");
    faults_finish(&faults);
}
END_TEST

START_TEST(what_went_wrong_inside_is_not_told)
{
    struct err err = {0};

    (void)err_set(&err, ERR_IO, "secret/path: no such table");
    json_auto_t *problem = problem_json(&err, NULL, 500);
    ck_assert_ptr_null(strstr(json_string_value(json_object_get(problem, "detail")), "secret"));
    ck_assert_str_eq(json_string_value(json_object_get(problem, "instance")), "r_1");
}
END_TEST

static const struct {
    enum face face;
    const char *text;
} sheets[] = {
    {FACE_CSV, "name,n,note\na,1,\"x, \"\"y\"\"\"\nbbbb,-20,\"1\n2\"\n"},
    {FACE_TEXT, "a\t1\tx, \"y\"\nbbbb\t-20\t1\\x0a2\n"},
    {FACE_TABLE, "name  n    note\na     1    x, \"y\"\nbbbb  -20  1\\x0a2\n"},
};

START_TEST(rows_have_several_faces)
{
    OWN(sheet) struct sheet sheet;
    OWN(buf) struct buf out;

    buf_init(&out, 1000);
    sheet_init(&sheet, sheets[_i].face);
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

int main(void)
{
    Suite *suite = suite_create("api_faces");
    TCase *tcase = tcase_create("faces");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(tcase, every_published_code_has_a_page_and_stands_in_the_document);
    tcase_add_test(tcase, all_faults_are_told_at_once);
    tcase_add_test(tcase, what_went_wrong_inside_is_not_told);
    tcase_add_loop_test(tcase, rows_have_several_faces, 0, (int)(sizeof sheets / sizeof sheets[0]));
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
