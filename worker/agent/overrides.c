#include "worker/agent/overrides.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "common/json.h"
#include "common/json_value.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define DIGITS "0123456789"

/* ---- names ---- */

/* The length of the word, or of the number where one may stand, that begins here. */
static size_t part_len(const char *text, bool may_be_number)
{
    if (text[0] != '\0' && strchr(LETTERS, text[0]) != NULL) {
        return strspn(text, LETTERS DIGITS "-");
    }
    return may_be_number ? strspn(text, DIGITS) : 0;
}

/* Words joined by points, of which all but the first may be numbers, or by slashes. */
static bool is_key(const char *name)
{
    const char *joint = strchr(name, '/') != NULL ? "/" : ".";
    size_t len = part_len(name, false);

    while (len > 0 && name[len] == joint[0]) {
        name += len + 1;
        len = part_len(name, joint[0] == '.');
    }
    return len > 0 && name[len] == '\0';
}

int override_check_name(const char *name, struct err *err)
{
    return is_key(name)
               ? 0
               : err_set(err, ERR_INVALID,
                         "{args.hydra} cannot pass on the parameter \"%.80s\": Hydra takes "
                         "names of letters, digits, _ and -, joined by . or /; write an "
                         "argument with {%.80s} in it",
                         name, name);
}

/* ---- values ---- */

/* A word that Hydra takes for a text, and for no other value. */
static bool is_plain(const char *text)
{
    static const char *const values[] = {"null", "true", "false", "nan", "inf"};

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        if (strcasecmp(text, values[i]) == 0) {
            return false;
        }
    }
    return part_len(text, false) == strlen(text) && text[0] != '\0';
}

static void put_times(struct buf *out, char c, size_t n)
{
    for (; n > 0; n--) {
        buf_putc(out, c);
    }
}

/* Within quotes a backslash is itself, but in front of a quote or of the end backslashes are
 * doubled. In front of ${ they are doubled too and one more is put, or it would be an
 * interpolation. */
static void append_quoted(struct buf *out, const char *text)
{
    buf_putc(out, '\'');
    while (*text != '\0') {
        size_t n = strspn(text, "\\");
        text += n;
        bool is_special = *text == '\'' || (text[0] == '$' && text[1] == '{');
        put_times(out, '\\', is_special ? 2 * n + 1 : *text == '\0' ? 2 * n : n);
        if (*text != '\0') {
            buf_putc(out, *text++);
        }
    }
    buf_putc(out, '\'');
}

static int append_value(const json_t *value, bool is_inner, struct buf *out, struct err *err);

static int append_list(const json_t *list, struct buf *out, struct err *err)
{
    size_t i;
    json_t *item;

    buf_putc(out, '[');
    json_array_foreach (list, i, item) {
        buf_puts(out, i == 0 ? "" : ",");
        TRY(append_value(item, true, out, err));
    }
    buf_putc(out, ']');
    return 0;
}

static int append_object(const json_t *object, struct buf *out, struct err *err)
{
    const char *key;
    json_t *item;
    bool is_first = true;

    buf_putc(out, '{');
    json_object_foreach (json_unconst(object), key, item) {
        if (!is_plain(key)) {
            return err_set(err, ERR_INVALID,
                           "{args.hydra} cannot pass on an object with the key \"%.80s\": Hydra "
                           "takes keys of letters, digits, _ and -; use {args.json} or "
                           "HONE_PARAMS_FILE",
                           key);
        }
        buf_printf(out, "%s%s:", is_first ? "" : ",", key);
        TRY(append_value(item, true, out, err));
        is_first = false;
    }
    buf_putc(out, '}');
    return 0;
}

static int append_value(const json_t *value, bool is_inner, struct buf *out, struct err *err)
{
    if (json_is_array(value)) {
        return append_list(value, out, err);
    }
    if (json_is_object(value)) {
        return append_object(value, out, err);
    }
    if (json_is_string(value) && json_big_number(value) == NULL
        && (is_inner || !is_plain(json_string_value(value)))) {
        append_quoted(out, json_string_value(value));
    } else {
        json_append_text(out, value);
    }
    return 0;
}

int override_append(const char *name, const json_t *value, struct buf *out, struct err *err)
{
    TRY(override_check_name(name, err));
    buf_printf(out, "%s=", name);
    return append_value(value, false, out, err);
}
