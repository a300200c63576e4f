#include "server/store/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/array.h"
#include "common/digest.h"
#include "common/err.h"
#include "common/json.h"
#include "common/own.h"
#include "common/regular_file.h"

#define ENDING ".db"
#define CLOCKS_DIFFER_MS 300000 /* this machine's and that of a file server */

bool backup_name_is_valid(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len < BACKUP_NAME_BYTES && strchr("._-", name[0]) == NULL
           && strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
                  == len;
}

/* ---- one manifest ---- */

static int failed(const char *doing, const char *path, struct err *err)
{
    return err_set(err, err_code_of_errno(errno), "cannot %s %s: %s", doing, path, strerror(errno));
}

int manifest_write(const char *file, const struct backup *made, struct err *err)
{
    char path[PATH_MAX];
    char hex[2 * SHA256_BYTES + 1];

    for (size_t i = 0; i < SHA256_BYTES; i++) {
        (void)snprintf(hex + 2 * i, 3, "%02x", made->sha256[i]);
    }
    (void)snprintf(path, sizeof path, "%s.json", file);
    OWN(fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return failed("write", path, err);
    }
    if (dprintf(fd,
                "{\"database\": \"%s\", \"epoch\": %" PRId64 ", \"commit\": %" PRId64
                ", \"schema\": %" PRId64 ", \"bytes\": %" PRId64 ", \"sha256\": \"%s\"}\n",
                made->mark.identity, made->mark.epoch, made->mark.commit, made->version,
                made->bytes, hex)
            < 0
        || fsync(fd) != 0) {
        (void)failed("write", path, err);
        (void)unlink(path);
        return -1;
    }
    return 0;
}

static bool read_digest(const char *hex, unsigned char sha256[SHA256_BYTES])
{
    static const char digits[] = "0123456789abcdef";

    if (hex == NULL || strlen(hex) != 2 * SHA256_BYTES || strspn(hex, digits) != 2 * SHA256_BYTES) {
        return false;
    }
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        sha256[i] = (unsigned char)((strchr(digits, hex[2 * i]) - digits) * 16
                                    + (strchr(digits, hex[2 * i + 1]) - digits));
    }
    return true;
}

static bool read_number(const json_t *manifest, const char *key, int64_t *number)
{
    const json_t *value = json_object_get(manifest, key);

    *number = json_integer_value(value);
    return json_is_integer(value) && *number >= 0;
}

static bool read_members(const json_t *manifest, struct backup *made)
{
    const char *database = json_string_value(json_object_get(manifest, "database"));

    if (database == NULL || strlen(database) >= sizeof made->mark.identity) {
        return false;
    }
    (void)strcpy(made->mark.identity, database);
    return read_number(manifest, "epoch", &made->mark.epoch)
           && read_number(manifest, "commit", &made->mark.commit)
           && read_number(manifest, "schema", &made->version)
           && read_number(manifest, "bytes", &made->bytes)
           && read_digest(json_string_value(json_object_get(manifest, "sha256")), made->sha256);
}

int manifest_read(const char *file, struct backup *made, bool *is_there, struct err *err)
{
    char path[PATH_MAX];
    char text[1024] = "";
    struct backup read_made = {.bytes = 0};
    struct err ignored;
    json_auto_t *manifest = NULL;
    OWN(fd) int fd = -1;

    (void)snprintf(path, sizeof path, "%s.json", file);
    *is_there = false;
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        return 0;
    }
    TRY(regular_file_open(path, &fd, err));
    *is_there = true;
    if (read(fd, text, sizeof text - 1) < 0) {
        return failed("read", path, err);
    }
    if (json_parse_own(text, &manifest, &ignored) != 0 || !read_members(manifest, &read_made)) {
        return err_set(err, ERR_IO,
                       "%.400s is not what honed writes beside a backup; it may be damaged", path);
    }
    *made = read_made;
    return 0;
}

/* ---- those of a folder ---- */

