#include "server/model/acquisition.h"

#include <assert.h>

void acquisition_finish(struct acquisition *acquisition)
{
    while (acquisition->n_terms > 0) {
        struct acquisition_term *term = acquisition->terms[--acquisition->n_terms];
        term->destroy(term);
    }
}

void acquisition_add(struct acquisition *acquisition, struct acquisition_term *term)
{
    assert(acquisition->n_terms < ACQUISITION_TERMS_MAX);
    acquisition->terms[acquisition->n_terms++] = term;
}

void acquisition_score(const struct acquisition *acquisition, const struct points *q,
                       double value[], double gradient[])
{
    for (size_t j = 0; j < q->n; j++) {
        value[j] = 0.0;
    }
    for (size_t i = 0; gradient != NULL && i < q->n * q->n_num; i++) {
        gradient[i] = 0.0;
    }
    for (size_t from = 0; from < q->n; from += acquisition->cap) {
        size_t n = q->n - from < acquisition->cap ? q->n - from : acquisition->cap;
        struct points part = points_part(q, from, n);
        double *slope = gradient == NULL ? NULL : gradient + from * q->n_num;
        for (size_t i = 0; i < acquisition->n_terms; i++) {
            struct acquisition_term *term = acquisition->terms[i];
            term->add(term, &part, value + from, slope);
        }
    }
}
