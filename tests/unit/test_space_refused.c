/* Definitions of spaces that cannot work: each is refused, with a pointer to its fault. */
#include "common/space/space.h"

#include <check.h>
#include <string.h>

#include "tests/support/run_suite.h"
#include "tests/support/space_text.h"

#define P "[{'name':'a','type':'float','low':0,'high':1}"

static const struct {
    const char *parameters;
    const char *constraints;
    const char *pointer;
} refused[] = {
    {"[]", NULL, "/parameters"},
    {"{}", NULL, "/parameters"},
    {"[1]", NULL, "/parameters/0"},
    {"[{'type':'bool'}]", NULL, "/parameters/0/name"},
    {"[{'name':'','type':'bool'}]", NULL, "/parameters/0/name"},
    {"[{'name':' a','type':'bool'}]", NULL, "/parameters/0/name"},
    {"[{'name':'a\u3000','type':'bool'}]", NULL, "/parameters/0/name"},
    {"[{'name':'a\\tb','type':'bool'}]", NULL, "/parameters/0/name"},
    {"[{'name':'a\u200bb','type':'bool'}]", NULL, "/parameters/0/name"},
    {"[{'name':'größe','type':'bool'},{'name':'gräße','type':'bool'}]", NULL, "/parameters/1/name"},
    /* one name for several */
    {"[{'name':'k','type':'bool'},{'name':'a','type':'bool','when':{'k':[true]}},"
     "{'name':'a','type':'bool','when':{'k':[true,false]}}]",
     NULL, "/parameters/2/name"},
    {"[{'name':'k','type':'bool'},{'name':'l','type':'bool'},"
     "{'name':'a','type':'bool','when':{'k':[true]}},"
     "{'name':'a','type':'bool','when':{'l':[false]}}]",
     NULL, "/parameters/3/name"},
    {"[{'name':'k','type':'bool'},{'name':'a','type':'bool','when':{'k':[true]}},"
     "{'name':'a','type':'bool','when':{'k':[false]}},"
     "{'name':'b','type':'bool','when':{'a':[true]}}]",
     NULL, "/parameters/3/when/a"},
    {"[{'name':'k','type':'bool'},"
     "{'name':'a','type':'categorical','choices':['x','y'],'when':{'k':[true]}},"
     "{'name':'a','type':'categorical','choices':['x','z'],'when':{'k':[false]}}]",
     "['a != \\\"x\\\"']", "/constraints/0"},
    {"[{'name':'a'}]", NULL, "/parameters/0/type"},
    {"[{'name':'a','type':'real'}]", NULL, "/parameters/0/type"},
    {"[{'name':'a','type':'bool','low':0}]", NULL, "/parameters/0/low"},
    {P ",{'name':'a','type':'bool'}]", NULL, "/parameters/1/name"},
    {P ",{'name':'A','type':'bool'}]", NULL, "/parameters/1/name"},
    {"[{'name':'a.b','type':'bool'},{'name':'a-b','type':'bool'}]", NULL, "/parameters/1/name"},
    /* ranges */
    {"[{'name':'a','type':'float','high':1}]", NULL, "/parameters/0/low"},
    {"[{'name':'a','type':'float','low':1}]", NULL, "/parameters/0/high"},
    {"[{'name':'a','type':'float','low':1,'high':1}]", NULL, "/parameters/0/high"},
    {"[{'name':'a','type':'float','low':'0','high':1}]", NULL, "/parameters/0/low"},
    {"[{'name':'a','type':'float','low':-1e308,'high':1e308}]", NULL, "/parameters/0/high"},
    {"[{'name':'a','type':'float','low':0,'high':1,'scale':'log'}]", NULL, "/parameters/0/low"},
    {"[{'name':'a','type':'int','low':0,'high':9,'scale':'log'}]", NULL, "/parameters/0/low"},
    {"[{'name':'a','type':'float','low':0.1,'high':1,'step':0.2,'scale':'log'}]", NULL,
     "/parameters/0/low"},
    {"[{'name':'a','type':'float','low':1,'high':2,'scale':'cubic'}]", NULL, "/parameters/0/scale"},
    {"[{'name':'a','type':'int','low':0.5,'high':2}]", NULL, "/parameters/0/low"},
    {"[{'name':'a','type':'int','low':0,'high':9007199254740993}]", NULL, "/parameters/0/high"},
    {"[{'name':'a','type':'int','low':-9007199254740993,'high':0}]", NULL, "/parameters/0/low"},
    {"[{'name':'a','type':'float','low':0,'high':1,'step':0}]", NULL, "/parameters/0/step"},
    {"[{'name':'a','type':'float','low':0,'high':1,'step':-0.1}]", NULL, "/parameters/0/step"},
    {"[{'name':'a','type':'float','low':0,'high':1,'step':2}]", NULL, "/parameters/0/step"},
    {"[{'name':'a','type':'float','low':0,'high':1,'step':1e-17}]", NULL, "/parameters/0/step"},
    {"[{'name':'a','type':'int','low':0,'high':10,'step':0.5}]", NULL, "/parameters/0/step"},
    {"[{'name':'a','type':'float','low':0,'high':1,'grid':0}]", NULL, "/parameters/0/grid"},
    {"[{'name':'a','type':'float','low':0,'high':1,'grid':2.5}]", NULL, "/parameters/0/grid"},
    /* listed values */
    {"[{'name':'a','type':'float','values':[]}]", NULL, "/parameters/0/values"},
    {"[{'name':'a','type':'float','values':[1,1.0]}]", NULL, "/parameters/0/values"},
    {"[{'name':'a','type':'float','values':[1,'2']}]", NULL, "/parameters/0/values/1"},
    {"[{'name':'a','type':'int','values':[1,2.5]}]", NULL, "/parameters/0/values/1"},
    {"[{'name':'a','type':'int','values':[1,2],'low':1}]", NULL, "/parameters/0/low"},
    {"[{'name':'a','type':'float','values':[0,1],'scale':'log'}]", NULL, "/parameters/0/values/0"},
    /* normal */
    {"[{'name':'a','type':'float','distribution':'beta'}]", NULL, "/parameters/0/distribution"},
    {"[{'name':'a','type':'float','distribution':'normal','sd':1}]", NULL, "/parameters/0/mean"},
    {"[{'name':'a','type':'float','distribution':'normal','mean':1}]", NULL, "/parameters/0/sd"},
    {"[{'name':'a','type':'float','distribution':'normal','mean':1,'sd':0}]", NULL,
     "/parameters/0/sd"},
    {"[{'name':'a','type':'float','distribution':'normal','mean':0,'sd':1,'low':60}]", NULL,
     "/parameters/0/mean"},
    {"[{'name':'a','type':'float','distribution':'normal','mean':0,'sd':1,'scale':'log'}]", NULL,
     "/parameters/0/scale"},
    {"[{'name':'a','type':'int','distribution':'normal','mean':0,'sd':1e16}]", NULL,
     "/parameters/0/sd"},
    {"[{'name':'a','type':'float','low':0,'high':1,'scale':'reverse_log'}]", NULL,
     "/parameters/0/low"},
    {"[{'name':'a','type':'float','distribution':'lognormal','mean':0,'sd':1,'low':-1}]", NULL,
     "/parameters/0/low"},
    {"[{'name':'a','type':'float','distribution':'lognormal','mean':0,'sd':100}]", NULL,
     "/parameters/0/sd"},
    {"[{'name':'a','type':'float','low':0,'high':1,'mean':0}]", NULL, "/parameters/0/mean"},
    /* choices */
    {"[{'name':'a','type':'categorical'}]", NULL, "/parameters/0/choices"},
    {"[{'name':'a','type':'categorical','choices':[]}]", NULL, "/parameters/0/choices"},
    {"[{'name':'a','type':'categorical','choices':'abc'}]", NULL, "/parameters/0/choices"},
    {"[{'name':'a','type':'ordinal','choices':['x','y','x']}]", NULL, "/parameters/0/choices"},
    {"[{'name':'a','type':'categorical','choices':[1,1.0]}]", NULL, "/parameters/0/choices"},
    {"[{'name':'a','type':'categorical','choices':[null,1,null]}]", NULL, "/parameters/0/choices"},
    {"[{'name':'a','type':'categorical','choices':[[1,'2'],[1.0,'2']]}]", NULL,
     "/parameters/0/choices"},
    {"[{'name':'a','type':'categorical','choices':[{'x':1,'y':[2]},{'y':[2],'x':1}]}]", NULL,
     "/parameters/0/choices"},
    {"[{'name':'a','type':'categorical','choices':['b',['x\\u0000y']]}]", NULL,
     "/parameters/0/choices/1"},
    {"[{'name':'a','type':'categorical','choices':['b',[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}]",
     NULL, "/parameters/0/choices/1"},
    /* weights */
    {"[{'name':'a','type':'categorical','choices':['x','y'],'weights':[1]}]", NULL,
     "/parameters/0/weights"},
    {"[{'name':'a','type':'categorical','choices':['x','y'],'weights':[1,0]}]", NULL,
     "/parameters/0/weights/1"},
    {"[{'name':'a','type':'categorical','choices':['x','y'],'weights':[-1,1]}]", NULL,
     "/parameters/0/weights/0"},
    {"[{'name':'a','type':'categorical','choices':['x','y'],'weights':[1,'1']}]", NULL,
     "/parameters/0/weights/1"},
    {"[{'name':'a','type':'categorical','choices':['x','y'],'weights':[1,1e13]}]", NULL,
     "/parameters/0/weights/0"},
    {"[{'name':'a','type':'categorical','choices':['x','y'],'weights':[1e308,1e308]}]", NULL,
     "/parameters/0/weights"},
    {"[{'name':'a','type':'bool','weights':[1,1]}]", NULL, "/parameters/0/weights"},
    {"[{'name':'a','type':'int','low':1,'high':2,'weights':[1,1]}]", NULL, "/parameters/0/weights"},
    {"[{'name':'a','type':'categorical','choices':['x\\u0000y']}]", NULL,
     "/parameters/0/choices/0"},
    {"[{'name':'a','type':'constant'}]", NULL, "/parameters/0/value"},
    /* defaults */
    {"[{'name':'a','type':'float','low':0,'high':1,'default':2}]", NULL, "/parameters/0/default"},
    {"[{'name':'a','type':'float','low':0,'high':1,'step':0.5,'default':0.3}]", NULL,
     "/parameters/0/default"},
    {"[{'name':'a','type':'categorical','choices':['x'],'default':'y'}]", NULL,
     "/parameters/0/default"},
    {"[{'name':'a','type':'bool','default':1}]", NULL, "/parameters/0/default"},
    {"[{'name':'a','type':'int','low':1,'high':9,'default':1.5}]", NULL, "/parameters/0/default"},
    /* conditions */
    {"[{'name':'a','type':'bool','when':[1]}]", NULL, "/parameters/0/when"},
    {"[{'name':'a','type':'bool','when':{'b':[1]}}]", NULL, "/parameters/0/when/b"},
    {"[{'name':'a','type':'bool','when':{'b/~':[1]}}]", NULL, "/parameters/0/when/b~1~0"},
    {"[{'name':'a','type':'bool','when':{'a':[true]}}]", NULL, "/parameters/0/when/a"},
    {P ",{'name':'b','type':'bool','when':{'a':[0.5]}}]", NULL, "/parameters/1/when/a"},
    {"[{'name':'a','type':'constant','value':1},{'name':'b','type':'bool','when':{'a':[1]}}]", NULL,
     "/parameters/1/when/a"},
    {"[{'name':'a','type':'bool'},{'name':'b','type':'bool','when':{'a':[]}}]", NULL,
     "/parameters/1/when/a"},
    {"[{'name':'a','type':'bool'},{'name':'b','type':'bool','when':{'a':true}}]", NULL,
     "/parameters/1/when/a"},
    {"[{'name':'a','type':'bool'},{'name':'b','type':'bool','when':{'a':[true,2]}}]", NULL,
     "/parameters/1/when/a/1"},
    {"[{'name':'a','type':'int','low':1,'high':3},{'name':'b','type':'bool','when':{'a':[4]}}]",
     NULL, "/parameters/1/when/a/0"},
    {"[{'name':'a','type':'bool','when':{'c':[true]}},{'name':'b','type':'bool','when':"
     "{'a':[true]}},{'name':'c','type':'bool','when':{'b':[true]}}]",
     NULL, "/parameters/0/when"},
    /* constraints */
    {P "]", "'a < 1'", "/constraints"},
    {P "]", "[1]", "/constraints/0"},
    {P "]", "['a <']", "/constraints/0"},
    {P "]", "['a < 2','b < 1']", "/constraints/1"},
    {P "]", "['a > 2']", "/constraints"},
    {P "]", "['a == 0.5']", "/constraints"},
    {"[{'name':'a','type':'int','values':[1,9007199254740993]}]", "['a > 2']", "/constraints/0"},
    {"[{'name':'a','type':'constant','value':-9223372036854775808}]", "['a < 2']",
     "/constraints/0"},
    {P "]", "['a < 0.00002']", "/constraints"},
};