int backup_find(const char *folder, const char *name, char path[4096], struct backup_entry *entry,
                bool *found, struct err *err)
{
    struct backup_entry read_entry = {.verified = false};
    struct stat file, manifest;
    char beside[PATH_MAX + 8];

    *entry = read_entry;
    *found = false;
    (void)snprintf(path, 4096, "%s/%s" ENDING, folder, name);
    (void)snprintf(beside, sizeof beside, "%s.json", path);
    if (stat(path, &file) != 0 || !S_ISREG(file.st_mode) || stat(beside, &manifest) != 0) {
        return 0;
    }
    int result = manifest_read(path, &read_entry.made, found, err);
    if (*found || result != 0) {
        (void)snprintf(read_entry.name, sizeof read_entry.name, "%s", name);
        (void)snprintf(read_entry.wrong, sizeof read_entry.wrong, "%.399s",
                       result == 0 ? "" : err->text);
        read_entry.verified = result == 0 && file.st_size == read_entry.made.bytes;
        read_entry.made.bytes = file.st_size;
        read_entry.at_ms =
            (int64_t)manifest.st_mtim.tv_sec * 1000 + manifest.st_mtim.tv_nsec / 1000000;
        *entry = read_entry;
    }
    return result;
}

bool backup_entry_is_ahead(const struct backup_entry *entry, int64_t now_ms)
{
    return entry->at_ms > now_ms + CLOCKS_DIFFER_MS;
}

size_t backup_list_newest(const struct backup_entry list[], size_t n, int64_t now_ms,
                          size_t *passed_over)
{
    size_t i = 0;

    while (i < n && (list[i].wrong[0] != '\0' || backup_entry_is_ahead(&list[i], now_ms))) {
        i++;
    }
    *passed_over = i > 0 ? 0 : n;
    return i;
}

static int newest_first(const void *a, const void *b)
{
    const struct backup_entry *left = a;
    const struct backup_entry *right = b;

    if (left->at_ms != right->at_ms) {
        return left->at_ms > right->at_ms ? -1 : 1;
    }
    return -strcmp(left->name, right->name);
}

/* "NAME.db" → "NAME"; false: it is no such name. */
static bool name_of(const char *file, char name[BACKUP_NAME_BYTES])
{
    size_t len = strlen(file);
    size_t ending = sizeof ENDING - 1;

    if (len <= ending || len - ending >= BACKUP_NAME_BYTES
        || strcmp(file + len - ending, ENDING) != 0) {
        return false;
    }
    (void)snprintf(name, BACKUP_NAME_BYTES, "%.*s", (int)(len - ending), file);
    return backup_name_is_valid(name);
}

struct growing_list {
    struct backup_entry *items;
    size_t n, cap;
};

/* What lies beside a backup and is none of ours is left out. */
static int add_file(struct growing_list *list, const char *folder, const char *file,
                    struct err *err)
{
    char name[BACKUP_NAME_BYTES];
    char path[4096];
    bool found = false;
    struct err ignored;
    struct backup_entry entry;

    if (!name_of(file, name)
        || (backup_find(folder, name, path, &entry, &found, &ignored) == 0 && !found)) {
        return 0;
    }
    if (list->n == 2 * (size_t)BACKUP_LIST_MAX) {
        qsort(list->items, list->n, sizeof *list->items, newest_first);
        list->n = BACKUP_LIST_MAX;
    }
    TRY(array_reserve(&list->items, list->n, &list->cap, sizeof *list->items, err));
    list->items[list->n++] = entry;
    return 0;
}

int backup_list_read(const char *folder, struct backup_entry **list, size_t *n, struct err *err)
{
    struct growing_list found = {0};
    const struct dirent *file;
    int result = 0;
    DIR *opened = opendir(folder);

    if (opened == NULL) {
        return failed("read", folder, err);
    }
    while (result == 0 && (file = readdir(opened)) != NULL) {
        result = add_file(&found, folder, file->d_name, err);
    }
    (void)closedir(opened);
    if (result != 0) {
        free(found.items);
        return -1;
    }
    if (found.n > 0) {
        qsort(found.items, found.n, sizeof *found.items, newest_first);
    }
    *list = found.items;
    *n = found.n < BACKUP_LIST_MAX ? found.n : BACKUP_LIST_MAX;
    return 0;
}

size_t backup_count_damaged(const char *folder, char name[BACKUP_NAME_BYTES])
{
    char read_name[BACKUP_NAME_BYTES];
    char path[4096];
    struct backup_entry ignored;
    bool found;
    struct err err;
    const struct dirent *file;
    size_t n = 0;
    DIR *opened = opendir(folder);

    name[0] = '\0';
    while (opened != NULL && (file = readdir(opened)) != NULL) {
        if (name_of(file->d_name, read_name)
            && backup_find(folder, read_name, path, &ignored, &found, &err) != 0) {
            n++;
            if (strcmp(read_name, name) > 0) {
                (void)snprintf(name, BACKUP_NAME_BYTES, "%s", read_name);
            }
        }
    }
    if (opened != NULL) {
        (void)closedir(opened);
    }
    return n;
}
