/* Text → tree, with the types of everything checked on the way (Pratt's method: every operator has
 * a binding power, and an operand reaches as far as operators bind tighter than its left one). */
#include "common/space/expr.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/space/expr_lexer.h"
#include "common/space/expr_node.h"

/* What an operand is, besides its node. */
enum kind {
    KIND_NUMBER,
    KIND_TRUTH,
    KIND_CHOICE, /* a parameter with texts among its choices */
    KIND_TEXT    /* a literal, good for a comparison with a choice */
};

struct operand {
    enum kind kind;
    uint16_t node;
    size_t at; /* in the source */
    bool is_literal;
    const char *text; /* KIND_TEXT */
    size_t len;
};

struct parser {
    struct lexer lexer;
    const struct space *space;
    size_t depth;
    size_t n_names;
    uint16_t names[EXPR_NODES_MAX]; /* the first parameter of each, increasing */
    size_t n_nodes;
    struct expr_node nodes[EXPR_NODES_MAX];
};

static int expression(struct parser *p, int tighter_than, struct operand *out);

/* ---- nodes ---- */

static int add_node(struct parser *p, enum expr_op op, uint16_t a, uint16_t b, double number,
                    uint16_t *node)
{
    if (p->n_nodes == EXPR_NODES_MAX) {
        return lexer_refuse(&p->lexer, p->lexer.pos,
                            "this is too long: more than %d numbers, names and operators",
                            EXPR_NODES_MAX);
    }
    p->nodes[p->n_nodes] = (struct expr_node){.op = op, .a = a, .b = b, .number = number};
    *node = (uint16_t)p->n_nodes++;
    return 0;
}

static int want_truth(struct parser *p, const struct operand *operand)
{
    if (operand->kind != KIND_TRUTH) {
        return lexer_refuse(&p->lexer, operand->at,
                            "a comparison is wanted here, such as x <= 3, not a %s",
                            operand->kind == KIND_NUMBER ? "number" : "text");
    }
    return 0;
}

static int want_number(struct parser *p, const struct operand *operand)
{
    if (operand->kind == KIND_CHOICE || operand->kind == KIND_TEXT) {
        return lexer_refuse(&p->lexer, operand->at,
                            "texts can be compared with == and !=, not calculated with");
    }
    return 0;
}

/* ---- operands ---- */

static enum kind param_kind(const struct param *param)
{
    size_t numbers = 0;
    size_t truths = 0;

    for (size_t i = 0; i < param->n_choices; i++) {
        numbers += json_is_number(param->choices[i]) ? 1 : 0;
        truths += json_is_boolean(param->choices[i]) ? 1 : 0;
    }
    if (truths > 0 && truths == param->n_choices) {
        return KIND_TRUTH;
    }
    return numbers == param->n_choices ? KIND_NUMBER : KIND_CHOICE;
}

/* Would a calculation round one of its numbers? Integers beyond 2^53 are exact as choices only. */
static bool is_rounded(const struct param *param)
{
    for (size_t i = 0; i < param->n_choices; i++) {
        const json_t *choice = param->choices[i];
        json_int_t number = json_integer_value(choice);
        if (number > SPACE_INT_MAX || number < -SPACE_INT_MAX) {
            return true;
        }
    }
    return false;
}

/* Notes that the expression names this parameter. */
static void note_name(struct parser *p, uint16_t first)
{
    size_t at = 0;

    while (at < p->n_names && p->names[at] < first) {
        at++;
    }
    if (at < p->n_names && p->names[at] == first) {
        return;
    }
    memmove(p->names + at + 1, p->names + at, (p->n_names - at) * sizeof p->names[0]);
    p->names[at] = first;
    p->n_names++;
}

/* Of all parameters of this name: they must be of one kind, and texts have one list of choices. */
static int namesakes_kind(struct parser *p, const struct param *param, enum kind *kind)
{
    *kind = param_kind(param);
    if (*kind == KIND_CHOICE && param->next_namesake != SPACE_NONE) {
        return lexer_refuse(&p->lexer, p->lexer.token.at,
                            "there are several parameters \"%.80s\", each with its own choices; "
                            "only numbers and bools of one name can be compared",
                            param->name);
    }
    for (;; param = &p->space->params[param->next_namesake]) {
        if (is_rounded(param)) {
            return lexer_refuse(&p->lexer, p->lexer.token.at,
                                "%.80s has integers beyond 2^53, with which a constraint cannot "
                                "calculate exactly",
                                param->name);
        }
        if (param_kind(param) != *kind) {
            return lexer_refuse(&p->lexer, p->lexer.token.at,
                                "of the parameters \"%.80s\", some are numbers and some are not",
                                param->name);
        }
        if (param->next_namesake == SPACE_NONE) {
            return 0;
        }
    }
}

