#include "worker/agent/state_look.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "worker/agent/attempt_log.h"
#include "worker/agent/owner.h"
#include "worker/agent/spool.h"

/* Is there an attempt in it that is not delivered? A file that cannot be read has none. */
static bool is_waiting(const char *path, struct attempt_log *log)
{
    OWN(spool) struct spool spool;
    struct err ignored;

    spool_init(&spool);
    return spool_look(&spool, path, &ignored) == 0 && attempt_log_read(&spool, log) && !log->closed
           && log->has_grant;
}

static void look_at_spool(const char *directory, const char *name, struct state_seen *seen)
{
    OWN(attempt_log) struct attempt_log log = {0};
    char path[PATH_MAX];
    const char *suffix = strrchr(name, '.');

    if (suffix == NULL || strcmp(suffix, ".spool") != 0
        || snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path
        || !is_waiting(path, &log)) {
        return;
    }
    if (seen->n_waiting++ == 0) {
        (void)snprintf(seen->first, sizeof seen->first, "%s", directory);
        (void)snprintf(seen->server, sizeof seen->server, "%s", log.grant.server);
    }
}

/* Whose lock is there, and not known to be of a process that has ended, has a worker. */
static bool has_worker(const char *directory, const char *host)
{
    char path[PATH_MAX];

    return snprintf(path, sizeof path, "%s/lock", directory) < (int)sizeof path
           && access(path, F_OK) == 0 && !owner_is_gone(path, host);
}

static void look_at_worker(const char *directory, const char *host, struct state_seen *seen)
{
    const struct dirent *entry;

    if (has_worker(directory, host)) {
        seen->n_workers++;
        return;
    }
    DIR *files = opendir(directory);
    while (files != NULL && (entry = readdir(files)) != NULL) {
        look_at_spool(directory, entry->d_name, seen);
    }
    if (files != NULL) {
        (void)closedir(files);
    }
}

int state_look(const char *workdir, struct state_seen *seen, struct err *err)
{
    char host[256] = "";
    char path[PATH_MAX];
    const struct dirent *entry;

    *seen = (struct state_seen){0};
    (void)gethostname(host, sizeof host - 1);
    (void)snprintf(path, sizeof path, "%s/workers", workdir);
    DIR *workers = opendir(path);
    if (workers == NULL) {
        return errno == ENOENT ? 0
                               : err_set(err, ERR_IO, "cannot read %s: %s", path, strerror(errno));
    }
    while ((entry = readdir(workers)) != NULL) {
        if (entry->d_name[0] != '.'
            && snprintf(path, sizeof path, "%s/workers/%s", workdir, entry->d_name)
                   < (int)sizeof path) {
            look_at_worker(path, host, seen);
        }
    }
    (void)closedir(workers);
    return 0;
}
