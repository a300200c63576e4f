#include "worker/cli/import/optuna.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "worker/cli/import/space.h"

static const char magic[] = "SQLite format 3";

enum { HEAD_BYTES = 4096 };

/* ---- what kind of file ---------------------------------------------------------------------- */

/* The first bytes, as a text; false: it cannot be read. */
static bool read_head(const char *path, char head[HEAD_BYTES], struct err *err)
{
    FILE *file = fopen(path, "re");

    if (file == NULL) {
        (void)err_set(err, ERR_INVALID, "cannot read %.200s: %s", path, strerror(errno));
        return false;
    }
    size_t len = fread(head, 1, HEAD_BYTES - 1, file);
    head[len] = '\0';
    (void)fclose(file);
    return true;
}

static bool is_journal(const char *head)
{
    const char *end = strchr(head, '\n');
    const char *code = strstr(head, "\"op_code\"");

    return head[0] == '{' && code != NULL && (end == NULL || code < end);
}

int optuna_is(const char *path, bool *is, struct err *err)
{
    char head[HEAD_BYTES];

    *is = false;
    if (strcmp(path, "-") == 0) {
        return 0;
    }
    if (!read_head(path, head, err)) {
        return -1;
    }
    *is = strcmp(head, magic) == 0 || is_journal(head);
    return 0;
}

/* ---- what both readers share ---------------------------------------------------------------- */

static const struct json_limits limits = {.bytes = 16 << 20, .depth = 32, .values = 2000000};

/* Appends the text with NaN, Infinity and -Infinity in quotes, where they stand outside texts. */
static void quote_constants(const char *text, size_t len, struct buf *out)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
    bool in_text = false;

    for (size_t i = 0; i < len;) {
        size_t taken = 0;
        for (size_t k = 0; !in_text && taken == 0 && k < 3; k++) {
            size_t n = strlen(words[k]);
            taken = i + n <= len && strncmp(text + i, words[k], n) == 0 ? n : 0;
        }
        if (taken > 0) {
            buf_printf(out, "\"%.*s\"", (int)taken, text + i);
            i += taken;
            continue;
        }
        if (in_text && text[i] == '\\' && i + 1 < len) {
            buf_putc(out, text[i++]);
        } else if (text[i] == '"') {
            in_text = !in_text;
        }
        buf_putc(out, text[i++]);
    }
}

json_t *optuna_json(const char *text, size_t len)
{
    OWN(buf) struct buf quoted = {0};
    json_t *value = NULL;
    struct err ignored;
    bool has_constants = memmem(text, len, "NaN", 3) != NULL
                         || memmem(text, len, "Infinity", strlen("Infinity")) != NULL;

    if (len > limits.bytes) {
        return NULL;
    }
    if (!has_constants) {
        return json_parse(text, len, &limits, &value, &ignored) == 0 ? value : NULL;
    }
    buf_init(&quoted, 2 * limits.bytes);
    quote_constants(text, len, &quoted);
    return json_parse(buf_text(&quoted), quoted.len, &limits, &value, &ignored) == 0 ? value : NULL;
}

/* Today's two numeric classes, their five forerunners, and the short forms. */
static const struct {
    const char *name, *kind;
    bool is_log;
} classes[] = {
    {"FloatDistribution", "float", false},
    {"IntDistribution", "int", false},
    {"CategoricalDistribution", "categorical", false},
    {"UniformDistribution", "float", false},
    {"LogUniformDistribution", "float", true},
    {"DiscreteUniformDistribution", "float", false},
    {"IntUniformDistribution", "int", false},
    {"IntLogUniformDistribution", "int", true},
    {"float", "float", false},
    {"int", "int", false},
    {"categorical", "categorical", false},
};

static json_t *numeric(const char *kind, bool is_log, const json_t *from)
{
    const json_t *low = json_object_get(from, "low");
    const json_t *high = json_object_get(from, "high");
    const json_t *step = json_object_get(from, "step");
    const json_t *q = json_object_get(from, "q");

    step = q != NULL ? q : step;
    double width = json_number_value(high) - json_number_value(low);
    if (!json_is_number(low) || !json_is_number(high) || !(width >= 0) || !isfinite(width)
        || (step != NULL && !json_is_null(step) && !(json_number_value(step) > 0))) {
        return NULL;
    }
    is_log = is_log || json_is_true(json_object_get(from, "log"));
    double by = json_number_value(step);
    by = strcmp(kind, "int") == 0 && by == 1 ? 0 : by;
    return json_pack("{s:s, s:f, s:f, s:f, s:b}", "kind", kind, "low", json_number_value(low),
                     "high", json_number_value(high), "step", by, "log", is_log ? 1 : 0);
}

static json_t *read_distribution(const json_t *written)
{
    const char *name = json_string_value(json_object_get(written, "name"));
    const json_t *attributes = json_object_get(written, "attributes");

    if (name == NULL) { /* the short form has all in one */
        name = json_string_value(json_object_get(written, "type"));
        attributes = written;
    }
    for (size_t i = 0; name != NULL && i < sizeof classes / sizeof classes[0]; i++) {
        if (strcmp(classes[i].name, name) != 0) {
            continue;
        }
        json_t *choices = json_object_get(attributes, "choices");
        if (strcmp(classes[i].kind, "categorical") != 0) {
            return numeric(classes[i].kind, classes[i].is_log, attributes);
        }
        return json_array_size(choices) == 0
                   ? NULL
                   : json_pack("{s:s, s:O}", "kind", "categorical", "choices", choices);
    }
    return NULL;
}

