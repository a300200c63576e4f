#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/own.h"
#include "common/rng.h"
#include "common/space/space.h"
#include "tests/support/run_suite.h"
#include "worker/cli/define/params.h"

static const struct {
    const char *argument;
    const char *json;
} understood[] = {
    {"lr=log:1e-5..1e-1", "{'name':'lr','type':'float','scale':'log','low':1e-05,'high':0.1}"},
    {"m=0.5..0.99", "{'name':'m','type':'float','low':0.5,'high':0.99}"},
    {"m=.5...99", "{'name':'m','type':'float','low':0.5,'high':0.99}"},
    {"t=-1.5..-1e-3", "{'name':'t','type':'float','low':-1.5,'high':-0.001}"},
    {"d=0..0.8:0.1", "{'name':'d','type':'float','low':0,'high':0.8,'step':0.1}"},
    {"x=float:0..10", "{'name':'x','type':'float','low':0,'high':10}"},
    {"x=0..10.0", "{'name':'x','type':'float','low':0,'high':10.0}"},
    {"u=int:16..512", "{'name':'u','type':'int','low':16,'high':512}"},
    {"u=int:16..512:16", "{'name':'u','type':'int','low':16,'high':512,'step':16}"},
    {"u=int:-3..1e3", "{'name':'u','type':'int','low':-3,'high':1000}"},
    {"u=log-int:1..4096", "{'name':'u','type':'int','low':1,'high':4096,'scale':'log'}"},
    {"g=log:1e-6..10/8",
     "{'name':'g','type':'float','scale':'log','low':1e-06,'high':10,'grid':8}"},
    {"b=64,16,32", "{'name':'b','type':'int','values':[16,32,64]}"},
    {"b=0.5,1", "{'name':'b','type':'float','values':[0.5,1]}"},
    {"k=rbf,poly", "{'name':'k','type':'categorical','choices':['rbf','poly']}"},
    {"k=\"a,b\",c", "{'name':'k','type':'categorical','choices':['a,b','c']}"},
    {"k='it''s',\"1\",1", "{'name':'k','type':'categorical','choices':['it\\u0027s','1',1]}"},
    {"k=a:b..,c", "{'name':'k','type':'categorical','choices':['a:b..','c']}"},
    {"k=choice:2,1", "{'name':'k','type':'categorical','choices':[2,1]}"},
    {"k=none,null,\"null\"", "{'name':'k','type':'categorical','choices':['none',null,'null']}"},
    {"k=[64,[1]],{\"a\":\"}\"},[]", "{'name':'k','type':'categorical','choices':[[64,[1]],"
                                    "{'a':'}'},[]]}"},
    {"c=const:null", "{'name':'c','type':'constant','value':null}"},
    {"c=const:[1,2]", "{'name':'c','type':'constant','value':[1,2]}"},
    {"s=ordinal:s,m,l", "{'name':'s','type':'ordinal','choices':['s','m','l']}"},
    {"a=bool", "{'name':'a','type':'bool'}"},
    {"a=true,false", "{'name':'a','type':'bool'}"},
    {"c=const:1", "{'name':'c','type':'constant','value':1}"},
    {"c=const:\"1\"", "{'name':'c','type':'constant','value':'1'}"},
    {"n=normal:0,1:-3..3",
     "{'name':'n','type':'float','distribution':'normal','mean':0,'sd':1,'low':-3,'high':3}"},
    {"n=lognormal:-7,0.5",
     "{'name':'n','type':'float','distribution':'lognormal','mean':-7,'sd':0.5}"},
    {"d=int:2..5 if k=poly", "{'name':'d','type':'int','low':2,'high':5,'when':{'k':['poly']}}"},
    {"d=log:1e-3..1 if k=poly,\"a if b\" and fast=true",
     "{'name':'d','type':'float','scale':'log','low':0.001,'high':1,'when':{'k':['poly','a if b'],"
     "'fast':[true]}}"},
    {"d=a,\"b if c\" if n=1,2",
     "{'name':'d','type':'categorical','choices':['a','b if c'],'when':{'n':[1,2]}}"},
    {"d={\"type\":\"bool\"} if k=rbf", "{'name':'d','type':'bool','when':{'k':['rbf']}}"},
    {"d={\"type\":\"int\",\"low\":2,\"high\":5,\"when\":{\"k\":[\"poly\"]}}",
     "{'name':'d','type':'int','low':2,'high':5,'when':{'k':['poly']}}"},
};

