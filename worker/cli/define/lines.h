/* On which line of a file each value of its JSON stands: a tree of the same shape.
 *
 * A scalar is its line, an array or object is [line, items or members]. A value that has a key or a
 * dash is where that stands. What reads a file (yaml.h, json_lines()) builds the tree; a missing
 * tree, or one that memory did not suffice for, has line 0 everywhere. */
#ifndef WORKER_CLI_DEFINE_LINES_H
#define WORKER_CLI_DEFINE_LINES_H

#include <jansson.h>
#include <stddef.h>

#include "common/err.h"

enum lines_of { LINES_OF_SCALAR, LINES_OF_ARRAY, LINES_OF_OBJECT };

/* A new reference; an array or object is empty. */
json_t *lines_new(size_t line, enum lines_of of);
/* Each takes its own reference; `lines` NULL: nothing is done. */
void lines_add_item(json_t *lines, json_t *item);
void lines_add_member(json_t *lines, const char *key, json_t *member);

/* 0: not known. */
size_t lines_line(const json_t *lines);
/* Borrowed; NULL: not known. */
const json_t *lines_item(const json_t *lines, size_t i);
const json_t *lines_member(const json_t *lines, const char *key);

/* The tree of a text that json_parse() has read as `value`; a new reference, NULL without memory.
 */
json_t *json_lines(const char *text, const json_t *value);

#endif
