#include "server/mcp/tool.h"

#include <inttypes.h>
#include <string.h>

#include "common/names.h"

/* ---- what clients are shown ---- */

static const char *const type_names[] = {
    [ARGUMENT_NAME] = "string",   [ARGUMENT_INTEGER] = "integer", [ARGUMENT_STRING] = "string",
    [ARGUMENT_CHOICE] = "string", [ARGUMENT_BOOLEAN] = "boolean", [ARGUMENT_JSON] = NULL,
};

static void write_choices(const struct argument *argument, struct json_writer *w)
{
    json_write_key(w, "enum");
    json_array_begin(w);
    for (size_t i = 0; argument->choices[i] != NULL; i++) {
        json_write_string(w, argument->choices[i]);
    }
    json_array_end(w);
}

static void write_argument(const struct argument *argument, struct json_writer *w)
{
    json_write_key(w, argument->name);
    json_object_begin(w);
    if (argument->schema != NULL) {
        json_write_raw(w, argument->schema, strlen(argument->schema));
    }
    if (type_names[argument->kind] != NULL) {
        json_put_string(w, "type", type_names[argument->kind]);
    }
    if (argument->kind == ARGUMENT_NAME) {
        json_put_string(w, "pattern", "^[a-z0-9][a-z0-9._-]{0,62}$");
    }
    if (argument->kind == ARGUMENT_INTEGER) {
        json_put_int(w, "minimum", argument->low);
        json_put_int(w, "maximum", argument->high);
    }
    if (argument->kind == ARGUMENT_CHOICE) {
        write_choices(argument, w);
    }
    json_put_string(w, "description", argument->description);
    json_object_end(w);
}

static void write_schema(const struct tool *tool, struct json_writer *w)
{
    const struct argument *at;

    json_write_key(w, "inputSchema");
    json_object_begin(w);
    json_put_string(w, "type", "object");
    json_write_key(w, "properties");
    json_object_begin(w);
    for (at = tool->arguments; at->name != NULL; at++) {
        write_argument(at, w);
    }
    json_object_end(w);
    json_write_key(w, "required");
    json_array_begin(w);
    for (at = tool->arguments; at->name != NULL; at++) {
        if (at->required) {
            json_write_string(w, at->name);
        }
    }
    json_array_end(w);
    json_put_bool(w, "additionalProperties", false);
    json_object_end(w);
}

static void write_tool(const struct tool *tool, struct json_writer *w)
{
    json_object_begin(w);
    json_put_string(w, "name", tool->name);
    json_put_string(w, "title", tool->title);
    json_put_string(w, "description", tool->description);
    write_schema(tool, w);
    json_write_key(w, "annotations");
    json_object_begin(w);
    json_put_string(w, "title", tool->title);
    json_put_bool(w, "readOnlyHint", !tool->writes);
    json_put_bool(w, "destructiveHint", tool->destroys);
    json_put_bool(w, "idempotentHint", tool->repeatable);
    json_put_bool(w, "openWorldHint", false); /* it reaches nothing beyond this server */
    json_object_end(w);
    json_object_end(w);
}

void tools_write(unsigned scopes, struct json_writer *w)
{
    json_array_begin(w);
    for (const struct tool *tool = tools; tool->name != NULL; tool++) {
        if ((tool->scopes & scopes) != 0) {
            write_tool(tool, w);
        }
    }
    json_array_end(w);
}

const struct tool *tool_find(const char *name)
{
    for (const struct tool *tool = tools; tool->name != NULL; tool++) {
        if (strcmp(tool->name, name) == 0) {
            return tool;
        }
    }
    return NULL;
}

/* ---- what is sent ---- */

void url_add(struct buf *out, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (; *text != '\0'; text++) {
        if (strchr(plain, *text) != NULL) {
            buf_putc(out, *text);
        } else {
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
        }
    }
}

