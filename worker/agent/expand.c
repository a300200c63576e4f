#include "worker/agent/expand.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/json_value.h"
#include "common/step.h"
#include "common/suggest.h"
#include "common/wire/wire.h"
#include "worker/agent/overrides.h"
#include "worker/report/cursor.h"

#define LIST_BYTES ((size_t)64 * 1024)
#define OVERRIDES_BYTES ((size_t)4 << 20)
#define UNNAMED_LISTED 5
#define ARGUMENT_BYTES ((size_t)128 * 1024) /* what Linux takes */

/* `{"a}b"}`: a name that is written as a JSON text. Its length with braces, or 0. */
static size_t quoted_placeholder_at(const char *text, char name[EXPAND_NAME_BYTES])
{
    struct cursor c = {.text = text, .len = strlen(text), .at = 1};
    struct quoted quoted;

    if (text[1] != '"' || !cursor_read_quoted(&c, &quoted) || quoted.is_long || text[c.at] != '}'
        || memmem(text, c.at, "\\'", 2) != NULL /* of Python, not of JSON */
        || strlen(quoted.text) != quoted.len || !name_is_parameter(quoted.text)) {
        return 0;
    }
    memcpy(name, quoted.text, quoted.len + 1);
    return c.at + 1;
}

/* The placeholder at text[0] == '{': copies its name, returns its length with braces, or 0 when it
 * is none. */
static size_t placeholder_at(const char *text, char name[EXPAND_NAME_BYTES])
{
    size_t quoted = quoted_placeholder_at(text, name);
    if (quoted > 0) {
        return quoted;
    }
    const char *end = strchr(text, '}');
    size_t len = end == NULL ? 0 : (size_t)(end - text - 1);

    if (end == NULL || len == 0 || len >= EXPAND_NAME_BYTES) {
        return 0;
    }
    memcpy(name, text + 1, len);
    name[len] = '\0';
    return name_is_parameter(name) ? len + 2 : 0;
}

enum piece { PIECE_END, PIECE_CHARACTER, PIECE_PLACEHOLDER, PIECE_BROKEN };

/* What stands at *at, which is moved behind it, unless it is a brace that begins nothing. A doubled
 * brace is one character; a closing one alone is itself. */
static enum piece next_piece(const char **at, char *character, char name[EXPAND_NAME_BYTES])
{
    const char *text = *at;
    bool doubled = (text[0] == '{' || text[0] == '}') && text[1] == text[0];

    if (text[0] == '\0') {
        return PIECE_END;
    }
    if (text[0] != '{' || doubled) {
        *character = text[0];
        *at += doubled ? 2 : 1;
        return PIECE_CHARACTER;
    }
    size_t len = placeholder_at(text, name);
    *at += len;
    return len > 0 ? PIECE_PLACEHOLDER : PIECE_BROKEN;
}

/* Moves *at behind the next placeholder, whose name is copied, or to a broken one. */
static enum piece next_placeholder(const char **at, char name[EXPAND_NAME_BYTES])
{
    enum piece piece;
    char character;

    do {
        piece = next_piece(at, &character, name);
    } while (piece == PIECE_CHARACTER);
    return piece;
}

/* Is the argument one placeholder and nothing else? Its name is copied. */
static bool is_one_placeholder(const char *argument, char name[EXPAND_NAME_BYTES])
{
    char character;

    return next_piece(&argument, &character, name) == PIECE_PLACEHOLDER && argument[0] == '\0';
}

static bool has_placeholder(const char *argument)
{
    char name[EXPAND_NAME_BYTES];

    return next_placeholder(&argument, name) != PIECE_END;
}

