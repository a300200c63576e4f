#include "server/strategy/explanation.h"

#include <math.h>

enum { PENDING_NAMED = 32 };

static const double apart = 0.05; /* of a parameter's range */

void why_write_history(const struct trials *trials, size_t results, struct json_writer *w)
{
    size_t named = 0;

    json_put_int(w, "results", (int64_t)results);
    json_put_int(w, "failed", (int64_t)trials->n_failed);
    json_put_int(w, "pending", (int64_t)trials->n_pending);
    json_write_key(w, "pending_trials");
    json_array_begin(w);
    for (size_t i = 0; i < trials->n_pending && named < PENDING_NAMED; i++) {
        int64_t number = trials->pending_seen[i]->number;
        if (number > 0) { /* else it is a suggestion that nobody has taken yet */
            json_write_int(w, number);
            named++;
        }
    }
    json_array_end(w);
}

void why_write_incumbent(const struct study_def *study, const struct trials *trials,
                         struct json_writer *w)
{
    if (trials->best < trials->n_done) {
        json_put_number(w, "incumbent", trials_value(study, trials->cost[trials->best]));
        json_put_int(w, "incumbent_trial", trials->done_seen[trials->best]->number);
    }
}

static bool are_apart(const struct pool *pool, size_t a, size_t b)
{
    const double *u = pool_u(pool, a);
    const double *v = pool_u(pool, b);

    for (size_t i = 0; i < pool->n_params; i++) {
        bool differs = u[i] < v[i] || u[i] > v[i];
        if (differs && (pool->axes->is_cat[i] || fabs(u[i] - v[i]) > apart)) {
            return true;
        }
    }
    return false;
}

bool why_stands_apart(const struct pool *pool, size_t candidate, size_t chosen, size_t n,
                      const size_t others[])
{
    bool is_apart = are_apart(pool, candidate, chosen);

    for (size_t i = 0; i < n && is_apart; i++) {
        is_apart = are_apart(pool, candidate, others[i]);
    }
    return is_apart;
}

void why_write_others(const struct pool *pool, size_t n, const size_t others[],
                      struct json_writer *w)
{
    json_write_key(w, "others");
    json_array_begin(w);
    for (size_t i = 0; i < n; i++) {
        json_object_begin(w);
        json_put_number(w, "acquisition_value", pool->score[others[i]]);
        json_write_key(w, "parameters");
        space_config_write(pool->axes->space, pool_x(pool, others[i]), w);
        json_object_end(w);
    }
    json_array_end(w);
}

char *why_no_model(const char *kind, uint64_t point, uint64_t size)
{
    OWN(buf) struct buf out;
    struct json_writer w;

    buf_init(&out, WHY_MAX);
    json_writer_init(&w, &out);
    json_object_begin(&w);
    json_put_string(&w, "model", kind);
    json_put_int(&w, "point", (int64_t)point);
    if (size > 0) {
        json_put_int(&w, "of", (int64_t)size);
    }
    json_object_end(&w);
    return buf_steal(&out);
}
