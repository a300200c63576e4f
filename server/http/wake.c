#include "server/http/wake.h"

#include <unistd.h>

void server_wake_locked(struct http_server *server)
{
    static const uint64_t one = 1;

    if (!server->wake_pending) {
        server->wake_pending = true;
        ssize_t written = write(server->wake_fd, &one, sizeof one);
        (void)written; /* a full counter wakes as well */
    }
}
