/* The attempt that a lease's id names, for what is done beside the writer: its log, its checkpoint.
 * Reader thread. */
#ifndef SERVER_API_LEASE_ROW_H
#define SERVER_API_LEASE_ROW_H

#include "server/api/api.h"

/* How long after the end of an attempt its worker may still send what it printed. */
#define AFTER_END_MS ((int64_t)3600 * 1000)

/* *row ← the attempt of {lease} in the path; the caller finishes it. ERR_NOT_FOUND: there is no
 * such lease; ERR_LEASE_ENDED: since more than AFTER_END_MS, or its study was deleted. */
MUST_USE int lease_row_load(struct api *api, const struct http_request *request,
                            struct store *store, struct attempt_row *row, struct err *err);

#endif
