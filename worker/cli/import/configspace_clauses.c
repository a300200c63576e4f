/* Conditions and forbidden clauses of ConfigSpace. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "worker/cli/import/configspace.h"
#include "worker/cli/import/space.h"

enum { VALUES_MAX = 4096, EXPRESSION_BYTES = 1 << 16, DEPTH_MAX = 16 };

/* All the values it may have, a new reference; NULL: they are too many, or a continuum. */
static json_t *values_of(const json_t *parameter)
{
    const char *type = json_string_value(json_object_get(parameter, "type"));
    static const char *const lists[] = {"choices", "values"};
    double low = json_number_value(json_object_get(parameter, "low"));
    double high = json_number_value(json_object_get(parameter, "high"));
    double step = json_number_value(json_object_get(parameter, "step"));

    for (size_t i = 0; i < 2; i++) {
        if (json_object_get(parameter, lists[i]) != NULL) {
            return json_copy(json_object_get(parameter, lists[i]));
        }
    }
    if (strcmp(type, "bool") == 0) {
        return json_pack("[b, b]", 0, 1);
    }
    if (strcmp(type, "constant") == 0) {
        return json_pack("[O]", json_object_get(parameter, "value"));
    }
    if (strcmp(type, "int") != 0 || json_object_get(parameter, "high") == NULL
        || json_object_get(parameter, "low") == NULL || high - low > VALUES_MAX) {
        return NULL;
    }
    json_t *values = json_array();
    for (double x = low; x <= high; x += step > 0 ? step : 1) {
        (void)json_array_append_new(values, space_number(x));
    }
    return values;
}

/* 1 and 1.0 are one value here, as in Python. */
static bool is_same(const json_t *a, const json_t *b)
{
    return json_equal(json_unconst(a), json_unconst(b))
           || (json_is_number(a) && json_is_number(b)
               && json_number_value(a) == json_number_value(b));
}

static bool holds(const json_t *values, const json_t *value)
{
    size_t i;
    json_t *item;

    json_array_foreach (json_unconst(values), i, item) {
        if (is_same(item, value)) {
            return true;
        }
    }
    return false;
}

/* The place among all values, for ordinals: their order is by place. */
static size_t place_in(const json_t *values, const json_t *value)
{
    size_t i = 0;

    while (i < json_array_size(values) && !is_same(json_array_get(values, i), value)) {
        i++;
    }
    return i;
}

struct value_test {
    const char *kind; /* EQ NEQ IN LT GT */
    const json_t *value, *values;
};

static bool test_allows(const struct value_test *test, const json_t *all, size_t i)
{
    const json_t *one = json_array_get(all, i);

    if (strcmp(test->kind, "EQ") == 0) {
        return is_same(one, test->value);
    }
    if (strcmp(test->kind, "NEQ") == 0) {
        return !is_same(one, test->value);
    }
    if (strcmp(test->kind, "IN") == 0) {
        return holds(test->values, one);
    }
    bool is_less = strcmp(test->kind, "LT") == 0;
    if (json_is_number(one) && json_is_number(test->value)) {
        double x = json_number_value(one);
        double bound = json_number_value(test->value);
        return is_less ? x < bound : x > bound;
    }
    size_t bound = place_in(all, test->value);
    return is_less ? i < bound : i > bound && bound < json_array_size(all);
}

/* The parent's values for which the condition holds, a new reference; NULL: it cannot be said,
 * which a note tells. *parent is the name. */
static json_t *allowed_values(struct import *import, struct node at, const char **parent)
{
    struct value_test test = {node_text(node_member(at, "type")),
                              json_object_get(at.value, "value"), node_member(at, "values").value};
    size_t place;
    const json_t *parameter;

    *parent = node_text(node_member(at, "parent"));
    parameter = space_parameter(import, *parent, &place);
    json_auto_t *all = parameter == NULL ? NULL : values_of(parameter);
    if (all == NULL || test.kind == NULL) {
        remark(&import->remarks, at,
               parameter == NULL
                   ? "a condition's parent is no parameter of the space; the condition is left out"
                   : "a condition on a continuous parameter, or one of very many values, cannot be "
                     "said; the child is always active");
        return NULL;
    }
    json_t *allowed = json_array();
    for (size_t i = 0; i < json_array_size(all); i++) {
        if (test_allows(&test, all, i)) {
            (void)json_array_append(allowed, json_array_get(all, i));
        }
    }
    return allowed;
}

/* What both lists hold. */
static json_t *both(const json_t *a, const json_t *b)
{
    json_t *common = json_array();
    size_t i;
    json_t *item;

    json_array_foreach (json_unconst(a), i, item) {
        if (holds(b, item)) {
            (void)json_array_append(common, item);
        }
    }
    return common;
}

static int restrict_to(struct import *import, struct node at, json_t *when, const char *parent,
                       const json_t *allowed, struct err *err)
{
    const json_t *known = json_object_get(when, parent);
    json_t *values = known == NULL ? json_copy(json_unconst(allowed)) : both(known, allowed);

    if (json_array_size(values) == 0) {
        json_decref(values);
        return refuse_node(&import->remarks, at, err, "no value of '%.60s' fulfils this condition",
                           parent);
    }
    (void)json_object_set_new(when, parent, values);
    return 0;
}

