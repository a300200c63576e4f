#include "worker/agent/expand.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/json_value.h"
#include "common/suggest.h"
#include "common/wire/wire.h"

#define LIST_BYTES ((size_t)64 * 1024)
#define ARGUMENT_BYTES ((size_t)128 * 1024) /* what Linux takes */

/* The placeholder at text[0] == '{': copies its name, returns its length with braces, or 0 when it
 * is none. */
static size_t placeholder_at(const char *text, char name[EXPAND_NAME_BYTES])
{
    const char *end = strchr(text, '}');
    size_t len = end == NULL ? 0 : (size_t)(end - text - 1);

    if (end == NULL || len == 0 || len >= EXPAND_NAME_BYTES) {
        return 0;
    }
    memcpy(name, text + 1, len);
    name[len] = '\0';
    return name_is_parameter(name) ? len + 2 : 0;
}

/* Behind the next placeholder of the text, whose name is copied; NULL when there is none. */
static const char *next_placeholder(const char *text, char name[EXPAND_NAME_BYTES])
{
    for (const char *at = strchr(text, '{'); at != NULL; at = strchr(at, '{')) {
        size_t len = at[1] == '{' ? 0 : placeholder_at(at, name);
        if (len > 0) {
            return at + len;
        }
        at += at[1] == '{' ? 2 : 1;
    }
    return NULL;
}

static bool has_placeholder(const char *argument)
{
    for (const char *at = strchr(argument, '{'); at != NULL; at = strchr(at, '{')) {
        if (at[1] != '{') {
            return true;
        }
        at += 2;
    }
    return false;
}

static int check_argument(const char *argument, size_t i, struct err *err)
{
    char name[EXPAND_NAME_BYTES];

    for (const char *at = strchr(argument, '{'); at != NULL; at = strchr(at, '{')) {
        if (at[1] == '{') {
            at += 2;
            continue;
        }
        size_t len = placeholder_at(at, name);
        if (len == 0) {
            return err_set(err, ERR_INVALID,
                           "argument %zu, \"%.80s\": \"%.40s\" is no placeholder; write {name} for "
                           "a parameter's value and {{ for a brace",
                           i, argument, at);
        }
        at += len;
    }
    return 0;
}

int expand_check(char *const argv[], struct err *err)
{
    if (argv[0] == NULL || argv[0][0] == '\0') {
        return err_set(err, ERR_INVALID, "there is no command to run; give it after --");
    }
    if (has_placeholder(argv[0])) {
        return err_set(err, ERR_INVALID,
                       "the program, \"%.80s\", must not depend on the trial; placeholders belong "
                       "into its arguments",
                       argv[0]);
    }
    for (size_t i = 0; argv[i] != NULL; i++) {
        TRY(check_argument(argv[i], i, err));
    }
    return 0;
}

/* ---- with a study at hand ---- */

