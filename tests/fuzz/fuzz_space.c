/* Search spaces and whole study bodies from hostile JSON. What is accepted must keep its promises:
 * it reads back to itself, draws legal points, and each of them survives the cube and JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "server/advice/advice_json.h"
#include "server/advice/advice_text.h"
#include "server/advice/study_body.h"
#include "server/domain/study.h"
#include "server/strategy/grid/grid.h"
#include "server/strategy/strategy.h"
#include "tests/fuzz/fuzz.h"

static char *normalise(const struct study_def *def)
{
    OWN(buf) struct buf out;
    struct json_writer w;

    buf_init(&out, 1 << 24);
    json_writer_init(&w, &out);
    json_object_begin(&w);
    study_def_write(def, &w);
    json_object_end(&w);
    MUST(!out.failed);
    return buf_steal(&out);
}

static void check_reads_back(const struct study_def *def)
{
    OWN(memory) char *once = normalise(def);
    json_auto_t *body = NULL; /* with numbers for which jansson has no type */
    OWN(study_def) struct study_def *again = NULL;
    struct faults faults = {0};
    struct err err = {0};

    MUST(json_parse_own(once, &body, &err) == 0);
    if (study_def_from_json(body, 0, &again, &faults) != 0) {
        (void)fprintf(stderr, "%s\n%s: %s\n", once, faults.n > 0 ? faults.items[0].pointer : "",
                      faults.n > 0 ? faults.items[0].detail : "");
        abort();
    }
    OWN(memory) char *twice = normalise(again);
    if (strcmp(once, twice) != 0) {
        (void)fprintf(stderr, "%s\n%s\n", once, twice);
        abort();
    }
}

static void check_json(const struct space *space, const double x[])
{
    OWN(buf) struct buf out;
    struct json_writer w;
    struct faults faults = {0};
    double y[SPACE_PARAMS_MAX];

    buf_init(&out, 1 << 24);
    json_writer_init(&w, &out);
    space_config_write(space, x, &w);
    json_auto_t *object = json_loads(buf_text(&out), JSON_ALLOW_NUL, NULL);
    MUST(object != NULL);
    int rc = space_config_from_json(space, object, y, "", &faults);
    if (rc != 0) {
        (void)fprintf(stderr, "%s: %s%s\n", buf_text(&out), faults.items[0].pointer,
                      faults.items[0].detail);
        abort();
    }
    struct space_key a = space_config_key(space, x);
    struct space_key b = space_config_key(space, y);
    MUST(a.a == b.a && a.b == b.b);
}

static void check_points(const struct space *space)
{
    struct rng rng = rng_for(1, 1);
    double x[SPACE_PARAMS_MAX];
    double u[SPACE_PARAMS_MAX];
    double y[SPACE_PARAMS_MAX];

    for (int i = 0; i < 10; i++) {
        if (space_sample(space, &rng, x, NULL) != 0) {
            return;
        }
        MUST(space_is_legal(space, x));
        check_json(space, x);
        space_encode(space, x, u);
        space_decode(space, u, y);
        for (size_t p = 0; p < space->n_params; p++) {
            const struct param *param = &space->params[p];
            MUST(u[p] >= 0 && u[p] <= 1);
            MUST(isnan(x[p]) == isnan(y[p]));
            MUST(isnan(x[p]) || param->n_cells == 0 || param->n_cells > UINT64_C(1) << 30
                 || x[p] == y[p]);
        }
    }
}

static void check_strategies(const struct study_def *def)
{
    struct history empty = {0};
    double x[SPACE_PARAMS_MAX];
    struct suggestion out = {.config = x};

    for (size_t s = 0; strategy_all()[s] != NULL; s++) {
        const struct strategy *strategy = strategy_all()[s];
        struct faults faults = {0};
        if (strategy->is_async) {
            continue;
        }
        strategy->check(def, &faults);
        if (faults.total == 0 && strategy->suggest(def, &empty, 1, &out, NULL) == 0) {
            MUST(space_is_legal(def->space, x));
        }
        faults_finish(&faults);
    }
}

/* Whatever is asked, the studies offered are ones that would be taken, and every figure is one. */
static void check_advice(const json_t *body)
{
    OWN(problem) struct problem problem = {0};
    OWN(advice) struct advice advice = {0};
    OWN(buf) struct buf page = {0};
    struct faults faults = {0};

    if (problem_from_json(body, &problem, &faults) != 0) {
        MUST(faults.total > 0);
        faults_finish(&faults);
        return;
    }
    MUST(advice_rank(&problem, &advice, NULL) == 0);
    MUST(advice_make_studies(&problem, &advice, NULL) == 0);
    for (size_t i = 0; i < advice.n && advice.items[i].is_usable; i++) {
        const struct advice_item *item = &advice.items[i];
        OWN(study_def) struct study_def *study = NULL;
        if (study_def_from_json(item->study, 7, &study, &faults) != 0) {
            (void)json_dumpf(item->study, stderr, 0);
            (void)fprintf(stderr, "\n%s: %s\n", faults.items[0].pointer, faults.items[0].detail);
            abort();
        }
        advice_check(study, &faults);
        MUST(faults.total == 0);
        MUST(item->cost.trials >= 0 && isfinite(item->cost.trials) && isfinite(item->cost.span));
        MUST(item->regret.mean >= 0 && item->regret.mean <= 1 && isfinite(item->score));
    }
    buf_init(&page, 1 << 24);
    advice_write_text(&problem, &advice, &page);
    MUST(!page.failed);
}

void fuzz_start(void)
{
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *value = NULL;
    struct faults faults = {0};
    OWN(study_def) struct study_def *def = NULL;

    if (json_parse((const char *)data, size, &json_limits_default, &value, NULL) != 0) {
        return 0;
    }
    json_auto_t *body = value;
    check_advice(body);
    if (study_def_from_json(body, 7, &def, &faults) != 0) {
        MUST(faults.total > 0);
        faults_finish(&faults);
        return 0;
    }
    MUST(faults.total == 0);
    check_reads_back(def);
    check_points(def->space);
    check_strategies(def);
    return 0;
}
