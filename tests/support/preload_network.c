/* The part of preload.c for the network: calls to TCP sockets fail.
 *
 * With HONE_TEST_NETWORK=FILE, where FILE holds "send 7 reset": of the calls to TCP sockets since
 * FILE is there with this text the 7th that sends fails, and FILE becomes FILE.done; calls of
 * children do not count. The calls are accept, connect, recv and send, each by any of its
 * functions; the ways to fail are
 *
 * - reset: send and recv fail with ECONNRESET, connect with ECONNREFUSED, accept with ECONNABORTED;
 * - lost: send reports success without sending, recv drops the data and reports the end of the
 *   stream, connect fails with ETIMEDOUT, accept with ENOBUFS;
 * - short: send and recv transfer one byte.
 *
 * After "reset" and "lost" the socket is shut down in both directions, so that later calls fail as
 * on a real network. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/support/preload.h"

enum network_failure { NETWORK_WORKS, NETWORK_RESET, NETWORK_LOST, NETWORK_SHORT };

static bool is_tcp(int fd)
{
    int domain = 0;
    socklen_t len = sizeof domain;

    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0
           && (domain == AF_INET || domain == AF_INET6);
}

/* text ← what the file orders; false: there is no file. */
static bool read_order(const char *file, char *text, size_t size)
{
    FILE *order = fopen(file, "re");
    size_t len = order == NULL ? 0 : fread(text, 1, size - 1, order);

    text[len] = '\0';
    return order != NULL && fclose(order) == 0;
}

static enum network_failure failure_named(const char *name)
{
    return strcmp(name, "reset") == 0  ? NETWORK_RESET
           : strcmp(name, "lost") == 0 ? NETWORK_LOST
                                       : NETWORK_SHORT;
}

/* Counts a call if it is of the kind that the order is about; whether it is the one that fails. */
static bool is_ordered(const char *text, const char *call, enum network_failure *how)
{
    static char last[64];
    static long n_calls;
    char kind[16];
    char name[16];
    long k;

    if (strcmp(text, last) != 0) {
        (void)snprintf(last, sizeof last, "%s", text);
        n_calls = 0;
    }
    if (sscanf(text, "%15s %ld %15s", kind, &k, name) != 3 || strcmp(kind, call) != 0) {
        return false;
    }
    *how = failure_named(name);
    return ++n_calls == k;
}

/* How this call fails. */
static enum network_failure next_failure(int fd, const char *call)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    const char *file = getenv("HONE_TEST_NETWORK");
    enum network_failure how = NETWORK_WORKS;
    char text[64];
    char done[4096];

    if (file == NULL || !is_first_process() || !is_tcp(fd)) {
        return NETWORK_WORKS;
    }
    (void)pthread_mutex_lock(&lock);
    bool fails = read_order(file, text, sizeof text) && is_ordered(text, call, &how);
    if (fails) {
        (void)snprintf(done, sizeof done, "%s.done", file);
        (void)rename(file, done);
    }
    (void)pthread_mutex_unlock(&lock);
    return fails ? how : NETWORK_WORKS;
}

/* The connection is over at both ends. */
static ssize_t fail_at(int fd, int error)
{
    (void)shutdown(fd, SHUT_RDWR);
    errno = error;
    return -1;
}

typedef ssize_t recv_function(int fd, void *bytes, size_t len, int flags);
typedef ssize_t send_function(int fd, const void *bytes, size_t len, int flags);

