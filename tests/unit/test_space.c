/* A space and its unit cube: values, cells, draws, keys, and the normalised definition. */
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

START_TEST(a_reversed_scale_has_its_ends_where_they_are_far_apart)
{
    OWN(space)
    struct space *space = space_or_abort(
        "[{'name':'a','type':'float','low':0.5,'high':729989999999999997,'scale':'reverse_log'}]",
        NULL);
    const struct param *p = space->params;

    ck_assert_double_eq(param_encode(p, p->low), 0);
    ck_assert_double_eq(param_encode(p, p->high), 1);
    for (double u = 0.125; u < 1; u += 0.125) {
        double x = param_decode(p, u);
        ck_assert(x > p->low && x <= p->high);
        ck_assert_double_ge(param_encode(p, x), 0);
        ck_assert_double_le(param_encode(p, x), 1);
    }
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
    tcase_add_test(tcase, a_reversed_scale_has_its_ends_where_they_are_far_apart);
    tcase_add_loop_test(tcase, normals_in_steps_need_no_bounds, 0, 4);
    tcase_add_test(tcase, whole_numbers_and_logarithms_are_drawn_in_steps_too);
    tcase_add_test(tcase, values_outside_their_range_are_at_its_ends);
    tcase_add_test(tcase, truncated_normals_have_their_quantiles);
    tcase_add_test(tcase, keys_differ_by_value_and_by_activity);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
