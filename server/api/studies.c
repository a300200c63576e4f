#include "server/api/studies.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/integer.h"
#include "common/rng.h"
#include "server/advice/advice.h"
#include "server/api/bounds.h"
#include "server/api/json.h"
#include "server/api/list.h"
#include "server/api/problem.h"
#include "server/api/request.h"
#include "server/api/study_news.h"
#include "server/api/submit.h"
#include "server/api/wait.h"
#include "server/domain/transfer.h"

/* ---- POST /v1/studies ----
 * The body is checked on a reader, since a space may need 100,000 draws. */

static void write_reply(const struct study_state_reply *reply, struct json_writer *w)
{
    study_write(reply->def->def, &reply->row, w);
}

static void write_etag(const struct study_state_reply *reply, struct http_response *response)
{
    http_response_header(response, "ETag", "\"%" PRId64 "\"", reply->row.revision);
}

static int created_status(const struct study_create_command *create)
{
    return create->out.created ? 201 : 200;
}

void render_study_created(const struct command *command, int64_t *status, struct buf *text)
{
    const struct study_create_command *create = as_const_study_create(command);
    struct json_writer w;

    *status = created_status(create);
    json_writer_init(&w, text);
    write_reply(&create->out.study, &w);
}

void encode_study_created(const struct command *command, struct http_response *response)
{
    const struct study_create_command *create = as_const_study_create(command);
    struct json_writer w;

    json_response(response, created_status(create), &w);
    write_reply(&create->out.study, &w);
    write_etag(&create->out.study, response);
    if (create->out.created) {
        http_response_header(response, "Location", "/v1/studies/%s", create->out.study.row.name);
    }
}

static int parse_study(struct http_request *request, struct study_create_command *create)
{
    struct err *err = &create->head.err;
    struct faults *faults = &create->head.faults;
    uint64_t seed;

    TRY(request_json(request, &create->in.body, err));
    rng_entropy(&seed, sizeof seed);
    return advice_read_study(create->in.body, seed >> 11, &create->in.def, faults) == 0
               ? 0
               : faults_result(faults, err);
}

static void create_job(void *argument, struct store *reader)
{
    struct http_request *request = argument;
    struct command *command = command_for(request, COMMAND_STUDY_CREATE);

    (void)reader;
    if (command == NULL) {
        return;
    }
    if (parse_study(request, as_study_create(command)) != 0) {
        refuse(command);
        return;
    }
    submit_deferred(http_context(request), command);
}

void post_study(void *context, struct http_request *request)
{
    struct err err;

    if (query_check(request, NULL, &err) != 0) {
        reply_problem(request, &err, NULL);
        return;
    }
    read_later(context, request, create_job);
}

static const struct representation_column columns[] = {
    {.key = "name", .variable = "study"},
    {.key = "state"},
    {.key = "reason"},
    {.object = "strategy", .key = "name", .title = "strategy"},
    {.object = "counts", .key = "queued", .title = "queued", .is_right = true},
    {.object = "counts", .key = "running", .title = "running", .is_right = true},
    {.object = "counts", .key = "paused", .title = "paused", .is_right = true},
    {.object = "counts", .key = "completed", .title = "completed", .is_right = true},
    {.object = "counts", .key = "pruned", .title = "pruned", .is_right = true},
    {.object = "counts", .key = "failed", .title = "failed", .is_right = true},
    {.object = "counts", .key = "infeasible", .title = "infeasible", .is_right = true},
    {.object = "counts", .key = "cancelled", .title = "cancelled", .is_right = true},
    {.object = "best", .key = "value", .title = "best", .is_right = true},
    {.object = "best", .key = "trial", .title = "best_trial", .is_right = true},
    {.key = "created_at"},
    {.key = "last_event_at", .is_extra = true},
    {.key = "detail", .is_extra = true},
    {.key = "description", .is_extra = true},
    {.key = "priority", .is_extra = true},
    {.key = "seed", .is_extra = true},
    {.key = "revision", .is_extra = true},
    {.key = "slots_wanted", .is_extra = true},
    {0}};
