#include "server/api/read.h"

#include <string.h>

#include "server/api/json.h"
#include "server/api/problem.h"
#include "server/api/request.h"

static int read_path(struct read_request *read, struct err *err)
{
    const char *name = http_param(read->request, "study");

    if (name == NULL) {
        return 0;
    }
    read->study = live_view_study(read->view, name);
    if (read->study == NULL) {
        return no_such_study(name, err);
    }
    return request_trial(read->request, &read->trial, err);
}

bool page_format(struct http_request *request, unsigned formats, enum format *format)
{
    struct err err;

    if (request_format(request, formats, format, &err) != 0) {
        reply_problem(request, &err, NULL);
        return false;
    }
    return true;
}

int read_representation_query(const struct http_request *request,
                              const struct representation *representation, enum format format,
                              struct representation_query *query, struct err *err)
{
    static const unsigned with_columns = FORMAT_BIT(FORMAT_CSV) | FORMAT_BIT(FORMAT_TABLE)
                                         | FORMAT_BIT(FORMAT_TEXT) | FORMAT_BIT(FORMAT_SH);
    bool is_drawn = format == FORMAT_TEXT && representation->draw != NULL;

    *query = (struct representation_query){.cols = http_query(request, "cols")};
    if (query->cols != NULL && ((FORMAT_BIT(format) & with_columns) == 0 || is_drawn)) {
        return err_set(err, ERR_MALFORMED,
                       "cols chooses the columns of format=table, csv, text and sh, where the "
                       "answer has columns");
    }
    if (http_query(request, "width") == NULL) {
        return 0;
    }
    if (format != FORMAT_TABLE && !is_drawn) {
        return err_set(err, ERR_MALFORMED, "width is of format=table%s",
                       representation->draw != NULL ? " and format=text" : "");
    }
    return query_int(request, "width", 0, REPRESENTATION_WIDTH_MIN, REPRESENTATION_WIDTH_MAX,
                     &query->width, err);
}

static int choose_format(struct read_request *read, const struct read_kind *kind, struct err *err)
{
    static const char *const of_representations[] = {"width", "cols", NULL};
    const struct representation *representation = kind->representation;
    unsigned formats = representation != NULL ? representation->formats : kind->formats;

    read->representation = representation;
    TRY(query_check_with(read->request, kind->query,
                         representation != NULL ? of_representations : NULL, err));
    TRY(request_format(read->request, formats, &read->format, err));
    if ((formats & FORMAT_BIT(read->format)) == 0) { /* the request asks for none */
        read->format = kind->otherwise;
    }
    return representation == NULL ? 0
                                  : read_representation_query(read->request, representation,
                                                              read->format, &read->query, err);
}

/* Makes another format of the JSON that stands in the body. */
static int represent(struct read_request *read, struct err *err)
{
    OWN(buf) struct buf written = read->response.body;
    json_auto_t *answer = NULL;

    buf_init(&read->response.body, RESPONSE_MAX);
    TRY(buf_check(&written, err));
    TRY(json_parse_own(buf_text(&written), &answer, err));
    return representation_write(read->representation, read->format, &read->query, read->study,
                                answer, &read->response.body, err);
}

int read_show(struct read_request *read, struct err *err)
{
    if (read->representation != NULL && read->format != FORMAT_JSON && !read->is_shown) {
        TRY(represent(read, err));
    }
    return buf_check(&read->response.body, err);
}

void read_answer(struct read_request *read, int result, const struct err *err)
{
    if (result != 0) {
        http_response_finish(&read->response);
        reply_problem(read->request, err, NULL);
        return;
    }
    if (read->format == FORMAT_JSON) {
        response_end_line(&read->response);
    }
    http_reply(read->request, &read->response);
}

static int run(struct read_request *read, const struct read_kind *kind, struct err *err)
{
    TRY(choose_format(read, kind, err));
    TRY(read_path(read, err));
    read->response.content_type = format_content_type(read->format);
    TRY(kind->read(read, err));
    return read->is_answered ? 0 : read_show(read, err);
}

/* Who has left waits for no answer: others may have the thread. */
static bool has_client(void *request)
{
    return !http_client_has_left(request);
}

void read_run(struct http_request *request, struct store *store, const struct read_kind *kind)
{
    struct api *api = http_context(request);
    struct read_request read = {.api = api, .request = request, .store = store};
    struct err err = {0};

    http_response_init(&read.response, 200, NULL);
    read.response.body.max = RESPONSE_MAX;
    if (http_note(request) == READ_NOTE_NO_PLACE) {
        http_response_header(&read.response, "Retry-After", "1");
    }
    read.view = engine_view(api->engine);
    if (store != NULL) {
        store_read_while(store, has_client, request);
    }
    int result = run(&read, kind, &err);
    if (store != NULL) {
        store_read_while(store, NULL, NULL);
    }
    live_view_release(read.view);
    if (!read.is_answered) {
        read_answer(&read, result, &err);
    }
}

void read_later(struct api *api, struct http_request *request,
                void (*job)(void *request, struct store *reader))
{
    struct err err;

    http_defer(request);
    if (engine_read(api->engine, job, request, &err) != 0) {
        reply_problem(request, &err, NULL);
    }
}

void read_streamed(struct api *api, struct http_request *request,
                   void (*job)(void *request, struct store *reader))
{
    struct err err;

    if (!http_may_stream(request)) {
        (void)err_set(&err, ERR_OVERLOADED, "too many streams are open; try again later");
        reply_problem(request, &err, NULL);
        return;
    }
    read_later(api, request, job);
}

int read_study_row(const struct read_request *read, struct study_row *row, struct err *err)
{
    int result = store_study_load(read->store, read->study->id, row, err);

    if (result != 0 && err->code == ERR_NOT_FOUND) {
        return err_set(err, ERR_NOT_FOUND, "the study \"%s\" was deleted", read->study->name);
    }
    return result;
}

struct metric_search {
    const char *name;
    int64_t id;
};

static int find_metric(void *context, int64_t id, const char *name, struct err *err)
{
    struct metric_search *search = context;

    (void)err;
    if (strcmp(name, search->name) == 0) {
        search->id = id;
    }
    return 0;
}

int read_metric_id(const struct read_request *read, const char *name, int64_t *id, struct err *err)
{
    struct metric_search search = {.name = name, .id = -1};

    TRY(store_each_metric(read->store, read->study->id, find_metric, &search, err));
    *id = search.id;
    return 0;
}

const char *read_study_name(const struct live_view *view, int64_t id)
{
    for (size_t i = 0; i < view->n_studies; i++) {
        if (view->studies[i].id == id) {
            return view->studies[i].name;
        }
    }
    return NULL;
}
