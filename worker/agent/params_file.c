#include "worker/agent/params_file.h"

#include <ctype.h>
#include <string.h>

#include "common/json.h"
#include "common/utf8.h"
#include "worker/agent/folder.h"

#define FILE_BYTES ((size_t)16 << 20)
#define PATH_BYTES 4096

static const struct {
    const char *placeholder, *ending;
    bool is_yaml;
} forms[] = {{"params.json", ".json", false}, {"params.yaml", ".yaml", true}};
#define N_FORMS (sizeof forms / sizeof forms[0])

/* ---- YAML ---- */

/* Controls, line ends and marks that YAML takes for something else, or not at all. */
static bool is_special(uint32_t point)
{
    return (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029 || point == 0xfeff
           || point == 0xfffe || point == 0xffff;
}

/* Copies the text in quotes at `at`, and returns the place behind it. */
static const char *copy_text(struct buf *out, const char *at, const char *end)
{
    const char *begin = at;

    while (at < end && (at == begin || *at != '"')) {
        uint32_t point = 0;
        size_t n = *at == '\\' ? 2 : utf8_decode(at, (size_t)(end - at), &point);
        n = n > 0 ? n : 1;
        if (is_special(point)) {
            buf_printf(out, "\\u%04x", (unsigned)point);
        } else {
            buf_append(out, at, n);
        }
        at += n;
    }
    buf_putc(out, '"');
    return at + 1;
}

static const char *copy_number(struct buf *out, const char *at)
{
    size_t n = strspn(at, "+-.0123456789");

    buf_append(out, at, n);
    if ((at[n] == 'e' || at[n] == 'E') && memchr(at, '.', n) == NULL) {
        buf_puts(out, ".0");
    }
    size_t behind = strspn(at + n, "+-0123456789eE");
    buf_append(out, at + n, behind);
    return at + n + behind;
}

/* Copies compact JSON. */
static void append_value(struct buf *out, const struct buf *json)
{
    const char *at = buf_text(json);
    const char *end = at + json->len;

    while (at < end) {
        if (*at == '"') {
            at = copy_text(out, at, end);
        } else if (*at == '-' || isdigit((unsigned char)*at)) {
            at = copy_number(out, at);
        } else {
            buf_putc(out, *at++);
        }
    }
}

static void append_json(struct buf *out, const json_t *value)
{
    OWN(buf) struct buf json;
    struct json_writer w;

    buf_init(&json, FILE_BYTES);
    json_writer_init(&w, &json);
    json_write_value(&w, value);
    append_value(out, &json);
    buf_check_part(out, &json);
}

void params_file_append_yaml(struct buf *out, const json_t *parameters)
{
    const char *name;
    json_t *value;

    json_object_foreach (json_unconst(parameters), name, value) {
        OWN(buf) struct buf key;
        struct json_writer w;
        buf_init(&key, FILE_BYTES);
        json_writer_init(&w, &key);
        json_write_string(&w, name);
        append_value(out, &key);
        buf_check_part(out, &key);
        buf_puts(out, ": ");
        append_json(out, value);
        buf_putc(out, '\n');
    }
    if (json_object_size(parameters) == 0) {
        buf_puts(out, "{}\n");
    }
}

/* ---- files ---- */

static int write_form(size_t i, const struct expand_values *values, struct err *err)
{
    OWN(buf) struct buf text;
    OWN(buf) struct buf path;
    struct json_writer w;

    buf_init(&text, FILE_BYTES);
    buf_init(&path, PATH_BYTES);
    buf_printf(&path, "%s%s", values->params_file, forms[i].ending);
    if (forms[i].is_yaml) {
        params_file_append_yaml(&text, values->parameters);
    } else {
        json_writer_init(&w, &text);
        json_write_value(&w, values->parameters);
        buf_putc(&text, '\n');
    }
    TRY(buf_check(&path, err));
    TRY(buf_check(&text, err));
    return folder_write(buf_text(&path), text.data, text.len, err);
}

int params_file_write(char *const argv[], const struct expand_values *values, struct err *err)
{
    for (size_t i = 0; i < N_FORMS; i++) {
        if (expand_names(argv, values, forms[i].placeholder)) {
            TRY(write_form(i, values, err));
        }
    }
    return 0;
}
