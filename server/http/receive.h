/* Bodies that are handed on piece by piece (http_take_body()). Loop thread. For this folder alone.
 */
#ifndef SERVER_HTTP_RECEIVE_H
#define SERVER_HTTP_RECEIVE_H

#include "server/http/internal.h"

/* ERR_TOO_LARGE: the head announces more than `bytes_max`. */
MUST_USE int receive_judge_length(struct http_request *request, uint64_t bytes_max,
                                  struct err *err);
/* Takes the next bytes of the body. MHD_NO: close the connection. */
enum MHD_Result receive_piece(struct http_request *request, const char *bytes, size_t len);
/* The request is over; harmless where nothing was received. */
void receive_end(struct http_request *request);

#endif