static bool is_inactive(const struct expand_study *study, const char *name)
{
    size_t i;
    json_t *item;

    json_array_foreach (study->inactive, i, item) {
        if (json_is_string(item) && strcmp(json_string_value(item), name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_resource(const char *name)
{
    return strcmp(name, "resource.from") == 0 || strcmp(name, "resource.to") == 0;
}

static bool is_our_word(const char *name)
{
    static const char *const words[] = {"checkpoint", "trial", "attempt", "seed"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Appends the study's parameters and returns the one that may have been meant, or NULL. */
static const char *list_parameters(const struct expand_study *study, const char *name,
                                   struct buf *list)
{
    struct suggestion_for meant = {.word = name};
    const char *key;
    json_t *item;
    size_t i;

    json_object_foreach (json_unconst(study->active), key, item) {
        suggest_offer(&meant, key);
        buf_printf(list, "%s%s", list->len == 0 ? "" : ", ", key);
    }
    json_array_foreach (study->inactive, i, item) {
        if (json_is_string(item)) {
            suggest_offer(&meant, json_string_value(item));
            buf_printf(list, "%s%s", list->len == 0 ? "" : ", ", json_string_value(item));
        }
    }
    return meant.best;
}

static int refuse_name(const char *name, const struct expand_study *study, struct err *err)
{
    OWN(buf) struct buf list;

    buf_init(&list, LIST_BYTES);
    const char *meant = list_parameters(study, name, &list);
    if (is_resource(name)) {
        return err_set(err, ERR_INVALID,
                       "the command names {%s}, but the study has no resource; %sleave it out",
                       name, study->may_add ? "add --resource NAME=MIN..MAX, or " : "");
    }
    if (meant != NULL) {
        return err_set(err, ERR_INVALID,
                       "the command names {%s}, which is no parameter; did you mean {%s}?", name,
                       meant);
    }
    if (study->may_add) {
        return err_set(err, ERR_INVALID,
                       "the command names {%s}, which is no parameter; add -P %s=DOMAIN, or write "
                       "{{ for a brace",
                       name, name);
    }
    return err_set(err, ERR_INVALID,
                   "the command names {%s}, which is no parameter; the study has %.200s; write {{ "
                   "for a brace",
                   name, list.len == 0 ? "none" : buf_text(&list));
}

static int check_name(const char *name, const struct expand_study *study,
                      struct expand_found *found, struct err *err)
{
    if (json_object_get(study->active, name) != NULL || is_inactive(study, name)) {
        found->names_parameter = true;
        return 0;
    }
    if (is_our_word(name) || (is_resource(name) && study->has_resource)) {
        return 0;
    }
    if (study->inactive == NULL && !is_resource(name)) {
        (void)snprintf(found->unchecked, sizeof found->unchecked, "%s", name);
        return 0;
    }
    return refuse_name(name, study, err);
}

int expand_check_names(char *const argv[], const struct expand_study *study,
                       struct expand_found *found, struct err *err)
{
    char name[EXPAND_NAME_BYTES];

    *found = (struct expand_found){0};
    for (size_t i = 0; argv[i] != NULL; i++) {
        for (const char *at = next_placeholder(argv[i], name); at != NULL;
             at = next_placeholder(at, name)) {
            TRY(check_name(name, study, found, err));
        }
    }
    return 0;
}

/* ---- with a trial at hand ---- */

static bool int_value(const char *name, const struct expand_values *values, int64_t *value)
{
    if (values->has_resource && strcmp(name, "resource.from") == 0) {
        *value = values->from;
    } else if (values->has_resource && strcmp(name, "resource.to") == 0) {
        *value = values->to;
    } else if (strcmp(name, "trial") == 0) {
        *value = values->trial;
    } else if (strcmp(name, "attempt") == 0) {
        *value = values->attempt;
    } else if (strcmp(name, "seed") == 0) {
        *value = (int64_t)values->seed;
    } else {
        return false;
    }
    return true;
}

/* A parameter takes precedence over a placeholder of the same name. False: it is inactive. */
static bool append_value(const char *name, const struct expand_values *values, struct buf *out)
{
    const json_t *parameter = json_object_get(values->parameters, name);
    int64_t number;

    if (parameter != NULL) {
        json_append_text(out, parameter);
    } else if (strcmp(name, "checkpoint") == 0) {
        buf_puts(out, values->checkpoint);
    } else if (int_value(name, values, &number)) {
        buf_printf(out, "%" PRId64, number);
    } else {
        return false;
    }
    return true;
}

/* False: the argument names something inactive, whose name is written to `missing`. */
static bool expand_one(const char *argument, const struct expand_values *values, struct buf *out,
                       char missing[EXPAND_NAME_BYTES])
{
    char name[EXPAND_NAME_BYTES];

    for (const char *at = argument; *at != '\0';) {
        size_t len = *at == '{' && at[1] != '{' ? placeholder_at(at, name) : 0;
        if (len == 0) {
            buf_putc(out, *at);
            at += *at == '{' && at[1] == '{' ? 2 : 1;
        } else if (append_value(name, values, out)) {
            at += len;
        } else {
            memcpy(missing, name, sizeof name);
            return false;
        }
    }
    return true;
}

int expand_argv(char *const argv[], const struct expand_values *values, struct argv_list *out,
                char dropped[EXPAND_NAME_BYTES], struct err *err)
{
    char missing[EXPAND_NAME_BYTES] = "";

    dropped[0] = '\0';
    argv_list_add(out, argv[0]);
    for (size_t i = 1; argv[i] != NULL; i++) {
        OWN(buf) struct buf text;
        buf_init(&text, ARGUMENT_BYTES - 1);
        if (expand_one(argv[i], values, &text, missing)) {
            TRY(buf_check(&text, err));
            argv_list_add(out, buf_text(&text));
            continue;
        }
        if (i > 1 && argv[i - 1][0] == '-' && !has_placeholder(argv[i - 1])) {
            argv_list_drop_last(out);
        }
        if (dropped[0] == '\0') {
            memcpy(dropped, missing, sizeof missing);
        }
    }
    return argv_list_check(out, err);
}