static int name_operand(struct parser *p, struct operand *out)
{
    int i = space_find(p->space, p->lexer.token.text);

    if (i < 0) {
        return lexer_refuse(&p->lexer, p->lexer.token.at,
                            "there is no parameter \"%.80s\"; names with other characters than "
                            "letters, digits and _ stand in backquotes",
                            p->lexer.token.text);
    }
    TRY(namesakes_kind(p, &p->space->params[i], &out->kind));
    TRY(add_node(p, out->kind == KIND_CHOICE ? OP_INDEX : OP_VALUE, (uint16_t)i, 0, 0, &out->node));
    note_name(p, (uint16_t)i);
    return lexer_next(&p->lexer);
}

static int literal(struct parser *p, enum kind kind, double number, struct operand *out)
{
    out->kind = kind;
    out->is_literal = true;
    if (kind == KIND_TEXT) {
        out->text = p->lexer.token.from;
        out->len = p->lexer.token.len;
    }
    TRY(add_node(p, OP_NUMBER, 0, 0, number, &out->node));
    return lexer_next(&p->lexer);
}

static int expect_sign(struct parser *p, const char *sign)
{
    if (!lexer_at_sign(&p->lexer, sign)) {
        return lexer_refuse(&p->lexer, p->lexer.token.at, "a %s is missing before %s%s%s", sign,
                            p->lexer.token.kind == TOKEN_END ? "the end" : "\"",
                            p->lexer.token.text, p->lexer.token.kind == TOKEN_END ? "" : "\"");
    }
    return lexer_next(&p->lexer);
}

static const struct function {
    const char *name;
    enum expr_op op;
    bool many;
} functions[] = {
    {"min", OP_MIN, true},      {"max", OP_MAX, true},  {"abs", OP_ABS, false},
    {"log", OP_LOG, false},     {"exp", OP_EXP, false}, {"sqrt", OP_SQRT, false},
    {"floor", OP_FLOOR, false},
};

/* The opening parenthesis is the current token. */
static int call(struct parser *p, const struct function *function, struct operand *out)
{
    struct operand argument = {0};

    TRY(lexer_next(&p->lexer));
    TRY(expression(p, 0, &argument));
    TRY(want_number(p, &argument));
    out->kind = KIND_NUMBER;
    out->node = argument.node;
    if (!function->many) {
        TRY(add_node(p, function->op, argument.node, 0, 0, &out->node));
    }
    while (function->many && lexer_at_sign(&p->lexer, ",")) {
        struct operand more = {0};
        TRY(lexer_next(&p->lexer));
        TRY(expression(p, 0, &more));
        TRY(want_number(p, &more));
        TRY(add_node(p, function->op, out->node, more.node, 0, &out->node));
    }
    if (!function->many && lexer_at_sign(&p->lexer, ",")) {
        return lexer_refuse(&p->lexer, p->lexer.token.at, "%s takes one number", function->name);
    }
    return expect_sign(p, ")");
}

static bool opens_call(const struct parser *p)
{
    return p->lexer.text[p->lexer.pos + strspn(p->lexer.text + p->lexer.pos, " \t\r\n")] == '(';
}

static int word_operand(struct parser *p, struct operand *out)
{
    if (lexer_at_word(&p->lexer, "true") || lexer_at_word(&p->lexer, "false")) {
        return literal(p, KIND_TRUTH, lexer_at_word(&p->lexer, "true") ? 1 : 0, out);
    }
    if (lexer_at_word(&p->lexer, "and") || lexer_at_word(&p->lexer, "or")) {
        return lexer_refuse(&p->lexer, p->lexer.token.at, "something is missing before \"%s\"",
                            p->lexer.token.text);
    }
    if (!opens_call(p)) {
        return name_operand(p, out);
    }
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (lexer_at_word(&p->lexer, functions[i].name)) {
            TRY(lexer_next(&p->lexer));
            return call(p, &functions[i], out);
        }
    }
    return lexer_refuse(&p->lexer, p->lexer.token.at,
                        "there is no function \"%s\"; use min, max, abs, log, exp, sqrt or floor",
                        p->lexer.token.text);
}

/* Binding powers, loosest first. */
enum {
    BIND_OR = 1,
    BIND_AND,
    BIND_NOT,
    BIND_COMPARE,
    BIND_ADD,
    BIND_MULTIPLY,
    BIND_MINUS,
    BIND_POWER
};

