#include "worker/cli/define/pointers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"

static const struct {
    const char *pointer, *option;
} options[] = {
    {"/strategy", "--strategy"},
    {"/stopping/rule", "--stopping"},
    {"/stopping", "--stopping"},
    {"/resource", "--resource"},
    {"/constraints", "--constraint"},
    {"/subject_to", "--subject-to"},
    {"/objectives", "--minimize or --maximize"},
    {"/seed", "--seed"},
    {"/after", "--after"},
    {"/labels", "--label"},
    {"/priority", "--priority"},
    {"/description", "--description"},
    {"/name", "the name"},
    {"/parameters", "-P"},
};
static const char parameters[] = "/parameters/";
static const char limits[] = "/limits/";

/* Did an option say the member that the pointer begins with? Without a file nothing else did. */
static bool is_said(const struct definition *definition, const char *pointer)
{
    char key[64];

    (void)snprintf(key, sizeof key, "%.*s", (int)strcspn(pointer + 1, "/: "), pointer + 1);
    return definition->file == NULL || json_object_get(definition->given, key) != NULL;
}

/* "/sd" → " sd"; ends with what follows a pointer. Returns where that is. */
static const char *append_rest(struct buf *text, const char *at)
{
    for (; *at != '\0' && *at != ':' && *at != ' ' && *at != ';'; at++) {
        buf_putc(text, *at == '/' ? ' ' : *at);
    }
    return at;
}

/* The -P argument of "/parameters/2/…"; NULL: the parameter came from elsewhere. *after ← behind
 * the index. */
static const char *argument_at(const struct definition *definition, const json_t *body,
                               const char *pointer, const char **after)
{
    char *end;
    size_t index = strtoul(pointer + strlen(parameters), &end, 10);
    const json_t *parameter = json_array_get(json_object_get(body, "parameters"), index);
    const char *name = json_string_value(json_object_get(parameter, "name"));

    *after = end;
    return name == NULL ? NULL : json_string_value(json_object_get(definition->arguments, name));
}

/* " 'mem < 3'" of "/subject_to/0", behind the option: which of those that were given is meant.
 * Returns what is behind the index, `at` where the array holds something else. */
static const char *append_element(const json_t *body, const char *pointer, const char *at,
                                  struct buf *text)
{
    char key[64];
    char *end;

    (void)snprintf(key, sizeof key, "%.*s", (int)(at - pointer - 1), pointer + 1);
    size_t index = at[0] == '/' ? strtoul(at + 1, &end, 10) : 0;
    const json_t *element = json_array_get(json_object_get(body, key), index);
    if (at[0] != '/' || !json_is_string(element)) {
        return at;
    }
    buf_printf(text, " '%.100s'", json_string_value(element));
    return end;
}

/* The option of "/limits/trials"; NULL: it is none. *after ← behind the name. */
static const char *limit_option_at(const char *pointer, const char **after)
{
    char name[32];

    if (strncmp(pointer, limits, strlen(limits)) != 0) {
        return NULL;
    }
    size_t len = strspn(pointer + strlen(limits), "abcdefghijklmnopqrstuvwxyz_");
    (void)snprintf(name, sizeof name, "%.*s", (int)len, pointer + strlen(limits));
    *after = pointer + strlen(limits) + len;
    return definition_limit_option(name);
}

/* Appends the option for the pointer at `at`; returns what is behind it, NULL: it is no pointer
 * that is known here. */
static const char *append_option(const struct definition *definition, const json_t *body,
                                 const char *at, struct buf *text)
{
    const char *after;

    if (strncmp(at, parameters, strlen(parameters)) == 0) {
        const char *argument = argument_at(definition, body, at, &after);
        if (argument == NULL) {
            return NULL;
        }
        buf_printf(text, "-P %.100s%s", argument, *after == '/' ? "," : "");
        return append_rest(text, after);
    }
    const char *option = limit_option_at(at, &after);
    if (option != NULL && is_said(definition, at)) {
        buf_puts(text, option);
        return append_rest(text, after);
    }
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        size_t len = strlen(options[i].pointer);
        if (strncmp(at, options[i].pointer, len) == 0 && strchr("/: ", at[len]) != NULL
            && is_said(definition, at)) {
            buf_puts(text, options[i].option);
            return append_rest(text, append_element(body, at, at + len, text));
        }
    }
    return NULL;
}

/* A pointer stands at the beginning or behind a space. */
void pointers_to_options(const struct definition *definition, const json_t *body, struct err *err)
{
    OWN(buf) struct buf whole = {0};
    OWN(buf) struct buf text = {0};
    enum err_code code = err->code;

    buf_init(&whole, sizeof *err);
    buf_init(&text, 4 * sizeof *err);
    buf_printf(&whole, "%s%s%s", err->where, err->where[0] == '\0' ? "" : ": ", err->text);
    const char *start = buf_text(&whole);
    for (const char *at = start; *at != '\0';) {
        bool may_begin = *at == '/' && (at == start || at[-1] == ' ');
        const char *after = may_begin ? append_option(definition, body, at, &text) : NULL;
        if (after == NULL) {
            buf_putc(&text, *at++);
        } else {
            at = after;
        }
    }
    (void)err_set(err, code, "%s", buf_text(&text));
    err->where[0] = '\0';
}
