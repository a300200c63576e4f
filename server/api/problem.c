/* The one table from err_code to HTTP: RFC 9457 problem documents. */
#include <string.h>

#include "server/api/problem.h"

#include "common/cell.h"
#include "common/shell.h"
#include "server/api/dashboard.h"
#include "server/api/format.h"

#define PROBLEM_BYTES ((size_t)1 << 20)

static const struct {
    int status;
    bool retryable;
    const char *title;
} problems[ERR_CODE_COUNT] = {
    [ERR_MALFORMED] = {400, false, "The request is malformed"},
    [ERR_UNAUTHORIZED] = {401, false, "A valid token is needed"},
    [ERR_FORBIDDEN] = {403, false, "This is not allowed"},
    [ERR_NOT_FOUND] = {404, false, "There is no such thing"},
    [ERR_METHOD_NOT_ALLOWED] = {405, false, "This method is not for this resource"},
    [ERR_STUDY_EXISTS] = {409, false, "Another study has this name"},
    [ERR_LEASE_SUPERSEDED] = {409, false, "A newer attempt has taken over"},
    [ERR_RESULT_CONFLICT] = {409, false, "Another result was given already"},
    [ERR_WRONG_STATE] = {409, false, "The present state does not allow this"},
    [ERR_LEASE_ENDED] = {410, false, "The lease is over"},
    [ERR_EPOCH_CHANGED] = {410, false, "The server was restored from a backup"},
    [ERR_EVENTS_GONE] = {410, false, "These events are no longer kept"},
    [ERR_REVISION_CHANGED] = {412, false, "The study has changed meanwhile"},
    [ERR_TOO_LARGE] = {413, false, "The request is too large"},
    [ERR_UNSUPPORTED_TYPE] = {415, false, "This content type is not understood"},
    [ERR_INVALID] = {422, false, "The request cannot be carried out as it stands"},
    [ERR_KEY_REUSED] = {422, false, "The Idempotency-Key was used for another request"},
    [ERR_UPGRADE_REQUIRED] = {426, false, "The client is too old"},
    [ERR_RATE_LIMITED] = {429, true, "Too many requests"},
    [ERR_OVERLOADED] = {503, true, "The server has too much to do"},
    [ERR_STARTING] = {503, true, "The server is starting"},
    [ERR_READ_ONLY] = {503, true, "The server cannot write"},
    [ERR_STORAGE_FULL] = {503, true, "The server's disk is full"},
};

/* The code that clients see: they need not distinguish the others. */
static enum err_code published(enum err_code code)
{
    switch ((int)code) {
    case ERR_NOMEM:
    case ERR_UNREACHABLE:
    case ERR_LOCKED:
    case ERR_NUMERIC:
    case ERR_NONE:
        return ERR_OVERLOADED;
    case ERR_IO:
        return ERR_READ_ONLY;
    case ERR_EXHAUSTED:
        return ERR_WRONG_STATE;
    default:
        return code;
    }
}

const char *problem_title(enum err_code code)
{
    return problems[published(code)].title;
}

int problem_status(enum err_code code)
{
    return problems[published(code)].status;
}

static void write_errors(struct json_writer *w, const struct err *err, const struct faults *faults)
{
    json_write_key(w, "errors");
    json_array_begin(w);
    for (size_t i = 0; faults != NULL && i < faults->n; i++) {
        json_object_begin(w);
        json_put_string(w, "pointer", faults->items[i].pointer);
        json_put_string(w, "detail", faults->items[i].detail);
        json_object_end(w);
    }
    if (faults == NULL || faults->n == 0) {
        json_object_begin(w);
        json_put_string(w, "pointer", err->where);
        json_put_string(w, "detail", err->text);
        json_object_end(w);
    }
    json_array_end(w);
}

static void write_problem(const struct http_request *request, const struct err *err,
                          const struct faults *faults, struct buf *out)
{
    enum err_code code = published(err->code);
    struct json_writer w;

    json_writer_init(&w, out);
    json_object_begin(&w);
    json_write_key(&w, "type");
    char type[64] = "/problems/";
    (void)strncat(type, err_code_name(code), sizeof type - strlen(type) - 1);
    json_write_string(&w, type);
    json_put_string(&w, "title", problems[code].title);
    json_put_int(&w, "status", problems[code].status);
    json_put_string(&w, "detail", err->text[0] == '\0' ? problems[code].title : err->text);
    json_put_string(&w, "instance", http_request_id(request));
    json_put_bool(&w, "retryable", problems[code].retryable);
    if (code == ERR_INVALID) {
        write_errors(&w, err, faults);
    }
    json_object_end(&w);
    buf_putc(out, '\n');
}

/* honed: 422 invalid: /limits/trials: must be an integer; /seed: must not be negative */
static void write_line(const struct err *err, const struct faults *faults, struct buf *out)
{
    enum err_code code = published(err->code);
    size_t n = code == ERR_INVALID && faults != NULL ? faults->n : 0;

    buf_printf(out, "honed: %d %s: ", problems[code].status, err_code_name(code));
    for (size_t i = 0; i < n; i++) {
        cell_append_escaped(out, i > 0 ? "; " : "");
        cell_append_escaped(out, faults->items[i].pointer);
        cell_append_escaped(out, faults->items[i].pointer[0] == '\0' ? "" : ": ");
        cell_append_escaped(out, faults->items[i].detail);
    }
    if (n == 0) {
        cell_append_escaped(out, err->text[0] == '\0' ? problems[code].title : err->text);
    }
}

/* A shell that evaluates the answer says the line and fails, and evaluates nothing of it. */
static void write_shell_line(const struct err *err, const struct faults *faults, struct buf *out)
{
    OWN(buf) struct buf line;

    buf_init(&line, PROBLEM_BYTES);
    write_line(err, faults, &line);
    buf_check_part(out, &line);
    buf_puts(out, "echo ");
    shell_quote(out, buf_text(&line));
    buf_puts(out, " >&2; false");
}

static void build(const struct http_request *request, const struct err *err,
                  const struct faults *faults, struct http_response *response)
{
    enum err_code code = published(err->code);
    enum format format;
    bool is_line = request_wants_lines(request, &format);

    http_response_init(response, problems[code].status,
                       is_line ? format_content_type(FORMAT_TEXT) : "application/problem+json");
    if (!is_line) {
        write_problem(request, err, faults, &response->body);
    } else {
        (format == FORMAT_SH ? write_shell_line : write_line)(err, faults, &response->body);
        buf_putc(&response->body, '\n');
    }
    if (problems[code].status == 503) {
        /* 1 to 3 seconds, by the number of the request, so that clients do not return at once. */
        const char *id = http_request_id(request);
        unsigned last = (unsigned char)id[strlen(id) - 1];
        http_response_header(response, "Retry-After", "%u", 1 + last % 3);
    }
}

void api_problem(void *context, struct http_request *request, const struct err *err,
                 struct http_response *response)
{
    bool is_missing = err->code == ERR_NOT_FOUND || err->code == ERR_UNAUTHORIZED;

    (void)context;
    if (!is_missing || !dashboard_misses(request, response)) {
        build(request, err, NULL, response);
    }
}

void reply_problem(struct http_request *request, const struct err *err, const struct faults *faults)
{
    struct http_response response;

    build(request, err, faults, &response);
    http_reply(request, &response);
}
