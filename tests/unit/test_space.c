#include "common/space/space.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/run_suite.h"
#include "tests/support/space_text.h"

/* One of everything, children before parents among them. */
static const char everything[] =
    "[{'name':'lr','type':'float','low':1e-5,'high':0.1,'scale':'log'},"
    " {'name':'mix','type':'float','low':-1,'high':1,'default':0.25},"
    " {'name':'drop','type':'float','low':0,'high':0.85,'step':0.1,'default':0.3},"
    " {'name':'units','type':'int','low':16,'high':512,'step':16},"
    " {'name':'depth','type':'int','low':1,'high':1000,'scale':'log'},"
    " {'name':'deg.max','type':'int','low':2,'high':5,'when':{'kernel':['poly']}},"
    " {'name':'kernel','type':'categorical','choices':['rbf','poly',1,true]},"
    " {'name':'size','type':'ordinal','choices':['s','m','l']},"
    " {'name':'amp','type':'bool','default':true},"
    " {'name':'scaler','type':'float','low':0,'high':1,'when':{'amp':[true],'deg.max':[2,4]}},"
    " {'name':'batch','type':'int','values':[128,32,64]},"
    " {'name':'eps','type':'float','values':[1e-8,1e-6],'when':{'batch':[32,64]}},"
    " {'name':'fixed','type':'constant','value':'x'},"
    " {'name':'noise','type':'float','distribution':'normal','mean':0,'sd':1,'low':-3,'high':3},"
    " {'name':'tail','type':'float','distribution':'normal','mean':0,'sd':1,'low':6},"
    " {'name':'free','type':'float','distribution':'normal','mean':10,'sd':2},"
    " {'name':'ln','type':'float','distribution':'lognormal','mean':-3,'sd':2},"
    " {'name':'kn','type':'int','distribution':'normal','mean':5,'sd':2,'low':0,'high':10},"
    " {'name':'wide','type':'int','low':-9007199254740992,'high':9007199254740992}]";

static char *normalise(const struct space *space)
{
    OWN(buf) struct buf out;
    struct json_writer w;

    buf_init(&out, 1 << 20);
    json_writer_init(&w, &out);
    space_write_parameters(space, &w);
    return buf_steal(&out);
}

START_TEST(normalised_space_reads_back_to_itself)
{
    OWN(space) struct space *space = space_or_abort(everything, NULL);
    OWN(memory) char *once = normalise(space);
    OWN(space) struct space *again = space_or_abort(once, NULL);
    OWN(memory) char *twice = normalise(again);

    ck_assert_str_eq(once, twice);
    ck_assert_ptr_nonnull(strstr(once, "\"high\":0.8,\"step\":0.1"));
    ck_assert_ptr_nonnull(strstr(once, "\"values\":[32,64,128]"));
    ck_assert_ptr_nonnull(strstr(once, "\"when\":{\"deg.max\":[2,4],\"amp\":[true]}"));
}
END_TEST

START_TEST(order_of_conditions_and_values_makes_no_difference)
{
    static const char one[] = "[{'name':'a','type':'bool'},{'name':'b','type':'int','low':1,"
                              "'high':9},{'name':'c','type':'bool','when':{'a':[true],'b':[3,1]}}]";
    static const char two[] = "[{'name':'a','type':'bool'},{'name':'b','type':'int','low':1,"
                              "'step':1,'high':9.0},{'name':'c','type':'bool','when':{'b':[1,3,3],"
                              "'a':[true]}}]";
    OWN(space) struct space *a = space_or_abort(one, NULL);
    OWN(space) struct space *b = space_or_abort(two, NULL);
    OWN(memory) char *text_a = normalise(a);
    OWN(memory) char *text_b = normalise(b);

    ck_assert_str_eq(text_a, text_b);
}
END_TEST