static int prefixed(struct parser *p, struct operand *out)
{
    if (lexer_at_word(&p->lexer, "not")) {
        TRY(lexer_next(&p->lexer));
        TRY(expression(p, BIND_NOT, out));
        TRY(want_truth(p, out));
        out->is_literal = false;
        return add_node(p, OP_NOT, out->node, 0, 0, &out->node);
    }
    if (lexer_at_sign(&p->lexer, "-") || lexer_at_sign(&p->lexer, "+")) {
        bool negative = lexer_at_sign(&p->lexer, "-");
        TRY(lexer_next(&p->lexer));
        TRY(expression(p, BIND_MINUS - 1, out));
        TRY(want_number(p, out));
        out->kind = KIND_NUMBER;
        bool folds = out->is_literal && p->nodes[out->node].op == OP_NUMBER;
        if (negative && folds) {
            p->nodes[out->node].number = -p->nodes[out->node].number;
        }
        return negative && !folds ? add_node(p, OP_NEGATE, out->node, 0, 0, &out->node) : 0;
    }
    TRY(lexer_next(&p->lexer)); /* "(" */
    TRY(expression(p, 0, out));
    return expect_sign(p, ")");
}

static int operand(struct parser *p, struct operand *out)
{
    *out = (struct operand){.at = p->lexer.token.at};
    switch (p->lexer.token.kind) {
    case TOKEN_NUMBER:
        return literal(p, KIND_NUMBER, p->lexer.token.number, out);
    case TOKEN_TEXT:
        return literal(p, KIND_TEXT, 0, out);
    case TOKEN_QUOTED_NAME:
        return name_operand(p, out);
    case TOKEN_NAME:
        return lexer_at_word(&p->lexer, "not") ? prefixed(p, out) : word_operand(p, out);
    case TOKEN_SIGN:
        if (lexer_at_sign(&p->lexer, "-") || lexer_at_sign(&p->lexer, "+")
            || lexer_at_sign(&p->lexer, "(")) {
            return prefixed(p, out);
        }
        return lexer_refuse(&p->lexer, p->lexer.token.at,
                            "a number or a name is missing before \"%s\"", p->lexer.token.text);
    case TOKEN_END:
    default:
        return lexer_refuse(&p->lexer, p->lexer.token.at,
                            "a number or a name is missing at the end");
    }
}

/* ---- operators ---- */

static const struct infix {
    const char *text;
    int bind;
    enum expr_op op;
} infixes[] = {
    {"or", BIND_OR, OP_OR},
    {"and", BIND_AND, OP_AND},
    {"<", BIND_COMPARE, OP_LESS},
    {"<=", BIND_COMPARE, OP_LESS_EQUAL},
    {">", BIND_COMPARE, OP_GREATER},
    {">=", BIND_COMPARE, OP_GREATER_EQUAL},
    {"==", BIND_COMPARE, OP_EQUAL},
    {"!=", BIND_COMPARE, OP_NOT_EQUAL},
    {"+", BIND_ADD, OP_ADD},
    {"-", BIND_ADD, OP_SUBTRACT},
    {"*", BIND_MULTIPLY, OP_MULTIPLY},
    {"/", BIND_MULTIPLY, OP_DIVIDE},
    {"^", BIND_POWER, OP_POWER},
};

static const struct infix *find_infix(const struct parser *p)
{
    if (p->lexer.token.kind != TOKEN_SIGN && p->lexer.token.kind != TOKEN_NAME) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof infixes / sizeof infixes[0]; i++) {
        if (strcmp(p->lexer.token.text, infixes[i].text) == 0) {
            return &infixes[i];
        }
    }
    return NULL;
}

/* The index of the choice that a literal means, or -1. */
static int literal_choice(const struct parser *p, const struct param *param,
                          const struct operand *literal)
{
    double number = p->nodes[literal->node].number;

    for (size_t i = 0; i < param->n_choices; i++) {
        const json_t *choice = param->choices[i];
        bool same = false;
        if (literal->kind == KIND_TEXT) {
            same = json_is_string(choice) && json_string_length(choice) == literal->len
                   && memcmp(json_string_value(choice), literal->text, literal->len) == 0;
        } else if (literal->kind == KIND_NUMBER) {
            same = json_is_number(choice) && json_number_value(choice) == number;
        } else {
            same = json_is_boolean(choice) && json_is_true(choice) == (number != 0);
        }
        if (same) {
            return (int)i;
        }
    }
    return -1;
}

