#include "server/settings.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/integer.h"
#include "common/settings_file.h"
#include "common/size.h"
#include "server/files/logs.h"
#include "server/files/uploads.h"

#define SIZE_MOST ((int64_t)1 << 50)
#define DAYS_MAX 36500
#define SECONDS_MAX 1000000000 /* some 30 years */

const char *argp_program_version = "honed " HONE_VERSION;

enum {
    KEY_DATA = 'd',
    KEY_LISTEN = 'l',
    KEY_CONFIG = 'c',
    KEY_OPEN = 256,
    KEY_PLAIN,
    KEY_PROXY,
    KEY_HOST,
    KEY_MODE,
    KEY_CERT,
    KEY_KEY,
    KEY_IDLE,
    KEY_KEEP_EVENTS,
    KEY_KEEP_AUDIT,
    KEY_LOG_LIMIT,
    KEY_LOGS_LIMIT,
    KEY_CHECKPOINT_LIMIT,
    KEY_REPLAY,
    KEY_REPLAY_UNTIL,
    KEY_ACCEPT_LOSS,
    KEY_BACKUP,
    KEY_BACKUP_DIRECTORY,
    KEY_RESTORE,
    KEY_CHECK,
    KEY_END
};

static const struct argp_option options[] = {
    {"data", KEY_DATA, "DIR", 0, "keep everything in this directory (made with mode 0700)", 0},
    {"listen", KEY_LISTEN, "ADDR:PORT", 0,
     "default 127.0.0.1:4663; port 0 picks a free one; unix:/PATH is a socket in the file system; "
     "may be repeated",
     0},
    {"socket-mode", KEY_MODE, "MODE", 0, "who may use the socket in the file system (0660)", 0},
    {"config", KEY_CONFIG, "FILE", 0, "read `key = value` lines; keys are these options' names", 0},
    {"open", KEY_OPEN, NULL, 0, "no tokens; on loopback only", 0},
    {"plain-http", KEY_PLAIN, NULL, 0, "serve other hosts without TLS", 0},
    {"behind-proxy", KEY_PROXY, NULL, 0, "a reverse proxy in front adds TLS", 0},
    {"host", KEY_HOST, "NAME[:PORT]", 0, "refuse requests for any other Host", 0},
    {"tls-cert", KEY_CERT, "FILE", 0, "serve TLS with this certificate (PEM)", 0},
    {"tls-key", KEY_KEY, "FILE", 0, "and this key (PEM)", 0},
    {"idle-exit", KEY_IDLE, "SECONDS", 0, "leave after so long without leases and requests", 0},
    {"keep-events", KEY_KEEP_EVENTS, "DAYS", 0,
     "keep events of tokens, nodes and studies that are gone so long (400)", 0},
    {"keep-audit", KEY_KEEP_AUDIT, "DAYS", 0, "keep who changed what so long (400)", 0},
    {"log-limit", KEY_LOG_LIMIT, "SIZE", 0,
     "keep so much of a trial's log, its beginning and its end (16MiB)", 0},
    {"logs-limit", KEY_LOGS_LIMIT, "SIZE", 0,
     "keep so much of all logs; the oldest go first (4GiB)", 0},
    {"checkpoint-limit", KEY_CHECKPOINT_LIMIT, "SIZE", 0,
     "take uploaded checkpoints of so much at most (64MiB)", 0},
    {"backup-directory", KEY_BACKUP_DIRECTORY, "DIR", 0,
     "let tokens with the scope admin order backups, which go there", 0},
    {"replay", KEY_REPLAY, "STUDY", 0,
     "serve nothing: make every decision of this study again, and print them", 0},
    {"replay-until", KEY_REPLAY_UNTIL, "N", 0, "the first N decisions alone", 0},
    {"accept-loss", KEY_ACCEPT_LOSS, NULL, 0,
     "start although acknowledged writes are missing; not in a file", 0},
    {"backup", KEY_BACKUP, "FILE", 0,
     "serve nothing: copy the database to FILE, while a server may run, and check the copy", 0},
    {"restore", KEY_RESTORE, "FILE", 0,
     "serve nothing: put this backup in the place of the database, which is kept aside", 0},
    {"check", KEY_CHECK, NULL, 0,
     "serve nothing and change nothing: say whether data directory, backups and certificate are in "
     "order",
     0},
    {0}};