START_TEST(draws_are_legal_and_survive_the_cube_and_json)
{
    OWN(space) struct space *space = space_or_abort(everything, NULL);
    struct rng rng = rng_for(1, 1);
    struct err err = {0};
    double x[SPACE_PARAMS_MAX];
    double y[SPACE_PARAMS_MAX];
    double u[SPACE_PARAMS_MAX];

    for (int i = 0; i < 3000; i++) {
        ck_assert_int_eq(space_sample(space, &rng, x, &err), 0);
        ck_assert(space_is_legal(space, x));
        space_encode(space, x, u);
        space_decode(space, u, y);
        ck_assert(space_is_legal(space, y));
        for (size_t p = 0; p < space->n_params; p++) {
            const struct param *param = &space->params[p];
            ck_assert(u[p] >= 0 && u[p] <= 1);
            ck_assert_int_eq(isnan(x[p]), isnan(y[p]));
            if (isnan(x[p]) || (param->type == PARAM_INT && param->n_cells > UINT64_C(1) << 50)) {
                continue;
            }
            if (param->n_cells > 0) {
                ck_assert_double_eq(x[p], y[p]); /* the cell is met exactly */
            } else {
                ck_assert_double_eq_tol(x[p], y[p], 1e-9 * (1 + fabs(x[p])));
            }
        }
    }
}
END_TEST

START_TEST(json_of_a_configuration_reads_back_the_same)
{
    OWN(space) struct space *space = space_or_abort(everything, NULL);
    struct rng rng = rng_for(2, 1);
    struct err err = {0};
    double x[SPACE_PARAMS_MAX];
    double y[SPACE_PARAMS_MAX];

    for (int i = 0; i < 500; i++) {
        OWN(buf) struct buf out;
        struct json_writer w;
        struct faults faults = {0};
        ck_assert_int_eq(space_sample(space, &rng, x, &err), 0);
        buf_init(&out, 10000);
        json_writer_init(&w, &out);
        space_config_write(space, x, &w);
        json_auto_t *object = json_loads(buf_text(&out), 0, NULL);
        ck_assert_int_eq(space_config_from_json(space, object, y, "/parameters", &faults), 0);
        struct space_key a = space_config_key(space, x);
        struct space_key b = space_config_key(space, y);
        ck_assert(a.a == b.a && a.b == b.b);
        for (size_t p = 0; p < space->n_params; p++) {
            ck_assert(x[p] == y[p] || (isnan(x[p]) && isnan(y[p])));
        }
    }
}
END_TEST

START_TEST(corners_of_the_cube_are_legal)
{
    OWN(space) struct space *space = space_or_abort(everything, NULL);
    static const double corners[] = {0, 1, -5, 7, 0x1p-60, 1 - 0x1p-53, (double)NAN};
    double x[SPACE_PARAMS_MAX];
    double u[SPACE_PARAMS_MAX];

    for (size_t p = 0; p < space->n_params; p++) {
        u[p] = corners[_i];
    }
    space_decode(space, u, x);
    ck_assert(space_is_legal(space, x));
    if (corners[_i] == 0 || corners[_i] == 1) {
        ck_assert_double_eq(x[0], corners[_i] == 0 ? 1e-5 : 0.1);
        ck_assert_double_eq(x[2], corners[_i] == 0 ? 0 : 0.8);
        ck_assert_double_eq(x[18], corners[_i] == 0 ? -0x1p53 : 0x1p53);
    }
}
END_TEST

START_TEST(steps_are_the_decimals_one_writes)
{
    OWN(space) struct space *space = space_or_abort(everything, NULL);
    const struct param *drop = &space->params[2];
    static const double written[] = {0, .1, .2, .3, .4, .5, .6, .7, .8};

    ck_assert_uint_eq(drop->n_cells, 9);
    for (uint64_t k = 0; k < 9; k++) {
        ck_assert_double_eq(param_cell_value(drop, k), written[k]);
        ck_assert_uint_eq(param_cell(drop, written[k]), k);
    }
}
END_TEST

