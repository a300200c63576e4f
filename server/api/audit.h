/* Who changed what. */
#ifndef SERVER_API_AUDIT_H
#define SERVER_API_AUDIT_H

struct http_request;

/* GET /v1/audit */
void get_audit(void *api, struct http_request *request);

#endif
