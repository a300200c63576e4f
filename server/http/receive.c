/* A body that is handed on as it comes. While its receiver cannot take more, the connection is
 * suspended, so that a client cannot send faster than the disk writes. Whoever sends at least
 * PROGRESS_BYTES within the time of a body gets as much time again. */
#include "server/http/receive.h"

#include <stdlib.h>

#include "server/http/limits.h"
#include "server/http/request.h"
#include "server/http/response.h"

#define PROGRESS_BYTES ((size_t)256 << 10)

void http_take_body(struct http_request *request, const struct http_receiver *receiver)
{
    request->receiver = *receiver;
}

int receive_judge_length(struct http_request *request, uint64_t bytes_max, struct err *err)
{
    const char *length = http_header(request, "Content-Length");

    if (length != NULL && strtoull(length, NULL, 10) > bytes_max) {
        request->close_after = true;
        return err_set(err, ERR_TOO_LARGE, "the body has %.20s bytes; at most %llu are taken here",
                       length, (unsigned long long)bytes_max);
    }
    return 0;
}

static void pause_client(struct http_request *request)
{
    request->receive_waits = true;
    deadline_clear(request->connection);
    waiting_add(request);
    MHD_suspend_connection(request->mhd);
}

static void note_progress(struct http_request *request, size_t len)
{
    request->progress += len;
    if (request->progress >= PROGRESS_BYTES || request->connection->deadline.next == NULL) {
        request->progress = 0;
        deadline_set(request->connection, DEADLINE_BODY);
    }
}

/* MHD takes no answer in the middle of a body, and the client may send for ever. */
static enum MHD_Result refuse_size(struct http_request *request)
{
    struct err err = {0};

    (void)err_set(&err, ERR_TOO_LARGE, "the body has more than the %llu bytes taken here",
                  (unsigned long long)request->receiver.bytes_max);
    answer_unframed(request, &err);
    return MHD_NO;
}

enum MHD_Result receive_piece(struct http_request *request, const char *bytes, size_t len)
{
    if (request->body_received > request->receiver.bytes_max) {
        return refuse_size(request);
    }
    if (request->refusal != NULL) {
        return MHD_YES;
    }
    note_progress(request, len);
    enum http_taken taken = request->receiver.take(request->receiver.context, bytes, len);
    if (taken == HTTP_TAKEN_WAIT && !request->receive_waits) {
        pause_client(request);
    }
    return MHD_YES;
}

void http_receive_more(struct http_request *request)
{
    answer_announce(request);
}

void receive_end(struct http_request *request)
{
    if (request->receiver.finish != NULL) {
        request->receiver.finish(request->receiver.context);
    }
}
