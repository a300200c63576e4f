/* Studies: create, change, delete. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/integer.h"
#include "common/rng.h"
#include "server/advice/advice.h"
#include "server/advice/choose.h"
#include "server/api/api.h"

/* ---- POST /v1/studies: the body is checked on a reader, since a space may need 100,000 draws ---
 */

static void render_study(const struct command *command, int64_t *status, struct buf *text)
{
    struct json_writer w;

    *status = command->created ? 201 : 200;
    json_writer_init(&w, text);
    study_write(command->study_out.def->def, &command->study_out.row, &w);
}

void encode_study(const struct command *command, struct http_response *response)
{
    struct json_writer w;

    json_response(response, command->created ? 201 : 200, &w);
    study_write(command->study_out.def->def, &command->study_out.row, &w);
    http_response_header(response, "ETag", "\"%" PRId64 "\"", command->study_out.row.revision);
    if (command->created) {
        http_response_header(response, "Location", "/v1/studies/%s", command->study_out.row.name);
    }
}

static int parse_study(struct http_request *request, struct command *command)
{
    struct err *err = &command->err;
    uint64_t seed;

    TRY(request_json(request, &command->body, err));
    rng_entropy(&seed, sizeof seed);
    if (study_def_from_json(command->body, seed >> 11, &command->def, &command->faults) != 0) {
        return faults_result(&command->faults, err);
    }
    advice_settle_body(command->def, &command->faults);
    advice_check(command->def, &command->faults);
    return faults_result(&command->faults, err);
}

static void create_job(void *argument, struct store *reader)
{
    struct http_request *request = argument;
    struct api *api = http_context(request);
    struct command *command = command_for(api, request, COMMAND_STUDY_CREATE);
    struct err err;

    (void)reader;
    if (command == NULL) {
        return;
    }
    command->render = render_study;
    if (parse_study(request, command) != 0) {
        reply_problem(request, &command->err, &command->faults);
        command_destroy(command);
    } else if (engine_submit(api->engine, command, &err) != 0) {
        reply_problem(request, &err, NULL);
        command_destroy(command);
    }
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

/* ---- PATCH, DELETE ---- */

static int read_if_match(const struct http_request *request, int64_t *revision, struct err *err)
{
    const char *text = http_header(request, "If-Match");

    *revision = 0;
    if (text == NULL || strcmp(text, "*") == 0) {
        return 0;
    }
    bool quoted = text[0] == '"';
    text += quoted ? 1 : 0;
    if (!integer_read(&text, 1, INT64_MAX, revision) || strcmp(text, quoted ? "\"" : "") != 0) {
        return err_set(err, ERR_REVISION_CHANGED,
                       "If-Match must hold the study's revision, as its ETag shows it");
    }
    return 0;
}

void patch_study(void *context, struct http_request *request)
{
    struct api *api = context;
    struct command *command = command_for(api, request, COMMAND_STUDY_PATCH);
    struct err err;

    if (command == NULL) {
        return;
    }
    command->render = render_study;
    if (query_check(request, NULL, &err) != 0
        || read_if_match(request, &command->if_revision, &err) != 0
        || request_json(request, &command->body, &err) != 0) {
        reply_problem(request, &err, NULL);
        command_destroy(command);
        return;
    }
    submit(api, command);
}

static void render_nothing(const struct command *command, int64_t *status, struct buf *text)
{
    (void)command;
    (void)text;
    *status = 204;
}

void delete_study(void *context, struct http_request *request)
{
    static const char *const known[] = {"force", NULL};
    struct api *api = context;
    struct err err;
    bool force = false;

    if (query_check(request, known, &err) != 0
        || query_flag(request, "force", false, &force, &err) != 0) {
        reply_problem(request, &err, NULL);
        return;
    }
    struct command *command = command_for(api, request, COMMAND_STUDY_DELETE);
    if (command == NULL) {
        return;
    }
    command->render = render_nothing;
    command->force = force;
    submit(api, command);
}