/* Adds the condition to `when`, all of whose members must hold. */
static int add_condition(struct import *import, struct node at, json_t *when, size_t depth,
                         struct err *err)
{
    struct node kind = node_member(at, "type");
    struct node parts = node_member(at, "conditions");
    const char *parent = NULL;

    if (node_says(kind, "AND") && depth < DEPTH_MAX) {
        for (size_t i = 0; i < node_size(parts); i++) {
            TRY(add_condition(import, node_item(parts, i), when, depth + 1, err));
        }
        return 0;
    }
    json_auto_t *allowed = allowed_values(import, at, &parent);
    return allowed == NULL ? 0 : restrict_to(import, at, when, parent, allowed, err);
}

/* The values of the parent of each part, where all parts name one parent each: {parent: values}. */
static json_t *union_of_parts(struct import *import, struct node parts)
{
    json_t *sums = json_object();

    for (size_t i = 0; i < node_size(parts); i++) {
        const char *parent = NULL;
        json_auto_t *allowed = allowed_values(import, node_item(parts, i), &parent);
        json_t *sum = json_object_get(sums, parent == NULL ? "" : parent);
        if (allowed == NULL) {
            json_decref(sums);
            return NULL;
        }
        if (sum == NULL) {
            (void)json_object_set(sums, parent, allowed);
            continue;
        }
        size_t k;
        json_t *item;
        json_array_foreach (allowed, k, item) {
            if (!holds(sum, item)) {
                (void)json_array_append(sum, item);
            }
        }
    }
    return sums;
}

static bool is_conditional(const struct import *import, const char *name)
{
    size_t at;
    const json_t *parameter = space_parameter(import, name, &at);

    return json_object_get(parameter, "when") != NULL;
}

/* What the parent may be beside these. */
static json_t *others(const struct import *import, const char *parent, const json_t *allowed)
{
    size_t at;
    json_auto_t *all = values_of(space_parameter(import, parent, &at));
    json_t *rest = json_array();
    size_t i;
    json_t *item;

    json_array_foreach (all, i, item) {
        if (!holds(allowed, item)) {
            (void)json_array_append(rest, item);
        }
    }
    return rest;
}

/* "A or B" of two parents: the child is there twice, where A holds, and where B holds and A does
 * not. That needs an A that is always known. */
static int add_alternatives(struct import *import, struct node at, size_t child, json_t *sums,
                            struct err *err)
{
    json_t *parameters = json_object_get(import->study, "parameters");
    json_auto_t *before = json_object(); /* what the former parents must not be */
    const char *parent;
    json_t *allowed;
    size_t n = 0;

    json_object_foreach (sums, parent, allowed) {
        json_auto_t *when = json_copy(before);
        json_t *known = json_object_get(json_array_get(parameters, child), "when");
        json_auto_t *rest = others(import, parent, allowed);
        if (++n < json_object_size(sums) && is_conditional(import, parent)) {
            remark(
                &import->remarks, at,
                "OR over '%.60s', which has a condition itself, cannot be said; the child is there "
                "where the parts before it hold",
                parent);
        }
        TRY(restrict_to(import, at, when, parent, allowed, err));
        if (n == 1) {
            if (known != NULL) {
                (void)json_object_update(when, known);
            }
            (void)json_object_set(json_array_get(parameters, child), "when", when);
        } else {
            json_t *again = json_copy(json_array_get(parameters, child));
            (void)json_object_set(again, "when", when);
            space_add(import, again, at);
        }
        if (json_array_size(rest) == 0) {
            break; /* it always holds */
        }
        (void)json_object_set(before, parent, rest);
    }
    return 0;
}

static int read_condition(struct import *import, struct node at, struct err *err)
{
    const char *name = node_text(node_member(at, "child"));
    struct node parts = node_member(at, "conditions");
    size_t child;
    json_t *parameter = space_parameter(import, name, &child);

    if (parameter == NULL) {
        return refuse_node(&import->remarks, at, err,
                           "the condition's child %s is no parameter of the space",
                           node_show(node_member(at, "child")));
    }
    if (node_says(node_member(at, "type"), "OR")) {
        json_auto_t *sums = union_of_parts(import, parts);
        return sums == NULL ? 0 : add_alternatives(import, at, child, sums, err);
    }
    json_t *when = json_object_get(parameter, "when");
    if (when == NULL) {
        (void)json_object_set_new(parameter, "when", json_object());
        when = json_object_get(parameter, "when");
    }
    TRY(add_condition(import, at, when, 0, err));
    if (json_object_size(when) == 0) {
        (void)json_object_del(parameter, "when");
    }
    return 0;
}

int configspace_read_conditions(struct import *import, struct node conditions, struct err *err)
{
    for (size_t i = 0; i < node_size(conditions); i++) {
        TRY(read_condition(import, node_item(conditions, i), err));
    }
    return 0;
}

/* ---- forbidden ------------------------------------------------------------------------------ */

