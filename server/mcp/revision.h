/* The revisions of MCP that are spoken here, and which one a request is of.
 *
 * From 2026-07-28 on a request says its revision itself: in params._meta, and once more in the
 * header MCP-Protocol-Version, beside Mcp-Method and Mcp-Name, all of which must agree. Before that
 * a client began with `initialize`; nothing of it is remembered here, the header says what was
 * agreed upon. Loop thread, for the headers are the request's. */
#ifndef SERVER_MCP_REVISION_H
#define SERVER_MCP_REVISION_H

#include "server/http/http.h"
#include "server/mcp/message.h"

enum revision {
    REVISION_2025_03_26,
    REVISION_2025_06_18,
    REVISION_2025_11_25, /* the newest that begins with initialize */
    REVISION_2026_07_28,
    REVISION_COUNT
};

/* Their names, the newest first; NULL-terminated. */
extern const char *const revision_names[REVISION_COUNT + 1];
/* "2026-07-28" */
const char *revision_name(enum revision revision);
/* *revision ← that of this name; false: there is none. */
bool revision_find(const char *name, enum revision *revision);
/* Does a request stand for itself, without `initialize` before it? */
bool revision_is_stateless(enum revision revision);

/* *revision ← that of the headers alone: for a batch, a notification, a fault. -1: they name one
 * that is not spoken here. */
int revision_of_headers(const struct http_request *request, enum revision *revision,
                        struct rpc_fault *fault);
/* *revision ← that of a request, whose headers and params are checked. -1: the fault; *revision is
 * the one to answer it in. */
int revision_of_message(const struct http_request *request, const struct message *message,
                        enum revision *revision, struct rpc_fault *fault);

/* Decodes "=?base64?…?=" into `out`, of `size` bytes; other texts are copied. False: it is neither
 * such a text nor one of visible ASCII characters and inner blanks, or too long. */
bool header_decode(const char *value, char *out, size_t size);

#endif
