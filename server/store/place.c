#include "server/store/place.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *const names[PLACE_FILES] = {"", "/lock", "/hone.db", "/hone.db-wal"};

static int look(const char *directory, size_t i, char path[static 4096], struct stat *st)
{
    (void)snprintf(path, 4096, "%s%s", directory, names[i]);
    return stat(path, st);
}

int place_note(const char *directory, struct place *place, struct err *err)
{
    char path[4096];
    struct stat st;

    for (size_t i = 0; i < PLACE_FILES; i++) {
        if (look(directory, i, path, &st) != 0) {
            return err_set(err, err_code_of_errno(errno), "cannot look at %s: %s", path,
                           strerror(errno));
        }
        place->files[i].device = st.st_dev;
        place->files[i].inode = st.st_ino;
    }
    return 0;
}

int place_check(const char *directory, const struct place *place, struct err *err)
{
    char path[4096];
    struct stat st;

    for (size_t i = 0; i < PLACE_FILES; i++) {
        if (look(directory, i, path, &st) != 0) {
            if (errno != ENOENT && errno != ENOTDIR) {
                continue; /* it cannot be told now */
            }
            return err_set(err, ERR_IO, "%s was removed while honed had it open", path);
        }
        if (st.st_dev != place->files[i].device || st.st_ino != place->files[i].inode) {
            return err_set(err, ERR_IO, "%s was replaced while honed had it open", path);
        }
    }
    return 0;
}
