/* Every allocation fails once while suggestions are made for a study that is not stored: the
 * configurations are the undisturbed ones, or memory is out. (Their explanations may be missing.)
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/factor_cache.h"
#include "server/strategy/gp/recommendation.h"
#include "server/tuning/stateless.h"
#include "tests/support/allocation.h"
#include "tests/support/run_suite.h"

static json_t *body; /* parsed undisturbed */

/* With ' for ". */
#define STUDY                                                                                      \
    "'metric': 'loss', 'direction': 'minimize', 'parameters': ["                                   \
    "{'name': 'x', 'type': 'float', 'low': 0, 'high': 1},"                                         \
    "{'name': 'k', 'type': 'categorical', 'choices': ['a', 'b']}]"
#define TRIALS                                                                                     \
    "'pending': [{'x': 0.5, 'k': 'a'}], 'trials': ["                                               \
    "{'parameters': {'x': 0.1, 'k': 'a'}, 'state': 'completed', 'value': 3},"                      \
    "{'parameters': {'x': 0.4, 'k': 'b'}, 'state': 'completed', 'metrics': {'loss': 1, 't': 2}},"  \
    "{'parameters': {'x': 0.6, 'k': 'a'}, 'state': 'completed', 'measurements':"                   \
    " [{'step': 2, 'metrics': {'loss': 2}}, {'step': 1, 'metrics': {'loss': 4}}]},"                \
    "{'parameters': {'x': 0.9, 'k': 'b'}, 'state': 'pruned', 'value': 5, 'step': 1},"              \
    "{'parameters': {'x': 0.8, 'k': 'b'}, 'state': 'failed'},"                                     \
    "{'parameters': {'x': 0.2, 'k': 'b'}, 'state': 'failed'},"                                     \
    "{'parameters': {'x': 0.7, 'k': 'b'}, 'state': 'failed'}]"

#define METRICS(n, loss, size, t)                                                                  \
    "{'parameters': {'n': " #n "}, 'state': 'completed', 'metrics': {'loss': " #loss               \
    ", 'size': " #size ", 't': " #t "}}"

static const char *const bodies[] = {
    "{'study': {'objectives': [{'metric': 'loss', 'direction': 'minimize'}, {'metric': 'size', "
    "'direction': 'maximize'}], 'subject_to': ['t <= 3'], 'strategy': 'bayesian', 'parameters': ["
    "{'name': 'n', 'type': 'int', 'low': 1, 'high': 9}]}, 'pending': [{'n': 5}], 'trials': "
    "[" METRICS(1, 3, 1, 1) "," METRICS(4, 1, 2, 2) "," METRICS(6, 2, 3, 3) "," METRICS(9, 4, 4,
                                                                                        4) "]}",
    "{'study': {" STUDY ", 'strategy': 'bayesian'}, " TRIALS "}",
    "{'study': {" STUDY ", 'strategy': 'tpe'}, " TRIALS ", 'ordinal': 40}",
    "{'study': {" STUDY ", 'strategy': 'auto'}, 'n': 2}",
    "{'study': {" STUDY ", 'constraints': ['x < 0.95'], 'resource': {'max': 9},"
    " 'strategy': {'name': 'asha', 'search': 'tpe'}}, " TRIALS "}",
    "{'study': {'metric': 'loss', 'direction': 'minimize', 'strategy': 'grid', 'parameters':"
    " [{'name': 'n', 'type': 'int', 'low': 1, 'high': 3}]}, 'pending': [{'n': 2}], 'n': 3}",
};

static json_t *parse(const char *quoted)
{
    char text[2048];
    size_t n = strlen(quoted);
    struct err err = {0};
    json_t *value = NULL;

    ck_assert_uint_lt(n, sizeof text);
    for (size_t i = 0; i <= n; i++) {
        text[i] = quoted[i] == '\'' ? '"' : quoted[i];
    }
    ck_assert_msg(json_parse(text, n, &json_limits_default, &value, &err) == 0, "%s", err.text);
    return value;
}

static int suggest(struct fit_cache *cache, struct faults *faults, struct buf *out, struct err *err)
{
    OWN(stateless) struct stateless *stateless = NULL;
    struct json_writer w;
    bool more = true;
    size_t n;

    TRY(stateless_read(body, &stateless, faults, err));
    while (more) {
        TRY(stateless_step(stateless, cache, NULL, &more, err));
    }
    const struct stateless_item *items = stateless_items(stateless, &n);
    json_writer_init(&w, out);
    json_array_begin(&w);
    for (size_t i = 0; i < n; i++) {
        space_config_write(stateless_def(stateless)->def->space, items[i].out.config, &w);
    }
    json_array_end(&w);
    return buf_check(out, err);
}

/* Once with the fit made, once with the fit remembered, as far as there is memory for that. */
static int run(struct buf *out, struct err *err)
{
    struct fit_cache *cache = fit_cache_create();
    int result = 0;

    for (int i = 0; i < 2 && result == 0; i++) {
        struct faults faults = {0};
        result = suggest(cache, &faults, out, err);
        faults_finish(&faults);
    }
    fit_cache_destroy(cache);
    factor_cache_clear();
    return result;
}

START_TEST(suggestions_are_whole_or_memory_is_out)
{
    body = parse(bodies[_i]);
    ck_assert_uint_gt(allocation_fail_each("suggestions", run), 50);
    json_decref(body);
}
END_TEST

/* ---- the recommended trial --------------------------------------------------------------------
 */
static struct study_def *recommended_study;

static int recommend(struct buf *out, struct err *err)
{
    static const double x[] = {.1, .9, .3, .7, .5, .2, .8, .4, .6, 1};
    static const double loss[] = {.5, .7, .1, .4, .1, .2, .6, .3, .2, .9};
    struct observation items[10];
    OWN(recommendation) struct recommendation made = {0};

    for (size_t i = 0; i < 10; i++) {
        items[i] = (struct observation){.number = (int64_t)i + 1,
                                        .kind = OBSERVED_COMPLETED,
                                        .config = &x[i],
                                        .n_values = 1,
                                        .values = &loss[i]};
    }
    const struct history seen = {.n = 10, .items = items};
    int result = strategy_recommend(recommended_study, &seen, 0, &made, err);
    factor_cache_clear();
    if (result == 0) {
        buf_printf(out, "%d %d %.17g", made.known, (int)made.trial.number, made.trial.expected);
    }
    return result;
}

START_TEST(a_recommendation_is_whole_or_memory_is_out)
{
    struct faults faults = {0};
    json_t *definition =
        parse("{'name': 't', 'metric': 'loss', 'direction': 'minimize', 'strategy': 'random', "
              "'parameters': [{'name': 'x', 'type': 'float', 'low': 0, 'high': 1}]}");

    ck_assert_int_eq(study_def_from_json(definition, 1, &recommended_study, &faults), 0);
    ck_assert_uint_gt(allocation_fail_each("recommendation", recommend), 30);
    study_def_destroy(recommended_study);
    json_decref(definition);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("no_memory_suggest");
    TCase *tcase = tcase_create("every allocation");

    allocation_start();
    json_start();
    tcase_add_loop_test(tcase, suggestions_are_whole_or_memory_is_out, 0,
                        (int)(sizeof bodies / sizeof bodies[0]));
    tcase_add_test(tcase, a_recommendation_is_whole_or_memory_is_out);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
