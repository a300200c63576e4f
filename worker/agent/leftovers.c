#include "worker/agent/leftovers.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/log.h"
#include "common/own.h"
#include "worker/agent/boundary/cgroup.h"
#include "worker/agent/job_record.h"
#include "worker/agent/orphans.h"

#define SUFFIX ".job"
#define EMPTY_MS 10000

struct left {
    size_t n, cap;
    char **attempt_ids; /* owned */
};

static void left_drop(struct left *left)
{
    for (size_t i = 0; i < left->n; i++) {
        free(left->attempt_ids[i]);
    }
    free(left->attempt_ids);
}

static int add(struct left *left, const char *attempt_id, struct err *err)
{
    TRY(array_reserve(&left->attempt_ids, left->n, &left->cap, sizeof *left->attempt_ids, err));
    char *copy = strdup(attempt_id);
    if (copy == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    left->attempt_ids[left->n++] = copy;
    return 0;
}

/* Whether it is of this boot, and its shim is gone. */
static bool is_left(const char *path, struct job_record *record)
{
    char boot[JOB_RECORD_WORD];

    job_record_boot(boot);
    return job_record_read(path, record) && strcmp(boot, record->boot) == 0
           && !job_record_lives(record);
}

/* A cgroup is ended by itself; what is outside of it waits for the one look at all processes. */
static int take(struct left *left, const char *path, struct err *err)
{
    struct job_record record;

    if (!is_left(path, &record)) {
        return 0;
    }
    if (record.leaf[0] != '\0') {
        (void)orphans_end(&(struct orphans){.leaf = record.leaf}, EMPTY_MS);
        (void)cgroup_remove(record.leaf);
    }
    return add(left, record.attempt_id, err);
}

static bool is_record(const char *name)
{
    size_t len = strlen(name);

    return len > strlen(SUFFIX) && strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0;
}

static int find(struct left *left, const char *state_dir, struct err *err)
{
    DIR *dir = opendir(state_dir);
    int rc = 0;

    for (struct dirent *entry = dir == NULL ? NULL : readdir(dir); entry != NULL && rc == 0;
         entry = readdir(dir)) {
        OWN(memory) char *path = NULL;
        if (is_record(entry->d_name) && asprintf(&path, "%s/%s", state_dir, entry->d_name) >= 0) {
            rc = take(left, path, err);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return rc;
}

int leftovers_end(const char *state_dir, struct err *err)
{
    OWN(left) struct left left = {0};

    TRY(find(&left, state_dir, err));
    if (left.n == 0) {
        return 0;
    }
    struct orphans orphans = {.attempt_ids = (const char *const *)left.attempt_ids, .n = left.n};
    pid_t survivor = orphans_end(&orphans, EMPTY_MS);
    if (survivor != 0) {
        log_error("process %ld, which an earlier worker has left, cannot be killed",
                  (long)survivor);
    }
    return 0;
}
