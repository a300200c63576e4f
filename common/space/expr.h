/* Constraint expressions: "units * layers <= 1024 and (kernel != 'poly' or degree < 4)".
 *
 *   or · and · not · < <= > >= == != · + - · * / · unary - · ^       (loosest first; ^ from the
 * right) min(…) max(…) abs log exp sqrt floor · numbers · true false · 'text' or "text" · names,
 * those of other characters than letters, digits and _ (or equal to a word above) in backquotes, in
 * which two backquotes stand for one
 *
 * A name is the parameter's number; a bool is a truth that counts as 0 or 1; a choice of texts may
 * be compared with one of its texts, an ordinal also by order. An expression is checked when it is
 * parsed: it must end in a truth, and nothing is compared that cannot be. It holds when it is true,
 * or when it names an inactive parameter. Where arithmetic has no result (log(-1), 0/0) it does not
 * hold. `and` and `or` stop as soon as they know, so "n == 0 or m / n < 2" is safe.
 *
 * Our own small Pratt parser, since Debian has none that is as strict; limits below. Immutable and
 * safe from any thread once parsed; evaluation does not allocate. */
#ifndef COMMON_SPACE_EXPR_H
#define COMMON_SPACE_EXPR_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/own.h"

struct space;
struct expr;

#define EXPR_BYTES_MAX 2048
#define EXPR_NODES_MAX 512
#define EXPR_DEPTH_MAX 64

/* Names are looked up in the space, whose parameters must be complete. ERR_INVALID says at which
 * character what is wrong and what to write instead. */
MUST_USE int expr_parse(const char *text, size_t len, const struct space *space, struct expr **expr,
                        struct err *err);
void expr_destroy(struct expr *expr);
OWN_POINTER(expr)
bool expr_holds(const struct expr *expr, const struct space *space, const double x[]);
/* The names in it: the first parameter of each. */
size_t expr_n_names(const struct expr *expr);
size_t expr_name(const struct expr *expr, size_t k);
/* Its operations, names and numbers: each evaluation visits at most so many, some 10 ns each. */
size_t expr_n_nodes(const struct expr *expr);
/* Does it name parameter i of its space? */
bool expr_names(const struct expr *expr, const struct space *space, size_t i);

#endif