struct parsing {
    struct settings *settings;
    char *config;
    struct err *err;
};

static int set_text(char **text, const char *value, struct err *err)
{
    char *copy = strdup(value);

    if (copy == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    free(*text);
    *text = copy;
    return 0;
}

static void forget_listen(struct settings *settings)
{
    while (settings->n_listen > 0) {
        free(settings->listen[--settings->n_listen]);
        settings->listen[settings->n_listen] = NULL;
    }
}

/* One place is left for the NULL after the last. */
static int add_listen(struct settings *settings, const char *value, struct err *err)
{
    if (settings->n_listen == HTTP_LISTENERS_MAX - 1) {
        return err_set(err, ERR_INVALID, "--listen may be said %d times at most",
                       HTTP_LISTENERS_MAX - 1);
    }
    TRY(set_text(&settings->listen[settings->n_listen], value, err));
    settings->n_listen++;
    return 0;
}

/* Rights to read and write, which connecting needs, in octal. */
static int set_mode(unsigned *mode, const char *value, struct err *err)
{
    char *end = NULL;
    unsigned long parsed = strtoul(value, &end, 8);

    if (value[0] < '0' || value[0] > '7' || *end != '\0' || parsed == 0
        || (parsed & ~0666UL) != 0) {
        return err_set(err, ERR_INVALID,
                       "--socket-mode takes rights to read and write such as 0660 or 0600, not "
                       "\"%s\"",
                       value);
    }
    *mode = (unsigned)parsed;
    return 0;
}

static int set_seconds(int64_t *seconds, const char *value, struct err *err)
{
    if (!integer_from_text(value, 1, SECONDS_MAX, seconds)) {
        return err_set(err, ERR_INVALID,
                       "--idle-exit takes a number of seconds, at most %d, not \"%s\"", SECONDS_MAX,
                       value);
    }
    return 0;
}

static int set_days(const char *option, int64_t *days, const char *value, struct err *err)
{
    return integer_from_text(value, 1, DAYS_MAX, days)
               ? 0
               : err_set(err, ERR_INVALID, "--%s takes a number of days, from 1 to %d, not \"%s\"",
                         option, DAYS_MAX, value);
}

static int set_size(const char *option, int64_t least, int64_t most, int64_t *bytes,
                    const char *value, struct err *err)
{
    if (size_from_text(value, bytes) && *bytes >= least && *bytes <= most) {
        return 0;
    }
    return err_set(err, ERR_INVALID,
                   "--%s takes a size such as 64MiB, from %" PRId64 " to %" PRId64
                   " bytes, not \"%s\"",
                   option, least, most, value);
}

static int set_option(struct settings *settings, int key, const char *value, struct err *err)
{
    switch (key) {
    case KEY_DATA:
        return set_text(&settings->data, value, err);
    case KEY_LISTEN:
        return add_listen(settings, value, err);
    case KEY_MODE:
        return set_mode(&settings->socket_mode, value, err);
    case KEY_HOST:
        return set_text(&settings->host, value, err);
    case KEY_CERT:
        return set_text(&settings->tls_cert, value, err);
    case KEY_KEY:
        return set_text(&settings->tls_key, value, err);
    case KEY_OPEN:
        settings->open = true;
        return 0;
    case KEY_PLAIN:
        settings->plain_http = true;
        return 0;
    case KEY_PROXY:
        settings->behind_proxy = true;
        return 0;
    case KEY_BACKUP:
        return set_text(&settings->backup, value, err);
    case KEY_BACKUP_DIRECTORY:
        return set_text(&settings->backup_directory, value, err);
    case KEY_RESTORE:
        return set_text(&settings->restore, value, err);
    case KEY_CHECK:
        settings->check = true;
        return 0;
    case KEY_ACCEPT_LOSS:
        settings->accept_loss = true;
        return 0;
    case KEY_REPLAY:
        return set_text(&settings->replay, value, err);
    case KEY_REPLAY_UNTIL:
        return integer_from_text(value, 1, INT64_MAX, &settings->replay_until)
                   ? 0
                   : err_set(err, ERR_INVALID, "--replay-until takes a number, not \"%s\"", value);
    case KEY_IDLE:
        return set_seconds(&settings->idle_exit_seconds, value, err);
    case KEY_KEEP_EVENTS:
        return set_days("keep-events", &settings->keep_event_days, value, err);
    case KEY_KEEP_AUDIT:
        return set_days("keep-audit", &settings->keep_audit_days, value, err);
    case KEY_LOG_LIMIT:
        return set_size("log-limit", LOG_LIMIT_LEAST, LOG_LIMIT_MOST, &settings->log_bytes, value,
                        err);
    case KEY_LOGS_LIMIT:
        return set_size("logs-limit", LOG_LIMIT_LEAST, SIZE_MOST, &settings->logs_bytes, value,
                        err);
    case KEY_CHECKPOINT_LIMIT:
        return set_size("checkpoint-limit", UPLOAD_LIMIT_LEAST, UPLOAD_LIMIT_MOST,
                        &settings->checkpoint_bytes, value, err);
    default:
        return err_set(err, ERR_INVALID, "unknown setting");
    }
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct parsing *parsing = state->input;

    if (key == ARGP_KEY_ARG) {
        (void)err_set(parsing->err, ERR_INVALID, "unexpected argument \"%s\"; see honed --help",
                      value);
        return EINVAL;
    }
    if (key == KEY_CONFIG) {
        return set_text(&parsing->config, value, parsing->err) == 0 ? 0 : ENOMEM;
    }
    if (key == KEY_DATA || key == KEY_LISTEN || key >= KEY_OPEN) {
        if (key >= KEY_END) {
            return ARGP_ERR_UNKNOWN;
        }
        return set_option(parsing->settings, key, value, parsing->err) == 0 ? 0 : EINVAL;
    }
    return ARGP_ERR_UNKNOWN;
}

/* ---- the file ---- */

/* What is meant for one start must be said there. */
static bool may_be_in_file(const struct argp_option *option)
{
    return option->key != KEY_CONFIG && option->key != KEY_ACCEPT_LOSS && option->key != KEY_BACKUP
           && option->key != KEY_RESTORE && option->key != KEY_CHECK;
}

static int take_setting(void *context, const char *name, const char *value, struct err *err)
{
    struct settings *settings = context;
    bool holds = true;

    if (value == NULL) {
        return err_set(err, ERR_INVALID, "expected `key = value`");
    }
    for (const struct argp_option *option = options; option->name != NULL; option++) {
        if (strcmp(option->name, name) != 0 || !may_be_in_file(option)) {
            continue;
        }
        if (option->arg == NULL) {
            TRY(setting_truth(name, value, &holds, err));
        }
        return holds ? set_option(settings, option->key, value, err) : 0;
    }
    return err_set(err, ERR_INVALID, "unknown key \"%s\"; see honed --help", name);
}

/* ---- all together ---- */

static int parse_arguments(int argc, char **argv, struct parsing *parsing, struct err *err)
{
    static const struct argp argp = {
        options,
        parse_option,
        NULL,
        "Keeps studies and trials and hands out configurations over REST.\vFirst steps: curl "
        "http://127.0.0.1:4663/ shows a cheat sheet. Tokens are written to DIR/admin.token and "
        "DIR/worker.token at the first start.",
        NULL,
        NULL,
        NULL};

    err->code = ERR_NONE;
    if (argp_parse(&argp, argc, argv, 0, NULL, parsing) != 0) {
        return err->code != ERR_NONE ? -1 : err_set(err, ERR_INVALID, "see honed --help");
    }
    return 0;
}

static int read_tests(struct settings *settings, struct err *err)
{
    const char *store = getenv("HONE_TEST_STORE");
    const char *group = getenv("HONE_TEST_GROUP");
    const char *scale = getenv("HONE_TEST_CLOCK_SCALE");

    settings->test_group = group == NULL ? 0 : (size_t)strtoul(group, NULL, 10);
    settings->test_clock_scale = scale == NULL ? 1 : strtod(scale, NULL);
    if (settings->test_clock_scale < 1) {
        settings->test_clock_scale = 1;
    }
    if (store != NULL && strcmp(store, "memory") == 0) {
        free(settings->data);
        settings->data = NULL;
        if (!settings->open) {
            return err_set(err, ERR_INVALID, "a store in memory keeps no tokens: add --open");
        }
        return 0;
    }
    if (settings->data == NULL) {
        return err_set(err, ERR_INVALID,
                       "--data DIR is needed: the directory that keeps studies and trials");
    }
    return 0;
}

int settings_read(int argc, char **argv, struct settings *settings, struct err *err)
{
    *settings = (struct settings){.log_bytes = LOG_LIMIT_DEFAULT,
                                  .logs_bytes = LOGS_LIMIT_DEFAULT,
                                  .checkpoint_bytes = UPLOAD_LIMIT_DEFAULT};
    struct parsing parsing = {.settings = settings, .err = err};

    TRY(parse_arguments(argc, argv, &parsing, err));
    if (parsing.config != NULL) {
        bool has_listen = settings->n_listen > 0;
        forget_listen(settings);
        int result = settings_file_read(parsing.config, take_setting, settings, err);
        free(parsing.config);
        parsing.config = NULL;
        TRY(result);
        if (has_listen) {
            forget_listen(settings); /* arguments stand above the file */
        }
        TRY(parse_arguments(argc, argv, &parsing, err));
        free(parsing.config);
    }
    if (settings->n_listen == 0) {
        TRY(add_listen(settings, "127.0.0.1:4663", err));
    }
    return read_tests(settings, err);
}

void settings_finish(struct settings *settings)
{
    free(settings->data);
    forget_listen(settings);
    free(settings->host);
    free(settings->tls_cert);
    free(settings->tls_key);
    free(settings->replay);
    free(settings->backup);
    free(settings->backup_directory);
    free(settings->restore);
}

/* ---- two of them ---- */

static bool is_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool is_same_listen(const struct settings *a, const struct settings *b)
{
    bool is_same = a->n_listen == b->n_listen;

    for (size_t i = 0; is_same && i < a->n_listen; i++) {
        is_same = strcmp(a->listen[i], b->listen[i]) == 0;
    }
    return is_same;
}

static bool is_same(const struct settings *a, const struct settings *b, int key)
{
    switch (key) {
    case KEY_DATA:
        return is_same_text(a->data, b->data);
    case KEY_LISTEN:
        return is_same_listen(a, b);
    case KEY_MODE:
        return a->socket_mode == b->socket_mode;
    case KEY_HOST:
        return is_same_text(a->host, b->host);
    case KEY_CERT:
        return is_same_text(a->tls_cert, b->tls_cert);
    case KEY_KEY:
        return is_same_text(a->tls_key, b->tls_key);
    case KEY_OPEN:
        return a->open == b->open;
    case KEY_PLAIN:
        return a->plain_http == b->plain_http;
    case KEY_PROXY:
        return a->behind_proxy == b->behind_proxy;
    case KEY_BACKUP_DIRECTORY:
        return is_same_text(a->backup_directory, b->backup_directory);
    case KEY_IDLE:
        return a->idle_exit_seconds == b->idle_exit_seconds;
    case KEY_KEEP_EVENTS:
        return a->keep_event_days == b->keep_event_days;
    case KEY_KEEP_AUDIT:
        return a->keep_audit_days == b->keep_audit_days;
    case KEY_LOG_LIMIT:
        return a->log_bytes == b->log_bytes;
    case KEY_LOGS_LIMIT:
        return a->logs_bytes == b->logs_bytes;
    case KEY_CHECKPOINT_LIMIT:
        return a->checkpoint_bytes == b->checkpoint_bytes;
    default:
        return true;
    }
}

const char *settings_difference(const struct settings *a, const struct settings *b, size_t *place)
{
    for (; options[*place].name != NULL; (*place)++) {
        if (!is_same(a, b, options[*place].key)) {
            return options[(*place)++].name;
        }
    }
    return NULL;
}
