#include "worker/cli/session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/shell.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"

#define DEFAULT_URL "http://127.0.0.1:4663"
enum { PATH_BYTES = 4096, BODY_BYTES = 8 << 20 };

static const char *from_environment(const char *said, const char *name)
{
    const char *value = getenv(name);

    return said != NULL ? said : value != NULL && *value != '\0' ? value : NULL;
}

/* Where no server is named, the private one is meant if it runs or has studies. What sends nothing
 * starts nothing. */
static int find_private(struct session *session, struct private_server *server, struct err *err)
{
    bool sends = !session->options->curl && !session->options->dry_run;
    bool started = false;
    int rc = sends ? private_again(server, &started, err) : private_find(server, err);

    session->is_private = rc == 0;
    if (session->is_private && sends) {
        say("%s the private server at %s", started ? "started" : "using", server->url);
    }
    return rc == 0 || err->code == ERR_NOT_FOUND ? 0 : -1;
}

int session_find_server(struct options *options, struct private_server *server, struct err *err)
{
    const char *url = getenv("HONE_URL");
    bool started;

    *server = (struct private_server){0};
    if (options->server != NULL || (url != NULL && *url != '\0') || options->curl
        || options->dry_run) {
        return 0;
    }
    TRY(private_ensure(server, &started, err));
    say("%s the private server at %s", started ? "started" : "joined", server->url);
    options->server = server->url;
    options->token_file = server->token_file;
    return 0;
}

int session_open(const struct options *options, struct session *session, struct err *err)
{
    struct private_server server = {0};
    char token[HTTP_TOKEN_BYTES] = "";
    const char *url = from_environment(options->server, "HONE_URL");
    const char *token_file = from_environment(options->token_file, "HONE_TOKEN_FILE");

    *session = (struct session){.options = options};
    if (url == NULL) {
        TRY(find_private(session, &server, err));
        url = session->is_private ? server.url : DEFAULT_URL;
        token_file = session->is_private ? server.token_file : token_file;
    }
    if (token_file != NULL) {
        (void)snprintf(session->token_file, sizeof session->token_file, "%s", token_file);
        (void)snprintf(session->worker_token_file, sizeof session->worker_token_file, "%s",
                       session->is_private ? server.worker_token_file : token_file);
        if (!options->curl) {
            if (http_token_load(token_file, token, err) != 0) {
                err->code = ERR_INVALID; /* what was asked for cannot be done so */
                return -1;
            }
        }
    }
    struct http_client_settings settings = {
        .url = url, .token = token, .ca_file = options->ca_file, .user_agent = NULL};
    return http_client_create(&settings, &session->client, err);
}

void session_finish(struct session *session)
{
    http_client_destroy(session->client);
    session->client = NULL;
}

/* ---- showing a request ---------------------------------------------------------------------- */

static void body_text(struct buf *text, const json_t *body)
{
    struct json_writer writer;

    json_writer_init(&writer, text);
    json_write_value(&writer, body);
}

/* The token itself never appears: the shell reads it from its file when the line is run. */
static void print_curl(const struct session *session, const char *method, const char *path,
                       const json_t *body)
{
    OWN(buf) struct buf line = {0};
    OWN(buf) struct buf url = {0};
    OWN(buf) struct buf json = {0};

    buf_init(&line, BODY_BYTES);
    buf_init(&url, PATH_BYTES);
    buf_init(&json, BODY_BYTES);
    buf_printf(&line, "curl -sS --fail-with-body -X %s", method);
    if (session->token_file[0] != '\0') {
        buf_puts(&line, " -H \"Authorization: Bearer $(cat ");
        shell_quote(&line, session->token_file);
        buf_puts(&line, ")\"");
    }
    if (session->options->ca_file != NULL) {
        buf_puts(&line, " --cacert ");
        shell_quote(&line, session->options->ca_file);
    }
    if (body != NULL) {
        buf_puts(&line, " -H 'Content-Type: application/json' -d ");
        body_text(&json, body);
        shell_quote(&line, buf_text(&json));
    }
    buf_printf(&url, "%s%s", http_client_url(session->client), path);
    buf_putc(&line, ' ');
    shell_quote(&line, buf_text(&url));
    (void)printf("%s\n", buf_text(&line));
}

