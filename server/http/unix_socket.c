#include "server/http/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define BACKLOG 1024
#define LOCK_TRIES 50
#define LOCK_TRY_MS 20

static const char scheme[] = "unix:";

const char *unix_socket_path(const char *listen)
{
    return strncmp(listen, scheme, sizeof scheme - 1) == 0 ? listen + sizeof scheme - 1 : NULL;
}

static int fill_address(const char *path, struct sockaddr_un *address, struct err *err)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (path[0] != '/') {
        return err_set(err, ERR_INVALID,
                       "\"%.100s\" is no path of a socket; write it from the root on, such as "
                       "unix:/run/hone/honed.sock",
                       path);
    }
    if (strlen(path) >= sizeof address->sun_path) {
        return err_set(err, ERR_INVALID,
                       "the path of the socket, %.150s, is longer than the %zu characters that the "
                       "system takes",
                       path, sizeof address->sun_path - 1);
    }
    (void)snprintf(address->sun_path, sizeof address->sun_path, "%s", path);
    return 0;
}

/* Nobody listens there any more: the file of a server that was killed. */
static bool is_stale(const struct sockaddr_un *address)
{
    OWN(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    return fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) != 0
           && errno == ECONNREFUSED;
}

static int make_way(const struct sockaddr_un *address, struct err *err)
{
    const char *path = address->sun_path;
    struct stat there;

    if (lstat(path, &there) != 0) {
        return 0; /* bind() says what else is wrong */
    }
    if (!S_ISSOCK(there.st_mode)) {
        return err_set(err, ERR_IO, "%s is there already and is no socket; name another path",
                       path);
    }
    if (!is_stale(address)) {
        return err_set(err, ERR_OVERLOADED,
                       "%s is in use: another server may be listening there (ss -lxp tells which); "
                       "stop it or listen elsewhere with --listen",
                       path);
    }
    if (unlink(path) != 0) {
        return err_set(err, ERR_IO, "cannot remove the socket %s that a former server left: %s",
                       path, strerror(errno));
    }
    return 0;
}

/* *fd ← the folder, locked until it is closed. Of two servers that find the same stale socket at
 * once, or one before the other listens, each would remove the other's. A folder that cannot be
 * locked, or not be read, is none of ours: bind() says what else is wrong. */
static int lock_folder(const char *path, int *fd, struct err *err)
{
    char folder[sizeof(struct sockaddr_un)];

    (void)snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    slash[slash == folder ? 1 : 0] = '\0';
    *fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; *fd >= 0 && flock(*fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK; i++) {
        if (i == LOCK_TRIES) {
            return err_set(err, ERR_OVERLOADED,
                           "another program has locked %s, where the socket %s belongs: another "
                           "server may be starting there; try again",
                           folder, path);
        }
        (void)poll(NULL, 0, LOCK_TRY_MS);
    }
    return 0;
}

int unix_socket_open(struct listener *listener, unsigned mode, struct err *err)
{
    const char *path = unix_socket_path(listener->text);
    struct sockaddr_un address;
    struct stat made;

    TRY(fill_address(path, &address, err));
    OWN(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return err_set(err, err_code_of_errno(errno), "no socket to listen with: %s",
                       strerror(errno));
    }
    OWN(fd) int folder = -1;
    TRY(lock_folder(path, &folder, err));
    TRY(make_way(&address, err));
    /* The umask of the server leaves it to its owner until the rights are set. */
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0
        || lstat(path, &made) != 0) {
        return err_set(err, err_code_of_errno(errno), "cannot make the socket %s: %s", path,
                       strerror(errno));
    }
    listener->device = made.st_dev;
    listener->inode = made.st_ino;
    if (chmod(path, mode) != 0 || listen(fd, BACKLOG) != 0) {
        (void)err_set(err, err_code_of_errno(errno), "cannot listen on the socket %s: %s", path,
                      strerror(errno));
        unix_socket_remove(listener);
        return -1;
    }
    listener->fd = fd;
    fd = -1;
    return 0;
}

void unix_socket_remove(struct listener *listener)
{
    const char *path = unix_socket_path(listener->text);
    struct stat there;

    if (listener->inode != 0 && lstat(path, &there) == 0 && there.st_dev == listener->device
        && there.st_ino == listener->inode) {
        (void)unlink(path);
    }
    listener->inode = 0;
}
