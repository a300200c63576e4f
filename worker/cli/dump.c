#include "worker/cli/dump.h"

#include <stdbool.h>

#include "common/json.h"
#include "worker/cli/options.h"
#include "worker/cli/verbs.h"

static void write_option(struct json_writer *w, const struct argp_option *option)
{
    bool has_letter = option->key > ' ' && option->key < 0x7f;
    char letter[] = {has_letter ? (char)option->key : '\0', '\0'};

    json_object_begin(w);
    json_put_string(w, "name", option->name);
    json_put_string(w, "short", has_letter ? letter : NULL);
    json_put_string(w, "argument", option->arg);
    json_put_bool(w, "optional", (option->flags & OPTION_ARG_OPTIONAL) != 0);
    json_put_string(w, "doc", option->doc);
    json_object_end(w);
}

static void write_list(struct json_writer *w, const struct option_list *list)
{
    json_object_begin(w);
    json_put_string(w, "name", list->name);
    json_write_key(w, "options");
    json_array_begin(w);
    for (const struct argp_option *option = list->options; !option_is_end(option); option++) {
        if ((option->flags & OPTION_HIDDEN) == 0) {
            write_option(w, option);
        }
    }
    json_array_end(w);
    json_object_end(w);
}

static void write_verb(struct json_writer *w, const struct verb *verb)
{
    struct option_list list;

    json_object_begin(w);
    json_put_string(w, "group", verb->group);
    json_put_string(w, "name", verb->name);
    json_put_string(w, "summary", verb->summary);
    json_put_string(w, "arguments", verb->usage->arguments);
    json_write_key(w, "lists");
    json_array_begin(w);
    for (size_t i = 0; usage_option_list(verb->usage, i, &list); i++) {
        write_list(w, &list);
    }
    json_array_end(w);
    json_object_end(w);
}

void dump_append(struct buf *out)
{
    struct json_writer w;

    json_writer_init(&w, out);
    json_object_begin(&w);
    json_write_key(&w, "verbs");
    json_array_begin(&w);
    for (size_t i = 0; i < n_verbs; i++) {
        write_verb(&w, &verbs[i]);
    }
    json_array_end(&w);
    json_object_end(&w);
}
