/* The arguments of a command and the values of a trial. Whatever they are: an argument becomes what
 * a second, simpler reading of the rules makes of it, a text whose braces are doubled becomes
 * itself, and what stands for all parameters reads back as their values. Behind a zero byte an
 * input may have parameters, as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/json.h"
#include "common/json_value.h"
#include "tests/fuzz/fuzz.h"
#include "worker/agent/expand.h"
#include "worker/agent/overrides.h"

#define ARGUMENTS_MAX 16
#define TEXT_BYTES ((size_t)1 << 16)

static const char parameters_text[] = "{\"lr\": 1e-05, \"units\": 9223372036854775807, \"batch "
                                      "size\": \"a {b} }}\", \"amp\": null, \"a}b\": 7, "
                                      "\"args\": \"mine\"}";

/* ---- the second reading ---- */

/* What the name stands for, or NULL. */
static const char *meaning(const char *name, const json_t *parameters, struct buf *value)
{
    static const struct {
        const char *name, *text;
    } words[] = {{"checkpoint", "/c"}, {"trial", "12"},        {"attempt", "2"},
                 {"seed", "77"},       {"resource.from", "3"}, {"resource.to", "9"}};
    const json_t *parameter = json_object_get(parameters, name);

    if (parameter != NULL) {
        json_append_text(value, parameter);
        return buf_text(value);
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i].name, name) == 0) {
            return words[i].text;
        }
    }
    if (strcmp(name, "params.json") == 0 || strcmp(name, "params.yaml") == 0) {
        buf_printf(value, "/f%s", name + strlen("params"));
        return buf_text(value);
    }
    if (strcmp(name, "args.json") == 0) {
        json_append_text(value, parameters);
        return buf_text(value);
    }
    return NULL;
}

/* The name at `{"name"}`, by another reader of JSON; the place of the last brace, 0: it is none. */
static size_t quoted_name(const char *text, char name[EXPAND_NAME_BYTES])
{
    for (const char *end = strstr(text, "\"}"); text[1] == '"' && end != NULL;
         end = strstr(end + 1, "\"}")) {
        OWN(memory) char *inner = fuzz_text(text + 1, (size_t)(end - text));
        json_auto_t *value = json_loads(inner, JSON_DECODE_ANY, NULL);
        if (json_is_string(value) && name_is_parameter(json_string_value(value))) {
            (void)snprintf(name, EXPAND_NAME_BYTES, "%s", json_string_value(value));
            return (size_t)(end + 1 - text);
        }
    }
    return 0;
}

/* Returns what becomes of one argument, in `out`: 1, or 0 if it is left out, or -1: it is refused.
 */
static int read_again(const char *argument, const json_t *parameters, struct buf *out)
{
    size_t i = 0;

    while (argument[i] != '\0') {
        if (strncmp(argument + i, "{{", 2) == 0 || strncmp(argument + i, "}}", 2) == 0) {
            buf_putc(out, argument[i]);
            i += 2;
        } else if (argument[i] != '{') {
            buf_putc(out, argument[i++]);
        } else {
            char name[EXPAND_NAME_BYTES] = "";
            OWN(buf) struct buf value;
            size_t quoted = quoted_name(argument + i, name);
            size_t len = quoted > 0 ? quoted : strcspn(argument + i, "}");
            buf_init(&value, TEXT_BYTES);
            if (argument[i + len] == '\0' || len < 2 || (quoted == 0 && len > sizeof name)) {
                return -1;
            }
            if (quoted == 0) {
                memcpy(name, argument + i + 1, len - 1);
            }
            if (!name_is_parameter(name)) {
                return -1;
            }
            const char *text = meaning(name, parameters, &value);
            if (text == NULL) {
                return 0;
            }
            buf_puts(out, text);
            i += len + 1;
        }
    }
    return 1;
}

/* ---- reading back what stands for all parameters ---- */

/* A text in quotes, as Hydra and then OmegaConf read it. */
static void read_quoted(const char **at, struct buf *out)
{
    for ((*at)++; **at != '\'';) {
        size_t n = strspn(*at, "\\");
        const char *behind = *at + n;
        bool is_escaped = n % 2 == 1 && (*behind == '\'' || strncmp(behind, "${", 2) == 0);
        bool is_halved = is_escaped || *behind == '\'';
        MUST(*behind != '\0' && (is_escaped || strncmp(behind, "${", 2) != 0));
        for (size_t i = 0; i < (is_halved ? n / 2 : n); i++) {
            buf_putc(out, '\\');
        }
        *at = behind;
        if (is_escaped || *behind != '\'') {
            buf_putc(out, *(*at)++);
        }
    }
    (*at)++;
}

