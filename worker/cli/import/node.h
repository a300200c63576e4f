/* A value of a file with the line it stands on, and readers that remember what nobody read.
 *
 * Nodes borrow; a node that holds no value (`value` NULL) is one that the file does not have. */
#ifndef WORKER_CLI_IMPORT_NODE_H
#define WORKER_CLI_IMPORT_NODE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct node {
    const json_t *value;
    const json_t *lines; /* worker/cli/define/lines.h */
};

size_t node_line(struct node node);
/* Its member, if it is an object that has one; a null member counts as none. */
struct node node_member(struct node node, const char *key);
struct node node_item(struct node node, size_t i);
size_t node_size(struct node node); /* of an array, else 0 */

bool node_is_given(struct node node); /* there, and not null */
/* A finite number, also one spelled in a string ("0.1", as Katib has them). */
bool node_number(struct node node, double *x);
/* The same without a fraction, within ±2^53. */
bool node_whole(struct node node, double *x);
/* NULL: it is no string. */
const char *node_text(struct node node);
/* Is it this string, in any case? */
bool node_says(struct node node, const char *word);

/* For messages: the value in a few words; lives until the eighth next call. */
const char *node_show(struct node node);

/* ---- an object, key by key ---- */
#define KEYS_MAX 64

struct keys {
    struct node object;
    const char *seen[KEYS_MAX];
    size_t n_seen;
};

void keys_begin(struct keys *keys, struct node object);
/* The member, which counts as read; `key` must outlive `keys`. */
struct node keys_get(struct keys *keys, const char *key);
/* Marks it as read without looking. */
void keys_skip(struct keys *keys, const char *key);
bool keys_was_read(const struct keys *keys, const char *key);

struct remarks;
/* A sentence for each member that was not read: "'x' is not known …", with `what` it is a key of.
 */
void keys_end(const struct keys *keys, struct remarks *remarks, const char *what);

#endif
