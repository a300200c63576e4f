/* What expr_parse.c builds and expr.c evaluates; for these two alone. */
#ifndef COMMON_SPACE_EXPR_NODE_H
#define COMMON_SPACE_EXPR_NODE_H

#include <stdint.h>

#include "common/space/expr.h"
#include "common/space/space.h"

enum expr_op {
    OP_NUMBER, /* number */
    OP_VALUE,  /* the number behind parameter a, or behind the active one of its name */
    OP_INDEX,  /* the choice of parameter a, as an index */
    OP_NEGATE,
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE,
    OP_POWER,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_GREATER,
    OP_GREATER_EQUAL,
    OP_EQUAL,
    OP_NOT_EQUAL,
    OP_AND,
    OP_OR,
    OP_NOT,
    OP_MIN,
    OP_MAX,
    OP_ABS,
    OP_LOG,
    OP_EXP,
    OP_SQRT,
    OP_FLOOR,
};

struct expr_node {
    enum expr_op op;
    uint16_t a, b; /* operands: nodes, or a parameter */
    double number;
};

struct expr {
    uint16_t root;
    size_t n_names;
    uint16_t *names; /* the first parameter of each name in it, increasing; behind the nodes */
    size_t n_nodes;
    struct expr_node nodes[];
};

#endif
