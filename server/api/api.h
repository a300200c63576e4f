/* The API: requests into commands and reads, results into JSON. One file a resource; one table of
 * routes; nothing is decided here.
 *
 * Handlers run on the loop thread. Small bodies are parsed there; larger ones, new studies and
 * imports on a reader thread. A write becomes a command for the engine and is answered when its
 * group is on disk. */
#ifndef SERVER_API_API_H
#define SERVER_API_API_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/json.h"
#include "server/engine/engine.h"
#include "server/http/http.h"

struct api {
    struct engine *engine;
    struct http_server *http;
    const struct clock *clock;
    int64_t started_at_ms;
    _Atomic int64_t last_seq; /* the newest event on disk */
    atomic_int n_followers;   /* streams of events that want measurements (events.c) */
    pthread_mutex_t followers_lock;
    struct follower *followers;
};

extern const struct http_route api_routes[];
extern const size_t api_n_routes;

/* The engine's callbacks; context is the api. */
void api_deliver(void *context, struct command *const commands[], size_t n);
void api_tokens(void *context, const struct token_row tokens[], size_t n);
void api_events(void *context, int64_t last_seq);

/* ---- problem.c: the one table from err_code to HTTP ---- */
void api_problem(void *context, struct http_request *request, const struct err *err,
                 struct http_response *response);
/* Answers with a problem; with every fault where there are some (may be NULL). */
void reply_problem(struct http_request *request, const struct err *err,
                   const struct faults *faults);
int problem_status(enum err_code code);
const char *problem_title(enum err_code code);

/* ---- format.c: which face of a resource ---- */
enum format {
    FORMAT_JSON,
    FORMAT_NDJSON,
    FORMAT_CSV,
    FORMAT_TEXT,
    FORMAT_TABLE,
    FORMAT_SH,
    FORMAT_SSE
};
/* From ?format= or Accept; only one of `allowed` (bits 1 << format), else ERR_MALFORMED. */
MUST_USE int request_format(const struct http_request *request, unsigned allowed,
                            enum format *format, struct err *err);
const char *format_content_type(enum format format);
/* Refuses query parameters that are not in the NULL-terminated list ("format" always is). */
MUST_USE int query_check(const struct http_request *request, const char *const known[],
                         struct err *err);
/* An integer query parameter; `fallback` when missing. */
MUST_USE int query_int(const struct http_request *request, const char *name, int64_t fallback,
                       int64_t low, int64_t high, int64_t *value, struct err *err);
/* A query parameter that is "true" or "false"; `fallback` when missing. */
MUST_USE int query_flag(const struct http_request *request, const char *name, bool fallback,
                        bool *value, struct err *err);

/* ---- submit.c: from a request to a command ---- */
/* Parses the body as JSON (NULL when empty); the caller owns it. */
MUST_USE int request_json(const struct http_request *request, json_t **body, struct err *err);
/* The {trial} of the path, 1 to TRIAL_NUMBER_MAX; *number stays where the route has none.
 * ERR_NOT_FOUND for anything else. */
MUST_USE int request_trial(const struct http_request *request, int64_t *number, struct err *err);
/* A command with the request's principal, path parameters and Idempotency-Key; NULL: answered. */
struct command *command_for(struct api *api, struct http_request *request, enum command_kind kind);
/* Defers the request and queues the command; answers if that cannot be. Takes the command. */
void submit(struct api *api, struct command *command);
/* Defers the request and runs `job(argument = request)` on a reader; answers if it cannot. */
void read_later(struct api *api, struct http_request *request,
                void (*job)(void *request, struct store *reader));

/* ---- encode.c ---- */
void study_write(const struct study_def *def, const struct study_row *row, struct json_writer *w);
void trial_write(const struct study_def *def, const struct trial_row *row, struct json_writer *w);
/* The same from a command's answer. */
void trial_reply_write(const struct trial_reply *reply, struct json_writer *w);
/* Body of a JSON answer. */
#define RESPONSE_MAX (64u << 20)
void json_response(struct http_response *response, int status, struct json_writer *w);

/* ---- answers of commands, by kind (deliver.c picks) ---- */
void encode_study(const struct command *command, struct http_response *response);
void encode_trials_added(const struct command *command, struct http_response *response);
void encode_trial(const struct command *command, struct http_response *response);
void encode_lease(const struct command *command, struct http_response *response);
void encode_action(const struct command *command, struct http_response *response);
void encode_result(const struct command *command, struct http_response *response);
void encode_nothing(const struct command *command, struct http_response *response);
void encode_token(const struct command *command, struct http_response *response);

/* ---- handlers, in the order of the table ---- */
void post_study(void *api, struct http_request *request);
void get_studies(void *api, struct http_request *request);
void get_study(void *api, struct http_request *request);
void patch_study(void *api, struct http_request *request);
void delete_study(void *api, struct http_request *request);
void post_trials(void *api, struct http_request *request);
void get_trial(void *api, struct http_request *request);
void patch_trial(void *api, struct http_request *request);
void get_brackets(void *api, struct http_request *request);
void get_explain(void *api, struct http_request *request);
void post_lease(void *api, struct http_request *request);
void post_measurements(void *api, struct http_request *request);
void put_lease(void *api, struct http_request *request);
void put_result(void *api, struct http_request *request);
void delete_lease(void *api, struct http_request *request);
void post_token(void *api, struct http_request *request);
void get_tokens(void *api, struct http_request *request);
void delete_token(void *api, struct http_request *request);

#endif