static int check_argument(const char *argument, size_t i, struct err *err)
{
    char name[EXPAND_NAME_BYTES];
    const char *at = argument;
    enum piece piece;

    do {
        piece = next_placeholder(&at, name);
    } while (piece == PIECE_PLACEHOLDER);
    return piece == PIECE_END
               ? 0
               : err_set(err, ERR_INVALID,
                         "argument %zu, \"%.80s\": \"%.40s\" is no placeholder; write {name} for "
                         "a parameter's value and {{ for a brace",
                         i, argument, at);
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

static bool holds(const json_t *names, const char *name)
{
    size_t i;
    json_t *item;

    json_array_foreach (names, i, item) {
        if (json_is_string(item) && strcmp(json_string_value(item), name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_parameter(const json_t *active, const json_t *inactive, const char *name)
{
    return json_object_get(active, name) != NULL || holds(inactive, name);
}

static bool is_resource(const char *name)
{
    return strcmp(name, "resource.from") == 0 || strcmp(name, "resource.to") == 0;
}

/* Placeholders for all parameters at once. */
enum all { ALL_NONE, ALL_OPTIONS, ALL_OVERRIDES, ALL_JSON, ALL_FILE };

static enum all all_of(const char *name)
{
    static const struct {
        const char *name;
        enum all all;
    } words[] = {{"args", ALL_OPTIONS},
                 {"args.hydra", ALL_OVERRIDES},
                 {"args.json", ALL_JSON},
                 {"params.json", ALL_FILE},
                 {"params.yaml", ALL_FILE}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i].name, name) == 0) {
            return words[i].all;
        }
    }
    return ALL_NONE;
}

/* Does it stand for several arguments, and so must be one of its own? */
static bool is_several(enum all all)
{
    return all == ALL_OPTIONS || all == ALL_OVERRIDES;
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

/* Braces of JSON, a shell or a program rather than of a placeholder? */
static bool is_no_placeholder(const char *name)
{
    return strpbrk(name, "\"'$;:\\,|()#?%=") != NULL;
}

/* The name as a placeholder has it, without the outer braces. */
static const char *spell(const char *name, struct buf *out)
{
    struct json_writer w;

    if (strpbrk(name, "{}") == NULL && name[0] != '"') {
        return name;
    }
    buf_init(out, EXPAND_NAME_BYTES * 2);
    json_writer_init(&w, out);
    json_write_string(&w, name);
    return buf_text(out);
}

static int refuse_name(const char *name, const struct expand_study *study, struct err *err)
{
    OWN(buf) struct buf list;
    OWN(buf) struct buf spelled = {0};
    OWN(buf) struct buf meant_spelled = {0};

    buf_init(&list, LIST_BYTES);
    const char *meant = list_parameters(study, name, &list);
    const char *written = spell(name, &spelled);
    if (is_resource(name)) {
        return err_set(err, ERR_INVALID,
                       "the command names {%s}, but the study has no resource; %sleave it out",
                       name, study->may_add ? "add --resource NAME=MIN..MAX, or " : "");
    }
    if (meant != NULL) {
        return err_set(err, ERR_INVALID,
                       "the command names {%s}, which is no parameter; did you mean {%s}?", written,
                       spell(meant, &meant_spelled));
    }
    if (is_no_placeholder(name)) {
        return err_set(err, ERR_INVALID,
                       "the command has {%.60s} in it, and that is no parameter; where braces are "
                       "meant as they are, write {{ and }}",
                       name);
    }
    if (study->may_add) {
        return err_set(err, ERR_INVALID,
                       "the command names {%s}, which is no parameter; add -P %s=DOMAIN, or write "
                       "{{ for a brace",
                       written, name);
    }
    return err_set(err, ERR_INVALID,
                   "the command names {%s}, which is no parameter; the study has %.200s; write {{ "
                   "for a brace",
                   written, list.len == 0 ? "none" : buf_text(&list));
}

/* Can Hydra take every parameter of the study, as far as they are known? */
static int check_overrides(const struct expand_study *study, struct err *err)
{
    OWN(buf) struct buf text;
    const char *name;
    json_t *item;
    size_t i;

    buf_init(&text, OVERRIDES_BYTES);
    json_object_foreach (json_unconst(study->active), name, item) {
        TRY(override_append(name, item, &text, err));
    }
    json_array_foreach (study->inactive, i, item) {
        if (json_is_string(item)) {
            TRY(override_check_name(json_string_value(item), err));
        }
    }
    return 0;
}

static int check_all(enum all all, const char *argument, const struct expand_study *study,
                     struct err *err)
{
    char name[EXPAND_NAME_BYTES];

    if (is_several(all) && !is_one_placeholder(argument, name)) {
        return err_set(err, ERR_INVALID,
                       "\"%.80s\": {args} and {args.hydra} stand for several arguments, so each "
                       "must be an argument of its own; {args.json} is one text",
                       argument);
    }
    return all == ALL_OVERRIDES ? check_overrides(study, err) : 0;
}

static int check_name(const char *name, const char *argument, const struct expand_study *study,
                      struct expand_found *found, struct err *err)
{
    if (is_parameter(study->active, study->inactive, name)) {
        found->names_parameter = true;
        return 0;
    }
    if (all_of(name) != ALL_NONE) {
        found->names_all = true;
        return check_all(all_of(name), argument, study, err);
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
        const char *at = argv[i];
        while (next_placeholder(&at, name) == PIECE_PLACEHOLDER) {
            TRY(check_name(name, argv[i], study, found, err));
        }
    }
    return 0;
}

bool expand_names(char *const argv[], const struct expand_values *values, const char *placeholder)
{
    char name[EXPAND_NAME_BYTES];

    for (size_t i = 0; argv[i] != NULL; i++) {
        const char *at = argv[i];
        while (next_placeholder(&at, name) == PIECE_PLACEHOLDER) {
            if (strcmp(name, placeholder) == 0
                && !is_parameter(values->parameters, values->inactive, name)) {
                return true;
            }
        }
    }
    return false;
}

/* The names of all placeholders, as the keys of an object. */
static json_t *named_by(char *const argv[])
{
    char name[EXPAND_NAME_BYTES];
    json_t *named = json_object();

    for (size_t i = 0; argv[i] != NULL; i++) {
        const char *at = argv[i];
        while (next_placeholder(&at, name) == PIECE_PLACEHOLDER) {
            (void)json_object_set_new(named, name, json_true());
        }
    }
    return named;
}

static void list_unnamed(const json_t *named, const char *name, size_t *n, struct buf *list)
{
    if (json_object_get(named, name) != NULL) {
        return;
    }
    if (++*n <= UNNAMED_LISTED) {
        buf_printf(list, "%s%s", *n == 1 ? "" : ", ", name);
    }
}

bool expand_list_unnamed(char *const argv[], const struct expand_study *study, struct buf *list)
{
    size_t failures = json_failures();
    json_auto_t *named = named_by(argv);
    struct err err;
    const char *name;
    json_t *item;
    size_t i;
    size_t n = 0;

    if (json_check(failures, &err) != 0) {
        return false; /* rather nothing than what is not so */
    }
    json_object_foreach (json_unconst(study->active), name, item) {
        list_unnamed(named, name, &n, list);
    }
    json_array_foreach (study->inactive, i, item) {
        list_unnamed(named, json_is_string(item) ? json_string_value(item) : "", &n, list);
    }
    if (n > UNNAMED_LISTED) {
        buf_printf(list, " and %zu more", n - UNNAMED_LISTED);
    }
    return n > 0;
}

/* ---- with a trial at hand ---- */

static bool int_value(const char *name, const struct expand_values *values, int64_t *value)
{
    if (strcmp(name, "trial") == 0) {
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

static void append_json(const json_t *parameters, struct buf *out)
{
    struct json_writer w;

    json_writer_init(&w, out);
    json_write_value(&w, parameters);
}

/* A parameter takes precedence over a placeholder of the same name. False: it is inactive. */
static bool append_value(const char *name, const struct expand_values *values, struct buf *out)
{
    const json_t *parameter = json_object_get(values->parameters, name);
    char step[STEP_BYTES];
    int64_t number;

    if (parameter != NULL) {
        json_append_text(out, parameter);
    } else if (holds(values->inactive, name)) {
        return false;
    } else if (all_of(name) == ALL_JSON) {
        append_json(values->parameters, out);
    } else if (all_of(name) == ALL_FILE) { /* "params.json": the ending of the placeholder's name */
        buf_printf(out, "%s%s", values->params_file, strrchr(name, '.'));
    } else if (strcmp(name, "checkpoint") == 0) {
        buf_puts(out, values->checkpoint);
    } else if (values->has_resource && is_resource(name)) {
        bool is_from = strcmp(name, "resource.from") == 0;
        buf_puts(out, step_format(is_from ? values->from : values->to, values->digits, step));
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
    const char *at = argument;
    char character;

    for (;;) {
        switch (next_piece(&at, &character, name)) {
        case PIECE_CHARACTER:
            buf_putc(out, character);
            break;
        case PIECE_PLACEHOLDER:
            if (!append_value(name, values, out)) {
                memcpy(missing, name, sizeof name);
                return false;
            }
            break;
        case PIECE_BROKEN:
        case PIECE_END:
        default:
            return true;
        }
    }
}

/* Does the argument stand for several, one for each parameter? */
static enum all several_of(const char *argument, const struct expand_values *values)
{
    char name[EXPAND_NAME_BYTES];

    if (!is_one_placeholder(argument, name)
        || is_parameter(values->parameters, values->inactive, name)) {
        return ALL_NONE;
    }
    enum all all = all_of(name);
    return is_several(all) ? all : ALL_NONE;
}

static int add_each(enum all all, const struct expand_values *values, struct argv_list *out,
                    struct err *err)
{
    const char *name;
    json_t *value;

    json_object_foreach (json_unconst(values->parameters), name, value) {
        OWN(buf) struct buf text;
        buf_init(&text, ARGUMENT_BYTES - 1);
        if (all == ALL_OVERRIDES) {
            TRY(override_append(name, value, &text, err));
        } else {
            buf_printf(&text, "--%s=", name);
            json_append_text(&text, value);
        }
        TRY(buf_check(&text, err));
        argv_list_add(out, buf_text(&text));
    }
    return 0;
}

int expand_argv(char *const argv[], const struct expand_values *values, struct argv_list *out,
                char dropped[EXPAND_NAME_BYTES], struct err *err)
{
    char missing[EXPAND_NAME_BYTES] = "";

    dropped[0] = '\0';
    argv_list_add(out, argv[0]);
    for (size_t i = 1; argv[i] != NULL; i++) {
        OWN(buf) struct buf text;
        enum all several = several_of(argv[i], values);
        buf_init(&text, ARGUMENT_BYTES - 1);
        if (several != ALL_NONE) {
            TRY(add_each(several, values, out, err));
            continue;
        }
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
