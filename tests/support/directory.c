#include "tests/support/directory.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

void directory_create(char path[DIRECTORY_BYTES])
{
    const char *parent = getenv("TMPDIR");

    (void)snprintf(path, DIRECTORY_BYTES, "%s/hone-test-XXXXXX", parent == NULL ? "/tmp" : parent);
    if (mkdtemp(path) == NULL) {
        perror(path);
        abort();
    }
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
    (void)st;
    (void)type;
    (void)place;
    return remove(path);
}

void directory_remove(const char *path)
{
    if (nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0) {
        perror(path);
        abort();
    }
}