static json_t *from_quoted(const char *text)
{
    OWN(memory) char *json = strdup(text);

    for (char *at = json; *at != '\0'; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    return json_loads(json, 0, NULL);
}

START_TEST(an_argument_becomes_the_parameter_of_the_api)
{
    json_auto_t *expected = from_quoted(understood[_i].json);
    json_auto_t *parameter = NULL;
    struct err err = {0};

    ck_assert_ptr_nonnull(expected);
    int rc = param_from_argument(understood[_i].argument, &parameter, &err);
    ck_assert_msg(rc == 0, "%s", err.text);
    OWN(memory) char *got = json_dumps(parameter, JSON_COMPACT);
    ck_assert_msg(json_equal(parameter, expected), "%s gave %s", understood[_i].argument, got);
}
END_TEST

/* The server has the same rules; what the arguments mean must be legal there. */
START_TEST(what_is_understood_is_a_legal_parameter)
{
    json_auto_t *parameters = json_array();
    json_t *parameter = NULL;
    struct faults faults = {0};
    struct space *space = NULL;
    struct err err = {0};

    if (strstr(understood[_i].json, "'when'") != NULL) {
        static const char *const parents[] = {"k=rbf,poly,'a if b'", "fast=bool", "n=1,2,3"};
        for (size_t i = 0; i < sizeof parents / sizeof parents[0]; i++) {
            ck_assert_int_eq(param_from_argument(parents[i], &parameter, &err), 0);
            (void)json_array_append_new(parameters, parameter);
        }
    }
    ck_assert_int_eq(param_from_argument(understood[_i].argument, &parameter, &err), 0);
    (void)json_array_append_new(parameters, parameter);
    int rc = space_from_json(parameters, NULL, &space, &faults);
    ck_assert_msg(rc == 0, "%s: %s %s", understood[_i].argument,
                  rc == 0 ? "" : faults.items[0].pointer, rc == 0 ? "" : faults.items[0].detail);
    space_destroy(space);
    faults_finish(&faults);
}
END_TEST

/* Slips of a hand: nothing crashes, and whatever is taken is an object with a name and a type. */
START_TEST(mutants_are_refused_or_understood)
{
    static const char letters[] = "0123456789.,:/-+=\"'{}[]eE xlogintbcr\xff\x01";
    struct rng rng = rng_for(5, (uint64_t)_i);
    char text[256];

    for (int round = 0; round < 2000; round++) {
        (void)snprintf(text, sizeof text, "%s", understood[_i].argument);
        for (uint64_t n = 1 + rng_below(&rng, 3); n > 0; n--) {
            text[rng_below(&rng, strlen(text))] = letters[rng_below(&rng, sizeof letters - 1)];
        }
        json_t *parameter = NULL;
        struct err err = {0};
        if (param_from_argument(text, &parameter, &err) == 0) {
            ck_assert_ptr_nonnull(json_object_get(parameter, "name"));
            json_decref(parameter);
        } else {
            ck_assert_ptr_null(parameter);
            ck_assert_str_ne(err.text, "");
        }
    }
}
END_TEST

static const struct {
    const char *argument;
    const char *says;
} refused[] = {
    {"lr", "write NAME=DOMAIN"},
    {"lr=", "write NAME=DOMAIN"},
    {"=1..2", "a name has"},
    {"x =1..2.5", "a name has"},
    {"x=1..10", "write int:1..10 or float:1..10"},
    {"x=int:1..10.5", "must be whole"},
    {"x=int:10..1", "below the high end"},
    {"x=int:1", "write LOW..HIGH"},
    {"x=log:0..1", "above 0"},
    {"x=log-int:0..8", "above 0"},
    {"x=0.1..0.9:0", "step must be above 0"},
    {"x=0.1..0x9", "is no number"},
    {"x=0.1..inf", "is no number"},
    {"x=0.1..1e999", "is no number"},
    {"x=itn:1..5", "did you mean 'int:1..5'"},
    {"x=quux:1..5", "the kinds are"},
    {"x=rbf", "const:VALUE"},
    {"x=a,a", "twice"},
    {"x=a,,b", "between two commas"},
    {"x=\"a,b", "not closed"},
    {"x=\"a\"b,c", "comma is missing"},
    {"x=normal:0", "MEAN,DEVIATION"},
    {"x=log:1e-3..1/0", "grid points"},
    {"x=int:2..5 if k", "PARENT=VALUE"},
    {"x=int:2..5 if =a", "PARENT=VALUE"},
    {"x=int:2..5 if k=", "PARENT=VALUE"},
    {"x=int:2..5 if k=a and k=b", "names 'k' twice"},
    {"x=int:2..5 if k=a,,b", "between two commas"},
    {"x={\"name\":\"y\"}", "take it out"},
    {"x={", "not valid JSON"},
    {"x=bool:1", "nothing behind it"},
    {"x=const:1,2", "one value"},
};

START_TEST(what_cannot_be_distinguished_is_refused)
{
    json_t *parameter = NULL;
    struct err err = {0};

    ck_assert_int_eq(param_from_argument(refused[_i].argument, &parameter, &err), -1);
    ck_assert_int_eq(err.code, ERR_INVALID);
    ck_assert_msg(strstr(err.text, refused[_i].says) != NULL, "%s", err.text);
    ck_assert_ptr_null(parameter);
}
END_TEST

START_TEST(a_resource_is_a_name_and_a_range)
{
    json_auto_t *expected = from_quoted("{'name':'epochs','min':1,'max':81}");
    json_auto_t *quarters = from_quoted("{'name':'epochs','min':0.25,'max':16,'step':0.25}");
    json_auto_t *resource = NULL;
    json_auto_t *fractions = NULL;
    json_t *none = NULL;
    struct err err = {0};

    ck_assert_int_eq(resource_from_argument("epochs=1..81", &resource, &err), 0);
    ck_assert(json_equal(resource, expected));
    ck_assert_int_eq(resource_from_argument("epochs=0.25..16:0.25", &fractions, &err), 0);
    ck_assert(json_equal(fractions, quarters));
    ck_assert_int_eq(resource_from_argument("epochs=1..8:", &none, &err), -1);
    ck_assert_int_eq(resource_from_argument("epochs=1..8:0", &none, &err), -1);
    ck_assert_int_eq(resource_from_argument("epochs=0..8.5", &none, &err), -1);
    ck_assert_int_eq(resource_from_argument("epochs", &none, &err), -1);
    ck_assert_int_eq(resource_from_argument("epochs=9..3", &none, &err), -1);
}
END_TEST

START_TEST(a_strategy_is_a_name_and_options)
{
    json_auto_t *expected = from_quoted("{'name':'hyperband','eta':4,'search':'tpe','x':null}");
    json_auto_t *strategy = NULL;
    json_t *none = NULL;
    struct err err = {0};

    ck_assert_int_eq(
        choice_from_argument("hyperband,eta=4,search=tpe,x=null", "name", &strategy, &err), 0);
    ck_assert(json_equal(strategy, expected));
    ck_assert_int_eq(choice_from_argument("eta=4", "name", &none, &err), -1);
    ck_assert_int_eq(choice_from_argument("asha,eta", "name", &none, &err), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli_params");
    TCase *tcase = tcase_create("params");

    tcase_add_loop_test(tcase, an_argument_becomes_the_parameter_of_the_api, 0,
                        (int)(sizeof understood / sizeof understood[0]));
    tcase_add_loop_test(tcase, what_is_understood_is_a_legal_parameter, 0,
                        (int)(sizeof understood / sizeof understood[0]));
    tcase_add_loop_test(tcase, mutants_are_refused_or_understood, 0,
                        (int)(sizeof understood / sizeof understood[0]));
    tcase_add_loop_test(tcase, what_cannot_be_distinguished_is_refused, 0,
                        (int)(sizeof refused / sizeof refused[0]));
    tcase_add_test(tcase, a_resource_is_a_name_and_a_range);
    tcase_add_test(tcase, a_strategy_is_a_name_and_options);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
