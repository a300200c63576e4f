#include "server/api/backups.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "server/api/json.h"
#include "server/api/list.h"
#include "server/api/problem.h"
#include "server/api/request.h"
#include "server/api/submit.h"

#define NO_DIRECTORY                                                                               \
    "this server keeps no backups: start honed with --backup-directory DIR, or set "               \
    "backup-directory in its configuration"

/* The folder may lie on a network, which may hang: one request at a time waits for it, so that
 * readers are left for all others. */
static int begin_look(struct api *api, struct err *err)
{
    return atomic_exchange(&api->looks_at_backups, true) ? err_set(
               err, ERR_OVERLOADED, "another request looks at the backups; repeat in a moment")
                                                         : 0;
}

/* An error of the directory is none of the database, as which clients are told ERR_IO. */
static int end_look(struct api *api, int result, struct err *err)
{
    atomic_store(&api->looks_at_backups, false);
    if (result != 0 && err->code == ERR_IO) {
        err->code = ERR_WRONG_STATE;
    }
    return result;
}

/* ---- one of them as JSON ---- */

static void write_damaged(const struct backup_entry *entry, struct json_writer *w)
{
    json_object_begin(w);
    json_put_string(w, "name", entry->name);
    json_put_string(w, "state", "damaged");
    json_put_moment(w, "at", entry->at_ms);
    json_put_int(w, "bytes", entry->made.bytes);
    json_put_null(w, "commit");
    json_put_null(w, "epoch");
    json_put_bool(w, "verified", false);
    json_put_string(w, "detail", entry->wrong);
    json_object_end(w);
}

static void write_complete(const struct backup_entry *entry, struct json_writer *w)
{
    const struct clock *clock = clock_system(); /* that of the file system, too */

    json_object_begin(w);
    json_put_string(w, "name", entry->name);
    json_put_string(w, "state", "complete");
    json_put_moment(w, "at", entry->at_ms);
    json_put_int(w, "bytes", entry->made.bytes);
    json_put_int(w, "commit", entry->made.mark.commit);
    json_put_int(w, "epoch", entry->made.mark.epoch);
    json_put_bool(w, "verified", entry->verified);
    json_put_string(w, "detail",
                    backup_entry_is_ahead(entry, clock->wall_ms(clock))
                        ? "its time is in the future: a clock was wrong"
                        : NULL);
    json_object_end(w);
}

/* at_ms -1: it is not known */
static void write_incomplete(const char *name, const char *state, int64_t at_ms, const char *detail,
                             struct json_writer *w)
{
    json_object_begin(w);
    json_put_string(w, "name", name);
    json_put_string(w, "state", state);
    json_put_moment(w, "at", at_ms);
    json_put_null(w, "bytes");
    json_put_null(w, "commit");
    json_put_null(w, "epoch");
    json_put_bool(w, "verified", false);
    json_put_string(w, "detail", detail);
    json_object_end(w);
}

static void encode_writing(const char *name, struct http_response *response)
{
    struct json_writer w;

    json_response(response, 202, &w);
    write_incomplete(name, "writing", -1, NULL, &w);
    http_response_header(response, "Location", "/v1/backups");
}

void encode_backup(const struct command *command, struct http_response *response)
{
    encode_writing(as_const_backup(command)->in.name, response);
}

/* ---- POST ---- */

/* hone-2026-11-30T212503Z, in the order of time. */
static void name_by_time(const struct clock *clock, char name[BACKUP_NAME_BYTES])
{
    time_t now = (time_t)(clock->wall_ms(clock) / 1000);
    struct tm utc;

    (void)gmtime_r(&now, &utc);
    (void)strftime(name, BACKUP_NAME_BYTES, "hone-%Y-%m-%dT%H%M%SZ", &utc);
}

static int read_order(const struct api *api, struct http_request *request,
                      struct backup_command *backup)
{
    struct err *err = &backup->head.err;
    json_auto_t *body = NULL;
    struct fields fields;
    char by_time[BACKUP_NAME_BYTES];

    if (backup->head.has_key) {
        return err_set(err, ERR_MALFORMED,
                       "a backup is ordered again by its name: leave out the Idempotency-Key, and "
                       "give a name");
    }
    TRY(request_json(request, &body, err));
    name_by_time(api->clock, by_time);
    const char *name = by_time;
    if (body != NULL) {
        fields_begin(&fields, body, "", &backup->head.faults);
        name = fields_string(&fields, "name", by_time);
        if (!backup_name_is_valid(name)) {
            fields_fault(&fields, "name",
                         "must be 1 to %d of A-Z a-z 0-9 . _ -, and begin with a letter or a digit",
                         BACKUP_NAME_BYTES - 1);
        }
        fields_end(&fields);
        TRY(faults_result(&backup->head.faults, err));
    }
    (void)snprintf(backup->in.name, sizeof backup->in.name, "%s", name);
    return 0;
}

