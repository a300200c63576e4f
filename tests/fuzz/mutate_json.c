#include <jansson.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"

#define PLACES_MAX 64 /* where JSON is looked for in a text */

/* ---- values and names of the dictionary ---- */

static json_t *any_value(const struct words *words, struct rng *rng)
{
    for (int tries = 0; words->n > 0 && tries < 100; tries++) {
        const struct buf *word = &words->items[rng_below(rng, words->n)];
        json_t *value = json_loadb(word->data, word->len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        if (value != NULL) {
            return value;
        }
    }
    return json_null();
}

/* The caller owns it; NULL: the dictionary has no name. */
static json_t *any_name(const struct words *words, struct rng *rng)
{
    for (int tries = 0; tries < 10; tries++) {
        json_t *value = any_value(words, rng);
        if (json_is_string(value)
            && strlen(json_string_value(value)) == json_string_length(value)) {
            return value;
        }
        json_decref(value);
    }
    return NULL;
}

/* ---- one change ---- */

static void change(json_t *value, const struct words *words, struct rng *rng);

static void change_array(json_t *array, const struct words *words, struct rng *rng)
{
    size_t n = json_array_size(array);
    size_t at = n > 0 ? (size_t)rng_below(rng, n) : 0;
    json_t *item = json_array_get(array, at);
    bool is_inner = json_is_object(item) || json_is_array(item);
    uint64_t how = rng_below(rng, 8);

    if (n == 0 || how == 0) {
        (void)json_array_append_new(array, any_value(words, rng));
    } else if (how == 1) {
        (void)json_array_remove(array, at);
    } else if (how == 2 || !is_inner) {
        (void)json_array_set_new(array, at, any_value(words, rng));
    } else if (how == 3) {
        (void)json_array_append_new(array, json_deep_copy(item));
    } else {
        change(item, words, rng);
    }
}

static const char *any_key(json_t *object, struct rng *rng)
{
    void *at = json_object_iter(object);

    for (uint64_t skip = rng_below(rng, json_object_size(object)); skip > 0; skip--) {
        at = json_object_iter_next(object, at);
    }
    return json_object_iter_key(at);
}

static void change_object(json_t *object, const struct words *words, struct rng *rng)
{
    uint64_t how = rng_below(rng, 8);

    if (json_object_size(object) == 0 || how == 0) {
        json_auto_t *name = any_name(words, rng);
        (void)json_object_set_new(object, name == NULL ? "" : json_string_value(name),
                                  any_value(words, rng));
        return;
    }
    const char *key = any_key(object, rng);
    json_t *member = json_object_get(object, key);
    bool is_inner = json_object_size(member) + json_array_size(member) > 0;
    if (how > 2 && is_inner) {
        change(member, words, rng);
    } else if (how == 1) {
        (void)json_object_del(object, key);
    } else {
        (void)json_object_set_new(object, key, any_value(words, rng));
    }
}

static void change(json_t *value, const struct words *words, struct rng *rng)
{
    if (json_is_array(value)) {
        change_array(value, words, rng);
    } else if (json_is_object(value)) {
        change_object(value, words, rng);
    }
}

/* ---- where it stands ---- */

/* The JSON that begins at a place; *len ← its bytes. NULL: none does. */
static json_t *value_at(const struct buf *text, size_t at, size_t *len)
{
    json_error_t error;

    if (text->data[at] != '{' && text->data[at] != '[') {
        return NULL;
    }
    json_t *value = json_loadb(text->data + at, text->len - at,
                               JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, &error);
    *len = value == NULL ? 0 : (size_t)error.position;
    return value;
}

bool mutate_json(struct buf *text, const struct words *words, struct rng *rng)
{
    size_t places[PLACES_MAX];
    size_t n = 0;

    for (size_t at = 0; at < text->len && n < PLACES_MAX;) {
        size_t len = 1;
        json_auto_t *value = value_at(text, at, &len);
        if (value != NULL) {
            places[n++] = at;
        }
        at += len > 0 ? len : 1;
    }
    if (n == 0) {
        return false;
    }
    size_t at = places[rng_below(rng, n)];
    size_t len = 0;
    json_auto_t *value = value_at(text, at, &len);
    change(value, words, rng);
    OWN(memory) char *changed = json_dumps(value, JSON_COMPACT);
    OWN(buf) struct buf rest;
    buf_init(&rest, MUTATE_BYTES_MAX);
    buf_append(&rest, text->data + at + len, text->len - at - len);
    text->len = at;
    buf_puts(text, changed == NULL ? "" : changed);
    buf_append(text, buf_text(&rest), rest.len);
    return true;
}
