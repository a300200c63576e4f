#include "server/store/inspect_backups.h"

#include <inttypes.h>

#include "common/own.h"
#include "server/store/backup_directory.h"
#include "server/store/manifest.h"

#define CHECK "backups"
#define HOUR_MS 3600000
#define OLD_HOURS 26 /* as of the alert HoneBackupOld */

static void tell_damaged(const char *folder, struct findings *findings)
{
    char name[BACKUP_NAME_BYTES];
    size_t n = backup_count_damaged(folder, name);

    if (n > 0) {
        finding_add(
            findings, FINDING_BAD, CHECK,
            "%zu with a damaged manifest, as %s/%s.db.json is: such a one cannot be restored; move "
            "it away, or put its manifest back",
            n, folder, name);
    }
}

static bool is_ahead(const struct backup_entry *entry, int64_t now_ms)
{
    return entry->wrong[0] == '\0' && backup_entry_is_ahead(entry, now_ms);
}

/* The newest of which it is known how old it is, else one whose time lies ahead; n: none. */
static size_t newest(const struct backup_entry list[], size_t n, int64_t now_ms)
{
    size_t ignored;
    size_t i = backup_list_newest(list, n, now_ms, &ignored);

    for (size_t at = 0; i == n && at < n; at++) {
        i = is_ahead(&list[at], now_ms) ? at : n;
    }
    return i;
}

/* Reports backups with a time in the future, except list[told], which is reported already. */
static void tell_ahead(const char *folder, const struct backup_entry list[], size_t n, size_t told,
                       int64_t now_ms, struct findings *findings)
{
    size_t n_ahead = 0;
    size_t last = 0;

    for (size_t i = 0; i < n; i++) {
        if (i != told && is_ahead(&list[i], now_ms)) {
            n_ahead++;
            last = i;
        }
    }
    if (n_ahead > 0) {
        finding_add(findings, FINDING_WARN, CHECK,
                    "%zu with a time in the future, as %s/%s.db is: how old such a one is is not "
                    "known, and it is not looked at; set the clock right, and touch its .json",
                    n_ahead, folder, list[last].name);
    }
}

static void tell_newest(const char *folder, const struct backup_entry *entry, int64_t now_ms,
                        struct findings *findings)
{
    char path[4096];
    struct backup found;
    struct err err;
    int64_t hours = now_ms > entry->at_ms ? (now_ms - entry->at_ms) / HOUR_MS : 0;

    (void)snprintf(path, sizeof path, "%s/%s.db", folder, entry->name);
    if (store_backup_verify(path, &found, &err) != 0) {
        finding_err(findings, FINDING_BAD, CHECK, &err,
                    "the newest backup cannot be restored: make another one, and look at the disk");
    } else if (backup_entry_is_ahead(entry, now_ms)) {
        finding_add(findings, FINDING_WARN, CHECK,
                    "%s is whole, and its time is in the future: how old it is is not known; set "
                    "the clock right, and touch %s.json",
                    path, path);
    } else if (hours >= OLD_HOURS) {
        finding_add(findings, FINDING_WARN, CHECK,
                    "the newest, %s, is whole, and %" PRId64 " hours old: look at the job that "
                    "makes them",
                    path, hours);
    } else {
        finding_add(findings, FINDING_OK, CHECK,
                    "the newest, %s, is whole, and %" PRId64 " hours old", path, hours);
    }
}

void inspect_backups(const char *folder, const char *data, int64_t now_ms,
                     struct findings *findings)
{
    OWN(memory) struct backup_entry *list = NULL;
    size_t n = 0;
    struct err err;

    if (backup_directory_usable(folder, data, &err) != 0
        || backup_directory_check(folder, data, &err) != 0
        || backup_list_read(folder, &list, &n, &err) != 0) {
        finding_err(findings, FINDING_BAD, CHECK, &err, "");
        return;
    }
    size_t told = newest(list, n, now_ms);
    if (told == n) {
        finding_add(findings, FINDING_WARN, CHECK,
                    "there is none yet in %s; a running server makes one on 'hone backup create'",
                    folder);
    } else {
        tell_newest(folder, &list[told], now_ms, findings);
        tell_ahead(folder, list, n, told, now_ms, findings);
    }
    tell_damaged(folder, findings);
}
