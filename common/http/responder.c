#include "common/http/responder.h"

#include <stdio.h>

#include "common/json.h"

void http_answer_problem(struct http_answer *answer, int status, enum err_code code,
                         const char *detail)
{
    char type[64];
    struct json_writer w;

    answer->status = status;
    (void)snprintf(answer->content_type, sizeof answer->content_type, "application/problem+json");
    (void)snprintf(type, sizeof type, "/problems/%s", err_code_name(code));
    json_writer_init(&w, &answer->body);
    json_object_begin(&w);
    json_put_string(&w, "type", type);
    json_put_int(&w, "status", status);
    json_put_string(&w, "detail", detail);
    json_object_end(&w);
}
