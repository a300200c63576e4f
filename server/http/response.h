/* Finished answers on their way to MHD. For this folder alone. */
#ifndef SERVER_HTTP_RESPONSE_H
#define SERVER_HTTP_RESPONSE_H

#include "server/http/internal.h"

/* Hands the finished answer to MHD (loop thread). MHD_NO: close the connection. */
enum MHD_Result answer_queue(struct http_request *request);
/* Builds and gives the problem document for `err`. Any thread, like http_reply(). */
void answer_problem(struct http_request *request, const struct err *err);
/* Has the loop resume the request. Any thread; the request is suspended. */
void answer_announce(struct http_request *request);
/* Releases an answer that was not queued. */
void answer_drop(struct answer *answer);
/* Writes the problem document for `err` to the socket past MHD, which has given the connection up;
 * not over TLS. Loop thread. */
void answer_unframed(struct http_request *request, const struct err *err);

#endif
