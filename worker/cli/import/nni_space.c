/* A search space of NNI. A choice may be a space of its own, whose parameters depend on it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "worker/cli/import/nni.h"
#include "worker/cli/import/space.h"

enum family { CHOICE, WHOLE, UNIFORM, LOG, NORMAL, LOG_NORMAL };

static const struct kind {
    const char *name;
    enum family family;
    size_t n_numbers;
    bool is_rounded; /* to multiples of the last number */
} kinds[] = {
    {"choice", CHOICE, 0, false},        {"randint", WHOLE, 2, false},
    {"uniform", UNIFORM, 2, false},      {"quniform", UNIFORM, 3, true},
    {"loguniform", LOG, 2, false},       {"qloguniform", LOG, 3, true},
    {"normal", NORMAL, 2, false},        {"qnormal", NORMAL, 3, true},
    {"lognormal", LOG_NORMAL, 2, false}, {"qlognormal", LOG_NORMAL, 3, true},
};

bool nni_is_space(struct node space)
{
    const char *key;
    json_t *value;

    json_object_foreach (json_unconst(space.value), key, value) {
        if (strcmp(key, "_name") != 0 && json_object_get(value, "_type") == NULL) {
            return false;
        }
    }
    return json_object_size(space.value) > 0;
}

struct level {
    struct import *import;
    const char *prefix; /* of the names below, with a dot at the end */
    const json_t *when; /* NULL: always active */
};

static int read_level(const struct level *level, struct node space, struct err *err);

static void add(const struct level *level, json_t *parameter, struct node at)
{
    if (level->when != NULL) {
        (void)json_object_set(parameter, "when", json_unconst(level->when));
    }
    space_add(level->import, parameter, at);
}

/* ---- numbers -------------------------------------------------------------------------------- */

static int read_numbers(const struct level *level, const struct kind *kind, const char *name,
                        struct node at, double x[3], struct err *err)
{
    struct node value = node_member(at, "_value");
    bool is_right = node_size(value) == kind->n_numbers;

    for (size_t i = 0; is_right && i < kind->n_numbers; i++) {
        is_right = node_number(node_item(value, i), &x[i]);
    }
    if (!is_right || (kind->is_rounded && !(x[2] > 0))) {
        return refuse_node(&level->import->remarks, at, err,
                           "'%.60s': %s needs %zu numbers in _value%s", name, kind->name,
                           kind->n_numbers, kind->is_rounded ? ", the last of them above 0" : "");
    }
    return 0;
}

/* NNI keeps rounded values within their ends: where these are no multiples of q, they are values
 * too, which only a list can say. Returns NULL where a range can. */
static json_t *clipped_list(const char *name, const double x[3])
{
    double first = ceil(x[0] / x[2]);
    double last = floor(x[1] / x[2]);
    struct range multiples = {.has_low = true, .has_high = true, .low = x[0], .high = x[1]};

    range_round_to(&multiples, x[2]);
    if ((multiples.low == x[0] && multiples.high == x[1]) || last - first > 65000) {
        return NULL;
    }
    json_t *values = json_array();
    if (first * x[2] > x[0]) {
        (void)json_array_append_new(values, space_number(x[0]));
    }
    for (double k = first; k <= last; k++) {
        struct range one = {.has_low = true, .low = k * x[2]};
        range_round_to(&one, x[2]);
        (void)json_array_append_new(values, space_number(one.low));
    }
    if (last * x[2] < x[1]) {
        (void)json_array_append_new(values, space_number(x[1]));
    }
    bool are_whole = true;
    for (size_t i = 0; i < json_array_size(values); i++) {
        are_whole = are_whole && json_is_integer(json_array_get(values, i));
    }
    return json_array_size(values) < 2 ? json_pack("{s:s, s:s, s:o}", "name", name, "type",
                                                   "constant", "value", space_number(x[0]))
                                       : json_pack("{s:s, s:s, s:o}", "name", name, "type",
                                                   are_whole ? "int" : "float", "values", values);
}

static int read_range(const struct level *level, const struct kind *kind, const char *name,
                      struct node at, struct err *err)
{
    double x[3] = {0, 0, 0};
    struct range range = {0};
    bool is_bell = kind->family == NORMAL || kind->family == LOG_NORMAL;