/* In backquotes, where one of its own is written twice. */
static void append_name(struct buf *out, const char *name)
{
    buf_putc(out, '`');
    for (; *name != '\0'; name++) {
        buf_puts(out, *name == '`' ? "``" : (const char[2]){*name, '\0'});
    }
    buf_putc(out, '`');
}

/* A number, a truth or a text; false: none of these. */
static bool append_value(struct buf *out, const json_t *value)
{
    const char *text = json_string_value(value);
    OWN(memory) char *plain = text == NULL ? json_dumps(value, JSON_ENCODE_ANY) : NULL;

    if (text != NULL) {
        char quote = strchr(text, '\'') == NULL ? '\'' : '"';
        buf_printf(out, "%c%s%c", quote, text, quote);
        return strchr(text, quote) == NULL;
    }
    buf_puts(out, plain == NULL ? "" : plain);
    return json_is_number(value) || json_is_boolean(value);
}

static bool append_comparison(struct buf *out, const char *name, const char *sign,
                              const json_t *value)
{
    append_name(out, name);
    buf_printf(out, " %s ", sign);
    return append_value(out, value);
}

static const char *sign_of(const char *kind)
{
    static const struct {
        const char *kind, *sign;
    } signs[] = {{"EQUALS", "=="},      {"EQ", "=="},          {"LT", "<"},
                 {"GT", ">"},           {"CLAUSE_LT", "<"},    {"CLAUSE_LE", "<="},
                 {"CLAUSE_GT", ">"},    {"CLAUSE_GE", ">="},   {"RELATION_LT", "<"},
                 {"RELATION_LE", "<="}, {"RELATION_EQ", "=="}, {"RELATION_GT", ">"},
                 {"RELATION_GE", ">="}};

    for (size_t i = 0; kind != NULL && i < sizeof signs / sizeof signs[0]; i++) {
        if (strcmp(signs[i].kind, kind) == 0) {
            return signs[i].sign;
        }
    }
    return NULL;
}

static bool append_clause(struct buf *out, struct node at, size_t depth);

static bool append_joined(struct buf *out, struct node clauses, const char *word, size_t depth)
{
    bool is_right = node_size(clauses) > 0 && depth < DEPTH_MAX;

    for (size_t i = 0; is_right && i < node_size(clauses); i++) {
        buf_puts(out, i > 0 ? word : "");
        buf_putc(out, '(');
        is_right = append_clause(out, node_item(clauses, i), depth + 1);
        buf_putc(out, ')');
    }
    return is_right;
}

static bool append_any_of(struct buf *out, const char *name, struct node values)
{
    bool is_right = node_size(values) > 0;

    for (size_t i = 0; is_right && i < node_size(values); i++) {
        buf_puts(out, i > 0 ? " or " : "");
        is_right = append_comparison(out, name, "==", node_item(values, i).value);
    }
    return is_right;
}

/* What is forbidden, as an expression (common/space/expr.h); false: it cannot be said. */
static bool append_clause(struct buf *out, struct node at, size_t depth)
{
    const char *kind = node_text(node_member(at, "type"));
    const char *name = node_text(node_member(at, "name"));
    const char *left = node_text(node_member(at, "left"));
    const char *right = node_text(node_member(at, "right"));
    const char *lambda = node_text(node_member(at, "lambda"));

    if (kind == NULL) {
        return false;
    }
    if (strcmp(kind, "AND") == 0 || strcmp(kind, "OR") == 0) {
        return append_joined(out, node_member(at, "clauses"),
                             strcmp(kind, "AND") == 0 ? " and " : " or ", depth);
    }
    if (strcmp(kind, "IN") == 0 && name != NULL) {
        return append_any_of(out, name, node_member(at, "values"));
    }
    const char *sign = sign_of(strcmp(kind, "RELATION") == 0 ? lambda : kind);
    if (sign != NULL && left != NULL && right != NULL) {
        append_name(out, left);
        buf_printf(out, " %s ", sign);
        append_name(out, right);
        return true;
    }
    return sign != NULL && name != NULL
           && append_comparison(out, name, sign, json_object_get(at.value, "value"));
}

int configspace_read_forbiddens(struct import *import, struct node forbiddens, struct err *err)
{
    for (size_t i = 0; i < node_size(forbiddens); i++) {
        OWN(buf) struct buf text = {0};
        struct node at = node_item(forbiddens, i);
        buf_init(&text, EXPRESSION_BYTES);
        buf_puts(&text, "not (");
        bool is_said = append_clause(&text, at, 0);
        buf_putc(&text, ')');
        if (buf_check(&text, err) != 0 && err->code == ERR_NOMEM) {
            return -1;
        }
        if (!is_said || text.failed) {
            remark(&import->remarks, at,
                   "this forbidden clause cannot be said as a constraint; it is "
                   "left out");
            continue;
        }
        json_t *list = json_object_get(import->study, "constraints");
        if (list == NULL) {
            study_set(import, "constraints", json_array());
            list = json_object_get(import->study, "constraints");
        }
        (void)json_array_append_new(list, json_string(buf_text(&text)));
    }
    return 0;
}
