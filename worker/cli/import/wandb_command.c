/* The command of a W&B sweep: macros stand alone, ${envvar:…} anywhere. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "worker/cli/import/wandb.h"
#include "worker/cli/import/words.h"

#define VARIABLE "${envvar:"

/* Arguments for each parameter: `before` its name, `between` it and its value; `between` NULL: two
 * arguments. */
static void add_each(struct import *import, const char *before, const char *between)
{
    size_t i;
    json_t *parameter;

    json_array_foreach (json_object_get(import->study, "parameters"), i, parameter) {
        const char *name = json_string_value(json_object_get(parameter, "name"));
        struct word word;
        word_begin(&word);
        word_literal(&word, before, strlen(before));
        word_literal(&word, name, strlen(name));
        if (between == NULL) {
            word_end(&word, &import->command);
            word_begin(&word);
        } else {
            word_literal(&word, between, strlen(between));
        }
        word_parameter(&word, name);
        word_end(&word, &import->command);
    }
}

/* Values that Python and JSON spell in different ways. */
static bool is_spelled_differently(const json_t *value)
{
    return json_is_boolean(value) || json_is_null(value) || json_is_array(value)
           || json_is_object(value);
}

static bool has_such_values(const json_t *parameter)
{
    const json_t *value = json_object_get(parameter, "value");
    size_t i;
    json_t *choice;

    if (value != NULL && is_spelled_differently(value)) {
        return true;
    }
    json_array_foreach (json_object_get(parameter, "choices"), i, choice) {
        if (is_spelled_differently(choice)) {
            return true;
        }
    }
    const char *type = json_string_value(json_object_get(parameter, "type"));
    return type != NULL && strcmp(type, "bool") == 0;
}

static void warn_of_spelling(struct import *import, struct node at)
{
    size_t i;
    json_t *parameter;

    json_array_foreach (json_object_get(import->study, "parameters"), i, parameter) {
        if (has_such_values(parameter)) {
            remark(&import->remarks, at,
                   "'%.60s' is written as JSON, such as true, null or [1,2], where W&B writes "
                   "Python's "
                   "True, None and [1, 2]",
                   json_string_value(json_object_get(parameter, "name")));
            return;
        }
    }
}

static bool has_truths(const json_t *parameter)
{
    const char *type = json_string_value(json_object_get(parameter, "type"));
    size_t i;
    json_t *choice;

    json_array_foreach (json_object_get(parameter, "choices"), i, choice) {
        if (json_is_boolean(choice)) {
            return true;
        }
    }
    return json_is_boolean(json_object_get(parameter, "value"))
           || (type != NULL && strcmp(type, "bool") == 0);
}

static void warn_of_flags(struct import *import, struct node at)
{
    size_t i;
    json_t *parameter;

    json_array_foreach (json_object_get(import->study, "parameters"), i, parameter) {
        const char *name = json_string_value(json_object_get(parameter, "name"));
        if (has_truths(parameter)) {
            remark(
                &import->remarks, at,
                "flags without a value have no counterpart: '%.60s' is passed as --%.60s=true or "
                "--%.60s=false",
                name, name, name);
        }
    }
}

static void add_program(struct import *import, struct node at, struct node program)
{
    if (node_text(program) != NULL) {
        words_add(&import->command, node_text(program));
        return;
    }
    remark(&import->remarks, at, "the sweep names no program; put yours where PROGRAM stands");
    words_add(&import->command, "PROGRAM");
}

static void add_macro(struct import *import, const char *macro, struct node at, struct node program)
{
    struct buf *command = &import->command;

    if (strcmp(macro, "${env}") == 0) {
        words_add(command, "/usr/bin/env");
    } else if (strcmp(macro, "${interpreter}") == 0) {
        words_add(command, "python");
    } else if (strcmp(macro, "${program}") == 0) {
        add_program(import, at, program);
    } else if (strcmp(macro, "${args}") == 0 || strcmp(macro, "${args_no_boolean_flags}") == 0) {
        words_add_template(command, "{args}");
        if (strcmp(macro, "${args}") == 0) {
            warn_of_spelling(import, at);
        } else {
            warn_of_flags(import, at);
        }
    } else if (strcmp(macro, "${args_no_hyphens}") == 0) {
        add_each(import, "", "=");
        warn_of_spelling(import, at);
    } else if (strcmp(macro, "${args_no_equals}") == 0) {
        add_each(import, "--", NULL);
        warn_of_spelling(import, at);
    } else if (strcmp(macro, "${args_append_hydra}") == 0) {
        add_each(import, "+", "=");
    } else if (strcmp(macro, "${args_override_hydra}") == 0) {
        add_each(import, "++", "=");
    } else if (strcmp(macro, "${args_json}") == 0) {
        words_add_template(command, "{args.json}");
    } else if (strcmp(macro, "${args_json_file}") == 0) {
        words_add_template(command, "{params.json}");
    } else {
        remark(&import->remarks, at, "the macro %.80s is not known; it is left out, as W&B does",
               macro);
    }
}

/* The length of a variable's name at `at`, which stands behind VARIABLE; 0: it is none. */
static size_t variable_len(const char *at)
{
    size_t len = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    return at[len] == '}' && !isdigit((unsigned char)at[0]) ? len : 0;
}

static void add_text(struct import *import, const char *text)
{
    struct word word;

    word_begin(&word);
    while (*text != '\0') {
        const char *variable = strstr(text, VARIABLE);
        size_t len = variable == NULL ? 0 : variable_len(variable + strlen(VARIABLE));
        if (len == 0) {
            size_t literal =
                variable == NULL ? strlen(text) : (size_t)(variable - text) + strlen(VARIABLE);
            word_literal(&word, text, literal);
            text += literal;
            continue;
        }
        word_literal(&word, text, (size_t)(variable - text));
        word_variable(&word, variable + strlen(VARIABLE), len);
        text = variable + strlen(VARIABLE) + len + 1;
    }
    word_end(&word, &import->command);
}

static int add_item(struct import *import, struct node item, struct node program, struct err *err)
{
    const char *text = node_text(item);
    size_t len = text == NULL ? 0 : strlen(text);

    if (text == NULL && (!json_is_number(item.value) && !json_is_boolean(item.value))) {
        return refuse_node(&import->remarks, item, err,
                           "a word of the command must be a text, not %s", node_show(item));
    }
    if (text == NULL) {
        words_add(&import->command, node_show(item));
    } else if (len > 3 && strncmp(text, "${", 2) == 0 && text[len - 1] == '}'
               && strncmp(text, VARIABLE, strlen(VARIABLE)) != 0) {
        add_macro(import, text, item, program);
    } else {
        add_text(import, text);
    }
    return 0;
}

int wandb_read_command(struct import *import, struct node command, struct node program,
                       struct err *err)
{
    static const char *const usual[] = {"${env}", "${interpreter}", "${program}", "${args}"};

    if (!node_is_given(command)) {
        for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
            add_macro(import, usual[i], program, program);
        }
        return 0;
    }
    if (!json_is_array(command.value)) {
        return refuse_node(&import->remarks, command, err, "the command must be a list of words");
    }
    bool names_program = false;
    for (size_t i = 0; i < node_size(command); i++) {
        struct node item = node_item(command, i);
        names_program = names_program || node_says(item, "${program}");
        TRY(add_item(import, item, program, err));
    }
    if (node_is_given(program) && !names_program) {
        remark(&import->remarks, program,
               "'program' is not used: the command does not name ${program}");
    }
    return 0;
}
