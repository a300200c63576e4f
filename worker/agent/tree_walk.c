#include "worker/agent/tree_walk.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct walk {
    char path[PATH_MAX];
    size_t root_len;
    dev_t device;
    tree_visit *visit;
    void *context;
};

static int unreadable(const struct walk *walk, struct err *err)
{
    return err_set(err, ERR_IO, "%s cannot be read: %s", walk->path, strerror(errno));
}

static int is_entry(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int walk_folder(struct walk *walk, size_t len, struct err *err);

/* What walk->path names; `len` is its length. */
static int walk_entry(struct walk *walk, size_t len, struct err *err)
{
    struct stat status;
    struct tree_found found = {
        .path = walk->path, .inside = walk->path + walk->root_len + 1, .status = &status};

    if (lstat(walk->path, &status) != 0) {
        return unreadable(walk, err);
    }
    TRY(walk->visit(walk->context, &found, err));
    return S_ISDIR(status.st_mode) && status.st_dev == walk->device ? walk_folder(walk, len, err)
                                                                    : 0;
}

static int walk_name(struct walk *walk, size_t len, const char *name, struct err *err)
{
    size_t name_len = strlen(name);

    if (len + 1 + name_len >= sizeof walk->path) {
        return err_set(err, ERR_INVALID, "the path of %s in %s is too long", name, walk->path);
    }
    walk->path[len] = '/';
    memcpy(walk->path + len + 1, name, name_len + 1);
    int rc = walk_entry(walk, len + 1 + name_len, err);
    walk->path[len] = '\0';
    return rc;
}

static int walk_folder(struct walk *walk, size_t len, struct err *err)
{
    struct dirent **names = NULL;
    int n = scandir(walk->path, &names, is_entry, by_name);
    int rc = n < 0 ? unreadable(walk, err) : 0;

    for (int i = 0; i < n; i++) {
        rc = rc == 0 ? walk_name(walk, len, names[i]->d_name, err) : rc;
        free(names[i]);
    }
    free(names);
    return rc;
}

int tree_walk(const char *folder, tree_visit *visit, void *context, struct err *err)
{
    struct walk walk = {.root_len = strlen(folder), .visit = visit, .context = context};
    struct stat status;

    if (walk.root_len >= sizeof walk.path) {
        return err_set(err, ERR_INVALID, "its path is too long");
    }
    memcpy(walk.path, folder, walk.root_len + 1);
    if (stat(folder, &status) != 0) {
        return unreadable(&walk, err);
    }
    walk.device = status.st_dev;
    return walk_folder(&walk, walk.root_len, err);
}