/* Half-step margins: each cell of a step has the same share, of a log scale its share of log. */
START_TEST(cells_have_their_share_of_the_cube)
{
    OWN(space)
    struct space *space =
        space_or_abort("[{'name':'a','type':'int','low':1,'high':4},"
                       "{'name':'b','type':'int','low':1,'high':4,'scale':'log'}]",
                       NULL);
    int linear[5] = {0};
    int log_scale[5] = {0};

    for (int i = 0; i < 10000; i++) {
        double u = (i + 0.5) / 10000;
        linear[(int)param_decode(&space->params[0], u)]++;
        log_scale[(int)param_decode(&space->params[1], u)]++;
    }
    for (int k = 1; k <= 4; k++) {
        double share = log((k + 0.5) / (k - 0.5)) / log(4.5 / 0.5);
        ck_assert_int_eq(linear[k], 2500);
        ck_assert_double_eq_tol(log_scale[k], 10000 * share, 2);
        ck_assert_double_eq_tol(param_encode(&space->params[0], k), (k - 0.5) / 4, 1e-15);
    }
    ck_assert_double_eq_tol(param_encode(&space->params[1], 2), log(2 / 0.5) / log(9), 1e-12);
}
END_TEST

START_TEST(a_reverse_scale_is_a_log_scale_in_the_mirror)
{
    OWN(space)
    struct space *space = space_or_abort(
        "[{'name':'a','type':'float','low':0.001,'high':0.999,'scale':'reverse_log'},"
        "{'name':'b','type':'float','low':0.001,'high':0.999,'scale':'log'},"
        "{'name':'c','type':'int','low':1,'high':1000,'scale':'reverse_log','grid':4},"
        "{'name':'d','type':'int','low':1,'high':1000,'scale':'log','grid':4}]",
        NULL);
    const struct param *p = space->params;

    for (double u = 0; u <= 1; u += 0.125) {
        ck_assert_double_eq_tol(param_decode(&p[0], u), 1 - param_decode(&p[1], 1 - u), 1e-12);
        ck_assert_double_eq_tol(param_encode(&p[0], param_decode(&p[0], u)), u, 1e-9);
        double cell = param_decode(&p[2], u == 1 ? u : u + 0.01);
        ck_assert_double_eq(cell, 1001 - param_decode(&p[3], u == 1 ? 0 : 0.99 - u));
    }
    ck_assert_double_eq(param_decode(&p[0], 0), 0.001);
    ck_assert_double_eq(param_decode(&p[0], 1), 0.999);
    ck_assert_double_gt(param_decode(&p[0], 0.5), 0.96);
}
END_TEST

static const struct {
    const char *bounds;
    double low, high;
} filled[] = {
    {"'step':0.1,'mean':0.05,'sd':1", -8.3, 8.4},
    {"'step':0.1,'mean':0,'sd':1,'low':-1", -1, 8.3},
    {"'step':0.25,'mean':0,'sd':1,'high':1", -8.5, 1},
    {"'step':2,'mean':0,'sd':1,'low':20", 20, 30},
};

START_TEST(normals_in_steps_need_no_bounds)
{
    char text[200];
    (void)snprintf(text, sizeof text, "[{'name':'a','type':'float','distribution':'normal',%s}]",
                   filled[_i].bounds);
    OWN(space) struct space *space = space_or_abort(text, NULL);
    const struct param *param = &space->params[0];
    OWN(memory) char *once = normalise(space);
    OWN(space) struct space *again = space_or_abort(once, NULL);
    OWN(memory) char *twice = normalise(again);

    ck_assert_double_eq(param->low, filled[_i].low);
    ck_assert_double_eq(param->high, filled[_i].high);
    ck_assert_str_eq(once, twice);
    double x = param_decode(param, 0.5);
    ck_assert(param_allows(param, x));
    ck_assert_double_eq_tol(param_encode(param, x), 0.5, 0.5);
}
END_TEST

START_TEST(whole_numbers_and_logarithms_are_drawn_in_steps_too)
{
    OWN(space)
    struct space *space = space_or_abort(
        "[{'name':'n','type':'int','distribution':'normal','mean':5,'sd':2},"
        "{'name':'l','type':'float','distribution':'lognormal','mean':0,'sd':1,'step':0.5}]",
        NULL);

    ck_assert_double_eq(space->params[0].low, -12);
    ck_assert_double_eq(space->params[0].high, 22);
    ck_assert_double_eq(param_decode(&space->params[0], 0.5), 5);
    ck_assert_double_eq(space->params[1].low, 0);
    ck_assert_double_eq(param_decode(&space->params[1], 0.5), 1);
}
END_TEST