static void reply_entry(struct http_request *request, const struct backup_entry *entry)
{
    struct http_response response;
    struct json_writer w;

    json_response(&response, 200, &w);
    write_complete(entry, &w);
    response_end_line(&response);
    http_reply(request, &response);
}

static void reply_writing(struct http_request *request, const char *name)
{
    struct http_response response;

    encode_writing(name, &response);
    response_end_line(&response);
    http_reply(request, &response);
}

/* Takes the command. */
static void order(struct api *api, struct command *command)
{
    const char *name = as_backup(command)->in.name;
    struct backup_status status;

    if (engine_backup_order(api->engine, name, &status, &command->err) != 0) {
        if (strcmp(status.name, name) != 0) {
            refuse(command);
            return;
        }
        reply_writing(command->origin, name);
        command_destroy(command);
        return;
    }
    if (engine_submit(api->engine, command, &command->err) != 0) {
        engine_backup_decide(api->engine, false);
        refuse(command);
    }
}

/* *found: there is one of this name already. */
static int look_for(struct api *api, const char *name, struct backup_entry *entry, bool *found,
                    struct err *err)
{
    char path[4096];

    TRY(begin_look(api, err));
    int result = engine_backup_check(api->engine, err);
    if (result == 0) {
        result = backup_find(engine_backup_directory(api->engine), name, path, entry, found, err);
    }
    return end_look(api, result, err);
}

/* Reader thread. */
static void order_job(void *argument, struct store *store)
{
    struct http_request *request = argument;
    struct api *api = http_context(request);
    struct command *command = command_for(request, COMMAND_BACKUP);
    struct backup_entry entry;
    bool found = false;

    (void)store;
    if (command == NULL) {
        return;
    }
    if (read_order(api, request, as_backup(command)) != 0) {
        refuse(command);
    } else if (engine_backup_directory(api->engine) == NULL) {
        (void)err_set(&command->err, ERR_WRONG_STATE, NO_DIRECTORY);
        refuse(command);
    } else if (look_for(api, as_backup(command)->in.name, &entry, &found, &command->err) != 0) {
        refuse(command);
    } else if (found) {
        reply_entry(request, &entry);
        command_destroy(command);
    } else {
        order(api, command);
    }
}

void post_backup(void *context, struct http_request *request)
{
    read_later(context, request, order_job);
}

/* ---- GET ---- */

static int list_complete(struct item_list *list, const char *folder, struct err *err)
{
    OWN(memory) struct backup_entry *entries = NULL;
    size_t n = 0;

    TRY(backup_list_read(folder, &entries, &n, err));
    for (size_t i = 0; i < n; i++) {
        if (entries[i].wrong[0] != '\0') {
            write_damaged(&entries[i], item_list_item(list));
        } else {
            write_complete(&entries[i], item_list_item(list));
        }
        item_list_item_end(list);
    }
    return 0;
}

/* What is being made, and a last one that failed, stand first. */
static void list_incomplete(struct item_list *list, const struct backup_status *status)
{
    if (status->phase != BACKUP_IDLE) {
        write_incomplete(status->name, "writing", -1, NULL, item_list_item(list));
        item_list_item_end(list);
    }
    if (status->failed_name[0] != '\0') {
        write_incomplete(status->failed_name, "failed", status->failed_at_ms, status->failure,
                         item_list_item(list));
        item_list_item_end(list);
    }
}

static int read_backups(struct read_request *read, struct err *err)
{
    OWN(item_list) struct item_list list = {0};
    const char *folder = engine_backup_directory(read->api->engine);
    struct backup_status status;

    if (folder == NULL) {
        return err_set(err, ERR_WRONG_STATE, NO_DIRECTORY);
    }
    TRY(item_list_begin(&list, read, err));
    TRY(begin_look(read->api, err));
    engine_backup_status(read->api->engine, &status);
    list_incomplete(&list, &status);
    int result = engine_backup_check(read->api->engine, err);
    if (result == 0) {
        result = list_complete(&list, folder, err);
    }
    TRY(end_look(read->api, result, err));
    return item_list_end(&list, NULL, err);
}

static const struct representation_column columns[] = {{.key = "name"},
                                                       {.key = "state"},
                                                       {.key = "at"},
                                                       {.key = "bytes", .is_right = true},
                                                       {.key = "commit", .is_right = true},
                                                       {.key = "epoch", .is_right = true},
                                                       {.key = "verified"},
                                                       {.key = "detail"},
                                                       {0}};
static const struct representation representation = {.formats = FORMATS_LIST, .columns = columns};

REPRESENTATION_HANDLER(get_backups, &representation, NULL, read_backups)
