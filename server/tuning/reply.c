#include "server/tuning/reply.h"

#include <stdlib.h>
#include <string.h>

#include "common/planted.h"
#include "server/store/replies.h"

#define REPLY_KEPT_MS (24 * 60 * 60 * 1000)

/* *answered: the key was used before. */
int reply_find(struct tuning *tuning, struct command *command, bool *answered, struct err *err)
{
    struct reply_row row = {0};

    *answered = false;
    if (!command->has_key) {
        return 0;
    }
    TRY(store_reply_find(tuning->state.store, command->key, &row, answered, err));
    if (*answered && memcmp(row.body, command->body_hash, sizeof row.body) != 0) {
        free(row.text);
        return err_set(err, ERR_KEY_REUSED,
                       "this Idempotency-Key came with another body before; use a new key for a "
                       "new request");
    }
    command->is_replay = *answered;
    command->replay_status = row.status;
    command->replay_text = row.text;
    return 0;
}

int reply_keep(struct tuning *tuning, const struct command *command, struct err *err)
{
    static char empty[1];
    struct reply_row row = {.at_ms = tuning->state.wall_ms};
    OWN(buf) struct buf text = {0};

    if (!command->has_key || tuning->settings.render == NULL || PLANTED(KEY_NOT_KEPT)) {
        return 0;
    }
    buf_init(&text, 16 << 20);
    if (!tuning->settings.render(command, &row.status, &text)) {
        return 0;
    }
    TRY(buf_check(&text, err));
    memcpy(row.key, command->key, sizeof row.key);
    memcpy(row.body, command->body_hash, sizeof row.body);
    row.text = text.data == NULL ? empty : text.data;
    return store_reply_insert(tuning->state.store, &row, err);
}

int replies_purge(struct tuning *tuning, int rows, bool *more, struct err *err)
{
    return store_reply_purge(tuning->state.store, tuning->state.wall_ms - REPLY_KEPT_MS, rows, more,
                             err);
}
