/* Explanations, formats and the API document: what api/ says without a store. */
#include <check.h>
#include <string.h>

#include "common/json.h"
#include "server/api/pages.h"
#include "server/api/representation.h"
#include "tests/support/run_suite.h"

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

/* ---- one answer in every format ---- */

static const char answer[] =
    "{\"name\": \"a\", \"counts\": {\"done\": 12}, \"rate\": 0.12345678901, \"when\": null,"
    " \"words\": [\"x\", \"y\"], \"things\": [{}, {}], \"ok\": true,"
    " \"parameters\": {\"lr\": 0.1, \"model.name\": \"it's\\n1\", \"digit\": \"1\"}}";

static void append_count(const json_t *row, struct buf *out)
{
    buf_printf(out, "%zu", json_array_size(json_object_get(row, "things")));
}

static const struct representation_column columns[] = {
    {.key = "name", .variable = "thing"},
    {.object = "counts", .key = "done", .title = "done", .is_right = true},
    {.key = "rate", .is_right = true},
    {.key = "when"},
    {.key = "words", .is_extra = true},
    {.key = "things", .append = append_count},
    {.key = "ok"},
    {.object = "parameters", .key = "lr", .is_parameter = true},
    {.object = "parameters", .key = "model.name", .is_parameter = true},
    {.object = "parameters", .key = "digit", .is_parameter = true},
    {.object = "parameters", .key = "inactive", .is_parameter = true},
    {0}};
static const struct representation one = {.columns = columns, .is_one = true};
static const struct representation many = {.columns = columns};

static const struct {
    const struct representation *representation;
    enum format format;
    struct representation_query query;
    const char *text;
} shown[] = {
    {&one,
     FORMAT_CSV,
     {0},
     "name,done,rate,when,words,things,ok,parameters.lr,parameters.model.name,parameters.digit,"
     "parameters.inactive\n"
     "a,12,0.12345678901,,x; y,2,true,0.1,\"it's\n1\",\"\"\"1\"\"\",\n"},
    {&one,
     FORMAT_TEXT,
     {0},
     "name: a\ndone: 12\nrate: 0.12345678901\nwords: x; y\nthings: 2\nok: true\n"
     "parameters.lr: 0.1\nparameters.model.name: it's\\x0a1\nparameters.digit: \"1\"\n"},
    {&many, FORMAT_TEXT, {0}, "a\t12\t0.12345678901\t\t2\ttrue\t0.1\tit's\\x0a1\t\"1\"\t\n"},
    {&many,
     FORMAT_TABLE,
     {0},
     "name  done      rate  when  things  ok    lr   model.name  digit  inactive\n"
     "a       12  0.123457        2       true  0.1  it's\\x0a1   \"1\"\n"},
    {&many,
     FORMAT_TABLE,
     {.width = 40},
     "name  done      rate  when  things  ...\na       12  0.123457        2       ...\n"},
    {&many,
     FORMAT_TABLE,
     {.cols = "words,parameters.lr,lr,done"},
     "words  lr   lr   done\nx; y   0.1  0.1    12\n"},
    {&many, FORMAT_CSV, {.cols = "model.name,name"}, "parameters.model.name,name\n\"it's\n1\",a\n"},
    {&one,
     FORMAT_SH,
     {0},
     "export HONE_THING='a'\nexport HONE_DONE='12'\nexport HONE_RATE='0.12345678901'\n"
     "export HONE_WHEN=''\nexport HONE_WORDS='x; y'\nexport HONE_THINGS='2'\n"
     "export HONE_OK='true'\nexport HONE_PARAM_LR='0.1'\n"
     "export HONE_PARAM_MODEL_NAME='it'\\''s\n1'\nexport HONE_PARAM_DIGIT='1'\n"},
    {&one,
     FORMAT_NDJSON,
     {.cols = NULL},
     "{\"name\":\"a\",\"counts\":{\"done\":12},\"rate\":0.12345678901,\"when\":null,"
     "\"words\":[\"x\",\"y\"],\"things\":[{},{}],\"ok\":true,\"parameters\":{\"lr\":0.1,"
     "\"model.name\":\"it's\\n1\",\"digit\":\"1\"}}\n"},
};

START_TEST(hydra_shows_a_trial_a_line)
{
    json_auto_t *value = json_loads(answer, 0, NULL);
    const struct representation_query query = {0};
    OWN(buf) struct buf out;
    struct err err;

    buf_init(&out, 2000);
    ck_assert_int_eq(representation_write(&one, FORMAT_HYDRA, &query, NULL, value, &out, &err), -1);
    ck_assert_int_eq(err.code, ERR_INVALID); /* there is a line break in model.name */
    json_t *parameters = json_object_get(value, "parameters");
    ck_assert_int_eq(json_object_set_new(parameters, "model.name", json_string("it's 1")), 0);
    ck_assert_int_eq(representation_write(&one, FORMAT_HYDRA, &query, NULL, value, &out, &err), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "lr=0.1 model.name='it\\'s 1' digit='1'\n"));
}
END_TEST

START_TEST(every_format_shows_the_same_answer)
{
    json_auto_t *value = json_loads(answer, 0, NULL);
    OWN(buf) struct buf out;
    struct err err;

    buf_init(&out, 2000);
    ck_assert_ptr_nonnull(value);
    ck_assert_int_eq(representation_write(shown[_i].representation, shown[_i].format,
                                          &shown[_i].query, NULL, value, &out, &err),
                     0);
    ck_assert_str_eq(buf_text(&out), shown[_i].text);
}
END_TEST

START_TEST(a_column_that_is_not_there_is_refused_by_name)
{
    static const char *const cols[] = {"", "nothing", "name,", ",name", "name,nothing", "NAME"};
    json_auto_t *value = json_loads(answer, 0, NULL);
    const struct representation_query query = {.cols = cols[_i]};
    OWN(buf) struct buf out;
    struct err err;

    buf_init(&out, 2000);
    ck_assert_int_eq(representation_write(&one, FORMAT_CSV, &query, NULL, value, &out, &err), -1);
    ck_assert_int_eq(err.code, ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(err.text, "there are name, done, rate"));
}
END_TEST

START_TEST(a_cell_commands_no_terminal)
{
    static const struct representation_column odd[] = {{.key = "b"}, {.key = "\xc2\x9bm"}, {0}};
    static const struct representation representation = {.columns = odd};
    json_auto_t *value =
        json_pack("{s:s, s:s}", "b", "\x1b[2J\xe2\x80\xaexx", "\xc2\x9bm", "größe");
    OWN(buf) struct buf out;
    struct err err;

    buf_init(&out, 1000);
    ck_assert_int_eq(representation_write(&representation, FORMAT_TABLE,
                                          &(struct representation_query){0}, NULL, value, &out,
                                          &err),
                     0);
    ck_assert_str_eq(buf_text(&out), "b                \\u009bm\n\\x1b[2J\\u202exx  größe\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_representations");
    TCase *tcase = tcase_create("representations");

    tcase_add_test(tcase, every_published_code_has_a_page_and_stands_in_the_document);
    tcase_add_test(tcase, hydra_shows_a_trial_a_line);
    tcase_add_loop_test(tcase, every_format_shows_the_same_answer, 0,
                        (int)(sizeof shown / sizeof shown[0]));
    tcase_add_loop_test(tcase, a_column_that_is_not_there_is_refused_by_name, 0, 6);
    tcase_add_test(tcase, a_cell_commands_no_terminal);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