static const struct representation list_representation = {.formats = FORMATS_LIST,
                                                          .columns = columns};
static const struct representation one_representation = {
    .formats = FORMATS_ONE, .columns = columns, .is_one = true};

/* ---- GET /v1/studies: in order of id, which is the order of creation ---- */

struct study_page {
    struct read_request *read;
    struct item_list listing;
    int64_t limit;
    int64_t after; /* id */
    int state;     /* -1: any */
    int64_t last;  /* id of the last one on this page */
    bool more;
    bool with_spark;
};

static int read_page(struct read_request *read, struct study_page *page, struct err *err)
{
    const char *state = http_query(read->request, "state");
    const char *cursor = http_query(read->request, "cursor");
    int64_t spark;

    *page = (struct study_page){.read = read, .state = -1};
    TRY(list_limit(read->request, &page->limit, err));
    TRY(query_int(read->request, "spark", 0, 0, 1, &spark, err));
    page->with_spark = spark == 1;
    if (state != NULL && (page->state = study_state_from_name(state)) < 0) {
        return err_set(err, ERR_MALFORMED,
                       "state=%.24s: a study is running, paused, stopped or finished", state);
    }
    if (cursor != NULL
        && (cursor[0] != 's' || !integer_from_text(cursor + 1, 1, INT64_MAX, &page->after))) {
        return cursor_refused(err);
    }
    return 0;
}

static int list_study(void *context, struct study_row *row, struct err *err)
{
    struct study_page *page = context;
    const struct live_study_view *study = live_view_study(page->read->view, row->name);

    if (study == NULL || study->id != row->id) {
        return 0; /* made or deleted since the view was */
    }
    if ((int64_t)page->listing.n == page->limit) {
        page->more = true; /* one row more was asked for than the page holds */
        return 0;
    }
    page->last = row->id;
    struct json_writer *w = item_list_item(&page->listing);
    json_object_begin(w);
    study_write_members(study->def->def, row, w);
    TRY(study_news_write(page->read, study, row, page->with_spark, w, err));
    json_object_end(w);
    item_list_item_end(&page->listing);
    return 0;
}

static int read_studies(struct read_request *read, struct err *err)
{
    struct study_page page;
    char cursor[32];

    TRY(read_page(read, &page, err));
    TRY(item_list_begin(&page.listing, read, err));
    const struct study_query query = {
        .after_id = page.after, .state = page.state, .limit = page.limit + 1};
    int result = study_news_begin(read, err);
    if (result == 0) {
        result = store_each_study_of(read->store, &query, list_study, &page, err);
        study_news_end(read);
    }
    if (result == 0) {
        (void)snprintf(cursor, sizeof cursor, "s%" PRId64, page.last);
        result = item_list_end(&page.listing, page.more ? cursor : NULL, err);
    }
    item_list_finish(&page.listing);
    return result;
}

static const char *const studies_query[] = {"limit", "cursor", "state", "spark", NULL};

REPRESENTATION_HANDLER(get_studies, &list_representation, studies_query, read_studies)

/* ---- GET /v1/studies/{study} ---- */

/* "not_learned": the parameters about which an older study can say nothing though it has them, as
 * far as it still exists. */
static int write_obstacles(const struct study_def *def, const struct study_def *older,
                           struct json_writer *w, struct err *err)
{
    OWN(transfer) struct transfer *transfer = NULL;

    TRY(transfer_create(older->space, def->space, &transfer, err));
    for (size_t i = 0; i < def->space->n_params; i++) {
        const char *obstacle = transfer_obstacle(transfer, i);
        if (obstacle != NULL) {
            json_object_begin(w);
            json_put_string(w, "study", older->name);
            json_put_string(w, "parameter", def->space->params[i].name);
            json_put_string(w, "detail", obstacle);
            json_object_end(w);
        }
    }
    return 0;
}

static int write_not_learned(const struct read_request *read, struct json_writer *w,
                             struct err *err)
{
    const struct study_def *def = read->study->def->def;