ssize_t recv(int fd, void *bytes, size_t len, int flags)
{
    void *found = libc_function("recv");
    recv_function *real;

    memcpy(&real, &found, sizeof real);
    enum network_failure how = next_failure(fd, "recv");
    if (how == NETWORK_LOST) {
        (void)real(fd, bytes, len, flags | MSG_DONTWAIT);
        (void)shutdown(fd, SHUT_RDWR);
        return 0;
    }
    return how == NETWORK_RESET ? fail_at(fd, ECONNRESET)
                                : real(fd, bytes, how == NETWORK_SHORT && len > 1 ? 1 : len, flags);
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    void *found = libc_function("send");
    send_function *real;

    memcpy(&real, &found, sizeof real);
    enum network_failure how = next_failure(fd, "send");
    if (how == NETWORK_LOST) {
        (void)shutdown(fd, SHUT_RDWR);
        return (ssize_t)len;
    }
    return how == NETWORK_RESET ? fail_at(fd, ECONNRESET)
                                : real(fd, bytes, how == NETWORK_SHORT && len > 1 ? 1 : len, flags);
}

static ssize_t len_of(const struct iovec *parts, size_t n)
{
    ssize_t len = 0;

    for (size_t i = 0; i < n; i++) {
        len += (ssize_t)parts[i].iov_len;
    }
    return len;
}

/* Of a call that sends several parts: true and *result, if it fails. */
static bool fails_in_parts(int fd, const struct iovec *parts, size_t n, ssize_t *result)
{
    enum network_failure how = next_failure(fd, "send");

    if (how == NETWORK_LOST) {
        (void)shutdown(fd, SHUT_RDWR);
        *result = len_of(parts, n);
    } else if (how == NETWORK_RESET) {
        *result = fail_at(fd, ECONNRESET);
    } else if (how == NETWORK_SHORT && n > 0) {
        void *found = libc_function("send");
        send_function *real;

        memcpy(&real, &found, sizeof real);
        *result = real(fd, parts[0].iov_base, parts[0].iov_len > 0 ? 1 : 0, MSG_NOSIGNAL);
    }
    return how != NETWORK_WORKS;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    ssize_t (*real)(int, const struct msghdr *, int);
    void *found = libc_function("sendmsg");
    ssize_t result;

    memcpy(&real, &found, sizeof real);
    return fails_in_parts(fd, message->msg_iov, message->msg_iovlen, &result)
               ? result
               : real(fd, message, flags);
}

ssize_t writev(int fd, const struct iovec *parts, int n)
{
    ssize_t (*real)(int, const struct iovec *, int);
    void *found = libc_function("writev");
    ssize_t result;

    memcpy(&real, &found, sizeof real);
    return fails_in_parts(fd, parts, (size_t)n, &result) ? result : real(fd, parts, n);
}

ssize_t sendfile64(int out, int in, off64_t *at, size_t len)
{
    ssize_t (*real)(int, int, off64_t *, size_t);
    void *found = libc_function("sendfile64");

    memcpy(&real, &found, sizeof real);
    enum network_failure how = next_failure(out, "send");
    return how == NETWORK_RESET || how == NETWORK_LOST
               ? fail_at(out, ECONNRESET)
               : real(out, in, at, how == NETWORK_SHORT ? 1 : len);
}

int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t len)
{
    int (*real)(int, __CONST_SOCKADDR_ARG, socklen_t);
    void *found = libc_function("connect");

    memcpy(&real, &found, sizeof real);
    enum network_failure how = next_failure(fd, "connect");
    if (how == NETWORK_RESET || how == NETWORK_LOST) {
        errno = how == NETWORK_RESET ? ECONNREFUSED : ETIMEDOUT;
        return -1;
    }
    return real(fd, address, len);
}

int accept4(int listener, __SOCKADDR_ARG address, socklen_t *len, int flags)
{
    int (*real)(int, __SOCKADDR_ARG, socklen_t *, int);
    void *found = libc_function("accept4");

    memcpy(&real, &found, sizeof real);
    enum network_failure how = next_failure(listener, "accept");
    if (how == NETWORK_LOST) {
        errno = ENOBUFS;
        return -1;
    }
    int fd = real(listener, address, len, flags);
    if (how == NETWORK_RESET && fd >= 0) {
        (void)close(fd);
        errno = ECONNABORTED;
        return -1;
    }
    return fd;
}
