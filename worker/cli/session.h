/* The connection of a verb to its server: which one, with which token, and what its answers mean.
 *
 * The server is --server, else HONE_URL, else the private server of `hone run` if one runs or has
 * left studies (then it is started again; both are printed on stderr), else http://127.0.0.1:4663.
 * The token is in --token-file, else HONE_TOKEN_FILE, else, for the private server, its own. Tokens
 * never stand in arguments. */
#ifndef WORKER_CLI_SESSION_H
#define WORKER_CLI_SESSION_H

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/http/async.h"
#include "common/http/client.h"
#include "common/json.h"
#include "common/json_at.h"
#include "common/own.h"
#include "worker/cli/options.h"
#include "worker/cli/private.h"

struct session {
    const struct options *options;
    struct http_client *client;
    char token_file[PATH_MAX];        /* "": none */
    char worker_token_file[PATH_MAX]; /* for an agent: the same, except at the private server */
    bool is_private;                  /* the server of `hone run`, found where none was named */
    int status;                       /* of the last answer */
    size_t failures;                  /* of allocations, before the last request */
};

/* For a verb that shall work without any server: where none is named, the private one is joined or
 * started (said on stderr) and put into the options. *server must live as long as they do; its url
 * stays "" where a server is named, or nothing will be sent. */
MUST_USE int session_find_server(struct options *options, struct private_server *server,
                                 struct err *err);

/* ERR_INVALID for a URL or a token file that cannot be used. Connects nowhere yet. */
MUST_USE int session_open(const struct options *options, struct session *session, struct err *err);
void session_finish(struct session *session);
OWN_VALUE(session)

/* For --curl and --dry-run: prints the request instead of sending it, and returns whether it did.
 * Ask before the first request of a verb; `body` NULL: none. */
bool session_previews(const struct session *session, const char *method, const char *path,
                      const json_t *body);

/* Send, check the answer and parse it. ERR_UNREACHABLE, ERR_TOO_LARGE, or the error of the server's
 * problem document. *reply is owned by the caller, and may be NULL if it is not needed. */
MUST_USE int session_get(struct session *session, const char *path, json_t **reply,
                         struct err *err);
MUST_USE int session_send(struct session *session, const char *method, const char *path,
                          const json_t *body, json_t **reply, struct err *err);

/* For many calls at once: with the same server and token. */
MUST_USE int session_async(const struct session *session, struct http_async **async,
                           struct err *err);
/* The body of an answer as JSON, which the caller owns; NULL where it is empty. */
MUST_USE int session_read_answer(const struct http_answer *answer, json_t **reply, struct err *err);

/* Appends what to do, in the words of this program, to what a server answered (or that none did):
 * which server, which token, how to list the studies. The verbs that send through a session need
 * not call it. */
void session_advise(const struct session *session, struct err *err);

/* What the study that the verb's first argument names has at `rest` ("": itself). */
MUST_USE int session_get_part(struct session *session, const char *rest, json_t **part,
                              struct err *err);
/* Opens the session of a verb about that study, and gets it. *study stays NULL where only a request
 * is shown, the one for its `rest`. */
MUST_USE int session_open_study(const struct options *options, struct session *session,
                                const char *rest, json_t **study, struct err *err);

/* The same for an answer that is a page of text: appends it to `page`, which the caller has
 * initialised. */
MUST_USE int session_page(struct session *session, const char *method, const char *path,
                          const json_t *body, struct buf *page, struct err *err);

/* One page of a list as text: appends it to `page`, and cursor ← where the next one begins, ""
 * behind the last. `path` has a query; `cursor` is "" at first. */
MUST_USE int session_next_page(struct session *session, const char *path,
                               char cursor[HTTP_CURSOR_BYTES], struct buf *page, struct err *err);

/* Calls `row` for every item of a list, page after page; `path` may have a query. */
MUST_USE int session_each(struct session *session, const char *path,
                          int (*row)(void *context, json_t *item, struct err *err), void *context,
                          struct err *err);

/* Appends "/v1/studies/NAME", escaped, and `rest` as it is. Returns the text. */
const char *study_path(struct buf *path, const char *study, const char *rest);

#endif
