/* Configurations as JSON: which are taken, whose value a name has, choices that were removed. */
#include "common/space/space.h"

#include <check.h>
#include <string.h>

#include "tests/support/run_suite.h"
#include "tests/support/space_text.h"

static const struct {
    const char *config;
    const char *pointer; /* NULL: accepted */
} configs[] = {
    {"{'a':0.5,'k':'p','n':3}", NULL},
    {"{'a':0.5,'k':'q'}", NULL},
    {"{'k':'q'}", "/p/a"},
    {"{'a':0.5}", NULL},
    {"{'a':0.5,'k':'q','n':3}", "/p/n"},
    {"{'a':0.5,'k':'p'}", "/p/n"},
    {"{'a':2,'k':'q'}", "/p/a"},
    {"{'a':'x','k':'q'}", "/p/a"},
    {"{'a':true,'k':'q'}", "/p/a"},
    {"{'a':0.5,'k':'r'}", "/p/k"},
    {"{'a':0.5,'k':1}", "/p/k"},
    {"{'a':0.5,'k':'p','n':3.5}", "/p/n"},
    {"{'a':0.5,'k':'p','n':6}", "/p/n"},
    {"{'a':0.5,'k':'p','n':7}", NULL},
    {"{'a':0.5,'k':'p','n':1e300}", "/p/n"},
    {"{'a':0.5,'k':'q','z':1}", "/p/z"},
    {"{'a':0.95,'k':'q'}", "/p"},
    {"[1]", "/p"},
};

START_TEST(configurations_are_checked)
{
    OWN(space)
    struct space *space =
        space_or_abort("[{'name':'n','type':'int','low':3,'high':9,'step':4,'when':{'k':['p']}},"
                       "{'name':'a','type':'float','low':0,'high':1},"
                       "{'name':'k','type':'categorical','choices':['p','q'],'default':'q'},"
                       "{'name':'c','type':'constant','value':4}]",
                       "['a < 0.9']");
    json_auto_t *object = json_from_text(configs[_i].config);
    struct faults faults = {0};
    double x[4];
    int rc = space_config_from_json(space, object, x, "/p", &faults);

    if (configs[_i].pointer == NULL) {
        ck_assert_msg(rc == 0, "%s", faults.n > 0 ? faults.items[0].detail : "");
        ck_assert(space_is_legal(space, x));
    } else {
        ck_assert_int_eq(rc, -1);
        ck_assert_str_eq(faults.items[0].pointer, configs[_i].pointer);
    }
    faults_finish(&faults);
}
END_TEST

START_TEST(values_come_back_in_the_type_given)
{
    OWN(space)
    struct space *space = space_or_abort(
        "[{'name':'k','type':'categorical','choices':['1',1,true,0.5]},"
        "{'name':'n','type':'int','low':1,'high':3},{'name':'f','type':'float','low':0,'high':9},"
        "{'name':'b','type':'bool'}]",
        NULL);
    static const char *const cells[] = {"\"1\"", "1", "true", "0.5"};
    OWN(buf) struct buf text;

    buf_init(&text, 1000);
    for (size_t i = 0; i < 4; i++) {
        buf_clear(&text);
        param_append_cell(&space->params[0], (double)i, &text);
        ck_assert_str_eq(buf_text(&text), cells[i]);
    }
    buf_clear(&text);
    param_append_cell(&space->params[2], 3, &text);
    ck_assert_str_eq(buf_text(&text), "3");
    buf_clear(&text);
    param_append_cell(&space->params[3], 0, &text);
    ck_assert_str_eq(buf_text(&text), "false");
    ck_assert(isnan(param_number(&space->params[0], 0)));
    ck_assert_double_eq(param_number(&space->params[0], 3), 0.5);
    ck_assert_double_eq(param_number(&space->params[1], 3), 3);
}
END_TEST

/* ---- one name of several parameters ---- */

/* "lr" is one of three, of which the third hangs on a grandparent; "mom" has a name of its own. */
static const char namesakes[] =
    "[{'name':'opt','type':'categorical','choices':['sgd','adam','none']},"
    " {'name':'lr','type':'float','low':10,'high':20,'when':{'opt':['sgd']}},"
    " {'name':'warm','type':'bool','when':{'opt':['none']}},"
    " {'name':'lr','type':'int','low':1,'high':3,'when':{'opt':['adam']}},"
    " {'name':'lr','type':'constant','value':0,'when':{'warm':[true]}},"
    " {'name':'größe, `b`','type':'int','low':1,'high':9}]";

