/* common/hydra.h. The texts were read back by Hydra 1.3.8 (compose() of the override), which gave
 * what stands on the left. */
#include <check.h>
#include <string.h>

#include "common/hydra.h"
#include "common/json.h"
#include "tests/support/run_suite.h"

static const struct {
    const char *parameters;
    const char *overrides;
} cases[] = {
    {"{}", ""},
    {"{\"lr\": 0.1, \"model.name\": \"x\", \"n\": -3}", "lr=0.1 model.name='x' n=-3"},
    {"{\"a\": 1e-05, \"b\": true, \"c\": null, \"d\": 1e22}", "a=1e-05 b=true c=null d=1e+22"},
    {"{\"a\": \"\", \"b\": \"true\", \"c\": \"1,2\", \"d\": \"a b\"}",
     "a='' b='true' c='1,2' d='a b'"},
    {"{\"a\": \"it's\"}", "a='it\\'s'"},
    {"{\"a\": \"\\\\\"}", "a='\\\\'"},         /* one at the end: doubled */
    {"{\"a\": \"c:\\\\new\"}", "a='c:\\new'"}, /* elsewhere: as it is */
    {"{\"a\": \"\\\\'\"}", "a='\\\\\\''"},     /* before a quote: doubled */
    {"{\"a\": \"${b}\"}", "a='\\${b}'"},       /* no interpolation */
    {"{\"a\": \"\\\\${b}\"}", "a='\\\\\\${b}'"},
    {"{\"a\": \"$b\"}", "a='$b'"},
    {"{\"a\": [1, \"x\", [null, true]]}", "a=[1,'x',[null,true]]"},
    {"{\"a\": {\"b\": {\"c\": \"d\"}}}", "a={b:{c:'d'}}"},
    {"{\"layers.0.size\": 3}", "layers.0.size=3"},
    {"{\"n\": 18446744073709551615}", "n=18446744073709551615"},
};

START_TEST(a_configuration_becomes_overrides)
{
    json_t *value = NULL;
    OWN(buf) struct buf out;
    struct err err;

    buf_init(&out, 1000);
    ck_assert_int_eq(json_parse(cases[_i].parameters, strlen(cases[_i].parameters),
                                &json_limits_default, &value, &err),
                     0);
    ck_assert_int_eq(hydra_append(&out, value, &err), 0);
    ck_assert_str_eq(buf_text(&out), cases[_i].overrides);
    json_decref(value);
}
END_TEST

static const char *const refused[] = {
    "{\"learning rate\": 1}",
    "{\"a/b\": 1}",
    "{\"gr\xc3\xb6\xc3\x9f"
    "e\": 1}",
    "{\"a-b\": 1}",
    "{\"a.\": 1}",
    "{\".a\": 1}",
    "{\"a..b\": 1}",
    "{\"1a\": 1}",
    "{\"a.01\": 1}",
    "{\"a=b\": 1}",
    "{\"a\": {\"b c\": 1}}",
    "{\"a\": {\"b.c\": 1}}",
    "{\"a\": [{\"'\": 1}]}",
    "{\"+a\": 1}",
    "{\"a\": \"two\\nlines\"}",
    "{\"a\": [{\"b\": \"\\r\"}]}",
};

START_TEST(what_hydra_cannot_say_is_refused_by_name)
{
    json_t *value = json_loads(refused[_i], 0, NULL);
    OWN(buf) struct buf out;
    struct err err;

    buf_init(&out, 1000);
    ck_assert_ptr_nonnull(value);
    ck_assert_int_eq(hydra_append(&out, value, &err), -1);
    ck_assert_int_eq(err.code, ERR_INVALID);
    json_decref(value);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hydra");
    TCase *tcase = tcase_create("overrides");

    json_start();
    tcase_add_loop_test(tcase, a_configuration_becomes_overrides, 0,
                        (int)(sizeof cases / sizeof cases[0]));
    tcase_add_loop_test(tcase, what_hydra_cannot_say_is_refused_by_name, 0,
                        (int)(sizeof refused / sizeof refused[0]));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
