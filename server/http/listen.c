/* Where we listen, and what is refused there. */
#include "server/http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server/http/unix_socket.h"

#define BACKLOG 1024
#define SOCKET_MODE 0660

/* "127.0.0.1:4663", "[::1]:0" → an address. */
static int parse_address(const char *text, struct sockaddr_storage *address, socklen_t *len,
                         struct err *err)
{
    char name[64];
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    unsigned long port = colon == NULL ? 0 : strtoul(colon + 1, &end, 10);

    if (colon == NULL || colon[1] < '0' || colon[1] > '9' || *end != '\0' || port > 65535
        || (size_t)(colon - text) >= sizeof name) {
        return err_set(err, ERR_INVALID,
                       "\"%.100s\" is no address to listen on; write ADDRESS:PORT, such as "
                       "127.0.0.1:4663 or [::1]:4663, or unix:/PATH",
                       text);
    }
    memcpy(name, text, (size_t)(colon - text));
    name[colon - text] = '\0';
    size_t name_len = strlen(name);
    struct sockaddr_in *in = (struct sockaddr_in *)address;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;
    memset(address, 0, sizeof *address);
    if (strcmp(name, "localhost") == 0) {
        strcpy(name, "127.0.0.1");
    }
    if (inet_pton(AF_INET, name, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons((uint16_t)port);
        *len = sizeof *in;
        return 0;
    }
    if (name_len > 2 && name[0] == '[' && name[name_len - 1] == ']') {
        name[name_len - 1] = '\0';
        if (inet_pton(AF_INET6, name + 1, &in6->sin6_addr) == 1) {
            in6->sin6_family = AF_INET6;
            in6->sin6_port = htons((uint16_t)port);
            *len = sizeof *in6;
            return 0;
        }
    }
    return err_set(err, ERR_INVALID,
                   "\"%.60s\" is no address of this machine; write a numeric one, such as "
                   "127.0.0.1, 0.0.0.0 or [::1]",
                   name);
}

static bool is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        return (ntohl(in->sin_addr.s_addr) >> 24) == 127;
    }
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
    return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

static int check_rules(const struct http_server *server, const struct listener *listener,
                       struct err *err)
{
    const struct http_settings *settings = &server->settings;

    if (server->tls && unix_socket_path(listener->text) != NULL) {
        return err_set(err, ERR_INVALID,
                       "with --tls-cert every connection is encrypted, and no client does that on "
                       "%.100s; leave one of them out",
                       listener->text);
    }
    if (listener->is_local) {
        return 0;
    }
    if (settings->open) {
        return err_set(err, ERR_INVALID,
                       "--open lets anybody in and is refused on %s; listen on 127.0.0.1, or "
                       "leave --open out and use tokens",
                       listener->text);
    }
    if (settings->tls_cert_file == NULL && !settings->behind_proxy && !settings->plain_http) {
        return err_set(err, ERR_INVALID,
                       "tokens would cross the network in the clear on %s; give --tls-cert and "
                       "--tls-key, or --behind-proxy if a proxy does TLS, or --plain-http if the "
                       "network is trusted",
                       listener->text);
    }
    return 0;
}

static int open_socket(struct listener *listener, const struct sockaddr_storage *address,
                       socklen_t len, struct err *err)
{
    OWN(fd) int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0) {
        return err_set(err, err_code_of_errno(errno), "no socket to listen with: %s",
                       strerror(errno));
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)address, len) != 0 || listen(fd, BACKLOG) != 0) {
        if (errno == EADDRINUSE) {
            return err_set(err, ERR_OVERLOADED,
                           "%s is in use: another server may be running there (ss -ltnp tells "
                           "which); stop it or listen elsewhere with --listen",
                           listener->text);
        }
        return err_set(err, err_code_of_errno(errno), "cannot listen on %s: %s", listener->text,
                       strerror(errno));
    }
    listener->fd = fd;
    fd = -1;
    return 0;
}

static void write_url(const struct http_server *server, struct listener *listener)
{
    struct sockaddr_storage bound = {0};
    socklen_t len = sizeof bound;
    char name[INET6_ADDRSTRLEN] = "";
    const char *scheme = server->tls ? "https" : "http";

    (void)getsockname(listener->fd, (struct sockaddr *)&bound, &len);
    if (bound.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&bound;
        (void)inet_ntop(AF_INET6, &in6->sin6_addr, name, sizeof name);
        (void)snprintf(listener->url, sizeof listener->url, "%s://[%s]:%u", scheme, name,
                       (unsigned)ntohs(in6->sin6_port));
    } else {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&bound;
        (void)inet_ntop(AF_INET, &in->sin_addr, name, sizeof name);
        (void)snprintf(listener->url, sizeof listener->url, "%s://%s:%u", scheme, name,
                       (unsigned)ntohs(in->sin_port));
    }
}

static int open_one(struct http_server *server, struct listener *listener, struct err *err)
{
    struct sockaddr_storage address;
    socklen_t len = 0;

    if (unix_socket_path(listener->text) != NULL) {
        unsigned mode = server->settings.socket_mode;
        listener->is_local = true;
        TRY(check_rules(server, listener, err));
        TRY(unix_socket_open(listener, mode == 0 ? SOCKET_MODE : mode, err));
        (void)snprintf(listener->url, sizeof listener->url, "%s", listener->text);
        return 0;
    }
    TRY(parse_address(listener->text, &address, &len, err));
    listener->is_local = is_loopback(&address);
    TRY(check_rules(server, listener, err));
    TRY(open_socket(listener, &address, len, err));
    write_url(server, listener);
    return 0;
}

int listen_open(struct http_server *server, struct err *err)
{
    const struct http_settings *settings = &server->settings;

    if ((settings->tls_cert_file == NULL) != (settings->tls_key_file == NULL)) {
        return err_set(err, ERR_INVALID, "TLS needs both files: --tls-cert and --tls-key");
    }
    server->tls = settings->tls_cert_file != NULL;
    for (size_t i = 0; i < HTTP_LISTENERS_MAX && settings->listen[i] != NULL; i++) {
        struct listener *listener = &server->listeners[i];
        *listener = (struct listener){.text = settings->listen[i], .fd = -1};
        server->n_listeners++;
        TRY(open_one(server, listener, err));
    }
    return 0;
}

void listener_close(struct listener *listener)
{
    unix_socket_remove(listener);
    if (listener->fd >= 0) {
        (void)close(listener->fd);
        listener->fd = -1;
    }
}
