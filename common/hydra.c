#include "common/hydra.h"

#include <string.h>

#include "common/json.h"
#include "common/json_value.h"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads over one part of a key, [A-Za-z_][A-Za-z0-9_]*, or behind a dot an index. NULL: it is
 * neither. */
static const char *skip_part(const char *at, bool is_first)
{
    const char *from = at;

    while (is_letter(*at) || is_digit(*at)) {
        at++;
    }
    if (at == from || is_letter(*from)) {
        return at == from ? NULL : at;
    }
    bool is_index =
        strspn(from, "0123456789") == (size_t)(at - from) && (*from != '0' || at == from + 1);
    return is_index && !is_first ? at : NULL;
}

static bool is_key(const char *name)
{
    for (const char *at = skip_part(name, true); at != NULL; at = skip_part(at + 1, false)) {
        if (*at != '.') {
            return *at == '\0';
        }
    }
    return false;
}

static bool is_plain_key(const char *name)
{
    return is_key(name) && strchr(name, '.') == NULL;
}

/* In quotes only a quote ends the text, and backslashes count only before one and before "${",
 * which would be an interpolation. */
static void append_quoted(struct buf *out, const char *text)
{
    buf_putc(out, '\'');
    while (*text != '\0') {
        size_t slashes = strspn(text, "\\");
        const char *next = text + slashes;
        bool is_special = *next == '\'' || *next == '\0' || strncmp(next, "${", 2) == 0;
        for (size_t i = 0; i < (is_special ? 2 * slashes : slashes); i++) {
            buf_putc(out, '\\');
        }
        if (*next == '\0') {
            break;
        }
        buf_puts(out, is_special ? "\\" : "");
        buf_putc(out, *next);
        text = next + 1;
    }
    buf_putc(out, '\'');
}

static int append_value(struct buf *out, const json_t *value, struct err *err);

static int append_list(struct buf *out, const json_t *list, struct err *err)
{
    size_t i;
    json_t *item;

    buf_putc(out, '[');
    json_array_foreach (json_unconst(list), i, item) {
        buf_puts(out, i > 0 ? "," : "");
        TRY(append_value(out, item, err));
    }
    buf_putc(out, ']');
    return 0;
}

static int append_object(struct buf *out, const json_t *object, struct err *err)
{
    const char *key;
    json_t *value;
    const char *joint = "";

    buf_putc(out, '{');
    json_object_foreach (json_unconst(object), key, value) {
        if (!is_plain_key(key)) {
            return err_set(err, ERR_INVALID,
                           "Hydra has no way to write the key \"%.60s\"; use another format", key);
        }
        buf_printf(out, "%s%s:", joint, key);
        TRY(append_value(out, value, err));
        joint = ",";
    }
    buf_putc(out, '}');
    return 0;
}

static int append_value(struct buf *out, const json_t *value, struct err *err)
{
    if (json_is_string(value) && strpbrk(json_string_value(value), "\r\n") != NULL) {
        return err_set(
            err, ERR_INVALID,
            "a value has a line break, for which Hydra has no escape; use another format");
    }
    if (json_big_number(value) == NULL && json_is_string(value)) {
        append_quoted(out, json_string_value(value));
    } else if (json_is_array(value)) {
        return append_list(out, value, err);
    } else if (json_is_object(value)) {
        return append_object(out, value, err);
    } else {
        json_append_text(out, value);
    }
    return 0;
}

int hydra_append(struct buf *out, const json_t *parameters, struct err *err)
{
    const char *name;
    json_t *value;
    const char *joint = "";

    json_object_foreach (json_unconst(parameters), name, value) {
        if (!is_key(name)) {
            return err_set(err, ERR_INVALID,
                           "the parameter \"%.60s\" cannot be the key of an override of Hydra, "
                           "which is letters, digits, _ and dots; use another format",
                           name);
        }
        buf_printf(out, "%s%s=", joint, name);
        TRY(append_value(out, value, err));
        joint = " ";
    }
    return 0;
}
