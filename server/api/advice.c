/* POST /v1/advice: which strategy for the problem that the body describes. It stores nothing; only
 * a space with constraints, which is drawn from, takes more than microseconds, hence the reader
 * thread. */
#include "server/api/advice.h"

#include "server/advice/advice.h"
#include "server/advice/advice_json.h"
#include "server/advice/advice_text.h"
#include "server/advice/study_body.h"
#include "server/api/json.h"
#include "server/api/problem.h"
#include "server/api/read.h"
#include "server/api/request.h"

#define ADVICE_BYTES_MAX (4u << 20)

static void fill(const struct problem *problem, const struct advice *advice, enum format format,
                 struct http_response *response)
{
    struct json_writer w;

    if (format != FORMAT_JSON) {
        http_response_init(response, 200, format_content_type(format));
        response->body.max = ADVICE_BYTES_MAX;
        if (format == FORMAT_TABLE) {
            advice_write_table(advice, &response->body);
        } else {
            advice_write_text(problem, advice, &response->body);
        }
        return;
    }
    json_response(response, 200, &w);
    json_object_begin(&w);
    advice_write(problem, advice, &w);
    json_object_end(&w);
}

static int advise(const struct http_request *request, struct http_response *response,
                  struct faults *faults, struct err *err)
{
    OWN(problem) struct problem problem = {0};
    OWN(advice) struct advice advice = {0};
    json_auto_t *body = NULL;
    enum format format;

    TRY(query_check(request, NULL, err));
    TRY(request_format(request, FORMATS_ONE, &format, err));
    TRY(request_json(request, &body, err));
    if (problem_from_json(body, &problem, faults) != 0) {
        return faults_result(faults, err);
    }
    TRY(advice_rank(&problem, &advice, err));
    TRY(advice_make_studies(&problem, &advice, err));
    fill(&problem, &advice, format, response);
    return 0;
}

static void advise_job(void *argument, struct store *reader)
{
    struct http_request *request = argument;
    struct http_response response;
    struct faults faults = {0};
    struct err err;

    (void)reader;
    if (advise(request, &response, &faults, &err) != 0) {
        reply_problem(request, &err, &faults);
    } else {
        http_reply(request, &response);
    }
    faults_finish(&faults);
}

void post_advice(void *context, struct http_request *request)
{
    read_later(context, request, advise_job);
}
