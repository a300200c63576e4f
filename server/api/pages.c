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
    buf_append(&response.body, openapi_json, openapi_json_len);
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

void pages_get_problem(void *context, struct http_request *request)
{
    const char *type = http_param(request, "type");
    enum err_code code = err_code_from_name(type);
    const struct problem_kind *kind = problem_kind(code);
    struct http_response response;

    (void)context;
    if (kind == NULL) {
        struct err err = {0};
        (void)err_set(&err, ERR_NOT_FOUND,
                      "there is no problem of this name; GET /openapi.json lists them");
        problem_reply(request, &err, NULL);
        return;
    }
    http_response_init(&response, 200, "text/plain; charset=utf-8");
    buf_printf(&response.body, "%s\n\n%s (status %d)\n\n%s\n\n%s\n", type, kind->title,
               kind->status, kind->help,
               kind->retryable ? "Retryable: the same request may succeed later."
                               : "Not retryable: the same request will be refused again.");
    http_reply(request, &response);
}

/* What to type, from nothing to the best result. Kept to what a terminal shows at once. */
static const char cheat_sheet[] =
    "Hone " HONE_VERSION " - hyperparameter tuning. The API: /openapi.json\n"
    "\n"
    "  U=http://127.0.0.1:4663                     # this server\n"
    "  T=\"Authorization: Bearer $(cat admin.token)\"   # in the data directory; not with --open\n"
    "  W=\"Authorization: Bearer $(cat worker.token)\"\n"
    "\n"
    "Create a study\n"
    "  curl -H \"$T\" $U/v1/studies --json '{\"name\": \"demo\", \"metric\": \"loss\",\n"
    "    \"direction\": \"minimize\", \"strategy\": \"random\", \"limits\": {\"trials\": 20},\n"
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
    (void)context;
    reply_text(request, cheat_sheet);
}
