/* The explanation of a suggestion: a JSON object that is stored with the trial. These members are
 * common to all models. */
#ifndef SERVER_STRATEGY_EXPLANATION_H
#define SERVER_STRATEGY_EXPLANATION_H

#include <stdbool.h>

#include "common/json.h"
#include "server/strategy/candidates.h"
#include "server/strategy/evaluations.h"

enum { EXPLANATION_ALTERNATIVES = 3, EXPLANATION_BYTES_MAX = 1 << 16 };

#define EXPLANATION_REST_BYTES 8192 /* enough for all members but the parts of a space's size */

/* The chosen candidate and the best distinct ones after it, by index. */
struct choice {
    size_t chosen;
    size_t n_others;
    size_t others[EXPLANATION_ALTERNATIVES];
};

/* Chooses the best scored candidate that `is_tried` does not refuse, and the alternatives; of the
 * `order` of n candidates, best first. False: all were tried. */
bool explanation_choose(const struct candidates *candidates, size_t n, const size_t order[],
                        bool (*is_tried)(const void *context, const double config[]),
                        const void *context, struct choice *choice);

/* "results", "failed", "pending", and "pending_trials": the numbers of at most 32 of them. */
void explanation_write_history(const struct evaluations *evaluations, size_t results,
                               struct json_writer *w);
/* "incumbent" and "incumbent_trial": the best completed trial; nothing without one. */
void explanation_write_incumbent(const struct study_def *study,
                                 const struct evaluations *evaluations, struct json_writer *w);
/* Adds a part, valid JSON, as a member (or an item, `key` NULL) if it leaves room for the rest.
 * What is left out of a large space is no reason to keep no explanation at all. */
void explanation_add_part(struct json_writer *w, const char *key, const struct buf *part);
/* "others": the alternatives, each with its acquisition value, as far as they fit. */
void explanation_write_alternatives(const struct candidates *candidates,
                                    const struct choice *choice, struct json_writer *w);
/* The explanation of a point that no model chose; `size` is how many such points there are, 0:
 * unknown. NULL: out of memory. */
char *explanation_without_model(const char *kind, uint64_t point, uint64_t size);

/* ---- in words: for strategy->describe() and strategy_describe() --------------------------------
 */

/* Appends a sentence about a point that no model chose, and returns its kind; NULL: a model chose
 * it, or nothing is noted. */
const char *explanation_describe(const json_t *explain, const char *search, struct buf *text);
/* Whether the explanation names this model. */
bool explanation_has_model(const json_t *explain, const char *model);
/* Returns an integer member; 0 where it is missing. */
int64_t explanation_int(const json_t *explain, const char *key);
/* Appends a number with four digits. */
void explanation_put_number(const json_t *explain, const char *key, struct buf *text);
/* Appends how many candidates were compared, and the incumbent. */
void explanation_describe_comparison(const json_t *explain, struct buf *text);

#endif