static json_t *read_value(const char **at);

/* Without quotes each of these is another value for Hydra, in upper and lower case. */
static bool is_text_in_hydra(const char *word)
{
    return strcasecmp(word, "null") != 0 && strcasecmp(word, "true") != 0
           && strcasecmp(word, "false") != 0 && strcasecmp(word, "nan") != 0
           && strcasecmp(word, "inf") != 0 && strcspn(word, "'\"[]{}(),=:$\\ ") == strlen(word);
}

static json_t *read_word(const char **at)
{
    size_t len = strcspn(*at, ",]}");
    OWN(memory) char *word = fuzz_text(*at, len);
    json_t *value = json_loads(word, JSON_DECODE_ANY, NULL);

    *at += len;
    MUST(value != NULL || is_text_in_hydra(word));
    return value != NULL ? value : json_string(word);
}

static json_t *read_list(const char **at)
{
    json_t *list = json_array();

    for ((*at)++; **at != ']'; *at += **at == ',') {
        MUST(json_array_append_new(list, read_value(at)) == 0);
    }
    (*at)++;
    return list;
}

static json_t *read_object(const char **at)
{
    json_t *object = json_object();

    for ((*at)++; **at != '}'; *at += **at == ',') {
        size_t len = strcspn(*at, ":");
        OWN(memory) char *key = fuzz_text(*at, len);
        *at += len + 1;
        MUST(json_object_set_new(object, key, read_value(at)) == 0);
    }
    (*at)++;
    return object;
}

static json_t *read_value(const char **at)
{
    if (**at == '[') {
        return read_list(at);
    }
    if (**at == '{') {
        return read_object(at);
    }
    if (**at != '\'') {
        return read_word(at);
    }
    OWN(buf) struct buf text;
    buf_init(&text, TEXT_BYTES);
    read_quoted(at, &text);
    return json_string(buf_text(&text));
}

static void check_override(const char *name, const json_t *value)
{
    OWN(buf) struct buf text;
    struct err err = {0};

    buf_init(&text, TEXT_BYTES);
    if (override_append(name, value, &text, &err) != 0) {
        MUST(err.code == ERR_INVALID && err.text[0] != '\0');
        return;
    }
    MUST(!text.failed && strncmp(buf_text(&text), name, strlen(name)) == 0);
    const char *at = buf_text(&text) + strlen(name) + 1;
    json_auto_t *again = read_value(&at);
    MUST(*at == '\0' && json_same(again, value));
}

static void check_json(const char *text, const json_t *value)
{
    json_auto_t *again = json_loads(text, JSON_DECODE_ANY, NULL);

    MUST(again != NULL && json_same(again, value));
}

static void expand(char *const argv[], const json_t *parameters, struct argv_list *out)
{
    char dropped[EXPAND_NAME_BYTES];
    struct err err = {0};
    struct expand_values values = {.parameters = parameters,
                                   .has_resource = true,
                                   .from = 3,
                                   .to = 9,
                                   .checkpoint = "/c",
                                   .params_file = "/f",
                                   .trial = 12,
                                   .attempt = 2,
                                   .seed = 77};

    MUST(expand_argv(argv, &values, out, dropped, &err) == 0 || err.code == ERR_INVALID);
}

static void check_all(const json_t *parameters)
{
    char *argv[] = {(char[]){"p"}, (char[]){"{args.json}"}, (char[]){"{args}"}, NULL};
    OWN(argv_list) struct argv_list out = {0};
    const char *name;
    json_t *value;
    size_t i = 2;

    expand(argv, parameters, &out);
    MUST(out.n == 2 + json_object_size(parameters));
    check_json(out.items[1], parameters);
    json_object_foreach (json_unconst(parameters), name, value) {
        const char *argument = out.items[i++];
        MUST(strncmp(argument, "--", 2) == 0 && strncmp(argument + 2, name, strlen(name)) == 0);
        const char *text = argument + 2 + strlen(name) + 1;
        if (json_is_string(value)) {
            MUST(strcmp(text, json_string_value(value)) == 0);
        } else {
            check_json(text, value);
        }
        check_override(name, value);
    }
}

