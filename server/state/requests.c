#include "server/state/requests.h"

#include <stdlib.h>
#include <string.h>

#include "common/planted.h"

static uint64_t key_of(const unsigned char request[16])
{
    uint64_t key;

    memcpy(&key, request, sizeof key);
    return key;
}

struct cached_request *request_find(const struct state *state, const unsigned char request[16])
{
    struct cached_request *found = map_get(&state->request_cache, key_of(request));

    return found != NULL && memcmp(found->request, request, sizeof found->request) == 0 ? found
                                                                                        : NULL;
}

int request_put(struct state *state, const unsigned char request[16], int64_t attempt_id,
                int64_t ended_ms, struct err *err)
{
    struct cached_request *cached = map_get(&state->request_cache, key_of(request));

    if (PLANTED(ASK_FORGOTTEN) || (cached != NULL && cached->attempt_id > attempt_id)) {
        return 0;
    }
    if (cached == NULL) {
        cached = calloc(1, sizeof *cached);
        if (cached == NULL || map_put(&state->request_cache, key_of(request), cached, err) != 0) {
            free(cached);
            return err_set(err, ERR_NOMEM, "out of memory");
        }
    }
    memcpy(cached->request, request, sizeof cached->request);
    cached->attempt_id = attempt_id;
    cached->ended_ms = ended_ms;
    return 0;
}

void request_end(struct state *state, const struct live_lease *lease)
{
    struct cached_request *cached =
        lease->row.has_request ? request_find(state, lease->row.request) : NULL;

    if (cached != NULL && cached->attempt_id == lease->row.id) {
        cached->ended_ms = state->now_ms;
    }
}

void requests_purge(struct state *state)
{
    size_t at = 0;
    struct cached_request *cached;

    while ((cached = map_next(&state->request_cache, &at)) != NULL) {
        if (cached->ended_ms != 0 && state->now_ms - cached->ended_ms > REQUEST_KEPT_MS) {
            (void)map_take(&state->request_cache, key_of(cached->request));
            free(cached);
            at--; /* the slot may have been filled from behind */
        }
    }
}

void requests_clear(struct state *state)
{
    size_t at = 0;
    struct cached_request *cached;

    while ((cached = map_next(&state->request_cache, &at)) != NULL) {
        free(cached);
    }
    map_finish(&state->request_cache);
}
