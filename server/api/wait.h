/* ?wait=SECONDS: a read of a study, of a trial or of brackets that is answered when something has
 * happened to it, or the time is over, at most a minute later.
 *
 *   after=SEQ              something after this event; without it, after the request
 *   If-None-Match: "3-17"  the same for the ETag of a study, which holds its revision and that
 * number
 *
 * A trial has changed, too, when it has measured something. Of more than HTTP's places for streams
 * and waits, a request is answered at once, with Retry-After. */
#ifndef SERVER_API_WAIT_H
#define SERVER_API_WAIT_H

#include "server/api/read.h"

/* As REPRESENTATION_HANDLER, for reads that take wait= and after=, which `known` must list. */
#define WAIT_HANDLER(name, shown, known, function)                                                 \
    static void name##_job(void *request, struct store *store)                                     \
    {                                                                                              \
        static const struct read_kind kind = {0, shown, FORMAT_JSON, known, function};             \
        read_run(request, store, &kind);                                                           \
    }                                                                                              \
    void name(void *context, struct http_request *request)                                         \
    {                                                                                              \
        wait_then_read(context, request, name##_job);                                              \
    }

/* read_later(), when the time has come. */
void wait_then_read(struct api *api, struct http_request *request,
                    void (*job)(void *request, struct store *reader));
/* In the read of a study: sets ETag and Server-Seq; *unchanged when If-None-Match has the tag of a
 * moment since which nothing has happened to the study: the response is then 304, without a body.
 */
MUST_USE int wait_tag_study(struct read_request *read, int64_t revision, bool *unchanged,
                            struct err *err);
/* The revision in an ETag of a study, which may be quoted and may have its number behind it; false:
 * it is none. */
bool wait_tag_revision(const char *text, int64_t *revision);
/* Sets Server-Seq alone, for the other reads that wait. */
MUST_USE int wait_tag(struct read_request *read, struct err *err);

/* Measurements are on disk: ends the waits for their trials. Writer thread. */
void wait_note_measurements(struct api *api, struct command *const commands[], size_t n);

#endif
