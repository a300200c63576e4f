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

static int run(struct read_request *read, const struct read_kind *kind, struct err *err)
{
    TRY(query_check(read->request, kind->query, err));
    TRY(request_format(read->request, kind->formats, &read->format, err));
    if ((kind->formats & FORMAT_BIT(read->format)) == 0) { /* the request asks for none */
        read->format = kind->otherwise;
    }
    TRY(read_path(read, err));
    read->response.content_type = format_content_type(read->format);
    TRY(kind->read(read, err));
    return read->is_answered ? 0 : buf_check(&read->response.body, err);
}

void read_run(struct http_request *request, struct store *store, const struct read_kind *kind)
{
    struct api *api = http_context(request);
    struct read_request read = {.api = api, .request = request, .store = store};
    struct err err = {0};

    http_response_init(&read.response, 200, NULL);
    read.response.body.max = RESPONSE_MAX;
    read.view = engine_view(api->engine);
    int result = run(&read, kind, &err);
    live_view_release(read.view);
    if (result != 0) {
        http_response_finish(&read.response);
        reply_problem(request, &err, NULL);
    } else if (!read.is_answered) {
        http_reply(request, &read.response);
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
