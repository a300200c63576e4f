#include "worker/agent/resume_list.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/array.h"
#include "common/http/async.h"
#include "common/log.h"
#include "worker/agent/attempt_log.h"

#define SUFFIX ".spool"

void resume_list_finish(struct resume_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->paths[i]);
    }
    free(list->paths);
    *list = (struct resume_list){0};
}

char *resume_path(const struct agent_context *context, size_t slot)
{
    char *path = NULL;

    return asprintf(&path, "%s/slot-%zu" SUFFIX, context->state_dir, slot) < 0 ? NULL : path;
}

static bool is_of_slot(const struct agent_context *context, const char *path, size_t n_slots)
{
    for (size_t i = 0; i < n_slots; i++) {
        OWN(memory) char *own = resume_path(context, i);
        if (own != NULL && strcmp(own, path) == 0) {
            return true;
        }
    }
    return false;
}

/* Its lease means nothing to this server. */
static void keep_aside(const struct agent_context *context, const char *path, size_t n_slots,
                       const struct attempt_log *log)
{
    OWN(memory) char *aside = strdup(path);

    for (size_t i = n_slots; aside != NULL && is_of_slot(context, aside, n_slots); i++) {
        char *next = resume_path(context, i);
        free(aside);
        aside = next;
        if (aside != NULL && access(aside, F_OK) == 0) {
            n_slots++; /* taken */
        } else if (aside == NULL || rename(path, aside) != 0) {
            return;
        }
    }
    log_warning("%s is of trial %" PRId64
                " of %s at %s, which this worker does not serve; a worker "
                "of that server with this state directory delivers it",
                aside == NULL ? path : aside, log->grant.lease.trial, log->grant.lease.study,
                log->grant.server);
}

/* Is there something to be taken up? A file that cannot be read stays as it is. */
static bool is_open(const struct agent_context *context, const char *path, size_t n_slots)
{
    OWN(spool) struct spool spool;
    OWN(attempt_log) struct attempt_log log = {0};
    struct err err = {0};

    spool_init(&spool);
    if (spool_continue(&spool, path, &err) != 0 || !attempt_log_read(&spool, &log)) {
        log_warning("%s cannot be read: %s", path,
                    err.code == ERR_NONE ? "out of memory" : err.text);
        return false;
    }
    if (log.closed || !log.has_grant) {
        bool asks = !log.closed && log.asked[0] != '\0' && is_of_slot(context, path, n_slots);
        if (!asks) {
            spool_remove(&spool);
        }
        return asks;
    }
    if (strcmp(log.grant.server, context->settings->server_name) != 0) {
        keep_aside(context, path, n_slots, &log);
        return false;
    }
    return true;
}

/* Left of one that was being made shorter. */
static void remove_unfinished(const struct agent_context *context, size_t n_slots)
{
    for (size_t i = 0; i < n_slots; i++) {
        char path[PATH_MAX];
        int len = snprintf(path, sizeof path, "%s/slot-%zu" SUFFIX ".new", context->state_dir, i);
        if (len > 0 && (size_t)len < sizeof path) {
            (void)unlink(path);
        }
    }
}

static int is_spool(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > strlen(SUFFIX) && strcmp(entry->d_name + len - strlen(SUFFIX), SUFFIX) == 0;
}

static int add(struct resume_list *list, const struct agent_context *context, const char *name,
               size_t n_slots, struct err *err)
{
    char *path = NULL;

    TRY(array_reserve(&list->paths, list->n, &list->cap, sizeof *list->paths, err));
    if (asprintf(&path, "%s/%s", context->state_dir, name) < 0) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (is_open(context, path, n_slots)) {
        list->paths[list->n++] = path;
    } else {
        free(path);
    }
    return 0;
}

int resume_find(const struct agent_context *context, size_t n_slots, struct resume_list *list,
                struct err *err)
{
    struct dirent **names = NULL;
    int rc = 0;
    int n = scandir(context->state_dir, &names, is_spool, versionsort);

    if (n < 0) {
        return err_set(err, ERR_IO, "the state directory %s cannot be read: %s", context->state_dir,
                       strerror(errno));
    }
    remove_unfinished(context, n_slots);
    for (int i = 0; i < n; i++) {
        rc = rc == 0 ? add(list, context, names[i]->d_name, n_slots, err) : rc;
        free(names[i]);
    }
    free(names);
    return rc;
}
