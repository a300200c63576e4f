/* token create, list, revoke. A token is shown once, when it is made. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "worker/cli/define/span.h"
#include "worker/cli/session.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/show/study.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"
#include "worker/cli/verbs.h"

enum { KEY_SCOPE = 0x3000, KEY_EXPIRES, KEY_SAVE };

enum { SCOPES_MAX = 4 };

struct token_options {
    const char *scopes[SCOPES_MAX];
    size_t n_scopes;
    double expires_seconds; /* 0: never */
    const char *save;
};

static const struct argp_option own[] = {
    {"scope", KEY_SCOPE, "SCOPE", 0,
     "admin, submit, read or worker (the default); may be repeated\vworker takes trials and "
     "reports; read looks; submit looks, and creates and steers studies; admin does all of that, "
     "and tokens, but no worker's part.",
     1},
    {"expires", KEY_EXPIRES, "SPAN", 0, "it is valid this long: 12h, 30d (default: for ever)", 1},
    {"save", KEY_SAVE, "FILE", 0,
     "write it to a new file that only you can read, instead of printing it\vFor HONE_TOKEN_FILE.",
     1},
    {0},
};

static void add_scope(struct token_options *given, const char *name, const struct argp_state *state)
{
    static const char *const known[SCOPES_MAX] = {"admin", "submit", "read", "worker"};
    bool is_known = false;

    for (size_t i = 0; i < SCOPES_MAX; i++) {
        is_known = is_known || strcmp(known[i], name) == 0;
    }
    if (!is_known) {
        argp_error(state, "--scope %s: the scopes are admin, submit, read, worker", name);
    }
    if (given->n_scopes == SCOPES_MAX) {
        argp_error(state, "--scope is there more often than there are scopes");
    }
    given->scopes[given->n_scopes++] = name;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct token_options *given = state->input;

    switch (key) {
    case KEY_SCOPE:
        add_scope(given, arg, state);
        return 0;
    case KEY_EXPIRES:
        given->expires_seconds = span_seconds(arg);
        if (!(given->expires_seconds > 0)) {
            argp_error(state, "--expires %s: write a span such as 12h or 30d", arg);
        }
        return 0;
    case KEY_SAVE:
        given->save = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Opened before the token is made, so that none is made in vain. */
static int open_new(const char *path, int *fd, struct err *err)
{
    *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (*fd >= 0) {
        return 0;
    }
    return errno == EEXIST
               ? err_set(err, ERR_INVALID, "%s is there already; name a new file", path)
               : err_set(err, ERR_INVALID, "cannot write %s: %s", path, strerror(errno));
}

static int hand_over(const struct options *options, const struct token_options *given, int fd,
                     const json_t *made, struct err *err)
{
    const char *token = text_at(made, "token");

    if (given->save != NULL) {
        if (dprintf(fd, "%s\n", token) < 0 || fsync(fd) != 0) {
            return err_set(err, ERR_IO, "cannot write %s: %s", given->save, strerror(errno));
        }
        say("token '%s' (%s) is in %s", text_at(made, "name"), text_at(made, "id"), given->save);
    } else if (options->output == OUTPUT_JSON || options->output == OUTPUT_NDJSON) {
        print_json(stdout, made);
    } else {
        text_print(stdout, token);
        say("token '%s' (%s): keep it in a file only you can read; it will not be "
            "shown again",
            text_at(made, "name"), text_at(made, "id"));
    }
    return 0;
}

static int create(const struct options *options, const struct token_options *given, struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(fd) int fd = -1;
    json_auto_t *made = NULL;
    json_t *scopes = json_array();
    json_auto_t *body = json_pack("{s:s, s:o}", "name", options->arguments[0], "scopes", scopes);

    for (size_t i = 0; i < given->n_scopes; i++) {
        (void)json_array_append_new(scopes, json_string(given->scopes[i]));
    }
    if (given->n_scopes == 0) {
        (void)json_array_append_new(scopes, json_string("worker"));
    }
    if (given->expires_seconds > 0) {
        (void)json_object_set_new(body, "expires_seconds", json_real(given->expires_seconds));
    }
    TRY(session_open(options, &session, err));
    if (session_previews(&session, "POST", "/v1/tokens", body)) {
        return 0;
    }
    if (given->save != NULL) {
        TRY(open_new(given->save, &fd, err));
    }
    if (session_send(&session, "POST", "/v1/tokens", body, &made, err) != 0) {
        if (given->save != NULL) {
            (void)unlink(given->save);
        }
        return -1;
    }
    return hand_over(options, given, fd, made, err);
}

const struct usage usage_token_create = {
    .arguments = "NAME",
    .doc = "Makes a token and prints it, this once. NAME is for people.",
    .flags = USAGE_SERVER | USAGE_OUTPUT | USAGE_DRY_RUN,
    .n_min = 1,
    .n_max = 1,
    .missing = "give the token a name, such as the person or the cluster it is for",
    .own = own,
    .parse_own = parse,
};

int verb_token_create(int argc, char **argv)
{
    struct token_options given = {0};
    struct options options;
    struct err err = {0};

    options_read(&usage_token_create, argc, argv, &given, &options);
    return exit_after(create(&options, &given, &err), &err);
}

/* ---- list ----------------------------------------------------------------------------------- */

enum { ID, NAME, SCOPES, CREATED, EXPIRES, USED, N_COLUMNS };
static const struct column columns[N_COLUMNS] = {
    [ID] = {"id", false, false},           [NAME] = {"name", false, false},
    [SCOPES] = {"scopes", false, false},   [CREATED] = {"created", false, false},
    [EXPIRES] = {"expires", false, false}, [USED] = {"last used", false, false},
};

static const char *moment(const struct printed_list *list, const json_t *token, const char *key,
                          char text[TEXT_MOMENT_BYTES])
{
    const char *value = text_at(token, key);

    return list->output == OUTPUT_CSV || *value == '\0' ? value : text_local(value, text);
}

static int row(void *context, json_t *token, struct err *err)
{
    struct printed_list *list = context;
    OWN(buf) struct buf scopes = {0};
    char created[TEXT_MOMENT_BYTES], expires[TEXT_MOMENT_BYTES], used[TEXT_MOMENT_BYTES];
    size_t i;
    json_t *scope;

    (void)err;
    buf_init(&scopes, 256);
    json_array_foreach (json_object_get(token, "scopes"), i, scope) {
        const char *text = json_string_value(scope);
        buf_printf(&scopes, "%s%s", i > 0 ? " " : "", text == NULL ? "" : text);
    }
    const char *cells[N_COLUMNS] = {
        [ID] = text_at(token, "id"),
        [NAME] = text_at(token, "name"),
        [SCOPES] = buf_text(&scopes),
        [CREATED] = moment(list, token, "created_at", created),
        [EXPIRES] = moment(list, token, "expires_at", expires),
        [USED] = moment(list, token, "last_used_at", used),
    };
    printed_list_row(list, token, cells);
    return 0;
}

static int list(const struct options *options, struct err *err)
{
    OWN(session) struct session session = {0};
    struct printed_list list;

    TRY(session_open(options, &session, err));
    if (session_previews(&session, "GET", "/v1/tokens", NULL)) {
        return 0;
    }
    printed_list_begin(&list, options, columns, N_COLUMNS);
    int rc = session_each(&session, "/v1/tokens", row, &list, err);
    printed_list_end(&list, rc == 0, "there are no tokens");
    return rc;
}

const struct usage usage_token_list = {
    .doc = "Lists the tokens that are valid; never what they are.",
    .flags = USAGE_SERVER | USAGE_OUTPUT,
};

int verb_token_list(int argc, char **argv)
{
    struct options options;
    struct err err = {0};

    options_read(&usage_token_list, argc, argv, NULL, &options);
    return exit_after(list(&options, &err), &err);
}

/* ---- revoke --------------------------------------------------------------------------------- */

static int revoke_token(const struct options *options, bool force, struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(buf) struct buf path = {0};

    buf_init(&path, 1024);
    buf_puts(&path, "/v1/tokens/");
    http_escape(&path, options->arguments[0]);
    buf_puts(&path, force ? "?force=true" : "");
    TRY(session_open(options, &session, err));
    if (session_previews(&session, "DELETE", buf_text(&path), NULL)) {
        return 0;
    }
    TRY(confirm(options, "locks out everybody who uses the token", options->arguments[0], err));
    TRY(session_send(&session, "DELETE", buf_text(&path), NULL, NULL, err));
    say("token %s is revoked", options->arguments[0]);
    return 0;
}

static const struct argp_option force_option[] = {
    {"force", KEY_FLAG, NULL, 0, "even the last valid token with the scope admin", 1},
    {0},
};
const struct usage usage_token_revoke = {
    .arguments = "ID",
    .doc = "Revokes a token. Whoever uses it is locked out at once.",
    .flags = USAGE_SERVER | USAGE_DRY_RUN | USAGE_YES,
    .n_min = 1,
    .n_max = 1,
    .missing = "name the token by its id; 'hone token list' shows them",
    .own = force_option,
    .parse_own = options_parse_flag,
};

int verb_token_revoke(int argc, char **argv)
{
    bool force = false;
    struct options options;
    struct err err = {0};

    options_read(&usage_token_revoke, argc, argv, &force, &options);
    return exit_after(revoke_token(&options, force, &err), &err);
}
