/* A checkpoint as a tar file from a hostile server: unpacked into a folder, packed and unpacked
 * again.
 *
 * An input is lines of three fields between tabs: the entry's type as tar writes it (0 a file, 2 a
 * link, 5 a folder, x further headers, …), its name, and a link's target or a file's content, in
 * which | stands for a new line. From them a tar file is made, whatever they say; an input whose
 * first line has no tab is the tar file itself.
 *
 * What must hold: nothing outside the folder is made or changed; in it are files, folders and links
 * alone, with no right of others, no more bytes than were allowed, and no link that leads outside;
 * and what was taken can be packed, unpacked and packed again to the same bytes. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/tar_entry.h"
#include "tests/support/directory.h"
#include "worker/agent/tree_pack.h"
#include "worker/agent/tree_unpack.h"
#include "worker/agent/tree_walk.h"

#define BYTES_MAX 4096
#define LINKS_MAX 40

static char folder[DIRECTORY_BYTES]; /* all that there is below it: */
static char root[DIRECTORY_BYTES + 16];
static char again[DIRECTORY_BYTES + 16];
static char packed[DIRECTORY_BYTES + 16];

/* ---- tar files ---- */

static void make_tar(char *lines, struct buf *tar)
{
    char *save = NULL;

    for (char *line = strtok_r(lines, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        char *name = strchr(line, '\t');
        char *rest = name == NULL ? NULL : strchr(name + 1, '\t');
        if (rest != NULL) {
            *rest = '\0';
            tar_entry(tar, line[0], name + 1, rest + 1);
        }
    }
    tar_end(tar);
}

static int file_of(const char *bytes, size_t len)
{
    int fd = memfd_create("tar", MFD_CLOEXEC);

    MUST(fd >= 0 && write(fd, bytes, len) == (ssize_t)len && lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

static int unpack(int fd, const char *to, struct err *err)
{
    OWN(tree_unpack) struct tree_unpack *made = NULL;
    bool done = false;

    MUST(lseek(fd, 0, SEEK_SET) == 0);
    TRY(tree_unpack_begin(fd, to, BYTES_MAX, &made, err));
    while (!done) {
        TRY(tree_unpack_step(made, &done, err));
    }
    return 0;
}

static int pack(const char *from, struct tree_pack **made, struct err *err)
{
    bool done = false;

    TRY(tree_pack_begin(from, packed, BYTES_MAX, made, err));
    while (!done) {
        TRY(tree_pack_step(*made, &done, err));
    }
    return 0;
}

/* ---- what is there then ---- */

/* Takes the last name off a path within the folder; false: it is the folder itself. */
static bool go_up(char *at)
{
    char *last = strrchr(at, '/');

    if (last == NULL) {
        return false;
    }
    *last = '\0';
    return true;
}

/* Follows a path from `at` ("", "/a/b"), which has no link in it, as the kernel does, through so
 * many links in all. False: it leads out of the folder. */
static bool stays_inside(char at[static PATH_MAX], const char *path, int *n_links)
{
    char whole[PATH_MAX + sizeof root];
    char target[PATH_MAX];

    while (*path != '\0') {
        size_t len = strcspn(path, "/");
        size_t before = strlen(at);
        if (len == 2 && strncmp(path, "..", 2) == 0) {
            if (!go_up(at)) {
                return false;
            }
        } else if (len > 0 && !(len == 1 && path[0] == '.')) {
            if (before + len + 2 > PATH_MAX) {
                return true;
            }
            (void)snprintf(at + before, len + 2, "/%s", path);
            (void)snprintf(whole, sizeof whole, "%s%s", root, at);
            ssize_t n = readlink(whole, target, sizeof target - 1);
            if (n < 0 && errno != EINVAL) {
                return true; /* leads to nothing */
            }
            if (n >= 0) {
                target[n] = '\0';
                at[before] = '\0';
                if (target[0] == '/' || (*n_links)-- <= 0) {
                    return target[0] != '/';
                }
                if (!stays_inside(at, target, n_links)) {
                    return false;
                }
            }
        }
        path += len + strspn(path + len, "/");
    }
    return true;
}

static int check_found(void *context, const struct tree_found *found, struct err *err)
{
    int64_t *bytes = context;
    const struct stat *status = found->status;
    char at[PATH_MAX] = "";
    int n_links = LINKS_MAX;

    (void)err;
    MUST(S_ISREG(status->st_mode) || S_ISDIR(status->st_mode) || S_ISLNK(status->st_mode));
    if (S_ISLNK(status->st_mode)) {
        if (!stays_inside(at, found->inside, &n_links)) {
            (void)fprintf(stderr, "%s leads outside\n", found->inside);
            abort();
        }
        return 0;
    }
    MUST((status->st_mode & 07077) == 0 && status->st_nlink >= 1);
    *bytes += S_ISREG(status->st_mode) ? status->st_size : 0;
    return 0;
}

static void check_folder(void)
{
    struct err err = {0};
    int64_t bytes = 0;

    if (tree_walk(root, check_found, &bytes, &err) != 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        abort();
    }
    MUST(bytes <= BYTES_MAX);
}

static int note_outside(void *context, const struct tree_found *found, struct err *err)
{
    (void)err;
    *(bool *)context = *(bool *)context || strncmp(found->inside, "first", 5) != 0;
    return 0;
}

static void check_again(void)
{
    OWN(tree_pack) struct tree_pack *first = NULL;
    OWN(tree_pack) struct tree_pack *second = NULL;
    unsigned char sum[SHA256_BYTES];
    struct err err = {0};

    if (pack(root, &first, &err) != 0 || unpack(tree_pack_fd(first), again, &err) != 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        abort();
    }
    memcpy(sum, tree_pack_digest(first), sizeof sum);
    MUST(pack(again, &second, &err) == 0);
    MUST(memcmp(sum, tree_pack_digest(second), sizeof sum) == 0);
}

static void start_folder(void)
{
    directory_create(folder);
    (void)snprintf(root, sizeof root, "%s/first", folder);
    (void)snprintf(again, sizeof again, "%s/again", folder);
    (void)snprintf(packed, sizeof packed, "%s/packed", folder);
}

void fuzz_start(void)
{
    (void)umask(0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    OWN(memory) char *lines = fuzz_text((const char *)data, size);
    OWN(buf) struct buf tar;
    struct err err = {0};
    bool is_outside = false;

    buf_init(&tar, 64 << 20);
    if (lines[strcspn(lines, "\t\n")] == '\t') {
        make_tar(lines, &tar);
    } else {
        buf_append(&tar, (const char *)data, size);
    }
    MUST(!tar.failed);
    OWN(fd) int fd = file_of(buf_text(&tar), tar.len);
    start_folder();
    int result = unpack(fd, root, &err);
    MUST(result == 0 || err.text[0] != '\0');
    MUST(tree_walk(folder, note_outside, &is_outside, &err) == 0 && !is_outside);
    check_folder();
    if (result == 0) {
        check_again();
    }
    directory_remove(folder);
    return 0;
}
