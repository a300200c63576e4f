#include "worker/cli/define/yaml.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "common/json.h"
#include "common/own.h"
#include "worker/cli/define/lines.h"
#include "worker/cli/define/scalar.h"

enum { DEPTH_MAX = 32, VALUES_MAX = 80000, PLACE_STEP = 256 };

struct conversion {
    const char *text;
    const size_t
        *places; /* of every PLACE_STEP-th character, in bytes: libyaml counts characters */
    yaml_document_t *document;
    size_t n_values;
    size_t failures; /* of JSON's allocations, before anything was converted */
    bool wants_lines;
    struct err *err;
};

/* A value, and where it stands (lines.h); `lines` NULL: nobody asked. */
struct converted {
    json_t *value, *lines;
};

static void converted_drop(struct converted *converted)
{
    json_decref(converted->value);
    json_decref(converted->lines);
}

static void parser_drop(yaml_parser_t *parser)
{
    yaml_parser_delete(parser);
}

static void document_drop(yaml_document_t *document)
{
    yaml_document_delete(document);
}

static int refuse(struct conversion *conversion, const yaml_mark_t *mark, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static int refuse(struct conversion *conversion, const yaml_mark_t *mark, const char *fmt, ...)
{
    char why[200];
    va_list args;

    TRY(json_check(conversion->failures, conversion->err)); /* the text may be right */
    va_start(args, fmt);
    (void)vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    (void)err_set(conversion->err, ERR_INVALID, "%s", why);
    return err_at(conversion->err, "line %zu", mark->line + 1);
}

/* `line`: of the key or the dash in front of it. */
static int convert(struct conversion *conversion, int index, size_t line, size_t depth,
                   struct converted *out);

static const char *scalar_text(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

static bool has_tag(const yaml_node_t *node, const char *tag)
{
    return node->tag != NULL && strcmp((const char *)node->tag, tag) == 0;
}

static const char *next_character(const char *at)
{
    at++;
    while (((unsigned char)*at & 0xc0) == 0x80) {
        at++;
    }
    return at;
}

/* The caller frees *places; a mark is at most at the end of the text. */
static int find_places(const char *text, size_t len, size_t **places, struct err *err)
{
    size_t n = 0;

    *places = calloc(len / PLACE_STEP + 1, sizeof **places);
    if (*places == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    const char *at = text;
    for (; *at != '\0'; at = next_character(at)) {
        if (n++ % PLACE_STEP == 0) {
            (*places)[n / PLACE_STEP] = (size_t)(at - text);
        }
    }
    if (n % PLACE_STEP == 0) { /* the end */
        (*places)[n / PLACE_STEP] = (size_t)(at - text);
    }
    return 0;
}

/* The byte at a mark, which counts characters. */
static const char *at_mark(const struct conversion *conversion, const yaml_mark_t *mark)
{
    const char *at = conversion->text + conversion->places[mark->index / PLACE_STEP];

    for (size_t left = mark->index % PLACE_STEP; left > 0 && *at != '\0'; left--) {
        at = next_character(at);
    }
    return at;
}

/* libyaml gives a scalar without a tag the tag !!str; only the file tells which ones say so. */
static bool says_its_tag(const struct conversion *conversion, const yaml_node_t *node)
{
    const char *at = at_mark(conversion, &node->start_mark);

    if (*at == '&') { /* an anchor may stand before the tag */
        at += strcspn(at, " \t\n");
        at += strspn(at, " \t\n");
    }
    return *at == '!';
}

static int convert_scalar(struct conversion *conversion, const yaml_node_t *node, json_t **value)
{
    bool plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    static const char *const core[] = {YAML_NULL_TAG, YAML_BOOL_TAG, YAML_INT_TAG, YAML_FLOAT_TAG};
    bool resolve = plain && has_tag(node, YAML_STR_TAG) && !says_its_tag(conversion, node);

    if (strlen(scalar_text(node)) != node->data.scalar.length) {
        return refuse(conversion, &node->start_mark, "a text holds a NUL character");
    }
    for (size_t i = 0; i < sizeof core / sizeof core[0]; i++) {
        resolve = resolve || has_tag(node, core[i]);
    }
    if (!resolve && !has_tag(node, YAML_STR_TAG)) {
        return refuse(conversion, &node->start_mark, "the tag '%s' means nothing here",
                      (const char *)node->tag);
    }
    *value = resolve ? scalar_value(scalar_text(node)) : json_string(scalar_text(node));
    return *value != NULL ? 0 : refuse(conversion, &node->start_mark, "this is no UTF-8");
}

static size_t line_at(const yaml_node_t *node)
{
    return node->start_mark.line + 1;
}

static int convert_sequence(struct conversion *conversion, const yaml_node_t *node, size_t depth,
                            const struct converted *out)
{
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        OWN(converted) struct converted element = {0};
        size_t line = line_at(yaml_document_get_node(conversion->document, *item));
        TRY(convert(conversion, *item, line, depth + 1, &element));
        if (json_array_append(out->value, element.value) != 0) {
            return refuse(conversion, &node->start_mark, "this is no UTF-8");
        }
        lines_add_item(out->lines, element.lines);
    }
    return 0;
}

static int convert_mapping(struct conversion *conversion, const yaml_node_t *node, size_t depth,
                           const struct converted *out)
{
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        OWN(converted) struct converted member = {0};
        const yaml_node_t *key = yaml_document_get_node(conversion->document, pair->key);
        if (key == NULL || key->type != YAML_SCALAR_NODE) {
            return refuse(conversion, &node->start_mark, "a key must be a plain word");
        }
        if (json_object_get(out->value, scalar_text(key)) != NULL) {
            return refuse(conversion, &key->start_mark, "the key '%s' is there twice",
                          scalar_text(key));
        }
        TRY(convert(conversion, pair->value, line_at(key), depth + 1, &member));
        if (json_object_set(out->value, scalar_text(key), member.value) != 0) {
            return refuse(conversion, &key->start_mark, "this is no UTF-8");
        }
        lines_add_member(out->lines, scalar_text(key), member.lines);
    }
    return 0;
}

static int convert(struct conversion *conversion, int index, size_t line, size_t depth,
                   struct converted *out)
{
    const yaml_node_t *node = yaml_document_get_node(conversion->document, index);

    if (++conversion->n_values > VALUES_MAX) {
        return refuse(conversion, &node->start_mark, "this holds more than 80,000 values");
    }
    if (depth > DEPTH_MAX) {
        return refuse(conversion, &node->start_mark, "this is nested deeper than 32 levels");
    }
    if (node->type == YAML_SCALAR_NODE) {
        out->lines = conversion->wants_lines ? lines_new(line, LINES_OF_SCALAR) : NULL;
        return convert_scalar(conversion, node, &out->value);
    }
    if (!has_tag(node, YAML_SEQ_TAG) && !has_tag(node, YAML_MAP_TAG)) {
        return refuse(conversion, &node->start_mark, "the tag '%s' means nothing here",
                      (const char *)node->tag);
    }
    bool is_sequence = node->type == YAML_SEQUENCE_NODE;
    out->value = is_sequence ? json_array() : json_object();
    if (conversion->wants_lines) {
        out->lines = lines_new(line, is_sequence ? LINES_OF_ARRAY : LINES_OF_OBJECT);
    }
    return is_sequence ? convert_sequence(conversion, node, depth, out)
                       : convert_mapping(conversion, node, depth, out);
}

static int no_yaml(const yaml_parser_t *parser, struct err *err)
{
    if (parser->error == YAML_MEMORY_ERROR) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    (void)err_set(err, ERR_INVALID, "not valid YAML: %s",
                  parser->problem == NULL ? "it ends too early" : parser->problem);
    return err_at(err, "line %zu", parser->problem_mark.line + 1);
}

static int convert_document(const char *text, size_t len, bool wants_lines, struct converted *out,
                            struct err *err)
{
    OWN(memory) size_t *places = NULL;
    OWN(parser) yaml_parser_t parser = {0};
    OWN(document) yaml_document_t document = {0};
    OWN(document) yaml_document_t second = {0};
    struct conversion conversion = {.text = text,
                                    .document = &document,
                                    .failures = json_failures(),
                                    .wants_lines = wants_lines,
                                    .err = err};

    if (yaml_parser_initialize(&parser) == 0) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    if (yaml_parser_load(&parser, &document) == 0) {
        return no_yaml(&parser, err);
    }
    const yaml_node_t *root = yaml_document_get_root_node(&document);
    if (root == NULL) {
        return err_set(err, ERR_INVALID, "there is nothing in it");
    }
    TRY(find_places(text, len, &places, err));
    conversion.places = places;
    TRY(convert(&conversion, 1, line_at(root), 0, out));
    TRY(json_check(conversion.failures, err));
    if (yaml_parser_load(&parser, &second) == 0) {
        return no_yaml(&parser, err);
    }
    if (yaml_document_get_root_node(&second) != NULL) {
        return err_set(err, ERR_INVALID, "a study file holds one document; this one holds several");
    }
    return 0;
}

/* An editor may begin a file with a byte order mark. */
static void skip_order_mark(const char **text, size_t *len)
{
    if (*len >= 3 && memcmp(*text, "\xef\xbb\xbf", 3) == 0) {
        *text += 3;
        *len -= 3;
    }
}

int yaml_to_json(const char *text, size_t len, json_t **value, struct err *err)
{
    OWN(converted) struct converted converted = {0};

    skip_order_mark(&text, &len);
    TRY(convert_document(text, len, false, &converted, err));
    *value = json_incref(converted.value);
    return 0;
}

int yaml_to_json_lines(const char *text, size_t len, json_t **value, json_t **lines,
                       struct err *err)
{
    OWN(converted) struct converted converted = {0};

    skip_order_mark(&text, &len);
    TRY(convert_document(text, len, true, &converted, err));
    *value = json_incref(converted.value);
    *lines = json_incref(converted.lines);
    return 0;
}