/* ---- templates ---- */

static void check_escaped(const char *text)
{
    OWN(buf) struct buf doubled;
    OWN(argv_list) struct argv_list out = {0};
    json_auto_t *none = json_object();
    char *argv[] = {(char[]){"p"}, NULL, NULL};
    struct err err;

    buf_init(&doubled, TEXT_BYTES);
    for (const char *at = text; *at != '\0'; at++) {
        buf_puts(&doubled, *at == '{' ? "{{" : *at == '}' ? "}}" : "");
        if (*at != '{' && *at != '}') {
            buf_putc(&doubled, *at);
        }
    }
    argv[1] = strdup(buf_text(&doubled));
    MUST(expand_check(argv, &err) == 0);
    expand(argv, none, &out);
    MUST(out.n == 2 && strcmp(out.items[1], text) == 0);
    free(argv[1]);
}

/* One argument, expanded alone. */
static void check_argument(char *argument, const json_t *parameters)
{
    char *argv[] = {(char[]){"p"}, argument, NULL};
    OWN(argv_list) struct argv_list out = {0};
    OWN(buf) struct buf again;
    struct err err = {0};

    buf_init(&again, TEXT_BYTES);
    int what = read_again(argument, parameters, &again);
    if (expand_check(argv, &err) != 0) {
        MUST(err.code == ERR_INVALID && what < 1);
        return;
    }
    MUST(what >= 0);
    expand(argv, parameters, &out);
    if (strcmp(argument, "{args}") == 0 || strcmp(argument, "{args.hydra}") == 0) {
        return; /* check_all() */
    }
    MUST(out.n == (what == 1 ? 2 : 1));
    MUST(what == 0 || strcmp(out.items[1], buf_text(&again)) == 0);
}

/* With a study at hand: what is not refused is expanded, and leaves out inactive parameters alone.
 */
static void check_command(char *const argv[], const json_t *parameters)
{
    json_auto_t *inactive = json_loads("[\"degree\", \"gamma\"]", 0, NULL);
    struct expand_study study = {.active = parameters, .inactive = inactive, .has_resource = true};
    struct expand_found found;
    OWN(argv_list) struct argv_list out = {0};
    OWN(buf) struct buf unnamed;
    char dropped[EXPAND_NAME_BYTES] = "";
    struct expand_values values = {.parameters = parameters,
                                   .inactive = inactive,
                                   .has_resource = true,
                                   .checkpoint = "/c",
                                   .params_file = "/f"};
    struct err err = {0};

    buf_init(&unnamed, TEXT_BYTES);
    if (expand_check(argv, &err) != 0 || expand_check_names(argv, &study, &found, &err) != 0) {
        MUST(err.code == ERR_INVALID && err.text[0] != '\0');
        return;
    }
    (void)expand_list_unnamed(argv, &study, &unnamed);
    MUST(expand_argv(argv, &values, &out, dropped, &err) == 0);
    MUST(dropped[0] == '\0' || strcmp(dropped, "degree") == 0 || strcmp(dropped, "gamma") == 0);
}

/* The parameters of a study, if that is what the text says. */
static void check_parameters(const char *text, size_t len)
{
    json_auto_t *parameters = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    const char *name;
    json_t *value;

    json_object_foreach (parameters, name, value) {
        if (!name_is_parameter(name)) {
            return;
        }
    }
    if (json_is_object(parameters)) {
        check_all(parameters);
    }
}

void fuzz_start(void)
{
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    OWN(memory) char *text = fuzz_text((const char *)data, size);
    json_auto_t *parameters = json_loads(parameters_text, 0, NULL);
    char *argv[ARGUMENTS_MAX + 2] = {(char[]){"p"}};
    char *rest = text;
    size_t len = strlen(text);

    if (len < size) {
        check_parameters((const char *)data + len + 1, size - len - 1);
    }
    check_escaped(text);
    for (size_t n = 1; rest != NULL && n <= ARGUMENTS_MAX; n++) {
        argv[n] = strsep(&rest, "\n");
        check_argument(argv[n], parameters);
    }
    (void)json_object_del(parameters, "args");
    for (size_t n = 1; argv[n] != NULL; n++) {
        check_argument(argv[n], parameters);
    }
    check_command(argv, parameters);
    return 0;
}
