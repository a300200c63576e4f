#include "server/api/pages.h"

#include "common/json.h"
#include "server/api/problem.h"

static void reply_text(struct http_request *request, const char *text)
{
    struct http_response response;

    http_response_init(&response, 200, "text/plain; charset=utf-8");
    buf_puts(&response.body, text);
    http_reply(request, &response);
}

void pages_get_openapi(void *context, struct http_request *request)
{
    struct http_response response;

    (void)context;
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

void pages_get_version(void *context, struct http_request *request)
{
    struct http_response response;
    struct json_writer w;

    (void)context;
    http_response_init(&response, 200, "application/json");
    json_writer_init(&w, &response.body);
    json_object_begin(&w);
    json_put_string(&w, "version", HONE_VERSION);
    json_put_int(&w, "api", 1);
    json_object_end(&w);
    buf_putc(&response.body, '\n');
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
    [ERR_EPOCH_CHANGED] = "This lease was given out before the restore and is unknown since. Stop "
                          "the job and ask for a new lease.",
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
    [ERR_READ_ONLY] = "The server found its store damaged or cannot write it. Reading goes on; its "
                      "log says what to do.",
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

    (void)context;
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

/* What to type, from nothing to the best result. Kept to what a terminal shows at once. */
static const char cheat_sheet_title[] =
    "Hone " HONE_VERSION " - hyperparameter tuning. The API: /openapi.json\n"
    "\n";
static const char cheat_sheet[] =
    "  T=\"Authorization: Bearer $(cat admin.token)\"   # in the data directory; not with --open\n"
    "  W=\"Authorization: Bearer $(cat worker.token)\"\n"
    "\n"
    "Create a study\n"
    "  curl -H \"$T\" $U/v1/studies --json '{\"name\": \"demo\", \"metric\": \"loss\",\n"
    "    \"direction\": \"minimize\", \"strategy\": \"random\", \"limits\": {\"trials\": 20},\n"
    "    \"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"low\": -5, \"high\": 5}]}'\n"
    "\n"
    "Which strategy?\n"
    "  curl -H \"$T\" $U/v1/advice?format=text --json '{\"evaluation_seconds\": 60,\n"
    "    \"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"low\": -5, \"high\": 5}]}'\n"
    "\n"
    "Be a worker\n"
    "  eval \"$(curl -s -H \"$W\" -X POST \"$U/v1/leases?format=sh\" --json '{\"wait_seconds\": "
    "30}')\"\n"
    "  echo $HONE_LEASE $HONE_PARAM_X\n"
    "  curl -H \"$W\" $U/v1/leases/$HONE_LEASE/measurements \\\n"
    "    --json '{\"measurements\": [{\"step\": 1, \"metrics\": {\"loss\": 0.5}}]}'\n"
    "  curl -H \"$W\" -X PUT $U/v1/leases/$HONE_LEASE      # still alive; before it expires\n"
    "  curl -H \"$W\" -X PUT $U/v1/leases/$HONE_LEASE/result \\\n"
    "    --json '{\"outcome\": \"completed\", \"metrics\": {\"loss\": 0.5}}'\n"
    "\n"
    "Look\n"
    "  curl -H \"$T\" $U/v1/studies?format=table\n"
    "  curl -H \"$T\" \"$U/v1/studies/demo/trials?sort=best&limit=10&format=table\"\n"
    "  curl -H \"$T\" $U/v1/studies/demo/best\n"
    "  curl -H \"$T\" -o demo.csv $U/v1/studies/demo/export\n"
    "  curl -N -H \"$T\" $U/v1/studies/demo/events\n"
    "\n"
    "Steer\n"
    "  curl -H \"$T\" -X PATCH $U/v1/studies/demo --json '{\"state\": \"paused\"}'\n"
    "  curl -H \"$T\" $U/v1/studies/demo/trials --json '{\"parameters\": {\"x\": 1}}'\n"
    "  curl -H \"$T\" -X DELETE $U/v1/studies/demo\n"
    "\n"
    "With the hone command: hone study create --help, hone worker --help, hone run --help\n";

void pages_get_cheat_sheet(void *context, struct http_request *request)
{
    struct http_response response;
    char url[HTTP_OWN_URL_BYTES];

    (void)context;
    http_own_url(request, url);
    http_response_init(&response, 200, "text/plain; charset=utf-8");
    http_response_header(&response, "Vary", "Accept");
    buf_printf(&response.body, "%s  U=%-41s # this server\n%s", cheat_sheet_title, url,
               cheat_sheet);
    http_reply(request, &response);
}
