#include "worker/agent/expand.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/wire.h"

#define ARGUMENT_BYTES ((size_t)128 * 1024) /* what Linux takes */

void expand_value_text(const json_t *value, struct buf *out)
{
    char number[JSON_NUMBER_BYTES];

    if (json_is_string(value)) {
        buf_append(out, json_string_value(value), json_string_length(value));
    } else if (json_is_integer(value)) {
        buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_real(value)) {
        buf_puts(out, json_format_number(json_real_value(value), number));
    } else if (json_is_boolean(value)) {
        buf_puts(out, json_is_true(value) ? "true" : "false");
    }
}

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

/* A parameter goes before a word of ours: whoever named it so meant it. False: inactive. */
static bool append_value(const char *name, const struct expand_values *values, struct buf *out)
{
    const json_t *parameter = json_object_get(values->parameters, name);
    int64_t number;

    if (parameter != NULL) {
        expand_value_text(parameter, out);
    } else if (strcmp(name, "checkpoint") == 0) {
        buf_puts(out, values->checkpoint);
    } else if (int_value(name, values, &number)) {
        buf_printf(out, "%" PRId64, number);
    } else {
        return false;
    }
    return true;
}

/* False: the argument names something inactive, told in `missing`. */
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

int expand_argv(char *const argv[], const struct expand_values *values, struct words *out,
                char dropped[EXPAND_NAME_BYTES], struct err *err)
{
    char missing[EXPAND_NAME_BYTES] = "";

    dropped[0] = '\0';
    words_add(out, argv[0]);
    for (size_t i = 1; argv[i] != NULL; i++) {
        OWN(buf) struct buf text;
        buf_init(&text, ARGUMENT_BYTES - 1);
        if (expand_one(argv[i], values, &text, missing)) {
            TRY(buf_check(&text, err));
            words_add(out, buf_text(&text));
            continue;
        }
        if (i > 1 && argv[i - 1][0] == '-' && !has_placeholder(argv[i - 1])) {
            words_drop_last(out);
        }
        if (dropped[0] == '\0') {
            memcpy(dropped, missing, sizeof missing);
        }
    }
    return words_check(out, err);
}
