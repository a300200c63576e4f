#include "worker/cli/import/node.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/json.h"
#include "common/own.h"
#include "worker/cli/define/lines.h"
#include "worker/cli/define/scalar.h"
#include "worker/cli/import/remarks.h"

enum { SHOWN = 8, SHOWN_BYTES = 96 };

size_t node_line(struct node node)
{
    return lines_line(node.lines);
}

bool node_is_given(struct node node)
{
    return node.value != NULL && !json_is_null(node.value);
}

struct node node_member(struct node node, const char *key)
{
    struct node member = {json_object_get(node.value, key), lines_member(node.lines, key)};

    if (!node_is_given(member)) {
        member.value = NULL;
    }
    return member;
}

struct node node_item(struct node node, size_t i)
{
    return (struct node){json_array_get(node.value, i), lines_item(node.lines, i)};
}

size_t node_size(struct node node)
{
    return json_array_size(node.value);
}

bool node_number(struct node node, double *x)
{
    const char *text = node_text(node);
    json_auto_t *spelled = text == NULL ? NULL : scalar_number(text);
    const json_t *number = text == NULL ? node.value : spelled;

    if (!json_is_finite(number) || (!json_is_number(number) && json_big_number(number) == NULL)) {
        return false;
    }
    *x = json_number_like(number);
    return isfinite(*x);
}

bool node_whole(struct node node, double *x)
{
    return node_number(node, x) && floor(*x) == *x && fabs(*x) <= 9007199254740992.0;
}

const char *node_text(struct node node)
{
    return json_big_number(node.value) == NULL ? json_string_value(node.value) : NULL;
}

bool node_says(struct node node, const char *word)
{
    const char *text = node_text(node);

    return text != NULL && strcasecmp(text, word) == 0;
}

const char *node_show(struct node node)
{
    static char shown[SHOWN][SHOWN_BYTES];
    static size_t next;
    char *text = shown[next++ % SHOWN];
    OWN(buf) struct buf whole = {0};
    struct json_writer writer;

    buf_init(&whole, 1 << 20);
    json_writer_init(&writer, &whole);
    json_write_value(&writer, node.value);
    bool is_cut = whole.len >= SHOWN_BYTES - 4;
    struct err cut; /* ends with a whole character */
    (void)err_set(&cut, ERR_NONE, "%.*s", SHOWN_BYTES - 6, buf_text(&whole));
    (void)snprintf(text, SHOWN_BYTES, "%.*s%s", SHOWN_BYTES - 6,
                   node.value == NULL ? "nothing" : cut.text, is_cut ? " …" : "");
    return text;
}

/* ---- an object, key by key ------------------------------------------------------------------ */

void keys_begin(struct keys *keys, struct node object)
{
    *keys = (struct keys){.object = object};
}

void keys_skip(struct keys *keys, const char *key)
{
    if (keys->n_seen < KEYS_MAX) {
        keys->seen[keys->n_seen++] = key;
    }
}

struct node keys_get(struct keys *keys, const char *key)
{
    keys_skip(keys, key);
    return node_member(keys->object, key);
}

bool keys_was_read(const struct keys *keys, const char *key)
{
    for (size_t i = 0; i < keys->n_seen; i++) {
        if (strcmp(keys->seen[i], key) == 0) {
            return true;
        }
    }
    return false;
}

void keys_end(const struct keys *keys, struct remarks *remarks, const char *what)
{
    const char *key;
    json_t *value;

    json_object_foreach (json_unconst(keys->object.value), key, value) {
        if (!keys_was_read(keys, key)) {
            struct node member = {value, lines_member(keys->object.lines, key)};
            remark(remarks, member, "'%.80s' is no key of %s that is known here; it is left out",
                   key, what);
        }
    }
}
