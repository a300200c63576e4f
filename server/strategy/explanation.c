#include "server/strategy/explanation.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { PENDING_NAMED = 32 };

static const double distinct = 0.05; /* of a parameter's range */

void explanation_write_history(const struct evaluations *evaluations, size_t results,
                               struct json_writer *w)
{
    size_t named = 0;

    json_put_int(w, "results", (int64_t)results);
    json_put_int(w, "failed", (int64_t)evaluations->n_failed);
    json_put_int(w, "pending", (int64_t)evaluations->n_pending);
    json_write_key(w, "pending_trials");
    json_array_begin(w);
    for (size_t i = 0; i < evaluations->n_pending && named < PENDING_NAMED; i++) {
        int64_t number = evaluations->pending_observed[i]->number;
        if (number > 0) { /* 0: a suggestion that no worker has received yet */
            json_write_int(w, number);
            named++;
        }
    }
    json_array_end(w);
}

void explanation_write_incumbent(const struct study_def *study,
                                 const struct evaluations *evaluations, struct json_writer *w)
{
    if (evaluations->best < evaluations->n_done) {
        json_put_number(w, "incumbent",
                        objective_from_cost(study, evaluations->cost[evaluations->best]));
        json_put_int(w, "incumbent_trial", evaluations->done_observed[evaluations->best]->number);
    }
}

static bool are_distinct(const struct candidates *candidates, size_t a, size_t b)
{
    const double *u = candidates_u(candidates, a);
    const double *v = candidates_u(candidates, b);

    for (size_t i = 0; i < candidates->n_params; i++) {
        bool differs = u[i] < v[i] || u[i] > v[i];
        if (differs && (candidates->encoding->is_cat[i] || fabs(u[i] - v[i]) > distinct)) {
            return true;
        }
    }
    return false;
}

/* Whether the candidate differs from the chosen one and from every alternative: the next best
 * candidates of a search are mostly minimal variations of the best. */
static bool is_alternative(const struct candidates *candidates, size_t candidate,
                           const struct choice *choice)
{
    bool result = are_distinct(candidates, candidate, choice->chosen);

    for (size_t i = 0; i < choice->n_others && result; i++) {
        result = are_distinct(candidates, candidate, choice->others[i]);
    }
    return result;
}

bool explanation_choose(const struct candidates *candidates, size_t n, const size_t order[],
                        bool (*is_tried)(const void *context, const double config[]),
                        const void *context, struct choice *choice)
{
    bool found = false;

    *choice = (struct choice){0};
    for (size_t i = 0; i < n && choice->n_others < EXPLANATION_ALTERNATIVES; i++) {
        if (found && !is_alternative(candidates, order[i], choice)) {
            continue;
        }
        if (is_tried(context, candidates_config(candidates, order[i]))) {
            continue;
        }
        if (found) {
            choice->others[choice->n_others++] = order[i];
        } else {
            choice->chosen = order[i];
            found = true;
        }
    }
    return found;
}

void explanation_add_part(struct json_writer *w, const char *key, const struct buf *part)
{
    if (part->failed || w->out->len + part->len > EXPLANATION_BYTES_MAX - EXPLANATION_REST_BYTES) {
        return;
    }
    if (key != NULL) {
        json_write_key(w, key);
    }
    json_write_raw(w, buf_text(part), part->len);
}

static void write_alternative(const struct candidates *candidates, size_t i, struct buf *out)
{
    struct json_writer w;

    json_writer_init(&w, out);
    json_object_begin(&w);
    json_put_number(&w, "acquisition_value", candidates->score[i]);
    json_write_key(&w, "parameters");
    space_config_write(candidates->encoding->space, candidates_config(candidates, i), &w);
    json_object_end(&w);
}

void explanation_write_alternatives(const struct candidates *candidates,
                                    const struct choice *choice, struct json_writer *w)
{
    json_write_key(w, "others");
    json_array_begin(w);
    for (size_t i = 0; i < choice->n_others; i++) {
        OWN(buf) struct buf part;
        buf_init(&part, EXPLANATION_BYTES_MAX);
        write_alternative(candidates, choice->others[i], &part);
        explanation_add_part(w, NULL, &part);
    }
    json_array_end(w);
}

char *explanation_without_model(const char *kind, uint64_t point, uint64_t size)
{
    OWN(buf) struct buf out;
    struct json_writer w;

    buf_init(&out, EXPLANATION_BYTES_MAX);
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

/* ---- in words -------------------------------------------------------------------------------- */
bool explanation_has_model(const json_t *explain, const char *model)
{
    const char *noted = json_string_value(json_object_get(explain, "model"));

    return noted != NULL && strcmp(noted, model) == 0;
}

int64_t explanation_int(const json_t *explain, const char *key)
{
    return json_integer_value(json_object_get(explain, key));
}

void explanation_put_number(const json_t *explain, const char *key, struct buf *text)
{
    buf_printf(text, "%.4g", json_number_value(json_object_get(explain, key)));
}

void explanation_describe_comparison(const json_t *explain, struct buf *text)
{
    int64_t n = explanation_int(json_object_get(explain, "compared"), "candidates");
    int64_t incumbent = explanation_int(explain, "incumbent_trial");

    if (n > 0) {
        buf_printf(text, "; the most promising of %" PRId64 " candidates", n);
    }
    if (incumbent > 0) {
        buf_printf(text, ", when trial %" PRId64 " was the best with ", incumbent);
        explanation_put_number(explain, "incumbent", text);
    }
}

const char *explanation_describe(const json_t *explain, const char *search, struct buf *text)
{
    if (explanation_has_model(explain, "design")) {
        buf_printf(text,
                   "point %" PRId64 " of the %" PRId64
                   " that %s begins with, before it learns from results",
                   explanation_int(explain, "point"), explanation_int(explain, "of"), search);
        return "initial_design";
    }
    if (explanation_has_model(explain, "transfer")) {
        buf_printf(text,
                   "trial %" PRId64 " of the study %s, which this one comes after, was good there",
                   explanation_int(explain, "trial"),
                   json_string_value(json_object_get(explain, "study")));
        return "transfer";
    }
    if (explanation_has_model(explain, "quasi_random")) {
        buf_puts(text,
                 "a point that fills the space evenly: there are too few results for a model, or "
                 "all that it proposed had been tried");
        return "quasirandom";
    }
    return NULL;
}
