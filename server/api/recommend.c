#include "server/api/recommend.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "server/strategy/gp/recommendation.h"
#include "server/suggester/fit_key.h"
#include "server/suggester/history.h"

#define TEXT_BYTES 1024

struct recommending {
    struct fit_cache *fits;        /* the api's, or NULL */
    struct trial_history *history; /* held: the completed trials */
    int64_t best;
    struct recommendation made;
};

void recommending_destroy(struct recommending *r)
{
    if (r != NULL) {
        trial_history_destroy(r->history);
        recommendation_finish(&r->made);
        free(r);
    }
}

/* ---- reading --------------------------------------------------------------------------------- */
static int add_trial(void *context, struct trial_row *row, struct err *err)
{
    struct recommending *r = context;

    return trial_history_append(r->history, row, NULL, 0, err);
}

int recommend_read(const struct read_request *read, int64_t best,
                   struct recommending **recommending, struct err *err)
{
    OWN(recommending) struct recommending *r = calloc(1, sizeof *r);
    const struct trial_query query = {
        .study = read->study->id, .limit = INT32_MAX, .states = 1U << TRIAL_COMPLETED};

    if (r == NULL || (r->history = trial_history_create(read->study->def)) == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory for a recommendation");
    }
    r->fits = read->api->fits;
    r->best = best;
    TRY(store_each_trial(read->store, &query, add_trial, r, err));
    *recommending = r;
    r = NULL;
    return 0;
}

size_t recommending_bytes(const struct recommending *r)
{
    size_t n_numbers = r->history->def->def->space->n_params + 2;

    return r->history->n * (sizeof *r->history->items + n_numbers * sizeof(double));
}

/* ---- thinking -------------------------------------------------------------------------------- */
static int make(struct recommending *r, const struct fit *known, const atomic_bool *stop,
                struct err *err)
{
    const struct history seen = {.n = r->history->n,
                                 .items = r->history->items,
                                 .made = known->data == NULL ? NULL : known,
                                 .stop = stop};

    return strategy_recommend(r->history->def->def, &seen, r->best, &r->made, err);
}

int recommend_think(struct recommending *r, const atomic_bool *stop, struct err *err)
{
    const struct study_def *def = r->history->def->def;
    const struct history seen = {.n = r->history->n, .items = r->history->items};
    unsigned char key[SHA256_BYTES];
    struct fit known = {0};

    if (r->fits == NULL) {
        return make(r, &known, stop, err);
    }
    TRY(fit_key("recommend", def, &seen, key, err));
    bool is_known = fit_cache_get(r->fits, key, &known);
    int result = make(r, &known, stop, err);
    free((void *)(uintptr_t)known.data);
    if (result == 0 && !is_known && r->made.fit.data != NULL) {
        fit_cache_put(r->fits, key, &r->made.fit);
    }
    return result;
}

/* ---- in words -------------------------------------------------------------------------------- */
/* Appends a value as precisely as its deviation makes sense: two digits of that. */
static void put_number(double value, double deviation, struct buf *text)
{
    double places = deviation > 0.0 ? 1.0 - floor(log10(deviation)) : 4.0;

    if (places > 12.0 || places < -6.0) {
        buf_printf(text, "%.6g", value);
    } else {
        buf_printf(text, "%.*f", places > 0.0 ? (int)places : 0, value);
    }
}

static void put_expected(const struct recommended_trial *trial, struct buf *text)
{
    put_number(trial->expected, trial->deviation, text);
    buf_puts(text, " ± ");
    put_number(trial->deviation, trial->deviation, text);
}

/* Why another trial is recommended than the best observed one. */
static void put_advice(const struct recommendation *made, struct buf *text)
{
    buf_printf(text,
               "the %.6g of trial %" PRId64 " is likely a lucky one: one evaluation varies by ±",
               made->best.observed, made->best.number);
    put_number(made->noise, made->noise, text);
    buf_puts(text, "; its mean is expected at ");
    put_expected(&made->best, text);
    buf_printf(text, ", that of trial %" PRId64 " (observed %.6g) at ", made->trial.number,
               made->trial.observed);
    put_expected(&made->trial, text);
}

static void put_text(const struct recommendation *made, struct buf *text)
{
    if (recommendation_matters(made)) {
        put_advice(made, text);
    } else if (!(made->noise > 0.0)) {
        buf_puts(text, "no noise was found, so that the best observed trial is the best one");
    } else {
        buf_printf(text, "one evaluation varies by ±");
        put_number(made->noise, made->noise, text);
        buf_puts(text, made->trial.number == made->best.number
                           ? "; the best observed trial is also expected to be the best, at "
                           : "; no trial is expected to be better than the best observed one by "
                             "something that matters; its mean is expected at ");
        put_expected(&made->best, text);
    }
}

void recommend_append_advice(const struct recommending *r, struct buf *text)
{
    if (recommendation_matters(&r->made)) {
        put_advice(&r->made, text);
    }
}

/* ---- as JSON --------------------------------------------------------------------------------- */
static void put_trial(const struct recommending *r, const struct recommended_trial *trial,
                      struct json_writer *w)
{
    const struct trial_history *history = r->history;

    json_put_int(w, "trial", trial->number);
    json_put_number(w, "value", trial->observed);
    json_put_number(w, "expected", trial->expected);
    json_put_number(w, "deviation", trial->deviation);
    for (size_t i = 0; i < history->n; i++) {
        if (history->items[i].number == trial->number) {
            json_write_key(w, "parameters");
            space_config_write(history->def->def->space, history->items[i].config, w);
        }
    }
}

void recommend_write(const struct recommending *r, struct json_writer *w)
{
    OWN(buf) struct buf text = {0};

    if (r == NULL || !r->made.known) {
        json_write_null(w);
        return;
    }
    buf_init(&text, TEXT_BYTES);
    put_text(&r->made, &text);
    buf_check_part(w->out, &text);
    json_object_begin(w);
    put_trial(r, &r->made.trial, w);
    json_write_key(w, "best");
    json_object_begin(w);
    put_trial(r, &r->made.best, w);
    json_object_end(w);
    json_put_number(w, "noise", r->made.noise);
    json_put_int(w, "results", (int64_t)r->made.n_results);
    json_put_bool(w, "matters", recommendation_matters(&r->made));
    json_put_string(w, "text", buf_text(&text));
    json_object_end(w);
}
