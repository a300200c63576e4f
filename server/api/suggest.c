/* POST /v1/suggest. The body is read and checked on a reader thread; the suggestions are made on
 * the optimiser threads, a step each, between those of studies. Nothing is stored. */
#include "server/api/suggest.h"

#include <stdlib.h>

#include "common/clock.h"
#include "server/api/explain.h"
#include "server/api/json.h"
#include "server/api/problem.h"
#include "server/api/read.h"
#include "server/api/representation.h"
#include "server/api/request.h"
#include "server/api/think.h"
#include "server/api/trial_representation.h"
#include "server/engine/optimisers.h"
#include "server/schedule/choice.h"
#include "server/tuning/stateless.h"

/* ---- the answer ---- */

static const char *text_of(const json_t *row)
{
    const json_t *provenance = json_object_get(json_object_get(row, "explain"), "provenance");

    return json_string_value(json_object_get(provenance, "text"));
}

static void append_text(const json_t *row, struct buf *out)
{
    const char *text = text_of(row);

    buf_puts(out, text == NULL ? "" : text);
}

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
    {.object = "explain", .key = "ordinal", .title = "ordinal", .is_right = true},
    {.object = "explain", .key = "fallback", .title = "fallback", .is_extra = true},
    {.key = "why", .append = append_text, .is_extra = true},
    {0}};
static const struct representation representation = {
    .formats = FORMATS_LIST | FORMAT_BIT(FORMAT_HYDRA),
    .columns = columns,
    .add_columns = trial_representation_add_columns,
    .each_row = each_item,
    .nothing = "Every configuration has been tried.",
};

static void write_item(const struct study_def *def, const struct stateless_item *item,
                       struct json_writer *w)
{
    const struct trial_row row = {.state = TRIAL_QUEUED,
                                  .source = SOURCE_SUGGESTED,
                                  .fallback = item->out.fallback,
                                  .ordinal = item->ordinal,
                                  .n_params = def->space->n_params,
                                  .config = item->out.config,
                                  .explain = item->out.explain};

    json_object_begin(w);
    json_write_key(w, "parameters");
    space_config_write(def->space, item->out.config, w);
    json_write_key(w, "explain");
    json_object_begin(w);
    explain_origin_write(def, &row, w);
    json_object_end(w);
    json_object_end(w);
}

/* The strategy as it is resolved: what `auto` stands for, and who suggests under a schedule. */
static void write_strategy(const struct study_def *def, struct json_writer *w)
{
    json_write_key(w, "strategy");
    json_object_begin(w);
    json_put_string(w, "name", study_strategy(def));
    json_put_string(w, "search", schedule_search(def));
    if (def->chosen.name[0] != '\0') {
        json_put_value(w, "because", def->chosen.because);
    }
    json_object_end(w);
}

static void write_answer(const struct stateless *stateless, struct buf *out)
{
    const struct study_def *def = stateless_def(stateless)->def;
    size_t n;
    const struct stateless_item *items = stateless_items(stateless, &n);
    struct json_writer w;

    json_writer_init(&w, out);
    json_object_begin(&w);
    json_write_key(&w, "items");
    json_array_begin(&w);
    for (size_t i = 0; i < n; i++) {
        write_item(def, &items[i], &w);
    }
    json_array_end(&w);
    json_put_bool(&w, "exhausted", stateless_is_exhausted(stateless));
    write_strategy(def, &w);
    json_object_end(&w);
}

/* ---- a request on its way ---- */

struct suggest_job {
    struct request_job head; /* first */
    struct api *api;
    struct http_request *request;
    enum format format;
    struct representation_query query;
    struct stateless *stateless; /* owned */
    int64_t began_us;
    struct err err; /* code 0: none */
};

static void destroy_job(struct suggest_job *job)
{
    stateless_destroy(job->stateless);
    free(job);
}

static int show(const struct suggest_job *job, struct buf *out, struct err *err)
{
    const struct live_study_view study = {.def = stateless_def(job->stateless)};
    OWN(buf) struct buf written;
    json_auto_t *answer = NULL;

    buf_init(&written, RESPONSE_MAX);
    if (job->format == FORMAT_JSON) {
        write_answer(job->stateless, out);
        buf_putc(out, '\n');
        return buf_check(out, err);
    }
    write_answer(job->stateless, &written);
    TRY(buf_check(&written, err));
    TRY(json_parse_own(buf_text(&written), &answer, err));
    return representation_write(&representation, job->format, &job->query, &study, answer, out,
                                err);
}

static bool step(struct request_job *head, const atomic_bool *stop)
{
    struct suggest_job *job = (struct suggest_job *)head;
    bool more = false;

    if (think_check(job->request, job->began_us,
                    "ask for fewer suggestions at once, or repeat when the server has less to do",
                    &job->err)
            != 0
        || stateless_step(job->stateless, job->api->fits, stop, &more, &job->err) != 0) {
        return false;
    }
    return more;
}

static void end(struct request_job *head, const struct err *why)
{
    struct suggest_job *job = (struct suggest_job *)head;
    struct http_response response;
    struct err err = why != NULL ? *why : job->err;

    http_response_init(&response, 200, format_content_type(job->format));
    response.body.max = RESPONSE_MAX;
    if (err.code == ERR_NONE && show(job, &response.body, &err) == 0) {
        http_reply(job->request, &response);
    } else {
        http_response_finish(&response);
        reply_problem(job->request, &err, NULL);
    }
    destroy_job(job);
}

static int read_request(struct suggest_job *job, struct faults *faults, struct err *err)
{
    static const char *const of_representations[] = {"width", "cols", NULL};
    json_auto_t *body = NULL;

    TRY(query_check(job->request, of_representations, err));
    TRY(request_format(job->request, representation.formats, &job->format, err));
    TRY(read_representation_query(job->request, &representation, job->format, &job->query, err));
    TRY(request_json(job->request, &body, err));
    return stateless_read(body, &job->stateless, faults, err);
}

static void suggest_job(void *argument, struct store *reader)
{
    struct http_request *request = argument;
    struct suggest_job *job = calloc(1, sizeof *job);
    struct faults faults = {0};
    struct err err = {0};

    (void)reader;
    if (job == NULL) {
        (void)err_set(&err, ERR_NOMEM, "the server is out of memory; repeat in a moment");
        reply_problem(request, &err, NULL);
        return;
    }
    *job =
        (struct suggest_job){.head = {.step = step, .end = end, .bytes = http_body(request)->len},
                             .api = http_context(request),
                             .request = request,
                             .began_us = clock_monotonic_us()};
    if (read_request(job, &faults, &err) != 0
        || engine_think(job->api->engine, &job->head, &err) != 0) {
        reply_problem(request, &err, &faults);
        destroy_job(job);
    }
    faults_finish(&faults);
}

void post_suggest(void *context, struct http_request *request)
{
    read_later(context, request, suggest_job);
}