START_TEST(values_outside_their_range_are_at_its_ends)
{
    OWN(space)
    struct space *space =
        space_or_abort("[{'name':'a','type':'int','low':-2,'high':4,'step':2},"
                       "{'name':'b','type':'float','low':0,'high':1,'step':0.25},"
                       "{'name':'c','type':'float','low':1,'high':2,'scale':'log'}]",
                       NULL);

    for (size_t i = 0; i < space->n_params; i++) {
        const struct param *param = &space->params[i];
        ck_assert_double_eq(param_encode(param, 1e9), param_encode(param, param->high));
        ck_assert_double_eq(param_encode(param, i == 2 ? 1e-9 : -1e9),
                            param_encode(param, param->low));
    }
}
END_TEST

START_TEST(truncated_normals_have_their_quantiles)
{
    OWN(space) struct space *space = space_or_abort(everything, NULL);

    /* Phi^-1(Phi(-3) + u (Phi(3) - Phi(-3))) at u = .25; 6 sd out: Phi^-1(1 - (1-u) Phi(-6)) */
    ck_assert_double_eq_tol(param_decode(&space->params[13], .25), -0.6723673, 1e-6);
    ck_assert_double_eq_tol(param_decode(&space->params[13], .5), 0, 1e-12);
    ck_assert_double_eq_tol(param_decode(&space->params[14], .5), 6.1115651, 1e-6);
    ck_assert_double_eq_tol(param_decode(&space->params[15], .5), 10, 1e-12);
    ck_assert_double_eq_tol(param_decode(&space->params[16], .5), exp(-3), 1e-12);
}
END_TEST

static int compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct space_key));
}

START_TEST(keys_differ_by_value_and_by_activity)
{
    OWN(space)
    struct space *space = space_or_abort("[{'name':'a','type':'int','low':0,'high':300},{'name':'b'"
                                         ",'type':'int','low':0,'high':300}]",
                                         NULL);
    static struct space_key keys[301 * 301];
    size_t n = 0;

    for (double a = 0; a <= 300; a++) {
        for (double b = 0; b <= 300; b++) {
            double x[2] = {a, b == 300 ? (double)NAN : b};
            keys[n++] = space_config_key(space, x);
        }
    }
    qsort(keys, n, sizeof keys[0], compare_keys);
    for (size_t i = 1; i < n; i++) {
        ck_assert_int_ne(compare_keys(&keys[i - 1], &keys[i]), 0);
    }
}
END_TEST

/* ---- configurations from JSON ---- */

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

/* ---- refusals ---- */

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
    Suite *suite = suite_create("space");
    TCase *tcase = tcase_create("space");

    tcase_add_test(tcase, normalised_space_reads_back_to_itself);
    tcase_add_test(tcase, order_of_conditions_and_values_makes_no_difference);
    tcase_add_test(tcase, draws_are_legal_and_survive_the_cube_and_json);
    tcase_add_test(tcase, json_of_a_configuration_reads_back_the_same);
    tcase_add_loop_test(tcase, corners_of_the_cube_are_legal, 0, 7);
    tcase_add_test(tcase, steps_are_the_decimals_one_writes);
    tcase_add_test(tcase, cells_have_their_share_of_the_cube);
    tcase_add_test(tcase, a_reverse_scale_is_a_log_scale_in_the_mirror);
    tcase_add_loop_test(tcase, normals_in_steps_need_no_bounds, 0, 4);
    tcase_add_test(tcase, whole_numbers_and_logarithms_are_drawn_in_steps_too);
    tcase_add_test(tcase, values_outside_their_range_are_at_its_ends);
    tcase_add_test(tcase, truncated_normals_have_their_quantiles);
    tcase_add_test(tcase, keys_differ_by_value_and_by_activity);
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
    tcase_add_loop_test(tcase, what_cannot_work_is_refused_at_its_place, 0,
                        (int)(sizeof refused / sizeof refused[0]));
    tcase_add_test(tcase, choices_up_to_four_kib_are_taken);
    tcase_add_test(tcase, every_fault_is_reported_at_once);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
