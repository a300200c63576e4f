#include "server/api/problem.h"

#include <stdio.h>

#include "common/json.h"

static const struct problem_kind kinds[ERR_CODE_COUNT] = {
    [ERR_MALFORMED] = {400, false, "The request cannot be read",
                       "The body is not JSON in UTF-8, is nested too deep, repeats a key, or the "
                       "request line, a header or a query parameter is not well formed. The detail "
                       "says where. Correct it; the same request fails again."},
    [ERR_UNAUTHORIZED] =
        {401, false, "A valid token is needed",
         "Send \"Authorization: Bearer hp_…\". The first start of the server wrote "
         "admin.token and worker.token into its data directory; an admin makes "
         "more with POST /v1/tokens or hone token create."},
    [ERR_FORBIDDEN] = {403, false, "Not with this token, or not from here",
                       "The token is valid and lacks the scope that the detail names, or the "
                       "request came under a host name or from a web page that this server does "
                       "not answer to."},
    [ERR_NOT_FOUND] = {404, false, "There is no such thing",
                       "No study, trial, lease, worker, token or page has this name. A deleted "
                       "study is gone at once."},
    [ERR_METHOD_NOT_ALLOWED] = {405, false, "Not with this method",
                                "The page exists and takes the methods that the Allow header "
                                "lists."},
    [ERR_STUDY_EXISTS] = {409, false, "Another study has this name",
                          "A study of this name was created with another definition; the detail "
                          "lists the fields that differ. Choose another name, or send the "
                          "definition that is there."},
    [ERR_LEASE_SUPERSEDED] = {409, false, "Another attempt has taken over",
                              "This lease expired and the trial was handed to another worker. Stop "
                              "the job; a result that was sent is kept beside the trial as "
                              "evidence and does not count."},
    [ERR_RESULT_CONFLICT] = {409, false, "The attempt has another result already",
                             "The first result of an attempt stands. The identical one may be "
                             "repeated at will; a different one is refused."},
    [ERR_WRONG_STATE] = {409, false, "Not in this state",
                         "The study or trial is in a state in which this cannot be done; the "
                         "detail says which and what would help."},
    [ERR_LEASE_ENDED] = {410, false, "The lease has ended",
                         "Its attempt is over: a result came, it was handed back, or the trial was "
                         "cancelled or deleted. Stop the job and ask for a new lease."},
    [ERR_EPOCH_CHANGED] = {410, false, "The server was restored from a backup",
                           "This lease was given out before the restore and is unknown since. Stop "
                           "the job and ask for a new lease."},
    [ERR_REVISION_CHANGED] = {412, false, "The study was changed meanwhile",
                              "If-Match names another revision than the study has. Read it again, "
                              "then decide again."},
    [ERR_TOO_LARGE] = {413, false, "Too large",
                       "A body may have 1 MiB (8 MiB where many trials are sent), 32 levels and "
                       "50,000 values. Send it in several requests."},
    [ERR_UNSUPPORTED_TYPE] = {415, false, "Another type is needed",
                              "Send JSON with \"Content-Type: application/json\" (curl: --json), "
                              "uncompressed."},
    [ERR_INVALID] = {422, false, "Well-formed, but not possible",
                     "A field is unknown, missing, of the wrong type or has an impossible value. "
                     "errors lists every one of them with its place in the body."},
    [ERR_KEY_REUSED] = {422, false, "This key belongs to another request",
                        "The same Idempotency-Key came with another body within 24 hours. Use a "
                        "new key for a new request."},
    [ERR_UPGRADE_REQUIRED] = {426, false, "The agent is too old",
                              "Install the agent of this server's version; the one before is "
                              "served too."},
    [ERR_RATE_LIMITED] = {429, true, "Too many requests",
                          "Wait as long as Retry-After says, then try again."},
    [ERR_OVERLOADED] = {503, true, "Too busy",
                        "The server has more to do than it can hold, or is stopping. Nothing was "
                        "done. Wait as long as Retry-After says, then repeat the same request."},
    [ERR_STARTING] = {503, true, "Starting",
                      "The server reads its store and will be ready soon. Wait as long as "
                      "Retry-After says, then repeat the same request."},
    [ERR_READ_ONLY] = {503, true, "Read-only",
                       "The server found its store damaged or cannot write it. Reading goes on; "
                       "its log says what to do."},
    [ERR_STORAGE_FULL] = {503, true, "The disk is full",
                          "Nothing was done. Writing goes on by itself when there is space in the "
                          "data directory again; repeat the same request."},
};

const struct problem_kind *problem_kind(enum err_code code)
{
    return code > ERR_NONE && code < ERR_CODE_COUNT && kinds[code].status != 0 ? &kinds[code]
                                                                               : NULL;
}

static void write_faults(struct json_writer *w, const struct faults *faults)
{
    json_write_key(w, "errors");
    json_array_begin(w);
    for (size_t i = 0; i < faults->n; i++) {
        json_object_begin(w);
        json_put_string(w, "pointer", faults->items[i].pointer);
        json_put_string(w, "detail", faults->items[i].detail);
        json_object_end(w);
    }
    json_array_end(w);
}

/* One fault found on its own is told in the same form as many. */
static void write_single(struct json_writer *w, const struct err *err)
{
    json_write_key(w, "errors");
    json_array_begin(w);
    json_object_begin(w);
    json_put_string(w, "pointer", err->where);
    json_put_string(w, "detail", err->text);
    json_object_end(w);
    json_array_end(w);
}

static void write_problem(struct json_writer *w, const struct err *err, const struct faults *faults,
                          const char *instance)
{
    static const struct problem_kind internal = {500, true, "The server failed", ""};
    const struct problem_kind *kind = problem_kind(err->code);
    char type[64] = "about:blank";

    if (kind != NULL) {
        (void)snprintf(type, sizeof type, "/problems/%s", err_code_name(err->code));
    } else {
        kind = &internal;
    }
    json_object_begin(w);
    json_put_string(w, "type", type);
    json_put_string(w, "title", kind->title);
    json_put_int(w, "status", kind->status);
    json_put_string(w, "detail",
                    kind == &internal ? "the server could not do this; its log says why under this "
                                        "instance"
                                      : err->text);
    json_put_string(w, "instance", instance);
    json_put_bool(w, "retryable", kind->retryable);
    if (faults != NULL && faults->n > 0) {
        write_faults(w, faults);
    } else if (err->code == ERR_INVALID) {
        write_single(w, err);
    }
    json_object_end(w);
}

void problem_respond(const struct err *err, const struct faults *faults, const char *instance,
                     struct http_response *response)
{
    const struct problem_kind *kind = problem_kind(err->code);
    struct json_writer w;

    http_response_init(response, kind == NULL ? 500 : kind->status, "application/problem+json");
    json_writer_init(&w, &response->body);
    write_problem(&w, err, faults, instance);
    buf_putc(&response->body, '\n');
}

void problem_reply(struct http_request *request, const struct err *err, const struct faults *faults)
{
    struct http_response response;

    problem_respond(err, faults, http_request_id(request), &response);
    if (response.status == 503 || response.status == 429) {
        /* A different second for each, so that those who were refused together come back apart. */
        http_response_header(&response, "Retry-After", "%d", 1 + http_request_id(request)[2] % 4);
    }
    http_reply(request, &response);
}

void problem_of_dispatcher(void *context, struct http_request *request, const struct err *err,
                           struct http_response *response)
{
    (void)context;
    problem_respond(err, NULL, http_request_id(request), response);
}