bool session_previews(const struct session *session, const char *method, const char *path,
                      const json_t *body)
{
    if (session->options->curl) {
        print_curl(session, method, path, body);
        return true;
    }
    if (session->options->dry_run) {
        say("would send %s %s%s; nothing was sent", method, http_client_url(session->client), path);
        if (body != NULL) {
            print_json(stdout, body);
        }
        return true;
    }
    return false;
}

/* A page of a thousand trials holds more values than any request may. */
static const struct json_limits answer_limits = {
    .bytes = HTTP_ANSWER_BYTES, .depth = 32, .values = 4000000};

/* ---- sending one ---------------------------------------------------------------------------- */

/* What the server says of a study that is not there. */
#define NO_SUCH_STUDY "there is no study "
#define PRIVATE_WAS_ASKED "; the private server was asked: HONE_URL or --server names another"

#define SCOPE_LACKS "lacks the scope that is needed here: "

/* `scopes`: what the server says is needed, "submit or worker". */
static void advise_scope(const char *scopes, struct err *err)
{
    size_t used = strlen(err->text);
    bool is_worker = strcmp(scopes, "worker") == 0;
    bool is_admin = strcmp(scopes, "admin") == 0;

    (void)snprintf(err->text + used, sizeof err->text - used, "; use %s%s",
                   is_worker ? "worker.token" : "admin.token",
                   is_admin ? ""
                            : ", or 'hone token create NAME --scope submit --scope worker --save "
                              "FILE'");
}

void session_advise(const struct session *session, struct err *err)
{
    size_t used = strlen(err->text);

    if (err->code == ERR_FORBIDDEN && strstr(err->text, SCOPE_LACKS) != NULL) {
        advise_scope(strstr(err->text, SCOPE_LACKS) + strlen(SCOPE_LACKS), err);
    } else if (err->code == ERR_NOT_FOUND && session->is_private
               && strncmp(err->text, NO_SUCH_STUDY, strlen(NO_SUCH_STUDY)) == 0) {
        (void)snprintf(err->text + used, sizeof err->text - used, "%s", PRIVATE_WAS_ASKED);
    } else if (err->code == ERR_UNAUTHORIZED && session->token_file[0] == '\0') {
        (void)snprintf(err->text + used, sizeof err->text - used,
                       "; name a file with a token in HONE_TOKEN_FILE or --token-file");
    } else if (err->code == ERR_UNREACHABLE && session->options->server == NULL
               && getenv("HONE_URL") == NULL && !session->is_private) {
        (void)snprintf(err->text + used, sizeof err->text - used,
                       "; name the server with HONE_URL or --server, or start a private one with "
                       "'hone run'");
    }
}

static int say_what_to_do(const struct session *session, struct err *err)
{
    session_advise(session, err);
    return -1;
}

int session_get(struct session *session, const char *path, json_t **reply, struct err *err)
{
    return session_send(session, "GET", path, NULL, reply, err);
}

/* ERR_NOMEM where a body or a path that was made since the last request may lack a part. */
static int check_request(struct session *session, struct err *err)
{
    size_t failures = json_failures() + buf_failures();
    bool is_whole = failures == session->failures;

    session->failures = failures;
    return is_whole ? 0 : err_set(err, ERR_NOMEM, "out of memory; nothing was sent");
}

static int call_server(struct session *session, const char *method, const char *path,
                       const json_t *body, struct http_answer *answer, struct err *err)
{
    OWN(buf) struct buf json = {0};

    buf_init(&json, BODY_BYTES);
    if (body != NULL) {
        body_text(&json, body);
        TRY(buf_check(&json, err));
    }
    TRY(check_request(session, err));
    struct http_call call = {.method = method,
                             .path = path,
                             .body = body == NULL ? NULL : buf_text(&json),
                             .body_len = json.len};
    if (http_client_call(session->client, &call, answer, err) != 0
        || http_answer_check(answer, err) != 0) {
        return say_what_to_do(session, err);
    }
    session->status = answer->status;
    return 0;
}

