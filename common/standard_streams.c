#include "common/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

int standard_streams_hold(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) {
            continue;
        }
        /* open() takes the lowest number that is free, which is this one. The other direction than
         * the stream's: its use fails. */
        if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) {
            return -1;
        }
    }
    return 0;
}