START_TEST(one_name_has_the_value_of_the_active_parameter)
{
    OWN(space)
    struct space *space = space_or_abort(namesakes, "['`größe, ``b``` + lr < 28']");
    static const char *const given[] = {
        "{\"opt\":\"sgd\",\"lr\":12.5,\"größe, `b`\":1}",
        "{\"opt\":\"adam\",\"lr\":2,\"größe, `b`\":1}",
        "{\"opt\":\"none\",\"warm\":true,\"lr\":0,\"größe, `b`\":1}",
        "{\"opt\":\"none\",\"warm\":false,\"größe, `b`\":9}",
    };
    static const char *const inactive[] = {"[\"warm\"]", "[\"warm\"]", "[]", "[\"lr\"]"};

    for (size_t i = 0; i < 4; i++) {
        json_auto_t *object = json_loads(given[i], 0, NULL);
        struct faults faults = {0};
        struct json_writer w;
        OWN(buf) struct buf text;
        double x[6];
        ck_assert_int_eq(space_config_from_json(space, object, x, "", &faults), 0);
        ck_assert(space_is_legal(space, x));
        buf_init(&text, 1000);
        json_writer_init(&w, &text);
        space_config_write(space, x, &w);
        json_auto_t *again = json_loads(buf_text(&text), 0, NULL);
        ck_assert_msg(json_equal(object, again), "%s", buf_text(&text));
        buf_clear(&text);
        json_writer_init(&w, &text);
        space_config_write_inactive(space, x, &w);
        ck_assert_str_eq(buf_text(&text), inactive[i]);
    }
}
END_TEST

/* Each a configuration of `namesakes`, and the pointer of its one fault. */
static const char *const misnamed[][2] = {
    {"{'opt':'sgd','lr':2,'größe, `b`':1}", "/lr"},
    {"{'opt':'adam','lr':12.5,'größe, `b`':1}", "/lr"},
    {"{'opt':'none','warm':false,'lr':0,'größe, `b`':1}", "/lr"},
    {"{'opt':'sgd','lr':20,'größe, `b`':9}", ""},
    {"{'opt':'none','warm':false,'größe, `b`':1,'a/~':1}", "/a~1~0"},
};

START_TEST(a_value_for_no_active_parameter_of_a_name_is_refused)
{
    OWN(space)
    struct space *space = space_or_abort(namesakes, "['`größe, ``b``` + lr < 28']");
    json_auto_t *object = json_from_text(misnamed[_i][0]);
    struct faults faults = {0};
    double x[6];

    ck_assert_int_eq(space_config_from_json(space, object, x, "", &faults), -1);
    ck_assert_uint_eq(faults.total, 1);
    ck_assert_str_eq(faults.items[0].pointer, misnamed[_i][1]);
    faults_finish(&faults);
}
END_TEST

/* ---- types of choices ---- */

/* A value that only looks like a choice; what is said. */
static const char *const mistyped[][2] = {
    {"{'a':'16','b':'on'}", "\"16\" is a text, but the choice is 16, a number"},
    {"{'a':17,'b':'on'}", "must be one of 16, 32.5, null, true, [1,2], \"on\""},
    {"{'a':'null','b':'on'}", "\"null\" is a text, but the choice is null, the null of JSON"},
    {"{'a':'true','b':'on'}", "\"true\" is a text, but the choice is true, a truth value"},
    {"{'a':'[1,2]','b':'on'}", "\"[1,2]\" is a text, but the choice is [1,2], a list"},
    {"{'a':16,'b':5}", "5 is a number, but the choice is \"5\", a text"},
};

START_TEST(a_value_of_another_type_than_its_choice_is_called_so)
{
    OWN(space)
    struct space *space = space_or_abort(
        "[{'name':'a','type':'categorical','choices':[16,32.5,null,true,[1,2],'on']},"
        "{'name':'b','type':'categorical','choices':['on','5']}]",
        NULL);
    json_auto_t *object = json_from_text(mistyped[_i][0]);
    struct faults faults = {0};
    double x[2];

    ck_assert_int_eq(space_config_from_json(space, object, x, "", &faults), -1);
    ck_assert_str_eq(faults.items[0].detail, mistyped[_i][1]);
    faults_finish(&faults);
}
END_TEST

/* ---- removed choices ---- */

static const char with_removed[] =
    "[{'name':'k','type':'categorical','choices':['b','d'],"
    "'removed':[{'index':0,'value':'a'},{'index':2,'value':'c'},{'index':4,'value':null}]},"
    "{'name':'v','type':'float','values':[9,0.5],'weights':[3,1],"
    "'removed':[{'index':0,'value':4}]},"
    "{'name':'n','type':'int','low':1,'high':3,'when':{'k':['a','d']}}]";

