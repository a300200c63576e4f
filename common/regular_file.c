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
        return err_set(err, ERR_IO, "cannot read %s: %s", path, strerror(errno));
    }
    if (!S_ISREG(file.st_mode)) {
        return err_set(err, ERR_IO, "cannot read %s: it is a %s, not a file", path,
                       S_ISDIR(file.st_mode)    ? "directory"
                       : S_ISFIFO(file.st_mode) ? "FIFO"
                                                : "device or socket");
    }
    *fd = opened;
    opened = -1;
    return 0;
}
