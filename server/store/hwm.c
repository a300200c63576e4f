#include "server/store/hwm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crc32c.h"
#include "common/own.h"

#define LINE_BYTES 512
#define SUM " crc32c="

/* ---- a line ---- */

static void write_line(const struct hwm *mark, char line[LINE_BYTES])
{
    int len = snprintf(line, LINE_BYTES, "hone-hwm 1 identity=%s epoch=%" PRId64 " commit=%" PRId64,
                       mark->identity, mark->epoch, mark->commit);

    len += snprintf(line + len, (size_t)(LINE_BYTES - len), SUM "%08" PRIx32,
                    crc32c(0, line, (size_t)len));
    memset(line + len, ' ', (size_t)(LINE_BYTES - 1 - len));
    line[LINE_BYTES - 1] = '\n';
}

/* A line counts when it is what would be written for what it says. */
static bool read_line(const char line[LINE_BYTES], struct hwm *mark)
{
    char text[LINE_BYTES + 1] = "";
    char again[LINE_BYTES];
    struct hwm found = {.epoch = 0};

    memcpy(text, line, LINE_BYTES);
    if (sscanf(text, "hone-hwm 1 identity=%32[0-9a-f] epoch=%" SCNd64 " commit=%" SCNd64,
               found.identity, &found.epoch, &found.commit)
        != 3) {
        return false;
    }
    write_line(&found, again);
    if (memcmp(line, again, LINE_BYTES) != 0) {
        return false;
    }
    *mark = found;
    return true;
}

/* ---- the file ---- */

static int failed(const char *doing, const char *place, struct err *err)
{
    return err_set(err, err_code_of_errno(errno), "cannot %s %s: %s", doing, place,
                   strerror(errno));
}

int hwm_read(const char *directory, struct hwm *mark, bool *found, struct err *err)
{
    char path[4096];
    char lines[2][LINE_BYTES] = {0};
    struct hwm marks[2] = {0};

    (void)snprintf(path, sizeof path, "%s/hwm", directory);
    OWN(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    *found = false;
    if (fd < 0 && errno == ENOENT) {
        return 0;
    }
    if (fd < 0 || pread(fd, lines, sizeof lines, 0) < 0) {
        return failed("read", path, err);
    }
    *found = true;
    bool first = read_line(lines[0], &marks[0]);
    bool second = read_line(lines[1], &marks[1]);
    if (!first && !second) {
        return err_set(err, ERR_IO, "%s is damaged: it does not say how much is on disk", path);
    }
    bool second_is_newer =
        second
        && (!first || marks[1].epoch > marks[0].epoch
            || (marks[1].epoch == marks[0].epoch && marks[1].commit > marks[0].commit));
    *mark = marks[second_is_newer ? 1 : 0];
    return 0;
}

/* A file is cut short where the disk is nearly full. */
static int write_whole(int fd, const char *bytes, size_t len, off_t at)
{
    ssize_t n = pwrite(fd, bytes, len, at);

    if (n >= 0 && (size_t)n < len) {
        errno = ENOSPC;
    }
    return n >= 0 && (size_t)n == len ? 0 : -1;
}

int hwm_open(const char *directory, const struct hwm *mark, struct hwm_file *file, struct err *err)
{
    char path[4096];
    char fresh[4096 + 8];
    char lines[2][LINE_BYTES];

    (void)snprintf(path, sizeof path, "%s/hwm", directory);
    (void)snprintf(fresh, sizeof fresh, "%s.new", path);
    write_line(mark, lines[0]);
    write_line(mark, lines[1]);
    OWN(fd) int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    OWN(fd) int folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || folder < 0 || write_whole(fd, (const char *)lines, sizeof lines, 0) != 0
        || fsync(fd) != 0 || rename(fresh, path) != 0 || fsync(folder) != 0) {
        return failed("write", path, err);
    }
    *file = (struct hwm_file){.fd = fd};
    fd = -1;
    return 0;
}

int hwm_write(struct hwm_file *file, const struct hwm *mark, struct err *err)
{
    char line[LINE_BYTES];
    struct stat st;

    write_line(mark, line);
    if (fstat(file->fd, &st) == 0 && st.st_nlink == 0) {
        return err_set(err, ERR_IO, "the file hwm, the mark of what is on disk, was removed");
    }
    if (write_whole(file->fd, line, sizeof line, (off_t)file->next * LINE_BYTES) != 0
        || fdatasync(file->fd) != 0) {
        return failed("write", "hwm, the mark of what is on disk", err);
    }
    file->next = 1 - file->next;
    return 0;
}

void hwm_close(struct hwm_file *file)
{
    if (file->fd >= 0) {
        (void)close(file->fd);
    }
    file->fd = -1;
}
