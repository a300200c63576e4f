#include "worker/cli/define/lines.h"

#include <string.h>

#include "common/json.h"

json_t *lines_new(size_t line, enum lines_of of)
{
    json_t *number = json_integer((json_int_t)line);

    if (of == LINES_OF_SCALAR) {
        return number;
    }
    return json_pack("[o, o]", number, of == LINES_OF_ARRAY ? json_array() : json_object());
}

void lines_add_item(json_t *lines, json_t *item)
{
    (void)json_array_append(json_array_get(lines, 1), item);
}

void lines_add_member(json_t *lines, const char *key, json_t *member)
{
    (void)json_object_set(json_array_get(lines, 1), key, member);
}

size_t lines_line(const json_t *lines)
{
    const json_t *line = json_is_array(lines) ? json_array_get(lines, 0) : lines;

    return json_is_integer(line) ? (size_t)json_integer_value(line) : 0;
}

const json_t *lines_item(const json_t *lines, size_t i)
{
    return json_array_get(json_array_get(lines, 1), i);
}

const json_t *lines_member(const json_t *lines, const char *key)
{
    return json_object_get(json_array_get(lines, 1), key);
}

/* ---- of JSON -------------------------------------------------------------------------------- */

struct scan {
    const char *at;
    size_t line;
};

/* Over blanks, commas and colons, which are where they must be. */
static void skip_between(struct scan *scan)
{
    for (; *scan->at != '\0' && strchr(" \t\r\n,:", *scan->at) != NULL; scan->at++) {
        scan->line += *scan->at == '\n' ? 1U : 0U;
    }
}

static void skip_string(struct scan *scan)
{
    for (scan->at++; *scan->at != '"' && *scan->at != '\0'; scan->at++) {
        if (*scan->at == '\\' && scan->at[1] != '\0') {
            scan->at++;
        }
    }
    scan->at += *scan->at == '"' ? 1 : 0;
}

static json_t *scan_value(struct scan *scan, size_t line, const json_t *value);

static json_t *scan_array(struct scan *scan, size_t line, const json_t *value)
{
    json_t *lines = lines_new(line, LINES_OF_ARRAY);
    size_t i;
    json_t *item;

    scan->at++;
    json_array_foreach (json_unconst(value), i, item) {
        skip_between(scan);
        json_t *of_item = scan_value(scan, scan->line, item);
        lines_add_item(lines, of_item);
        json_decref(of_item);
    }
    skip_between(scan);
    scan->at += *scan->at == ']' ? 1 : 0;
    return lines;
}

/* Members stand in the text in the order in which they are kept. */
static json_t *scan_object(struct scan *scan, size_t line, const json_t *value)
{
    json_t *lines = lines_new(line, LINES_OF_OBJECT);
    const char *key;
    json_t *member;

    scan->at++;
    json_object_foreach (json_unconst(value), key, member) {
        skip_between(scan);
        size_t key_line = scan->line;
        skip_string(scan);
        skip_between(scan);
        json_t *of_member = scan_value(scan, key_line, member);
        lines_add_member(lines, key, of_member);
        json_decref(of_member);
    }
    skip_between(scan);
    scan->at += *scan->at == '}' ? 1 : 0;
    return lines;
}

static json_t *scan_value(struct scan *scan, size_t line, const json_t *value)
{
    if (*scan->at == '[' && json_is_array(value)) {
        return scan_array(scan, line, value);
    }
    if (*scan->at == '{' && json_is_object(value)) {
        return scan_object(scan, line, value);
    }
    if (*scan->at == '"') {
        skip_string(scan);
    } else {
        scan->at += strcspn(scan->at, ",]} \t\r\n");
    }
    return lines_new(line, LINES_OF_SCALAR);
}

json_t *json_lines(const char *text, const json_t *value)
{
    struct scan scan = {text, 1};

    skip_between(&scan);
    return scan_value(&scan, scan.line, value);
}
