/* Backups of the database, made by the server beside its work. */
#ifndef SERVER_API_BACKUPS_H
#define SERVER_API_BACKUPS_H

#include "common/buf.h"
#include "server/api/api.h"

/* GET and POST /v1/backups */
void get_backups(void *api, struct http_request *request);
void post_backup(void *api, struct http_request *request);
/* The answer to the one that was ordered. */
void encode_backup(const struct command *command, struct http_response *response);

#endif