json_t *optuna_distribution(json_t *known, const char *text)
{
    json_t *found = json_object_get(known, text);
    json_auto_t *written = found != NULL ? NULL : optuna_json(text, strlen(text));
    json_auto_t *made = written == NULL ? NULL : read_distribution(written);

    if (found != NULL || made == NULL || json_object_set(known, text, made) != 0) {
        return found;
    }
    return json_object_get(known, text);
}

/* ---- the study ------------------------------------------------------------------------------ */

static int several(const struct import *import, const json_t *names, struct err *err)
{
    OWN(buf) struct buf list = {0};

    buf_init(&list, 400);
    for (size_t i = 0; i < json_array_size(names); i++) {
        buf_printf(&list, "%s%.60s", i > 0 ? ", " : "",
                   json_string_value(json_array_get(names, i)));
    }
    if (json_array_size(names) == 0) {
        return err_set(err, ERR_INVALID, "%.120s: there is no study in it", import->remarks.file);
    }
    return err_set(err, ERR_INVALID, "%.120s: say which study with --study-name: %s%s",
                   import->remarks.file, buf_text(&list), list.failed ? " …" : "");
}

/* Of those of a journal. A new reference. */
static int choose(struct import *import, const json_t *studies, json_t **study, json_t *names)
{
    size_t i;
    json_t *one;
    json_t *found = NULL;

    json_array_foreach (json_unconst(studies), i, one) {
        const char *name = json_string_value(json_object_get(one, "name"));
        bool is_it = import->study_name == NULL ? json_array_size(studies) == 1
                                                : strcmp(name, import->study_name) == 0;
        (void)json_array_append_new(names, json_string(name));
        found = is_it ? one : found;
    }
    *study = json_incref(found);
    return 0;
}

static int read_storage(struct import *import, json_t **study, struct err *err)
{
    char head[HEAD_BYTES];
    json_auto_t *studies = NULL;
    json_auto_t *names = json_array();

    if (strcmp(import->path, "-") == 0) {
        return err_set(err, ERR_INVALID,
                       "a storage of Optuna is read from a file, not from "
                       "standard input");
    }
    if (!read_head(import->path, head, err)) {
        return -1;
    }
    if (strcmp(head, magic) == 0) {
        TRY(optuna_read_sqlite(import, import->study_name, study, names, err));
    } else {
        TRY(optuna_read_journal(import, &studies, err));
        TRY(choose(import, studies, study, names));
    }
    return *study != NULL ? 0 : several(import, names, err);
}

/* The names that set_metric_names() gave, else value, or value_0, value_1, … */
static json_t *metric_names(const json_t *study, size_t n)
{
    json_t *given = json_object_get(json_object_get(study, "system_attrs"), "study:metric_names");

    if (json_array_size(given) == n && json_is_string(json_array_get(given, 0))) {
        return json_incref(given);
    }
    json_t *names = json_array();
    for (size_t i = 0; i < n; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, n == 1 ? "value" : "value_%zu", i);
        (void)json_array_append_new(names, json_string(name));
    }
    return names;
}

static int read_objectives(struct import *import, const json_t *study, json_t *names,
                           struct err *err)
{
    const json_t *directions = json_object_get(study, "directions");

    for (size_t i = 0; i < json_array_size(directions); i++) {
        json_int_t direction = json_integer_value(json_array_get(directions, i));
        const char *name = json_string_value(json_array_get(names, i));
        if (direction == 0) {
            remark_at(&import->remarks, 0, "the study has no direction yet; it is minimized");
        }
        if (name == NULL) {
            return err_set(err, ERR_INVALID, "%.120s: a metric's name is no text",
                           import->remarks.file);
        }
        space_add_objective(import, name, direction == 2, NULL);
    }
    return json_array_size(directions) > 0
               ? 0
               : err_set(err, ERR_INVALID, "%.120s: the study has no direction",
                         import->remarks.file);
}

/* Texts among the user's attributes become labels, as far as they are labels. */
static void read_attributes(struct import *import, const json_t *study)
{
    const char *key;
    json_t *value;
    size_t n_left = 0;

    json_object_foreach (json_object_get(study, "user_attrs"), key, value) {
        if (strncmp(key, "hone:", strlen("hone:")) == 0) {
            continue; /* of an export of ours */
        }
        bool is_label = json_is_string(value) && json_string_length(value) <= 200
                        && strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
                                       "0123456789.-/")
                               == strlen(key)
                        && strlen(key) <= 63 && strchr("0123456789.-/", key[0]) == NULL;
        if (is_label) {
            study_put(import, "labels", key, json_incref(value));
        } else {
            n_left++;
        }
    }
    if (n_left > 0) {
        remark_at(&import->remarks, 0,
                  "%zu user attributes of the study that are no short texts are left out", n_left);
    }
}

static void name_study(struct import *import, const json_t *study)
{
    OWN(buf) struct buf name = {0};
    const char *own = json_string_value(json_object_get(study, "name"));

    buf_init(&name, 256);
    import_append_name(&name, own == NULL ? "" : own);
    if (name.len > 0) {
        study_set(import, "name", json_string(buf_text(&name)));
    }
    if (own != NULL && strcmp(own, buf_text(&name)) != 0) {
        study_set(import, "description", json_string(own));
    }
}

int optuna_read(struct import *import, struct err *err)
{
    json_auto_t *study = NULL;
    json_auto_t *space = NULL;
    json_auto_t *names = NULL;

    import->program = "Optuna study";
    TRY(read_storage(import, &study, err));
    names = metric_names(study, json_array_size(json_object_get(study, "directions")));
    name_study(import, study);
    TRY(read_objectives(import, study, names, err));
    TRY(optuna_read_space(import, json_object_get(study, "trials"), &space, err));
    read_attributes(import, study);
    return optuna_read_trials(import, json_object_get(study, "trials"), space, names, err);
}
