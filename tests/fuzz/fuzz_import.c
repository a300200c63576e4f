/* What `hone import` reads, from files of other tuners whose words, lines and bytes were changed.
 * Whatever is in a file, it is read whole or refused with a sentence, and what is read is a study.
 *
 *   fuzz_import FOLDER… [N]    N mutants of the files in the folders */
#include <dirent.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/rng.h"
#include "tests/fuzz/mutants.h"
#include "worker/cli/import/import.h"

enum { FILES_MAX = 64, FILE_BYTES = 1 << 20, CHANGES_MAX = 4 };

static struct buf files[FILES_MAX];
static size_t n_files;

static void load(const char *folder, const char *name)
{
    char path[4096];
    char chunk[4096];
    size_t len;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    MUST(file != NULL && n_files < FILES_MAX);
    struct buf *text = &files[n_files++];
    buf_init(text, FILE_BYTES);
    while ((len = fread(chunk, 1, sizeof chunk, file)) > 0) {
        buf_append(text, chunk, len);
    }
    (void)fclose(file);
    MUST(!text->failed);
}

static void load_all(const char *folder)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, alphasort);

    MUST(n > 0);
    for (int i = 0; i < n; i++) {
        if (entries[i]->d_name[0] != '.') {
            load(folder, entries[i]->d_name);
        }
        free(entries[i]);
    }
    free(entries);
}

/* ---- mutants -------------------------------------------------------------------------------- */

static size_t below(struct rng *rng, size_t n)
{
    return (size_t)rng_below(rng, n);
}

static void replace(struct buf *text, size_t at, size_t len, const char *with)
{
    memmove(text->data + at, text->data + at + len, text->len - at - len + 1);
    text->len -= len;
    mutant_insert(text, at, with, strlen(with));
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || strchr("_.-+", c) != NULL;
}

static void change_word(struct rng *rng, struct buf *text)
{
    static const char *const odd[] = {
        "0",       "-1",       "1",          "1e400",       "1e-400",   "9223372036854775808",
        "null",    "true",     "[]",         "{}",          "\"\"",     "\"\\u0000\"",
        "NaN",     ".nan",     ".inf",       "Infinity",    "[[[[]]]]", "{\"a\": 1}",
        "grid",    "bayes",    "hyperband",  "choice",      "values",   "value",
        "min",     "max",      "parameters", "q_uniform",   "beta",     "log_uniform",
        "OR",      "AND",      "GT",         "NEQ",         "kernel",   "layers",
        "ordinal", "constant", "normal_int", "uniform_int", "_name",    "_type",
        "int",     "double",   "discrete",   "logNormal",   "${args}",  "${envvar:X}",
        "op_code", "4",        "5",          "10",          "trial_id", "0.1",
        "when",    "\xc3\x28", "&a *a",      "x: &a [*a]",  "<<",       "!!binary"};
    size_t at = below(rng, text->len);

    while (at < text->len && !is_word(text->data[at])) {
        at++;
    }
    size_t from = at;
    while (from > 0 && is_word(text->data[from - 1])) {
        from--;
    }
    while (at < text->len && is_word(text->data[at])) {
        at++;
    }
    replace(text, from, at - from, odd[below(rng, sizeof odd / sizeof odd[0])]);
}

/* Takes a line out, or puts it somewhere else as well. */
static void move_line(struct rng *rng, struct buf *text)
{
    size_t from = below(rng, text->len);
    OWN(memory) char *line = NULL;

    while (from > 0 && text->data[from - 1] != '\n') {
        from--;
    }
    size_t len = strcspn(text->data + from, "\n");
    len += text->data[from + len] == '\n' ? 1U : 0U;
    if (below(rng, 2) == 0) {
        replace(text, from, len, "");
        return;
    }
    line = strndup(text->data + from, len);
    MUST(line != NULL);
    size_t to = below(rng, text->len);
    while (to > 0 && text->data[to - 1] != '\n') {
        to--;
    }
    mutant_insert(text, to, line, len);
}

static void change(struct rng *rng, struct buf *text)
{
    if (text->len == 0) {
        return;
    }
    switch (below(rng, 8)) {
    case 0:
        text->data[below(rng, text->len)] = (char)below(rng, 256);
        break;
    case 1:
        text->len = below(rng, text->len) + 1;
        text->data[text->len] = '\0';
        break;
    case 2:
    case 3:
        move_line(rng, text);
        break;
    default:
        change_word(rng, text);
        break;
    }
}

/* ---- what must hold ------------------------------------------------------------------------- */

static void check_read(const char *path, const char *format)
{
    OWN(import) struct import import;
    struct err err = {0};

    import_init(&import, path);
    if (import_read(&import, format, &err) != 0) {
        MUST(err.code == ERR_INVALID && err.text[0] != '\0');
        return;
    }
    const json_t *parameters = json_object_get(import.study, "parameters");
    size_t i;
    json_t *parameter;
    MUST(json_array_size(parameters) > 0);
    MUST(json_array_size(parameters) == json_array_size(import.lines));
    json_array_foreach (parameters, i, parameter) {
        MUST(json_is_string(json_object_get(parameter, "name")));
        MUST(json_is_string(json_object_get(parameter, "type")));
    }
    MUST(!import.command.failed && !import.options.failed && import.program != NULL);
    OWN(memory) char *text = json_dumps(import.study, 0);
    MUST(text != NULL);
}

static void write_file(const char *path, const struct buf *text)
{
    FILE *file = fopen(path, "we");

    MUST(file != NULL && fwrite(text->data, 1, text->len, file) == text->len);
    MUST(fclose(file) == 0);
}

static void try_mutant(struct rng *rng, const char *path)
{
    static const char *const formats[] = {NULL,  NULL,    NULL,          "wandb",
                                          "nni", "katib", "configspace", "optuna"};
    OWN(buf) struct buf text = {0};
    const struct buf *file = &files[below(rng, n_files)];

    buf_init(&text, 2 * FILE_BYTES);
    buf_append(&text, file->data, file->len);
    for (size_t n = below(rng, CHANGES_MAX) + 1; n > 0; n--) {
        change(rng, &text);
    }
    write_file(path, &text);
    check_read(path, formats[below(rng, sizeof formats / sizeof formats[0])]);
}

int main(int argc, char **argv)
{
    char path[] = "/tmp/fuzz_import_XXXXXX";
    uint64_t n = 1000;

    json_start();
    for (int i = 1; i < argc; i++) {
        char *end;
        uint64_t number = strtoull(argv[i], &end, 10);
        if (*end == '\0') {
            n = number;
        } else {
            load_all(argv[i]);
        }
    }
    MUST(n_files > 0);
    int fd = mkstemp(path);
    MUST(fd >= 0 && close(fd) == 0);
    for (size_t i = 0; i < n_files; i++) {
        write_file(path, &files[i]);
        check_read(path, NULL);
    }
    struct rng rng = rng_seeded(20261130);
    for (uint64_t i = 0; i < n; i++) {
        try_mutant(&rng, path);
    }
    (void)unlink(path);
    for (size_t i = 0; i < n_files; i++) {
        buf_finish(&files[i]);
    }
    (void)printf("%zu files, %" PRIu64 " mutants\n", n_files, n);
    return 0;
}