    if (def->after == NULL) {
        return 0;
    }
    json_write_key(w, "not_learned");
    json_array_begin(w);
    for (size_t i = 0; i < json_array_size(def->after); i++) {
        const char *name = json_string_value(json_array_get(def->after, i));
        const struct live_study_view *older = live_view_study(read->view, name);
        if (older != NULL) {
            TRY(write_obstacles(def, older->def->def, w, err));
        }
    }
    json_array_end(w);
    return 0;
}

static int read_row_and_tag(struct read_request *read, struct study_row *row, bool *unchanged,
                            struct err *err)
{
    TRY(read_study_row(read, row, err));
    return wait_tag_study(read, row->revision, unchanged, err);
}

static int read_study(struct read_request *read, struct err *err)
{
    OWN(study_row) struct study_row row = {0};
    bool unchanged;
    struct json_writer w;

    TRY(store_read_begin(read->store, err));
    int result = read_row_and_tag(read, &row, &unchanged, err);
    store_read_end(read->store);
    TRY(result);
    if (unchanged) {
        return 0;
    }
    json_writer_init(&w, &read->response.body);
    json_object_begin(&w);
    study_write_members(read->study->def->def, &row, &w);
    bounds_put_reported(read->study, &row, &w);
    TRY(write_not_learned(read, &w, err));
    json_object_end(&w);
    return 0;
}

static const char *const study_query[] = {"wait", "after", NULL};

WAIT_HANDLER(get_study, &one_representation, study_query, read_study)

/* ---- PATCH, DELETE ---- */

static int read_if_match(const struct http_request *request, int64_t *revision, struct err *err)
{
    const char *text = http_header(request, "If-Match");

    *revision = 0;
    if (text == NULL || strcmp(text, "*") == 0) {
        return 0;
    }
    if (!wait_tag_revision(text, revision)) {
        return err_set(err, ERR_REVISION_CHANGED,
                       "If-Match must hold the study's revision, as its ETag shows it");
    }
    return 0;
}

static void write_patched(const struct study_patch_command *patch, struct json_writer *w)
{
    const struct study_state_reply *study = &patch->out.study;

    json_object_begin(w);
    study_write_members(study->def->def, &study->row, w);
    if (patch->out.n_numbers > 0) {
        write_numbers("enqueued", patch->out.n_numbers, patch->out.numbers, w);
    }
    json_object_end(w);
}

void render_study_patched(const struct command *command, int64_t *status, struct buf *text)
{
    struct json_writer w;

    *status = 200;
    json_writer_init(&w, text);
    write_patched(as_const_study_patch(command), &w);
}

void encode_study_patched(const struct command *command, struct http_response *response)
{
    const struct study_patch_command *patch = as_const_study_patch(command);
    struct json_writer w;

    json_response(response, 200, &w);
    write_patched(patch, &w);
    write_etag(&patch->out.study, response);
}

static int read_patch(struct http_request *request, struct study_patch_command *patch)
{
    struct err *err = &patch->head.err;

    TRY(request_study(request, patch->in.study, err));
    TRY(query_check(request, NULL, err));
    TRY(read_if_match(request, &patch->in.if_revision, err));
    return request_json(request, &patch->in.body, err);
}

void patch_study(void *context, struct http_request *request)
{
    struct command *command = command_for(request, COMMAND_STUDY_PATCH);

    if (command != NULL) {
        submit_or_refuse(context, command, read_patch(request, as_study_patch(command)));
    }
}

static int read_deletion(struct http_request *request, struct study_delete_command *deletion)
{
    static const char *const known[] = {"force", NULL};
    struct err *err = &deletion->head.err;

    TRY(query_check(request, known, err));
    TRY(query_flag(request, "force", false, &deletion->in.force, err));
    return request_study(request, deletion->in.study, err);
}

void delete_study(void *context, struct http_request *request)
{
    struct command *command = command_for(request, COMMAND_STUDY_DELETE);

    if (command != NULL) {
        submit_or_refuse(context, command, read_deletion(request, as_study_delete(command)));
    }
}