START_TEST(removed_choices_keep_their_places_and_are_not_drawn)
{
    OWN(space) struct space *space = space_or_abort(with_removed, NULL);
    const struct param *k = &space->params[0];
    const struct param *v = &space->params[1];
    struct rng rng = rng_for(1, 1);
    size_t drawn[5] = {0};
    double x[3];

    ck_assert_uint_eq(k->n_choices, 5);
    ck_assert_uint_eq(k->n_cells, 2);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(space_sample(space, &rng, x, NULL), 0);
        ck_assert(space_is_legal(space, x));
        drawn[(size_t)x[0]]++;
    }
    ck_assert(drawn[1] > 400 && drawn[3] > 400);
    for (double u = 0; u <= 1; u += 1.0 / 64) {
        ck_assert(param_allows(k, param_decode(k, u)));
        ck_assert(param_allows(v, param_decode(v, u)));
    }
    for (uint64_t c = 0; c < 2; c++) {
        ck_assert_uint_eq(param_cell(k, param_cell_value(k, c)), c);
        ck_assert_double_eq(param_decode(k, param_encode(k, param_cell_value(k, c))),
                            param_cell_value(k, c));
    }
    ck_assert_double_eq(v->choice_numbers[0], 0.5); /* in order, the removed one between */
    ck_assert(param_is_removed(v, 1) && !param_is_removed(v, 2));
    ck_assert_double_eq(param_encode(v, 0), 0.125);
    ck_assert_double_eq(param_encode(v, 1), 0.25);
    ck_assert(!param_allows(k, 0) && !param_allows(k, 4) && !param_is_removed(k, 5));
}
END_TEST

START_TEST(removed_choices_are_written_and_read_again)
{
    OWN(space) struct space *space = space_or_abort(with_removed, NULL);
    OWN(space) struct space *again = NULL;
    OWN(buf) struct buf text;
    OWN(buf) struct buf second;
    struct json_writer w;
    struct faults faults = {0};

    buf_init(&text, 10000);
    buf_init(&second, 10000);
    json_writer_init(&w, &text);
    space_write_parameters(space, &w);
    ck_assert_ptr_nonnull(strstr(buf_text(&text),
                                 "\"choices\":[\"b\",\"d\"],\"removed\":[{\"index\":0,"
                                 "\"value\":\"a\"}"));
    ck_assert_ptr_nonnull(strstr(buf_text(&text), "\"values\":[0.5,9]"));
    ck_assert_ptr_nonnull(strstr(buf_text(&text), "\"weights\":[1,3]"));
    json_auto_t *json = json_loads(buf_text(&text), 0, NULL);
    ck_assert_int_eq(space_from_json(json, NULL, &again, &faults), 0);
    json_writer_init(&w, &second);
    space_write_parameters(again, &w);
    ck_assert_str_eq(buf_text(&text), buf_text(&second));
}
END_TEST

START_TEST(a_removed_choice_is_read_only_from_before)
{
    OWN(space) struct space *space = space_or_abort(with_removed, NULL);
    json_auto_t *object = json_from_text("{'k':'a','v':4,'n':2}");
    struct faults faults = {0};
    double x[3];

    ck_assert_int_eq(space_config_from_json(space, object, x, "", &faults), -1);
    ck_assert_str_eq(faults.items[0].detail, "was removed from the choices of this study");
    faults_finish(&faults);
    ck_assert_int_eq(space_outside_from_json(space, object, x, "", &faults), 0);
    ck_assert_double_eq(x[0], 0);
    ck_assert_double_eq(x[2], 2); /* its condition still means the removed choice */
    ck_assert(!space_is_legal(space, x));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("space_config");
    TCase *tcase = tcase_create("config");

    tcase_add_loop_test(tcase, configurations_are_checked, 0,
                        (int)(sizeof configs / sizeof configs[0]));
    tcase_add_test(tcase, values_come_back_in_the_type_given);
    tcase_add_test(tcase, one_name_has_the_value_of_the_active_parameter);
    tcase_add_loop_test(tcase, a_value_of_another_type_than_its_choice_is_called_so, 0,
                        (int)(sizeof mistyped / sizeof mistyped[0]));
    tcase_add_test(tcase, removed_choices_keep_their_places_and_are_not_drawn);
    tcase_add_test(tcase, removed_choices_are_written_and_read_again);
    tcase_add_test(tcase, a_removed_choice_is_read_only_from_before);
    tcase_add_loop_test(tcase, a_value_for_no_active_parameter_of_a_name_is_refused, 0, 5);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
