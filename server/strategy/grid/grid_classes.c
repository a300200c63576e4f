#include "server/strategy/grid/grid_classes.h"

#include <stdlib.h>
#include <string.h>

#include "server/strategy/grid/grid_values.h"

static bool find_value(const struct param *param, double value, uint64_t size, uint64_t *k)
{
    uint64_t low = 0;
    uint64_t high = size;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        double at = grid_param_value(param, middle);
        if (at == value) {
            *k = middle;
            return true;
        }
        if (at < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false; /* the grid does not contain it */
}

static int by_index(const void *a, const void *b)
{
    const struct named_value *x = a;
    const struct named_value *y = b;

    return (x->k > y->k) - (x->k < y->k);
}

static int by_signature(const void *a, const void *b)
{
    const struct named_value *x = a;
    const struct named_value *y = b;
    int order = memcmp(&x->signature, &y->signature, sizeof x->signature);

    return order != 0 ? order : by_index(a, b);
}

static void merge_equal_values(struct grid_param *parent)
{
    size_t n = 0;

    qsort(parent->named_values, parent->n_named_values, sizeof *parent->named_values, by_index);
    for (size_t i = 0; i < parent->n_named_values; i++) {
        if (n == 0 || parent->named_values[n - 1].k != parent->named_values[i].k) {
            parent->named_values[n++] = parent->named_values[i];
            continue;
        }
        for (size_t word = 0; word < SIGNATURE_WORDS; word++) {
            parent->named_values[n - 1].signature.word[word] |=
                parent->named_values[i].signature.word[word];
        }
    }
    parent->n_named_values = n;
}

static int classify(struct grid_param *parent)
{
    parent->classes = calloc(parent->n_named_values + 1, sizeof *parent->classes);
    if (parent->classes == NULL) {
        return -1;
    }
    parent->classes[0].size = parent->size - parent->n_named_values;
    parent->n_classes = 1;
    qsort(parent->named_values, parent->n_named_values, sizeof *parent->named_values, by_signature);
    for (size_t i = 0; i < parent->n_named_values; i++) {
        struct named_value *named_value = &parent->named_values[i];
        const struct value_class *last = &parent->classes[parent->n_classes - 1];
        if (parent->n_classes == 1
            || memcmp(&last->signature, &named_value->signature, sizeof last->signature) != 0) {
            parent->classes[parent->n_classes++].signature = named_value->signature;
        }
        named_value->kind = parent->n_classes - 1;
        parent->classes[named_value->kind].size++;
    }
    qsort(parent->named_values, parent->n_named_values, sizeof *parent->named_values, by_index);
    return 0;
}

/* Adds every value that the condition of a child names, with the bit of that child. */
static void add_named_values(struct grid_param *parent, const struct param *param,
                             size_t child_link, const struct condition *condition)
{
    for (size_t j = 0; j < condition->n_allowed; j++) {
        struct named_value named_value = {0};
        if (find_value(param, condition->allowed[j], parent->size, &named_value.k)) {
            named_value.signature.word[child_link / 64] |= UINT64_C(1) << (child_link % 64);
            parent->named_values[parent->n_named_values++] = named_value;
        }
    }
}

static size_t count_children(const struct space *space, size_t parent, size_t *n_values)
{
    size_t n = 0;

    *n_values = 0;
    for (size_t i = 0; i < space->n_params; i++) {
        for (size_t c = 0; c < space->params[i].n_conditions; c++) {
            if (space->params[i].conditions[c].parent == parent) {
                n++;
                *n_values += space->params[i].conditions[c].n_allowed;
            }
        }
    }
    return n;
}

int grid_param_classify(struct grid_param *parent, const struct space *space, size_t i)
{
    size_t n_values;
    size_t n_children = count_children(space, i, &n_values);

    parent->size = grid_param_size(&space->params[i]);
    if (n_children == 0) {
        return 0;
    }
    parent->children = calloc(n_children, sizeof *parent->children);
    parent->named_values = calloc(n_values, sizeof *parent->named_values);
    if (parent->children == NULL || parent->named_values == NULL) {
        return -1;
    }
    for (size_t child = 0; child < space->n_params; child++) {
        for (size_t c = 0; c < space->params[child].n_conditions; c++) {
            const struct condition *condition = &space->params[child].conditions[c];
            if (condition->parent == i) {
                add_named_values(parent, &space->params[i], parent->n_children, condition);
                parent->children[parent->n_children++] = (struct child_link){child, c};
            }
        }
    }
    merge_equal_values(parent);
    return classify(parent);
}

uint64_t grid_class_value(const struct grid_param *parent, size_t kind, uint64_t within)
{
    if (kind > 0) {
        for (size_t i = 0;; i++) {
            if (parent->named_values[i].kind == kind && within-- == 0) {
                return parent->named_values[i].k;
            }
        }
    }
    for (size_t i = 0; i < parent->n_named_values && parent->named_values[i].k <= within; i++) {
        within++; /* skip a value of another class */
    }
    return within;
}
