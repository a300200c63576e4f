/* For probes. */
#include "server/api/health.h"

#include "server/api/api.h"
#include "server/api/problem.h"
#include "server/api/read.h"

void get_readiness(void *context, struct http_request *request)
{
    const struct api *api = context;
    struct http_response response;
    struct err err = {0};
    enum format format;

    if (!page_format(request, FORMAT_BIT(FORMAT_TEXT), &format)) {
        return;
    }
    if (engine_check_writes(api->engine, &err) != 0) {
        reply_problem(request, &err, NULL);
        return;
    }
    http_response_init(&response, 200, "text/plain; charset=utf-8");
    buf_puts(&response.body, "ready\n");
    http_reply(request, &response);
}
