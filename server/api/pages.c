#include "server/api/pages.h"

#include "common/json.h"
#include "server/api/problem.h"
#include "server/api/read.h"
#include "server/api/representation.h"
#include "server/api/request.h"

static void reply_text(struct http_request *request, const char *text)
{
    struct http_response response;
    enum format format;

    if (!page_format(request, FORMAT_BIT(FORMAT_TEXT), &format)) {
        return;
    }
    http_response_init(&response, 200, "text/plain; charset=utf-8");
    buf_puts(&response.body, text);
    http_reply(request, &response);
}

void pages_get_openapi(void *context, struct http_request *request)
{
    struct http_response response;
    enum format format;

    (void)context;
    if (!page_format(request, FORMAT_BIT(FORMAT_JSON), &format)) {
        return;
    }
    http_response_init(&response, 200, "application/json");
    http_response_header(&response, "Cache-Control", "no-cache");
    buf_puts(&response.body, openapi[0]);
    http_reply(request, &response);
}

void pages_get_health(void *context, struct http_request *request)
{
    (void)context;
    reply_text(request, "ok\n");
}

static const struct representation_column version_columns[] = {
    {.key = "version"}, {.key = "api", .is_right = true}, {0}};
static const struct representation version_representation = {
    .formats = FORMATS_ONE, .columns = version_columns, .is_one = true};

static int write_version(struct http_request *request, struct http_response *response,
                         struct err *err)
{
    static const char *const known[] = {"cols", "width", NULL};
    size_t failures = json_failures();
    json_auto_t *version = json_pack("{s:s, s:i}", "version", HONE_VERSION, "api", 1);
    struct representation_query query;
    enum format format;

    TRY(json_check(failures, err));
    TRY(query_check(request, known, err));
    TRY(request_format(request, version_representation.formats, &format, err));
    TRY(read_representation_query(request, &version_representation, format, &query, err));
    http_response_init(response, 200, format_content_type(format));
    if (format != FORMAT_JSON) {
        return representation_write(&version_representation, format, &query, NULL, version,
                                    &response->body, err);
    }
    struct json_writer w;
    json_writer_init(&w, &response->body);
    json_write_value(&w, version);
    buf_putc(&response->body, '\n');
    return 0;
}

void pages_get_version(void *context, struct http_request *request)
{
    struct http_response response = {0};
    struct err err;

    (void)context;
    if (write_version(request, &response, &err) != 0) {
        http_response_finish(&response);
        reply_problem(request, &err, NULL);
        return;
    }
    http_reply(request, &response);
}

/* What each type of problem means, and what to do. */
static const char *const help[ERR_CODE_COUNT] = {
    [ERR_MALFORMED] = "The body is not JSON in UTF-8, is nested too deep, repeats a key, or the "
                      "request line, a header or a query parameter is not well formed. The detail "
                      "says where. Correct it; the same request fails again.",
    [ERR_UNAUTHORIZED] = "Send \"Authorization: Bearer hp_…\". The first start of the server wrote "
                         "admin.token and worker.token into its data directory; an admin makes "
                         "more with POST /v1/tokens or hone token create.",
    [ERR_FORBIDDEN] =
        "The token is valid and lacks the scope that the detail names, or the request came under a "
        "host name or from a web page that this server does not answer to.",
    [ERR_NOT_FOUND] = "No study, trial, lease, worker, token or page has this name. A deleted "
                      "study is gone at once.",
    [ERR_METHOD_NOT_ALLOWED] = "The page exists and takes the methods that the Allow header lists.",
    [ERR_STUDY_EXISTS] =
        "A study of this name was created with another definition; the detail lists the fields "
        "that differ. Choose another name, or send the definition that is there.",
    [ERR_LEASE_SUPERSEDED] =
        "This lease expired and the trial was handed to another worker. Stop the job; a result "
        "that was sent is kept beside the trial as evidence and does not count.",
    [ERR_RESULT_CONFLICT] = "The first result of an attempt stands. The identical one may be "
                            "repeated at will; a different one is refused.",
    [ERR_WRONG_STATE] = "The study or trial is in a state in which this cannot be done; the detail "
                        "says which and what would help.",
    [ERR_LEASE_ENDED] = "Its attempt is over: a result came, it was handed back, or the trial was "
                        "cancelled or deleted. Stop the job and ask for a new lease.",
    [ERR_EPOCH_CHANGED] = "The server was restored from a backup, or started without writes that "
                          "were lost, after it gave out this lease. Stop the job and ask for a new "
                          "lease; the trial is handed out again.",
    [ERR_EVENTS_GONE] =
        "Events after this number were removed: of studies that are gone, or old ones "
        "of tokens and nodes. Or the event of this number is one of the writes that the server has "
        "no longer, since a backup was restored. Read the studies anew, and follow the events from "
        "the "
        "number in the detail on; after=0 tells all that are left.",
    [ERR_REVISION_CHANGED] =
        "If-Match names another revision than the study has. Read it again, then decide again.",
    [ERR_TOO_LARGE] = "A body may have 1 MiB (8 MiB where many trials are sent), 32 levels and "
                      "50,000 values: send it in several requests. The head of a request may have "
                      "16 KiB, of which each header and cookie takes 64 bytes beside its text.",
    [ERR_UNSUPPORTED_TYPE] =
        "Send JSON with \"Content-Type: application/json\" (curl: --json), uncompressed.",
    [ERR_INVALID] = "A field is unknown, missing, of the wrong type or has an impossible value. "
                    "errors lists every one of them with its place in the body.",
    [ERR_KEY_REUSED] = "The same Idempotency-Key came with another body within 24 hours. Use a new "
                       "key for a new request.",
    [ERR_UPGRADE_REQUIRED] =
        "Install the agent of this server's version; the one before is served too.",
    [ERR_RATE_LIMITED] = "Wait as long as Retry-After says, then try again.",
    [ERR_OVERLOADED] = "The server has more to do than it can hold, or is stopping. Nothing was "
                       "done. Wait as long as Retry-After says, then repeat the same request.",
    [ERR_STARTING] = "The server reads its store and will be ready soon. Wait as long as "
                     "Retry-After says, then repeat the same request.",
    [ERR_READ_ONLY] = "The server found its database damaged, or its files removed or replaced "
                      "while it ran. Reading goes on; its log says what was seen and what to do. "
                      "Writing goes on after a restart with a sound database.",
    [ERR_STORAGE_FULL] = "Nothing was done. Writing goes on by itself when there is space in the "
                         "data directory again; repeat the same request.",
};

const char *pages_problem_help(enum err_code code)
{
    return code > ERR_NONE && code < ERR_CODE_COUNT ? help[code] : NULL;
}

void pages_get_problem(void *context, struct http_request *request)
{
    const char *type = http_param(request, "type");
    enum err_code code = err_code_from_name(type);
    const char *text = pages_problem_help(code);
    struct http_response response;
    struct err err = {0};
    enum format format;

    (void)context;
    if (!page_format(request, FORMAT_BIT(FORMAT_TEXT), &format)) {
        return;
    }
    if (text == NULL) {
        (void)err_set(&err, ERR_NOT_FOUND,
                      "there is no problem of this name; GET /openapi.json lists them");
        reply_problem(request, &err, NULL);
        return;
    }
    http_response_init(&response, 200, "text/plain; charset=utf-8");
    buf_printf(&response.body, "%s: %s (status %d)\n\n%s\n", type, problem_title(code),
               problem_status(code), text);
    http_reply(request, &response);
}
