/* The one path of all reads: it checks the names in the query, chooses the format, finds the study
 * of the path, calls the read of the route and answers with what it filled, or with its error.
 *
 * A READ_HANDLER runs on a reader thread, with a read-only connection; its statements end with
 * ERR_OVERLOADED when the client has left. A STREAM_HANDLER runs on the
 * loop thread without one: it begins an answer that is read chunk by chunk (stream.h). */
#ifndef SERVER_API_READ_H
#define SERVER_API_READ_H

#include "server/api/api.h"
#include "server/api/representation.h"

struct read_request {
    struct api *api;
    struct http_request *request;
    struct store *store;                 /* NULL in a STREAM_HANDLER */
    struct live_view *view;              /* held while the read runs */
    const struct live_study_view *study; /* of {study} in the path, else NULL */
    int64_t trial;                       /* of {trial} in the path, else 0 */
    enum format format;
    const struct representation *representation; /* NULL: the route has none */
    struct representation_query query;           /* of the other formats */
    struct http_response response; /* 200 of the format's type, for the read to fill */
    bool is_shown;                 /* the body is in the format already, by a list */
    bool is_answered;              /* by a stream or a thought (think.h), which took the response */
};

/* What a route needs: its formats, the one without ?format= and Accept, the query parameters that
 * it knows (NULL-terminated, or NULL), the read. */
struct read_kind {
    unsigned formats; /* without a representation: each of them is written by the read; 0: it has
                         but one */
    const struct representation
        *representation; /* NULL, or what the other formats show of the JSON that it writes */
    enum format otherwise;
    const char *const *query;
    int (*read)(struct read_request *read, struct err *err);
};

/* The note of a request that would have waited and found no place: its answer has Retry-After. */
#define READ_NOTE_NO_PLACE 1

/* Runs a read and answers. store: NULL on the loop thread. */
void read_run(struct http_request *request, struct store *store, const struct read_kind *kind);
/* What is left to do once a read has written its JSON: makes the format that was asked for of it.
 */
MUST_USE int read_show(struct read_request *read, struct err *err);
/* Answers with what read_show() left, or where the result is not 0 with the error. */
void read_answer(struct read_request *read, int result, const struct err *err);
/* Defers the request and runs `job(argument = request)` on a reader; answers if it cannot. */
void read_later(struct api *api, struct http_request *request,
                void (*job)(void *request, struct store *reader));
/* The same for an answer that is streamed; ERR_OVERLOADED while too many streams are open. */
void read_streamed(struct api *api, struct http_request *request,
                   void (*job)(void *request, struct store *reader));

/* Defines the handler `name`. With REPRESENTATION_HANDLER the read writes JSON, into the body or by
 * a list (list.h), and the representation makes the other formats of it. */
#define READ_HANDLER(name, allowed, known, function)                                               \
    static void name##_job(void *request, struct store *store)                                     \
    {                                                                                              \
        static const struct read_kind kind = {allowed, NULL, FORMAT_JSON, known, function};        \
        read_run(request, store, &kind);                                                           \
    }                                                                                              \
    void name(void *context, struct http_request *request)                                         \
    {                                                                                              \
        read_later(context, request, name##_job);                                                  \
    }
#define REPRESENTATION_HANDLER(name, shown, known, function)                                       \
    static void name##_job(void *request, struct store *store)                                     \
    {                                                                                              \
        static const struct read_kind kind = {0, shown, FORMAT_JSON, known, function};             \
        read_run(request, store, &kind);                                                           \
    }                                                                                              \
    void name(void *context, struct http_request *request)                                         \
    {                                                                                              \
        read_later(context, request, name##_job);                                                  \
    }
#define STREAM_HANDLER(name, allowed, otherwise, known, function)                                  \
    void name(void *context, struct http_request *request)                                         \
    {                                                                                              \
        static const struct read_kind kind = {allowed, NULL, otherwise, known, function};          \
        (void)context;                                                                             \
        read_run(request, NULL, &kind);                                                            \
    }

/* For a page that no read makes: the format of these that is asked for. False: another one is, and
 * the request has been refused. */
bool page_format(struct http_request *request, unsigned formats, enum format *format);

/* The query parameters of a table or a drawing, checked against the format: ERR_MALFORMED. */
MUST_USE int read_representation_query(const struct http_request *request,
                                       const struct representation *representation,
                                       enum format format, struct representation_query *query,
                                       struct err *err);

/* The row of read->study. ERR_NOT_FOUND when it was deleted a moment ago. */
MUST_USE int read_study_row(const struct read_request *read, struct study_row *row,
                            struct err *err);
/* *id ← that of a metric of read->study, as the store has it now; -1: nobody has measured it yet.
 */
MUST_USE int read_metric_id(const struct read_request *read, const char *name, int64_t *id,
                            struct err *err);
/* The name of a study by its id, borrowed from the view; NULL: it was deleted. */
const char *read_study_name(const struct live_view *view, int64_t id);

#endif
