/* The files of settings of `honed --config` and `hone worker --config`, and the worker's variables.
 * The first line of an input says which: "honed" or "worker"; lines up to "---" are variables of
 * the worker, NAME=VALUE; the rest is the file.
 *
 * Whatever is in it: each line counts as it stands there, by a second and simpler reading, or the
 * file is refused with a sentence that names the line. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "server/settings.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/directory.h"
#include "worker/cli/agent_options/config.h"
#include "worker/cli/agent_options/identity.h"
#include "worker/cli/agent_options/leaving.h"
#include "worker/cli/verbs.h"

#define LINES_MAX 4096
#define VARIABLES_MAX 16

static char folder[DIRECTORY_BYTES];
static char path[sizeof folder + 8];

/* ---- the second reading ---- */

struct line {
    char *name, *value; /* value NULL: there is no '=' */
};

struct lines {
    size_t n;
    bool is_bad; /* a zero byte */
    struct line items[LINES_MAX];
};

static char *copy_trimmed(const char *text, size_t len)
{
    while (len > 0 && isspace((unsigned char)text[0])) {
        text++;
        len--;
    }
    while (len > 0 && isspace((unsigned char)text[len - 1])) {
        len--;
    }
    char *copy = fuzz_text(text, len);
    MUST(copy != NULL);
    return copy;
}

static void read_line(const char *text, size_t len, struct lines *lines)
{
    const char *equals = memchr(text, '=', len);
    size_t name_len = equals == NULL ? len : (size_t)(equals - text);
    char *whole = copy_trimmed(text, len);

    lines->is_bad = lines->is_bad || memchr(text, '\0', len) != NULL;
    if (whole[0] != '\0' && whole[0] != '#' && lines->n < LINES_MAX) {
        lines->items[lines->n++] =
            (struct line){copy_trimmed(text, name_len),
                          equals == NULL ? NULL : copy_trimmed(equals + 1, len - name_len - 1)};
    }
    free(whole);
}

static void read_lines(const char *text, size_t size, struct lines *lines)
{
    static const char mark[] = "\xef\xbb\xbf"; /* some editors begin a file with it */

    *lines = (struct lines){.n = 0};
    if (size >= sizeof mark - 1 && memcmp(text, mark, sizeof mark - 1) == 0) {
        text += sizeof mark - 1;
        size -= sizeof mark - 1;
    }
    while (size > 0) {
        const char *end = memchr(text, '\n', size);
        size_t len = end == NULL ? size : (size_t)(end - text);
        read_line(text, len, lines);
        text += len + (end == NULL ? 0 : 1);
        size -= len + (end == NULL ? 0 : 1);
    }
}

static void finish_lines(struct lines *lines)
{
    while (lines->n > 0) {
        lines->n--;
        free(lines->items[lines->n].name);
        free(lines->items[lines->n].value);
    }
}

/* The value that the last line of this name has; NULL: there is none. */
static const char *last(const struct lines *lines, const char *name)
{
    const char *value = NULL;

    for (size_t i = 0; i < lines->n; i++) {
        value = strcmp(lines->items[i].name, name) == 0 ? lines->items[i].value : value;
    }
    return value;
}

