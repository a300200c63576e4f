/* backup create, list: what the server copies into the folder of --backup-directory. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "worker/cli/session.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/show/study.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"
#include "worker/cli/verbs.h"

#define WAIT_MS 50
#define WAIT_MOST_MS 2000

static void pause_for(int64_t ms)
{
    struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&span, NULL);
}

/* ---- create --------------------------------------------------------------------------------- */

struct search {
    const char *name;
    json_t *found; /* owned */
};

/* The first of that name: what is being made stands before what is there. */
static int look(void *context, json_t *item, struct err *err)
{
    struct search *search = context;

    (void)err;
    if (search->found == NULL && strcmp(text_at(item, "name"), search->name) == 0) {
        search->found = json_incref(item);
    }
    return 0;
}

/* *backup ← as it is once it is made, or has failed. The server may restart meanwhile. */
static int await(struct session *session, json_t **backup, struct err *err)
{
    OWN(memory) char *name = strdup(text_at(*backup, "name"));
    int64_t wait_ms = WAIT_MS;

    while (name != NULL && strcmp(text_at(*backup, "state"), "writing") == 0) {
        struct search search = {.name = name};
        pause_for(wait_ms);
        wait_ms = 2 * wait_ms < WAIT_MOST_MS ? 2 * wait_ms : WAIT_MOST_MS;
        int rc = session_each(session, "/v1/backups", look, &search, err);
        if (rc != 0 && !err_may_pass(err->code)) {
            json_decref(search.found);
            return -1;
        }
        if (rc == 0 && search.found == NULL) {
            return err_set(err, ERR_NOT_FOUND,
                           "the backup '%s' was not made: the server was restarted meanwhile, or "
                           "its folder is another one now",
                           name);
        }
        if (search.found != NULL) {
            json_decref(*backup);
            *backup = search.found;
        }
    }
    return name == NULL ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

static int create(const struct options *options, struct err *err)
{
    OWN(session) struct session session = {0};
    json_auto_t *backup = NULL;
    json_auto_t *body = json_object();

    if (options->n_arguments > 0) {
        (void)json_object_set_new(body, "name", json_string(options->arguments[0]));
    }
    TRY(session_open(options, &session, err));
    if (session_previews(&session, "POST", "/v1/backups", body)) {
        return 0;
    }
    TRY(session_send(&session, "POST", "/v1/backups", body, &backup, err));
    bool was_there = session.status == 200;
    TRY(await(&session, &backup, err));
    if (strcmp(text_at(backup, "state"), "complete") != 0) {
        return err_set(err, ERR_IO, "the backup '%s' failed: %s", text_at(backup, "name"),
                       text_at(backup, "detail"));
    }
    if (options->output == OUTPUT_JSON || options->output == OUTPUT_NDJSON) {
        print_json(stdout, backup);
        return 0;
    }
    text_print(stdout, text_at(backup, "name"));
    say("backup '%s'%s: %" PRId64 " bytes, up to commit %" PRId64 ", checked",
        text_at(backup, "name"), was_there ? " is there already" : "", int_at(backup, "bytes", 0),
        int_at(backup, "commit", 0));
    return 0;
}

const struct usage usage_backup_create = {
    .arguments = "[NAME]",
    .doc = "Has the server copy its database into its backup directory, waits until the copy is "
           "made and checked, and prints its name.\v"
           "The server needs the option --backup-directory. Unless said, NAME is the time, as in "
           "hone-2026-11-30T212503Z. A name that is there already is not made again.",
    .flags = USAGE_SERVER | USAGE_OUTPUT | USAGE_DRY_RUN,
    .n_max = 1,
};

int verb_backup_create(int argc, char **argv)
{
    struct options options;
    struct err err = {0};

    options_read(&usage_backup_create, argc, argv, NULL, &options);
    return exit_after(create(&options, &err), &err);
}

/* ---- list ----------------------------------------------------------------------------------- */

enum { NAME, STATE, AT, BYTES, COMMIT, EPOCH, DETAIL, N_COLUMNS };
static const struct column columns[N_COLUMNS] = {
    [NAME] = {"name", false, false},     [STATE] = {"state", false, false},
    [AT] = {"at", false, false},         [BYTES] = {"bytes", true, false},
    [COMMIT] = {"commit", true, false},  [EPOCH] = {"epoch", true, true},
    [DETAIL] = {"detail", false, false},
};

static int row(void *context, json_t *backup, struct err *err)
{
    struct printed_list *list = context;
    char bytes[JSON_NUMBER_BYTES], commit[JSON_NUMBER_BYTES], epoch[JSON_NUMBER_BYTES];
    char at[TEXT_MOMENT_BYTES];
    const char *moment = text_at(backup, "at");
    bool is_damaged = strcmp(text_at(backup, "state"), "complete") == 0
                      && !json_is_true(json_object_get(backup, "verified"));

    (void)err;
    const char *cells[N_COLUMNS] = {
        [NAME] = text_at(backup, "name"),
        [STATE] = text_at(backup, "state"),
        [AT] = list->output == OUTPUT_CSV || *moment == '\0' ? moment : text_local(moment, at),
        [BYTES] = number_text_at(backup, "bytes", "", bytes),
        [COMMIT] = number_text_at(backup, "commit", "", commit),
        [EPOCH] = number_text_at(backup, "epoch", "", epoch),
        [DETAIL] = is_damaged ? "has not the size of what was checked" : text_at(backup, "detail"),
    };
    printed_list_row(list, backup, cells);
    return 0;
}

static int list(const struct options *options, struct err *err)
{
    OWN(session) struct session session = {0};
    struct printed_list list;

    TRY(session_open(options, &session, err));
    if (session_previews(&session, "GET", "/v1/backups", NULL)) {
        return 0;
    }
    printed_list_begin(&list, options, columns, N_COLUMNS);
    int rc = session_each(&session, "/v1/backups", row, &list, err);
    printed_list_end(&list, rc == 0, "there are no backups");
    return rc;
}

const struct usage usage_backup_list = {
    .doc = "Lists the backups that the server keeps, the newest first.",
    .flags = USAGE_SERVER | USAGE_OUTPUT,
};

int verb_backup_list(int argc, char **argv)
{
    struct options options;
    struct err err = {0};

    options_read(&usage_backup_list, argc, argv, NULL, &options);
    return exit_after(list(&options, &err), &err);
}