START_TEST(what_cannot_work_is_refused_at_its_place)
{
    OWN(space) struct space *space = NULL;
    struct faults faults = {0};

    ck_assert_int_eq(
        space_from_text(refused[_i].parameters, refused[_i].constraints, &space, &faults), -1);
    ck_assert_ptr_null(space);
    ck_assert_uint_eq(faults.total, 1);
    ck_assert_str_eq(faults.items[0].pointer, refused[_i].pointer);
    ck_assert_uint_gt(strlen(faults.items[0].detail), 10);
    faults_finish(&faults);
}
END_TEST

START_TEST(choices_up_to_four_kib_are_taken)
{
    OWN(buf) struct buf text;
    struct faults faults = {0};

    for (int over = 0; over < 2; over++) {
        OWN(space) struct space *space = NULL;
        buf_init(&text, 10000);
        buf_puts(&text, "[{'name':'a','type':'categorical','choices':['");
        for (int i = 0; i < SPACE_CHOICE_BYTES + over; i++) {
            buf_putc(&text, 'x');
        }
        buf_puts(&text, "']}]");
        ck_assert_int_eq(space_from_text(buf_text(&text), NULL, &space, &faults), -over);
        buf_finish(&text);
    }
    ck_assert_str_eq(faults.items[0].pointer, "/parameters/0/choices/0");
    faults_finish(&faults);
    buf_init(&text, 0);
}
END_TEST

START_TEST(every_fault_is_reported_at_once)
{
    OWN(space) struct space *space = NULL;
    struct faults faults = {0};

    ck_assert_int_eq(space_from_text("[{'name':'a','type':'float','low':1,'high':0,'step':-1},"
                                     "{'name':'b','type':'int','low':0,'high':5,'colour':1},"
                                     "{'name':'c','type':'bool','when':{'z':[1],'a':[2]}},"
                                     "{'name':'c','type':'categorical','choices':[]}]",
                                     NULL, &space, &faults),
                     -1);
    ck_assert_uint_eq(faults.total, 6);
    faults_finish(&faults);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("space_refused");
    TCase *tcase = tcase_create("refused");

    tcase_add_loop_test(tcase, what_cannot_work_is_refused_at_its_place, 0,
                        (int)(sizeof refused / sizeof refused[0]));
    tcase_add_test(tcase, choices_up_to_four_kib_are_taken);
    tcase_add_test(tcase, every_fault_is_reported_at_once);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
