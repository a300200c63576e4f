#include "worker/cli/import/import.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/json.h"
#include "worker/cli/define/lines.h"
#include "worker/cli/define/text_file.h"
#include "worker/cli/define/yaml.h"
#include "worker/cli/import/configspace.h"
#include "worker/cli/import/katib.h"
#include "worker/cli/import/nni.h"
#include "worker/cli/import/optuna.h"
#include "worker/cli/import/wandb.h"

enum { FILE_BYTES = 8 << 20, WORDS_BYTES = 1 << 20, NAME_CHARACTERS = 63 };
static const struct json_limits limits = {.bytes = FILE_BYTES, .depth = 32, .values = 1000000};

/* Documents: each format knows its own by its keys. */
static const struct format {
    const char *name;
    bool (*is)(struct node root);
    int (*read)(struct import *import, struct node root, struct err *err);
} formats[] = {
    {"katib", katib_is, katib_read},
    {"configspace", configspace_is, configspace_read},
    {"nni", nni_is, nni_read},
    {"wandb", wandb_is, wandb_read},
};
static const size_t n_formats = sizeof formats / sizeof formats[0];

void import_init(struct import *import, const char *path)
{
    *import = (struct import){.path = path, .remarks.file = text_file_name(path)};
    import->study = json_object();
    import->lines = json_array();
    import->places = json_object();
    import->trials = json_array();
    buf_init(&import->command, WORDS_BYTES);
    buf_init(&import->options, WORDS_BYTES);
}

void import_finish(struct import *import)
{
    json_decref(import->study);
    json_decref(import->lines);
    json_decref(import->places);
    json_decref(import->trials);
    remarks_finish(&import->remarks);
    buf_finish(&import->command);
    buf_finish(&import->options);
}

void import_append_name(struct buf *out, const char *text)
{
    size_t from = out->len;

    for (; *text != '\0' && out->len - from < NAME_CHARACTERS; text++) {
        char c = (char)tolower((unsigned char)*text);
        bool is_first = out->len == from;
        if (isalnum((unsigned char)c) || (!is_first && strchr("._-", c) != NULL)) {
            buf_putc(out, c);
        } else if (!is_first && out->data[out->len - 1] != '-') {
            buf_putc(out, '-');
        }
    }
    while (out->len > from && out->data[out->len - 1] == '-') {
        out->data[--out->len] = '\0';
    }
}

/* ---- which format --------------------------------------------------------------------------- */

static int no_format(const struct import *import, struct err *err)
{
    return err_set(
        err, ERR_INVALID,
        "%.120s: this is neither a W&B sweep (method, parameters), a Katib experiment "
        "(kind: Experiment), an NNI experiment or search space, a ConfigSpace in JSON, "
        "nor a storage of Optuna; --format says which it is meant to be: " IMPORT_FORMATS,
        import->remarks.file);
}

static int find_format(const struct import *import, const char *name, struct node root,
                       const struct format **format, struct err *err)
{
    for (size_t i = 0; i < n_formats; i++) {
        bool is_it = name != NULL ? strcmp(formats[i].name, name) == 0 : formats[i].is(root);
        if (is_it) {
            *format = &formats[i];
            return 0;
        }
    }
    return no_format(import, err);
}

/* ---- documents ------------------------------------------------------------------------------ */

/* "FILE:LINE: …" of a fault that a parser found. */
static int no_document(const struct import *import, struct err *err)
{
    struct err fault = *err;
    unsigned line = 0;

    if (fault.code == ERR_NOMEM) {
        return -1;
    }
    const char *in_text = strstr(fault.text, "at line ");
    (void)sscanf(in_text != NULL ? in_text + strlen("at ") : fault.where, "line %u", &line);
    return refuse_at(&import->remarks, line, err, "%s", fault.text);
}

static int read_document(struct import *import, const char *format, const struct buf *text,
                         struct err *err)
{
    json_auto_t *value = NULL;
    json_auto_t *lines = NULL;
    const struct format *found;
    const char *first = buf_text(text) + strspn(buf_text(text), " \t\r\n");

    if (strlen(buf_text(text)) != text->len) {
        return no_format(import, err);
    }
    if (*first == '{' || *first == '[') {
        if (json_parse(buf_text(text), text->len, &limits, &value, err) != 0) {
            return no_document(import, err);
        }
        lines = json_lines(buf_text(text), value);
    } else if (yaml_to_json_lines(buf_text(text), text->len, &value, &lines, err) != 0) {
        return no_document(import, err);
    }
    struct node root = {value, lines};
    if (!json_is_object(value)) {
        return no_format(import, err);
    }
    TRY(find_format(import, format, root, &found, err));
    return found->read(import, root, err);
}

static int read_text(struct import *import, const char *format, struct err *err)
{
    OWN(buf) struct buf text = {0};

    buf_init(&text, FILE_BYTES);
    TRY(text_file_read(import->path, &text, err));
    return read_document(import, format, &text, err);
}

/* A file that is no file may never end. */
static int check_file(const struct import *import, struct err *err)
{
    struct stat status;

    if (strcmp(import->path, "-") == 0) {
        return 0;
    }
    if (stat(import->path, &status) != 0) {
        return err_set(err, ERR_INVALID, "cannot read %.200s: %s", import->path, strerror(errno));
    }
    return S_ISREG(status.st_mode)
               ? 0
               : err_set(err, ERR_INVALID, "%.200s is no file; name one, or - for standard input",
                         import->path);
}

static int check_format_name(const char *name, struct err *err)
{
    bool is_known = name == NULL || strcmp(name, "optuna") == 0;

    for (size_t i = 0; i < n_formats; i++) {
        is_known = is_known || strcmp(name, formats[i].name) == 0;
    }
    return is_known
               ? 0
               : err_set(err, ERR_INVALID, "--format %.60s: write one of " IMPORT_FORMATS, name);
}

int import_read(struct import *import, const char *format, struct err *err)
{
    size_t failures = json_failures();
    bool is_optuna = format != NULL && strcmp(format, "optuna") == 0;

    TRY(check_format_name(format, err));
    TRY(check_file(import, err));
    if (format == NULL) {
        TRY(optuna_is(import->path, &is_optuna, err));
    }
    TRY(is_optuna ? optuna_read(import, err) : read_text(import, format, err));
    TRY(json_check(failures, err));
    if (import->is_beyond) {
        return refuse_at(&import->remarks, import->beyond_line, err,
                         "this comes to a number that is too large, or to none");
    }
    if (json_array_size(json_object_get(import->study, "parameters")) == 0) {
        return err_set(err, ERR_INVALID, "%.120s: it names no parameter", import->remarks.file);
    }
    if (buf_check(&import->command, err) != 0 || buf_check(&import->options, err) != 0) {
        return err_wrap(err, "the command");
    }
    return 0;
}