int session_get_part(struct session *session, const char *rest, json_t **part, struct err *err)
{
    OWN(buf) struct buf path = {0};

    return session_get(session, study_path(&path, session->options->arguments[0], rest), part, err);
}

int session_open_study(const struct options *options, struct session *session, const char *rest,
                       json_t **study, struct err *err)
{
    OWN(buf) struct buf path = {0};

    TRY(session_open(options, session, err));
    if (session_previews(session, "GET", study_path(&path, options->arguments[0], rest), NULL)) {
        return 0;
    }
    return session_get_part(session, "", study, err);
}

int session_page(struct session *session, const char *method, const char *path, const json_t *body,
                 struct buf *page, struct err *err)
{
    OWN(http_answer) struct http_answer answer = {0};

    TRY(call_server(session, method, path, body, &answer, err));
    buf_append(page, buf_text(&answer.body), answer.body.len);
    return buf_check(page, err);
}

int session_next_page(struct session *session, const char *path, char cursor[HTTP_CURSOR_BYTES],
                      struct buf *page, struct err *err)
{
    OWN(http_answer) struct http_answer answer = {0};
    OWN(buf) struct buf next = {0};

    buf_init(&next, PATH_BYTES);
    buf_puts(&next, path);
    if (cursor[0] != '\0') {
        buf_puts(&next, "&cursor=");
        http_escape(&next, cursor);
    }
    TRY(buf_check(&next, err));
    TRY(call_server(session, "GET", buf_text(&next), NULL, &answer, err));
    memcpy(cursor, answer.next_cursor, sizeof answer.next_cursor);
    buf_append(page, buf_text(&answer.body), answer.body.len);
    return buf_check(page, err);
}

int session_async(const struct session *session, struct http_async **async, struct err *err)
{
    char token[HTTP_TOKEN_BYTES] = "";

    if (session->token_file[0] != '\0') {
        TRY(http_token_load(session->token_file, token, err));
    }
    struct http_client_settings settings = {.url = http_client_url(session->client),
                                            .token = token,
                                            .ca_file = session->options->ca_file};
    return http_async_create(&settings, async, err);
}

int session_read_answer(const struct http_answer *answer, json_t **reply, struct err *err)
{
    *reply = NULL;
    if (answer->body.len == 0
        || json_parse(buf_text(&answer->body), answer->body.len, &answer_limits, reply, err) == 0) {
        return 0;
    }
    if (err->code == ERR_NOMEM) {
        return -1;
    }
    return http_answer_foreign(answer, err);
}

int session_send(struct session *session, const char *method, const char *path, const json_t *body,
                 json_t **reply, struct err *err)
{
    OWN(http_answer) struct http_answer answer = {0};

    TRY(call_server(session, method, path, body, &answer, err));
    if (reply == NULL) {
        return 0;
    }
    return session_read_answer(&answer, reply, err);
}

int session_each(struct session *session, const char *path,
                 int (*row)(void *context, json_t *item, struct err *err), void *context,
                 struct err *err)
{
    OWN(buf) struct buf next = {0};

    buf_init(&next, PATH_BYTES);
    buf_puts(&next, path);
    for (;;) {
        json_auto_t *page = NULL;
        size_t i;
        json_t *item;
        TRY(buf_check(&next, err));
        TRY(session_get(session, buf_text(&next), &page, err));
        json_array_foreach (json_object_get(page, "items"), i, item) {
            TRY(row(context, item, err));
        }
        const char *cursor = json_string_value(json_object_get(page, "next_cursor"));
        if (cursor == NULL) {
            return 0;
        }
        buf_clear(&next);
        buf_printf(&next, "%s%ccursor=", path, strchr(path, '?') == NULL ? '?' : '&');
        http_escape(&next, cursor);
    }
}

const char *study_path(struct buf *path, const char *study, const char *rest)
{
    buf_init(path, PATH_BYTES);
    buf_puts(path, "/v1/studies/");
    http_escape(path, study);
    buf_puts(path, rest);
    return buf_text(path);
}