/* A choice of texts on either side: the literal becomes the index of its choice. */
static int compare_choice(struct parser *p, enum expr_op op, const struct operand *left,
                          const struct operand *right)
{
    const struct operand *choice = left->kind == KIND_CHOICE ? left : right;
    const struct operand *other = choice == left ? right : left;

    if (choice->kind != KIND_CHOICE || !other->is_literal) {
        return lexer_refuse(&p->lexer, other->at,
                            "compare a text with a parameter that has it as a choice");
    }
    const struct param *param = &p->space->params[p->nodes[choice->node].a];
    if (op != OP_EQUAL && op != OP_NOT_EQUAL && param->type != PARAM_ORDINAL) {
        return lexer_refuse(&p->lexer, left->at,
                            "%s has no order; compare it with == or !=, or make it ordinal",
                            param->name);
    }
    int index = literal_choice(p, param, other);
    if (index < 0) {
        return lexer_refuse(&p->lexer, other->at,
                            "%s never has this value; name one of its choices", param->name);
    }
    p->nodes[other->node].number = index;
    return 0;
}

static int check_operands(struct parser *p, const struct infix *infix, const struct operand *left,
                          const struct operand *right)
{
    if (infix->bind == BIND_OR || infix->bind == BIND_AND) {
        TRY(want_truth(p, left));
        return want_truth(p, right);
    }
    bool texts = left->kind > KIND_TRUTH || right->kind > KIND_TRUTH;
    if (infix->bind == BIND_COMPARE && texts) {
        return compare_choice(p, infix->op, left, right);
    }
    TRY(want_number(p, left));
    return want_number(p, right);
}

static int infix_operator(struct parser *p, const struct infix *infix, struct operand *left)
{
    struct operand right = {0};
    bool from_right = infix->bind == BIND_POWER;

    TRY(lexer_next(&p->lexer));
    TRY(expression(p, from_right ? infix->bind - 1 : infix->bind, &right));
    TRY(check_operands(p, infix, left, &right));
    TRY(add_node(p, infix->op, left->node, right.node, 0, &left->node));
    left->kind = infix->bind <= BIND_COMPARE ? KIND_TRUTH : KIND_NUMBER;
    left->is_literal = false;
    const struct infix *after = find_infix(p);
    if (infix->bind == BIND_COMPARE && after != NULL && after->bind == BIND_COMPARE) {
        return lexer_refuse(&p->lexer, p->lexer.token.at,
                            "comparisons do not chain; write a < b and b < c");
    }
    return 0;
}

static int expression(struct parser *p, int tighter_than, struct operand *out)
{
    if (++p->depth > EXPR_DEPTH_MAX) {
        return lexer_refuse(&p->lexer, p->lexer.token.at, "this is nested deeper than %d levels",
                            EXPR_DEPTH_MAX);
    }
    TRY(operand(p, out));
    const struct infix *infix = find_infix(p);
    while (infix != NULL && infix->bind > tighter_than) {
        TRY(infix_operator(p, infix, out));
        infix = find_infix(p);
    }
    p->depth--;
    return 0;
}

static int whole(struct parser *p, struct operand *out)
{
    TRY(lexer_next(&p->lexer));
    if (p->lexer.token.kind == TOKEN_END) {
        return lexer_refuse(&p->lexer, 0, "the expression is empty");
    }
    TRY(expression(p, 0, out));
    if (p->lexer.token.kind != TOKEN_END) {
        return lexer_refuse(&p->lexer, p->lexer.token.at,
                            "\"%s\" is not expected here; is an operator missing?",
                            p->lexer.token.text);
    }
    return want_truth(p, out);
}

int expr_parse(const char *text, size_t len, const struct space *space, struct expr **expr,
               struct err *err)
{
    if (len > EXPR_BYTES_MAX || strlen(text) != len) {
        return err_set(err, ERR_INVALID, "an expression has at most %d characters and no NUL",
                       EXPR_BYTES_MAX);
    }
    OWN(memory) struct parser *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    struct operand root = {0};
    p->lexer = (struct lexer){.text = text, .err = err};
    p->space = space;
    TRY(whole(p, &root));
    size_t node_bytes = p->n_nodes * sizeof p->nodes[0];
    struct expr *built = calloc(1, sizeof *built + node_bytes + p->n_names * sizeof p->names[0]);
    if (built == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    memcpy(built->nodes, p->nodes, node_bytes);
    built->n_nodes = p->n_nodes;
    built->names = (uint16_t *)(void *)(built->nodes + built->n_nodes);
    memcpy(built->names, p->names, p->n_names * sizeof p->names[0]);
    built->n_names = p->n_names;
    built->root = root.node;
    *expr = built;
    return 0;
}
