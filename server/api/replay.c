#include "server/api/replay.h"

#include <stdlib.h>

#include "server/api/read.h"
#include "server/api/request.h"
#include "server/api/stream.h"
#include "server/replay/replay.h"

/* Each holds what is stored of a study in memory. */
#define REPLAYS_MAX 2
#define HEARTBEAT_MS 15000

struct replayer {
    struct api *api;
    struct replay *replay;
    bool is_read;
};

static int read_slice(void *context, struct store *store, struct buf *out, bool *more,
                      struct err *err)
{
    struct replayer *replayer = context;
    bool reads_on;

    (void)out;
    TRY(replay_read(replayer->replay, store, &reads_on, err));
    replayer->is_read = !reads_on;
    *more = true;
    return 0;
}

static bool is_read(const void *context)
{
    const struct replayer *replayer = context;

    return replayer->is_read;
}

static int write_lines(void *context, const atomic_bool *stop, struct buf *out, bool *more,
                       struct err *err)
{
    struct replayer *replayer = context;

    return replay_write(replayer->replay, stop, out, more, err);
}

/* An empty line, while a suggestion takes long. */
static void heartbeat(void *context, struct buf *out)
{
    (void)context;
    buf_putc(out, '\n');
}

static void replayer_destroy(void *context)
{
    struct replayer *replayer = context;

    atomic_fetch_sub(&replayer->api->n_replays, 1);
    replay_destroy(replayer->replay);
    free(replayer);
}

static int create(struct read_request *read, int64_t until, struct replayer **replayer,
                  struct err *err)
{
    struct replayer *made = calloc(1, sizeof *made);

    if (made == NULL || replay_create(read->study->id, until, &made->replay, err) != 0) {
        free(made);
        return err_set(err, ERR_NOMEM, "the server is out of memory; repeat in a moment");
    }
    made->api = read->api;
    *replayer = made;
    return 0;
}

static int start_replay(struct read_request *read, struct err *err)
{
    struct replayer *replayer;
    int64_t until;

    TRY(query_int(read->request, "until", 0, 1, INT64_MAX, &until, err));
    if (!http_may_stream(read->request)) {
        return err_set(err, ERR_OVERLOADED, "too many streams are open; try again later");
    }
    if (atomic_fetch_add(&read->api->n_replays, 1) >= REPLAYS_MAX) {
        atomic_fetch_sub(&read->api->n_replays, 1);
        return err_set(err, ERR_OVERLOADED,
                       "%d studies are being replayed; try again when one is done", REPLAYS_MAX);
    }
    if (create(read, until, &replayer, err) != 0) {
        atomic_fetch_sub(&read->api->n_replays, 1);
        return -1;
    }
    const struct stream_source source = {.context = replayer,
                                         .read_chunk = read_slice,
                                         .think = write_lines,
                                         .needs_thinking = is_read,
                                         .heartbeat = heartbeat,
                                         .heartbeat_ms = HEARTBEAT_MS,
                                         .destroy = replayer_destroy};
    read->is_answered = true;
    stream_reply(read->api, read->request, &read->response, &source);
    return 0;
}

static const char *const replay_query[] = {"until", NULL};
STREAM_HANDLER(get_replay, FORMAT_BIT(FORMAT_NDJSON), FORMAT_NDJSON, replay_query, start_replay)
