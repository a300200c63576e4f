/* The manifests of backups: FILE.json beside FILE says what is in it; it is written before FILE has
 * its name. And what a folder has of both. Any thread. */
#ifndef SERVER_STORE_MANIFEST_H
#define SERVER_STORE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "server/store/backup.h"

#define BACKUP_NAME_BYTES 101
#define BACKUP_LIST_MAX 1000

/* A name that is a file NAME.db of a folder, and leads nowhere else: letters, digits, "._-", not
 * beginning with one of these, at most 100 of them. */
bool backup_name_is_valid(const char *name);

/* A new file, on disk when this returns; its name is not yet. ERR_STORAGE_FULL, ERR_IO: it exists.
 */
MUST_USE int manifest_write(const char *file, const struct backup *made, struct err *err);
/* *is_there ← whether it exists. ERR_IO: it cannot be read, or is no manifest. */
MUST_USE int manifest_read(const char *file, struct backup *made, bool *is_there, struct err *err);

struct backup_entry {
    char name[BACKUP_NAME_BYTES];
    struct backup made; /* as its manifest says; `bytes` is what the file has */
    bool verified;      /* the file has the size of what was checked */
    int64_t at_ms;      /* when it was complete; wall clock */
    char wrong[400];    /* with its manifest, of which nothing else is known then; "": nothing */
};
/* The time of its manifest lies ahead by more than machines differ: a clock was wrong, and how old
 * it is cannot be told. */
bool backup_entry_is_ahead(const struct backup_entry *entry, int64_t now_ms);
/* The backups of a folder, those with a valid name and a manifest, damaged or not: the newest
 * BACKUP_LIST_MAX, newest first. *list: free(). ERR_IO: the folder cannot be read; ERR_NOMEM. */
MUST_USE int backup_list_read(const char *folder, struct backup_entry **list, size_t *n,
                              struct err *err);
/* Of such a list, the newest of which it is known what it is and how old; n: there is none.
 * *passed_over ← the first that stands before it, whose manifest is damaged or whose time lies
 * ahead; n: none does. */
size_t backup_list_newest(const struct backup_entry list[], size_t n, int64_t now_ms,
                          size_t *passed_over);
/* How many NAME.db of a folder have a manifest that is damaged; name ← of the last one by name. */
size_t backup_count_damaged(const char *folder, char name[BACKUP_NAME_BYTES]);
/* One of them; *found false: there is none. `path`: that of its file, also where there is none.
 * ERR_IO: its manifest is damaged or cannot be read; *entry says so, too. */
MUST_USE int backup_find(const char *folder, const char *name, char path[4096],
                         struct backup_entry *entry, bool *found, struct err *err);

#endif
