#include "worker/agent/shim_keep.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/agent/shim_fds.h"

#define CALLS_WAITING 4
#define RECORD_BYTES 256
#define SPLICE_BYTES ((size_t)1 << 20)

bool shim_keep_listen(void)
{
    return listen(FD_SOCKET, CALLS_WAITING) == 0;
}

static bool is_same_user(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0
           && (peer.uid == geteuid() || peer.uid == 0);
}

static bool send_hello(int call, const struct shim_keep *keep, pid_t leader)
{
    struct shim_hello hello = {.shim = (int32_t)getpid(), .leader = (int32_t)leader};
    int readers[STREAM_COUNT];
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof readers)];
    } control = {0};
    struct iovec part = {.iov_base = &hello, .iov_len = sizeof hello};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};

    memcpy(hello.attempt_id, keep->attempt_id, sizeof hello.attempt_id);
    for (int i = 0; i < STREAM_COUNT; i++) {
        readers[i] = FD_READERS + i;
    }
    control.header = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof readers), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), readers, sizeof readers);
    return sendmsg(call, &message, MSG_NOSIGNAL) == (ssize_t)sizeof hello;
}

int shim_keep_answer(const struct shim_keep *keep, pid_t leader)
{
    int call = accept4(FD_SOCKET, NULL, NULL, SOCK_CLOEXEC);

    if (call >= 0 && (!is_same_user(call) || !send_hello(call, keep, leader))) {
        (void)close(call);
        return -1;
    }
    return call;
}

/* ---- no agent has called ---- */

/* Appends what the pipe holds. */
static void keep_rest(int reader, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);

    while (fd >= 0
           && splice(reader, NULL, fd, &end, SPLICE_BYTES, SPLICE_F_MOVE | SPLICE_F_NONBLOCK) > 0) {
    }
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

void shim_keep_end(const struct shim_keep *keep, const struct shim_exit *ended)
{
    char text[RECORD_BYTES];

    for (int i = 0; i < STREAM_COUNT; i++) {
        keep_rest(FD_READERS + i, keep->printed[i]);
    }
    int len =
        snprintf(text, sizeof text, "%s %d %d %" PRId64 " %" PRId64 " end\n", keep->attempt_id,
                 ended->status, ended->was_killed ? 1 : 0, ended->peak_kib, ended->oom_kills);
    int fd = open(keep->exit_new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool is_written = fd >= 0 && write(fd, text, (size_t)len) == len && fsync(fd) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    if (is_written) {
        (void)rename(keep->exit_new, keep->exit_path);
    }
}

/* ---- in the next agent ---- */

bool shim_keep_read_exit(const char *path, const char *attempt_id, struct shim_exit *ended)
{
    char id[RECORD_BYTES];
    char end[8] = "";
    FILE *file = fopen(path, "re");
    bool is_read = false;
    int killed = 0;

    if (file != NULL) {
        is_read = fscanf(file, "%255s %d %d %" SCNd64 " %" SCNd64 " %7s", id, &ended->status,
                         &killed, &ended->peak_kib, &ended->oom_kills, end)
                      == 6
                  && strcmp(end, "end") == 0 && strcmp(id, attempt_id) == 0;
        (void)fclose(file);
    }
    ended->was_killed = killed == 1;
    return is_read;
}
