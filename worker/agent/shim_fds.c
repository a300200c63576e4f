#include "worker/agent/shim_fds.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/syscalls.h"
#include "worker/agent/shim_keep.h"

#define ABOVE 32 /* where nothing that is needed is overwritten */

static int move_up(int fd)
{
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, ABOVE);

    if (moved < 0) {
        _exit(1);
    }
    return moved;
}

void shim_fds_arrange(const struct shim_spec *spec)
{
    int moved[FD_END] = {0};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0) {
        _exit(1);
    }
    moved[FD_METRICS] = move_up(spec->writers[STREAM_METRICS]);
    moved[FD_OUTPUT] = move_up(spec->writers[STREAM_OUTPUT]);
    moved[FD_ERRORS] = move_up(spec->writers[STREAM_ERRORS]);
    moved[FD_CHANNEL] = move_up(spec->channel);
    for (int i = 0; i < STREAM_COUNT; i++) {
        moved[FD_READERS + i] = move_up(spec->readers[i]);
    }
    moved[FD_SOCKET] = move_up(spec->keep == NULL ? null : spec->keep->socket);
    (void)dup2(null, STDIN_FILENO);
    for (int fd = FD_METRICS; fd < FD_END; fd++) {
        (void)dup3(moved[fd], fd, O_CLOEXEC);
    }
    (void)dup2(FD_OUTPUT, STDOUT_FILENO);
    (void)dup2(FD_ERRORS, STDERR_FILENO);
    sys_close_range(FD_END, ~0U);
}

void shim_fds_leave_to_job(void)
{
    (void)close(FD_METRICS);
    (void)close(FD_OUTPUT);
    (void)close(FD_ERRORS);
    (void)dup2(STDIN_FILENO, STDOUT_FILENO);
    (void)dup2(STDIN_FILENO, STDERR_FILENO);
}
