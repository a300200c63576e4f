#include "worker/agent/kept_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/buf.h"

int kept_files_name(struct kept_files *files, const char *base, struct err *err)
{
    struct {
        char **path;
        const char *suffix;
    } parts[] = {{&files->job, "job"},
                 {&files->socket, "socket"},
                 {&files->exit, "exit"},
                 {&files->exit_new, "exit.new"},
                 {&files->printed[STREAM_OUTPUT], "stdout"},
                 {&files->printed[STREAM_ERRORS], "stderr"},
                 {&files->printed[STREAM_METRICS], "metrics"},
                 {&files->position, "position"}};

    *files = (struct kept_files){0};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (asprintf(parts[i].path, "%s.%s", base, parts[i].suffix) < 0) {
            *parts[i].path = NULL;
            kept_files_finish(files);
            return err_set(err, ERR_NOMEM, "out of memory");
        }
    }
    return 0;
}

void kept_files_finish(struct kept_files *files)
{
    free(files->job);
    free(files->socket);
    free(files->exit);
    free(files->exit_new);
    free(files->position);
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        free(files->printed[i]);
    }
    *files = (struct kept_files){0};
}

static void remove_one(const char *path)
{
    if (path != NULL) {
        (void)unlink(path);
    }
}

void kept_files_remove(const struct kept_files *files)
{
    remove_one(files->job);
    remove_one(files->socket);
    remove_one(files->exit);
    remove_one(files->exit_new);
    remove_one(files->position);
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        remove_one(files->printed[i]);
    }
}

/* ---- the socket ---- */

/* Its folder's descriptor and its name make an address that is short enough. */
static int address_of(const char *path, struct sockaddr_un *address, int *folder)
{
    const char *slash = strrchr(path, '/');
    OWN(memory)
    char *above = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);

    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    *folder = above == NULL ? -1 : open(above, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*folder < 0) {
        return -1;
    }
    int len = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", *folder,
                       slash == NULL ? path : slash + 1);
    if (len >= (int)sizeof address->sun_path) {
        (void)close(*folder);
        errno = ENAMETOOLONG;
        return -1;
    }
    return 0;
}

static int open_socket(const char *path,
                       int (*join)(int fd, const struct sockaddr *address, socklen_t len))
{
    struct sockaddr_un address;
    int folder;

    if (address_of(path, &address, &folder) != 0) {
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && join(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        int why = errno;
        (void)close(fd);
        errno = why;
        fd = -1;
    }
    int why = errno;
    (void)close(folder);
    errno = why;
    return fd;
}

static int bind_to(int fd, const struct sockaddr *address, socklen_t len)
{
    return fchmod(fd, 0600) == 0 ? bind(fd, address, len) : -1;
}

static int connect_to(int fd, const struct sockaddr *address, socklen_t len)
{
    return connect(fd, address, len);
}

int kept_files_bind(const char *path)
{
    (void)unlink(path);
    return open_socket(path, bind_to);
}

int kept_files_connect(const char *path)
{
    return open_socket(path, connect_to);
}
