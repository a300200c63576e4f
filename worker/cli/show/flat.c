#include "worker/cli/show/flat.h"

#include <stdbool.h>
#include <string.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/json_at.h"

enum { NAME_BYTES = 1 << 16 };

static void add(json_t *flat, const char *before, const char *key, const json_t *value);

static void add_members(json_t *flat, const char *name, const json_t *object)
{
    const char *key;
    json_t *value;

    json_object_foreach (json_unconst(object), key, value) {
        add(flat, name, key, value);
    }
}

static const char *name_of(const json_t *item)
{
    const char *name = text_at(item, "name");

    return *name == '\0' ? text_at(item, "metric") : name;
}

static bool is_named_list(const json_t *value)
{
    size_t n = json_array_size(value);

    for (size_t i = 0; i < n; i++) {
        if (*name_of(json_array_get(value, i)) == '\0') {
            return false;
        }
    }
    return n > 0;
}

static void add(json_t *flat, const char *before, const char *key, const json_t *value)
{
    OWN(buf) struct buf name = {0};

    buf_init(&name, NAME_BYTES);
    buf_printf(&name, "%s%s%s", before, *before == '\0' ? "" : ".", key);
    if (json_is_object(value)) {
        add_members(flat, buf_text(&name), value);
    } else if (is_named_list(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            const json_t *item = json_array_get(value, i);
            json_auto_t *rest = json_copy(json_unconst(item));
            const char *item_name = name_of(item);
            (void)json_object_del(rest, "name");
            add(flat, buf_text(&name), item_name, rest);
        }
    } else if (!json_is_null(value) && !(json_is_array(value) && json_array_size(value) == 0)) {
        (void)json_object_set(flat, buf_text(&name), json_unconst(value));
    }
}

json_t *flat_object(const json_t *object, const char *const *left_out)
{
    json_t *flat = json_object();
    const char *key;
    json_t *value;

    json_object_foreach (json_unconst(object), key, value) {
        bool is_left_out = false;
        for (const char *const *name = left_out; *name != NULL; name++) {
            is_left_out = is_left_out || strcmp(*name, key) == 0;
        }
        if (!is_left_out) {
            add(flat, "", key, value);
        }
    }
    return flat;
}
