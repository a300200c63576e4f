/* A socket in the file system. Whoever may write to the file may connect. For this folder alone. */
#ifndef SERVER_HTTP_UNIX_SOCKET_H
#define SERVER_HTTP_UNIX_SOCKET_H

#include "server/http/internal.h"

/* The path in "unix:/path"; NULL: the text is no such address. */
const char *unix_socket_path(const char *listen);
/* Binds and listens, with these rights. A socket that a killed server left is replaced; one at
 * which somebody listens is not, and nothing that is no socket. ERR_INVALID, ERR_OVERLOADED,
 * ERR_IO. */
MUST_USE int unix_socket_open(struct listener *listener, unsigned mode, struct err *err);
/* Removes the file, if it is still the one that was made. */
void unix_socket_remove(struct listener *listener);

#endif