static void check_choice(struct fields *fields, const struct argument *argument, const char *value)
{
    char all[160] = "";
    size_t len = 0;

    for (size_t i = 0; argument->choices[i] != NULL; i++) {
        if (strcmp(argument->choices[i], value) == 0) {
            return;
        }
        len += (size_t)snprintf(all + len, sizeof all - len, "%s%s", i > 0 ? ", " : "",
                                argument->choices[i]);
    }
    fields_fault(fields, argument->name, "must be one of %s", all);
}

/* Appends the value of an argument that is there, percent-encoded. */
static void read_value(struct fields *fields, const struct argument *argument, struct buf *out)
{
    const char *text;

    switch (argument->kind) {
    case ARGUMENT_INTEGER:
        buf_printf(
            out, "%" PRId64,
            fields_int(fields, argument->name, argument->low, argument->low, argument->high));
        return;
    case ARGUMENT_BOOLEAN:
        buf_puts(out, fields_bool(fields, argument->name, false) ? "true" : "false");
        return;
    case ARGUMENT_NAME:
    case ARGUMENT_STRING:
    case ARGUMENT_CHOICE:
        text = fields_string(fields, argument->name, "");
        if (argument->kind == ARGUMENT_CHOICE) {
            check_choice(fields, argument, text);
        } else if (argument->kind == ARGUMENT_NAME && !name_is_study(text)) {
            fields_fault(fields, argument->name,
                         "is not the name of a study; list_studies has them");
        }
        url_add(out, text);
        return;
    case ARGUMENT_JSON:
    default:
        (void)fields_any(fields, argument->name);
        return;
    }
}

static const struct argument *argument_find(const struct tool *tool, const char *name, size_t len)
{
    for (const struct argument *at = tool->arguments; at->name != NULL; at++) {
        if (strlen(at->name) == len && strncmp(at->name, name, len) == 0) {
            return at;
        }
    }
    return NULL;
}

/* The pattern with the arguments in the places of their names. */
static void add_path(const struct tool *tool, struct fields *fields, struct buf *out)
{
    for (const char *at = tool->target; *at != '\0';) {
        size_t plain = strcspn(at, "{");
        buf_append(out, at, plain);
        at += plain;
        if (*at == '{') {
            size_t len = strcspn(at, "}");
            read_value(fields, argument_find(tool, at + 1, len - 1), out);
            at += len + 1;
        }
    }
}

/* An argument of the query, or one that only has to be of its type. */
static void add_argument(const struct tool *tool, const struct argument *argument,
                         struct fields *fields, struct buf *out)
{
    const char *name = argument->query != NULL ? argument->query : argument->name;
    bool is_there = fields_has(fields, argument->name);
    OWN(buf) struct buf unused;

    buf_init(&unused, 1 << 16);
    if (argument->place == PLACE_ANSWER || (argument->place == PLACE_NONE && !tool->passes_on)) {
        if (is_there) {
            read_value(fields, argument, &unused);
        }
        (void)fields_any(fields, argument->name);
    }
    if (argument->place != PLACE_QUERY) {
        return;
    }
    if (is_there || argument->fallback != NULL) {
        buf_printf(out, "%c%s=", memchr(out->data, '?', out->len) == NULL ? '?' : '&', name);
    }
    if (is_there) {
        read_value(fields, argument, out);
    } else {
        (void)fields_any(fields, argument->name);
        buf_puts(out, argument->fallback != NULL ? argument->fallback : "");
    }
}

void tool_target(const struct tool *tool, const json_t *arguments, struct buf *out,
                 struct faults *faults)
{
    struct fields fields;

    fields_begin(&fields, arguments, "", faults);
    for (const struct argument *at = tool->arguments; at->name != NULL; at++) {
        if (at->required && !tool->passes_on && !fields_has(&fields, at->name)) {
            fields_fault(&fields, at->name, "is missing");
        }
    }
    if (faults->total > 0) {
        return;
    }
    add_path(tool, &fields, out);
    for (const struct argument *at = tool->arguments; at->name != NULL; at++) {
        add_argument(tool, at, &fields, out);
    }
    if (!tool->passes_on) {
        fields_end(&fields);
    }
}
