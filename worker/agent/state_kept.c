#include "worker/agent/state_kept.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/agent/attempt_log.h"
#include "worker/agent/job_record.h"
#include "worker/agent/spool.h"

#define JOB ".job"

/* "slot-0.job" → 6; 0: it is no such file. */
static size_t base_len(const char *name)
{
    size_t len = strlen(name);
    size_t suffix = sizeof JOB - 1;

    return len > suffix && strcmp(name + len - suffix, JOB) == 0 ? len - suffix : 0;
}

static bool still_runs(const char *path)
{
    struct job_record record;
    char boot[JOB_RECORD_WORD];

    job_record_boot(boot);
    return job_record_read(path, &record) && record.keeps && strcmp(boot, record.boot) == 0
           && job_record_lives(&record);
}

/* What cannot be read belongs to nobody. */
static int check_spool(const char *path, const char *server, struct err *err)
{
    OWN(spool) struct spool spool;
    OWN(attempt_log) struct attempt_log log = {0};
    struct err unread;

    spool_init(&spool);
    if (spool_continue(&spool, path, &unread) != 0 || !attempt_log_read(&spool, &log)
        || !log.has_grant || strcmp(log.grant.server, server) == 0) {
        return 0;
    }
    return err_set(
        err, ERR_LOCKED,
        "a job of %s, which its worker has left, still runs (%s); start a worker of that "
        "server, or name another directory",
        log.grant.server, path);
}

int state_kept_check(const char *state_dir, const char *server, struct err *err)
{
    DIR *dir = opendir(state_dir);
    const struct dirent *entry;
    int rc = 0;

    while (rc == 0 && dir != NULL && (entry = readdir(dir)) != NULL) {
        char job[PATH_MAX];
        char spool[PATH_MAX];
        int len = (int)base_len(entry->d_name);
        int n = snprintf(job, sizeof job, "%s/%s", state_dir, entry->d_name);
        if (len == 0 || n < 0 || (size_t)n >= sizeof job || !still_runs(job)) {
            continue;
        }
        n = snprintf(spool, sizeof spool, "%s/%.*s.spool", state_dir, len, entry->d_name);
        rc = n > 0 && (size_t)n < sizeof spool ? check_spool(spool, server, err) : 0;
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return rc;
}
