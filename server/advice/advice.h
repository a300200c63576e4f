/* Which technique is ideal for a problem?
 *
 * advice_rank() is a pure function of the described problem: no store, no clock, no results. It
 * puts the techniques in the order of the regret to expect from each at what the budget lets it do
 * (measured.h), with what it demands of the program and its user in the balance, and says why in
 * sentences with numbers. `auto` takes the first one (choose.h). */
#ifndef SERVER_ADVICE_ADVICE_H
#define SERVER_ADVICE_ADVICE_H

#include <jansson.h>
#include <stdbool.h>

#include "common/json.h"
#include "server/advice/cost.h"
#include "server/advice/problem.h"

struct advice_item {
    enum technique technique;
    const char *name; /* of the strategy, as the API spells it */
    json_t *options;  /* with it; object */
    bool is_asked;    /* it is the one that the body names */
    bool is_usable;
    json_t *refused; /* why not, as POST /v1/studies would say; sentences */
    struct cost cost;
    bool sees_all;   /* tries every configuration there is */
    bool has_regret; /* not with several objectives: nothing was measured */
    double regret;   /* expected, at what it can do with the budget */
    bool is_measured;
    double score;      /* smaller is better */
    json_t *pro, *con; /* sentences */
    json_t *brackets;  /* or NULL: technique_brackets() */
    bool takes_median; /* a median rule would go with it */
    bool is_exact;     /* serving: exact costs nothing here */
    json_t *study;     /* a body for POST /v1/studies, or NULL where it is not usable */
};

struct advice {
    struct facts facts;
    json_t *assumed, *warnings; /* sentences */
    int asked;                  /* index of the item that the body names, or -1 */
    size_t n;
    struct advice_item items[TECHNIQUE_COUNT]; /* the best first, those that cannot be used last */
};

/* Without studies (item.study is NULL). */
MUST_USE int advice_rank(const struct problem *problem, struct advice *advice, struct err *err);
/* Makes each usable item's body: what was sent, with the strategy and the limits that the expected
 * figures rest on. */
MUST_USE int advice_make_studies(const struct problem *problem, struct advice *advice,
                                 struct err *err);
void advice_finish(struct advice *advice);
OWN_VALUE(advice)

/* One line on what the technique does, and what it is called in a list ("asha, predictive"). */
const char *technique_does(enum technique technique);
const char *technique_title(enum technique technique);

/* Can its strategy serve the study, as POST /v1/studies asks? Search and schedule are two axes,
 * combined by name; `auto` must have been settled. */
void advice_check(const struct study_def *study, struct faults *faults);

/* The reasons of one ranked item: fills pro and con. Inside the room. */
void advice_reason(const struct problem *problem, const struct facts *facts,
                   struct advice_item *item);

/* The answer of POST /v1/advice: members of an open object, the table of all alone, or a page that
 * begins with it. */
void advice_write(const struct problem *problem, const struct advice *advice,
                  struct json_writer *w);
void advice_write_table(const struct advice *advice, struct buf *out);
void advice_write_text(const struct problem *problem, const struct advice *advice, struct buf *out);

#endif
