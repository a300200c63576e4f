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
#include "server/api/representation.h"
#include "server/api/request.h"

#define ADVICE_BYTES_MAX (4u << 20)

/* ---- techniques as rows ---- */

static int each_item(json_t *answer, representation_row *row, void *context, struct err *err)
{
    size_t i;
    json_t *item;

    (void)err;
    json_array_foreach (json_object_get(answer, "items"), i, item) {
        row(context, item);
    }
    return 0;
}

static const struct representation_column columns[] = {
    {.key = "rank", .is_right = true},
    {.key = "title"},
    {.object = "strategy", .key = "name", .title = "strategy"},
    {.key = "usable"},
    {.key = "refused"},
    {.key = "for"},
    {.key = "against"},
    {.key = "does"},
    {.key = "serving"},
    {0}};
static const struct representation representation = {
    .formats = FORMATS_LIST, .columns = columns, .each_row = each_item};

static int fill_rows(const struct buf *written, enum format format, struct buf *out,
                     struct err *err)
{
    json_auto_t *answer = NULL;

    TRY(json_parse_own(buf_text(written), &answer, err));
    return representation_write(&representation, format, &(struct representation_query){0}, NULL,
                                answer, out, err);
}

static int fill(const struct problem *problem, const struct advice *advice, enum format format,
                struct buf *out, struct err *err)
{
    OWN(buf) struct buf written;
    struct json_writer w;

    buf_init(&written, ADVICE_BYTES_MAX);
    if (format == FORMAT_TABLE) {
        advice_write_table(advice, out);
        return 0;
    }
    if (format == FORMAT_TEXT) {
        advice_write_text(problem, advice, out);
        return 0;
    }
    json_writer_init(&w, format == FORMAT_JSON ? out : &written);
    json_object_begin(&w);
    advice_write(problem, advice, &w);
    json_object_end(&w);
    TRY(buf_check(w.out, err));
    return format == FORMAT_JSON ? 0 : fill_rows(&written, format, out, err);
}

static int advise(const struct http_request *request, struct http_response *response,
                  struct faults *faults, struct err *err)
{
    OWN(problem) struct problem problem = {0};
    OWN(advice) struct advice advice = {0};
    json_auto_t *body = NULL;
    enum format format;

    TRY(query_check(request, NULL, err));
    TRY(request_format(request, FORMATS_LIST, &format, err));
    TRY(request_json(request, &body, err));
    if (problem_from_json(body, &problem, faults) != 0) {
        return faults_result(faults, err);
    }
    TRY(advice_rank(&problem, &advice, err));
    TRY(advice_make_studies(&problem, &advice, err));
    http_response_init(response, 200, format_content_type(format));
    response->body.max = ADVICE_BYTES_MAX;
    if (fill(&problem, &advice, format, &response->body, err) != 0) {
        http_response_finish(response);
        return -1;
    }
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