static bool is_one_of(const char *text, const char *const words[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(text, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* 1, 0, or -1: neither. */
static int truth(const char *value)
{
    static const char *const yes[] = {"true", "yes", "1"};
    static const char *const no[] = {"false", "no", "0", ""};

    return is_one_of(value, yes, 3) ? 1 : is_one_of(value, no, 4) ? 0 : -1;
}

/* ---- honed ---- */

static void must_be(const char *text, const struct lines *lines, const char *name)
{
    const char *said = last(lines, name);

    MUST((text == NULL) == (said == NULL));
    MUST(text == NULL || strcmp(text, said) == 0);
}

/* A flag stays as soon as one line has set it. */
static void must_hold(bool holds, const struct lines *lines, const char *name)
{
    bool said = false;

    for (size_t i = 0; i < lines->n; i++) {
        if (strcmp(lines->items[i].name, name) == 0) {
            MUST(truth(lines->items[i].value) >= 0);
            said = said || truth(lines->items[i].value) == 1;
        }
    }
    MUST(holds == said);
}

static void check_listen(const struct settings *settings, const struct lines *lines)
{
    size_t n = 0;

    for (size_t i = 0; i < lines->n; i++) {
        if (strcmp(lines->items[i].name, "listen") == 0) {
            MUST(n < settings->n_listen);
            MUST(strcmp(settings->listen[n++], lines->items[i].value) == 0);
        }
    }
    MUST(n == settings->n_listen || (n == 0 && settings->n_listen == 1));
    MUST(settings->listen[settings->n_listen] == NULL);
}

static void check_settings(const struct settings *settings, const struct lines *lines)
{
    static const char *const names[] = {"data",        "listen",           "socket-mode",
                                        "open",        "plain-http",       "behind-proxy",
                                        "host",        "tls-cert",         "tls-key",
                                        "replay",      "idle-exit",        "log-limit",
                                        "logs-limit",  "checkpoint-limit", "replay-until",
                                        "keep-events", "keep-audit",       "backup-directory"};

    for (size_t i = 0; i < lines->n; i++) {
        MUST(lines->items[i].value != NULL);
        MUST(is_one_of(lines->items[i].name, names, sizeof names / sizeof names[0]));
    }
    must_be(settings->host, lines, "host");
    must_be(settings->tls_cert, lines, "tls-cert");
    must_be(settings->tls_key, lines, "tls-key");
    must_be(settings->replay, lines, "replay");
    must_hold(settings->open, lines, "open");
    must_hold(settings->plain_http, lines, "plain-http");
    must_hold(settings->behind_proxy, lines, "behind-proxy");
    check_listen(settings, lines);
    MUST((settings->socket_mode & ~0666U) == 0 && settings->idle_exit_seconds >= 0);
    MUST(settings->log_bytes > 0 && settings->logs_bytes > 0 && settings->checkpoint_bytes > 0);
    MUST(!settings->accept_loss && !settings->check && settings->backup == NULL
         && settings->restore == NULL);
}

static void check_honed(const struct lines *lines)
{
    char *argv[] = {
        (char[]){"honed"}, (char[]){"--data"}, (char[]){"/d"}, (char[]){"--config"}, path, NULL};
    struct settings settings;
    struct err err = {0};

    if (settings_read(5, argv, &settings, &err) != 0) {
        MUST(err.code == ERR_INVALID && strncmp(err.text, path, strlen(path)) == 0);
    } else {
        MUST(!lines->is_bad && strcmp(settings.data, "/d") == 0);
        check_settings(&settings, lines);
    }
    settings_finish(&settings);
}

/* ---- the worker ---- */

static size_t set_variables(const char **text, size_t *size, char *names[VARIABLES_MAX])
{
    size_t n = 0;

    for (const char *end; (end = memchr(*text, '\n', *size)) != NULL;) {
        char *line = copy_trimmed(*text, (size_t)(end - *text));
        *size -= (size_t)(end + 1 - *text);
        *text = end + 1;
        char *equals = strchr(line, '=');
        bool is_last = strcmp(line, "---") == 0;
        if (equals != NULL && strncmp(line, "HONE_", 5) == 0 && n < VARIABLES_MAX) {
            *equals = '\0';
            MUST(setenv(line, equals + 1, 1) == 0);
            names[n++] = strdup(line);
        }
        free(line);
        if (is_last) {
            break;
        }
    }
    return n;
}

/* The options that stand for the lines, in their order. */
static void check_options(const struct config *config, const struct lines *lines)
{
    static const char *const flags[] = {"exit-when-finished", "stay-when-drained"};
    size_t at = 1;

    for (size_t i = 0; i < lines->n; i++) {
        const struct line *line = &lines->items[i];
        bool is_flag = is_one_of(line->name, flags, sizeof flags / sizeof flags[0]);
        size_t len = strlen(line->name);
        MUST(line->value != NULL || is_flag);
        if (is_flag && line->value != NULL && truth(line->value) == 0) {
            continue;
        }
        MUST(at < config->file_end);
        const char *got = config->argv.items[at++];
        MUST(strncmp(got, "--", 2) == 0 && strncmp(got + 2, line->name, len) == 0);
        MUST(is_flag ? got[2 + len] == '\0' && (line->value == NULL || truth(line->value) == 1)
                     : got[2 + len] == '=' && strcmp(got + 3 + len, line->value) == 0);
    }
    MUST(at == config->file_end);
}

static void check_worker(const struct lines *lines)
{
    static const struct option_group groups[] = {
        {"identity", &identity_argp, 0}, {"leaving", &leaving_argp, 0}, {0}};
    static const struct argp_option own[] = {
        {"study", 's', "NAME", 0, "its study", 0}, {"config", 'c', "FILE", 0, "a file", 0}, {0}};
    const struct usage usage = {.arguments = "", .own = own, .groups = groups};
    char *argv[] = {(char[]){"hone worker"}, (char[]){"--config"}, path, NULL};
    OWN(config) struct config config = {0};
    OWN(memory) char *shown = NULL;
    size_t shown_bytes;
    struct err err = {0};

    if (config_expand(&usage, 2, 3, argv, &config, &err) != 0) {
        MUST(err.code == ERR_INVALID && err.text[0] != '\0');
        return;
    }
    MUST(!lines->is_bad);
    check_options(&config, lines);
    FILE *out = open_memstream(&shown, &shown_bytes);
    MUST(out != NULL);
    config_print(&config, out);
    MUST(fclose(out) == 0);
}

/* ---- one input ---- */

static void end(void)
{
    directory_remove(folder);
}

void fuzz_start(void)
{
    directory_create(folder);
    (void)snprintf(path, sizeof path, "%s/file", folder);
    MUST(atexit(end) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lines lines;
    const char *text = (const char *)data;
    const char *first = memchr(text, '\n', size);
    char *names[VARIABLES_MAX];
    size_t n_names = 0;

    if (first == NULL) {
        return 0;
    }
    bool is_worker = first - text >= 6 && memcmp(text, "worker", 6) == 0;
    size -= (size_t)(first + 1 - text);
    text = first + 1;
    if (is_worker) {
        n_names = set_variables(&text, &size, names);
    }
    FILE *file = fopen(path, "we");
    MUST(file != NULL && fwrite(text, 1, size, file) == size && fclose(file) == 0);
    read_lines(text, size, &lines);
    if (is_worker) {
        check_worker(&lines);
    } else {
        check_honed(&lines);
    }
    finish_lines(&lines);
    while (n_names > 0) {
        MUST(unsetenv(names[--n_names]) == 0);
        free(names[n_names]);
    }
    return 0;
}
