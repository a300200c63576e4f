#include "tests/support/directory.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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

void directory_clear(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;

    if (dir == NULL) {
        perror(path);
        abort();
    }
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    (void)closedir(dir);
}

static FILE *open_in(const char *directory, const char *name, const char *mode)
{
    char path[2 * DIRECTORY_BYTES];

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, mode);
    if (file == NULL) {
        perror(path);
        abort();
    }
    return file;
}

void directory_copy(const char *from, const char *to, const char *name)
{
    FILE *in = open_in(from, name, "rb");
    FILE *out = open_in(to, name, "wb");
    char piece[1 << 16];
    size_t n;

    while ((n = fread(piece, 1, sizeof piece, in)) > 0) {
        if (fwrite(piece, 1, n, out) != n) {
            abort();
        }
    }
    if (ferror(in) || fclose(out) != 0) {
        abort();
    }
    (void)fclose(in);
}
