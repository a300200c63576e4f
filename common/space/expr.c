#include "common/space/expr.h"

#include <math.h>

#include "common/space/expr_node.h"

void expr_destroy(struct expr *expr)
{
    free(expr);
}

size_t expr_n_names(const struct expr *expr)
{
    return expr->n_names;
}

size_t expr_n_nodes(const struct expr *expr)
{
    return expr->n_nodes;
}

size_t expr_name(const struct expr *expr, size_t k)
{
    return expr->names[k];
}

bool expr_names(const struct expr *expr, const struct space *space, size_t i)
{
    for (size_t k = 0; k < expr->n_names; k++) {
        for (size_t at = expr->names[k]; at != SPACE_NONE; at = space->params[at].next_namesake) {
            if (at == i) {
                return true;
            }
        }
    }
    return false;
}

struct evaluation {
    const struct expr *expr;
    const struct space *space;
    const double *x;
    bool undefined; /* a comparison had no number to compare */
};

static double evaluate(struct evaluation *e, uint16_t at);

static bool compare(struct evaluation *e, enum expr_op op, double a, double b)
{
    if (isnan(a) || isnan(b)) {
        e->undefined = true;
        return false;
    }
    if (op == OP_LESS) {
        return a < b;
    }
    if (op == OP_LESS_EQUAL) {
        return a <= b;
    }
    if (op == OP_GREATER) {
        return a > b;
    }
    if (op == OP_GREATER_EQUAL) {
        return a >= b;
    }
    return op == OP_EQUAL ? a == b : a != b;
}

static double calculate(struct evaluation *e, const struct expr_node *node)
{
    double a = evaluate(e, node->a);

    switch ((int)node->op) {
    case OP_NEGATE:
        return -a;
    case OP_NOT:
        return a != 0 ? 0 : 1;
    case OP_ABS:
        return fabs(a);
    case OP_LOG:
        return log(a);
    case OP_EXP:
        return exp(a);
    case OP_SQRT:
        return sqrt(a);
    case OP_FLOOR:
        return floor(a);
    case OP_AND:
        return a != 0 ? evaluate(e, node->b) : 0;
    case OP_OR:
        return a != 0 ? 1 : evaluate(e, node->b);
    default:
        break;
    }
    double b = evaluate(e, node->b);
    switch ((int)node->op) {
    case OP_ADD:
        return a + b;
    case OP_SUBTRACT:
        return a - b;
    case OP_MULTIPLY:
        return a * b;
    case OP_DIVIDE:
        return a / b;
    case OP_POWER:
        return pow(a, b);
    case OP_MIN:
        return isnan(a) || isnan(b) ? (double)NAN : fmin(a, b);
    case OP_MAX:
        return isnan(a) || isnan(b) ? (double)NAN : fmax(a, b);
    default:
        return compare(e, node->op, a, b) ? 1 : 0;
    }
}

static double evaluate(struct evaluation *e, uint16_t at)
{
    const struct expr_node *node = &e->expr->nodes[at];

    if (node->op == OP_NUMBER) {
        return node->number;
    }
    if (node->op == OP_VALUE) {
        size_t i = space_active_namesake(e->space, node->a, e->x);
        return param_number(&e->space->params[i], e->x[i]);
    }
    if (node->op == OP_INDEX) {
        return e->x[node->a];
    }
    return calculate(e, node);
}

bool expr_holds(const struct expr *expr, const struct space *space, const double x[])
{
    struct evaluation e = {.expr = expr, .space = space, .x = x};

    for (size_t k = 0; k < expr->n_names; k++) {
        if (space_active_namesake(space, expr->names[k], x) == SPACE_NONE) {
            return true;
        }
    }
    double truth = evaluate(&e, expr->root);
    return truth != 0 && !e.undefined;
}
