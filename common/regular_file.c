#include "common/regular_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "common/own.h"

int regular_file_open(const char *path, int *fd, struct err *err)
{
    OWN(fd) int opened = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat file;

    if (opened < 0 || fstat(opened, &file) != 0) {
        return err_set(err, err_code_of_errno(errno), "%s cannot be read: %s", path,
                       strerror(errno));
    }
    if (S_ISDIR(file.st_mode)) {
        return err_set(err, ERR_IO, "%s cannot be read: %s", path, strerror(EISDIR));
    }
    if (!S_ISREG(file.st_mode)) {
        return err_set(err, ERR_IO, "%s cannot be read: it is a %s, not a regular file", path,
                       S_ISFIFO(file.st_mode) ? "FIFO" : "device or a socket");
    }
    *fd = opened;
    opened = -1;
    return 0;
}

int regular_file_stream(const char *path, FILE **stream, struct err *err)
{
    OWN(fd) int fd = -1;

    TRY(regular_file_open(path, &fd, err));
    *stream = fdopen(fd, "r");
    if (*stream == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    fd = -1;
    return 0;
}