    TRY(read_numbers(level, kind, name, at, x, err));
    if (is_bell) {
        range.distribution = kind->family == NORMAL ? "normal" : "lognormal";
        range.mean = x[0];
        range.sd = x[1];
    } else {
        range.has_low = range.has_high = true;
        range.is_int = kind->family == WHOLE;
        range.low = x[0];
        range.high = kind->family == WHOLE ? x[1] - 1 : x[1]; /* the upper end is not drawn */
        range.scale = kind->family == LOG ? "log" : NULL;
    }
    if (!is_bell && (range.low > range.high || (kind->family == LOG && !(x[0] > 0)))) {
        return refuse_node(&level->import->remarks, at, err,
                           "'%.60s' must lie between two numbers, the lower one first%s", name,
                           kind->family == LOG ? ", both above 0" : "");
    }
    json_t *list = kind->is_rounded && kind->family == UNIFORM ? clipped_list(name, x) : NULL;
    if (kind->is_rounded && list == NULL) {
        range.is_int =
            floor(x[2]) == x[2] && json_is_integer(node_item(node_member(at, "_value"), 2).value);
        range_round_to(&range, x[2]);
    }
    add(level, list != NULL ? list : space_range(name, &range), at);
    return 0;
}

/* ---- choices -------------------------------------------------------------------------------- */

/* Is it a space that its `_name` names? */
static bool is_branch(struct node option)
{
    return json_is_object(option.value) && node_text(node_member(option, "_name")) != NULL;
}

static int read_branch(const struct level *level, const char *name, struct node option,
                       struct err *err)
{
    OWN(buf) struct buf prefix = {0};
    json_auto_t *when = level->when == NULL ? json_object() : json_copy(json_unconst(level->when));

    buf_init(&prefix, 4096);
    buf_printf(&prefix, "%s.", name);
    TRY(buf_check(&prefix, err));
    (void)json_object_set_new(when, name,
                              json_pack("[s]", node_text(node_member(option, "_name"))));
    struct level inner = {level->import, buf_text(&prefix), when};
    return read_level(&inner, option, err);
}

static int read_choice(const struct level *level, const char *name, struct node at, struct err *err)
{
    struct node value = node_member(at, "_value");
    json_auto_t *names = json_array();
    bool has_branches = false;

    for (size_t i = 0; i < node_size(value); i++) {
        struct node option = node_item(value, i);
        has_branches = has_branches || is_branch(option);
        (void)json_array_append(
            names,
            json_unconst(is_branch(option) ? node_member(option, "_name").value : option.value));
    }
    struct node items = {names, value.lines};
    json_t *made = space_choices(level->import, name, items, (struct node){0}, err);
    if (made == NULL) {
        return -1;
    }
    add(level, made, at);
    if (has_branches && level->when == NULL) {
        remark(&level->import->remarks, at,
               "the parameters below '%.60s' are called '%.60s.…' and are there for their choice "
               "alone; the program gets them under these names, not as one object",
               name, name);
    }
    for (size_t i = 0; i < node_size(value); i++) {
        if (is_branch(node_item(value, i))) {
            TRY(read_branch(level, name, node_item(value, i), err));
        }
    }
    return 0;
}

/* ---- the whole ------------------------------------------------------------------------------ */

static int read_parameter(const struct level *level, const char *name, struct node at,
                          struct err *err)
{
    struct node type = node_member(at, "_type");
    struct keys keys;

    keys_begin(&keys, at);
    keys_skip(&keys, "_type");
    keys_skip(&keys, "_value");
    keys_end(&keys, &level->import->remarks, "a parameter");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (node_says(type, kinds[i].name)) {
            return kinds[i].family == CHOICE ? read_choice(level, name, at, err)
                                             : read_range(level, &kinds[i], name, at, err);
        }
    }
    return refuse_node(
        &level->import->remarks, at, err,
        "'%.60s' has the _type %s, which cannot be said; list its values as a choice", name,
        node_show(type));
}

static int read_level(const struct level *level, struct node space, struct err *err)
{
    const char *key;
    json_t *value;

    json_object_foreach (json_unconst(space.value), key, value) {
        OWN(buf) struct buf name = {0};
        struct node at = node_member(space, key);
        if (strcmp(key, "_name") == 0) {
            continue;
        }
        buf_init(&name, 4096);
        buf_printf(&name, "%s%s", level->prefix, key);
        TRY(buf_check(&name, err));
        TRY(read_parameter(level, buf_text(&name), at, err));
    }
    return 0;
}

int nni_read_space(struct import *import, struct node space, struct err *err)
{
    const struct level top = {import, "", NULL};

    if (!nni_is_space(space)) {
        return refuse_node(
            &import->remarks, space, err,
            "the search space must be an object of parameters with _type and _value");
    }
    return read_level(&top, space, err);
}
