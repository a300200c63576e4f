/* Who switches on whom: each parent's values, put into classes that do the same to its children. */
#include "server/strategy/grid/grid_tree.h"

#include <stdlib.h>
#include <string.h>

#include "server/strategy/grid/grid_links.h"

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
    return false; /* the grid skips it */
}

static int compare_mentions(const void *a, const void *b)
{
    const struct mention *x = a;
    const struct mention *y = b;

    return (x->k > y->k) - (x->k < y->k);
}

static int compare_signatures(const void *a, const void *b)
{
    const struct mention *x = a;
    const struct mention *y = b;
    int order = memcmp(&x->signature, &y->signature, sizeof x->signature);

    return order != 0 ? order : compare_mentions(a, b);
}

static void merge_same_values(struct grid_param *parent)
{
    size_t n = 0;

    qsort(parent->mentions, parent->n_mentions, sizeof *parent->mentions, compare_mentions);
    for (size_t i = 0; i < parent->n_mentions; i++) {
        if (n == 0 || parent->mentions[n - 1].k != parent->mentions[i].k) {
            parent->mentions[n++] = parent->mentions[i];
            continue;
        }
        for (size_t word = 0; word < SIGNATURE_WORDS; word++) {
            parent->mentions[n - 1].signature.word[word] |=
                parent->mentions[i].signature.word[word];
        }
    }
    parent->n_mentions = n;
}

static int classify(struct grid_param *parent)
{
    parent->classes = calloc(parent->n_mentions + 1, sizeof *parent->classes);
    if (parent->classes == NULL) {
        return -1;
    }
    parent->classes[0].size = parent->size - parent->n_mentions;
    parent->n_classes = 1;
    qsort(parent->mentions, parent->n_mentions, sizeof *parent->mentions, compare_signatures);
    for (size_t i = 0; i < parent->n_mentions; i++) {
        struct mention *mention = &parent->mentions[i];
        const struct value_class *last = &parent->classes[parent->n_classes - 1];
        if (parent->n_classes == 1
            || memcmp(&last->signature, &mention->signature, sizeof last->signature) != 0) {
            parent->classes[parent->n_classes++].signature = mention->signature;
        }
        mention->kind = parent->n_classes - 1;
        parent->classes[mention->kind].size++;
    }
    qsort(parent->mentions, parent->n_mentions, sizeof *parent->mentions, compare_mentions);
    return 0;
}

/* Every value that a link's condition names, with the link's bit. */
static void mention_values(struct grid_param *parent, const struct param *param, size_t link,
                           const struct condition *condition)
{
    for (size_t j = 0; j < condition->n_allowed; j++) {
        double value = condition->int_values != NULL ? condition->int_values[j]
                                                     : (double)condition->allowed[j];
        struct mention mention = {0};
        if (find_value(param, value, parent->size, &mention.k)) {
            mention.signature.word[link / 64] |= UINT64_C(1) << (link % 64);
            parent->mentions[parent->n_mentions++] = mention;
        }
    }
}

static size_t count_links(const struct space *space, size_t parent, size_t *n_values)
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

int grid_param_link(struct grid_param *parent, const struct space *space, size_t i)
{
    size_t n_values;
    size_t n_links = count_links(space, i, &n_values);

    parent->size = grid_param_size(&space->params[i]);
    if (n_links == 0) {
        return 0;
    }
    parent->links = calloc(n_links, sizeof *parent->links);
    parent->mentions = calloc(n_values, sizeof *parent->mentions);
    if (parent->links == NULL || parent->mentions == NULL) {
        return -1;
    }
    for (size_t child = 0; child < space->n_params; child++) {
        for (size_t c = 0; c < space->params[child].n_conditions; c++) {
            const struct condition *condition = &space->params[child].conditions[c];
            if (condition->parent == i) {
                mention_values(parent, &space->params[i], parent->n_links, condition);
                parent->links[parent->n_links++] = (struct link){child, c};
            }
        }
    }
    merge_same_values(parent);
    return classify(parent);
}

uint64_t grid_class_value(const struct grid_param *parent, size_t kind, uint64_t within)
{
    if (kind > 0) {
        for (size_t i = 0;; i++) {
            if (parent->mentions[i].kind == kind && within-- == 0) {
                return parent->mentions[i].k;
            }
        }
    }
    for (size_t i = 0; i < parent->n_mentions && parent->mentions[i].k <= within; i++) {
        within++; /* step over a value of another class */
    }
    return within;
}
