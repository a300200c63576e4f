#include "server/store/sqlite/meta.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/store/sqlite/connection.h"

#define HOLD_KEY "retention_hold"
#define RECENT_KEY "recent_after"

int meta_read(struct store *store, const char *key, char value[], size_t size, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_META_GET);

    stmt_bind_text(&s, ":key", key);
    int found = stmt_step(store, &s, err);
    TRY(found < 0);
    if (found == 1) {
        stmt_text_copy(&s, 0, value, size);
    }
    return 0;
}

int meta_write(struct store *store, const char *key, const char *value, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_META_PUT);

    stmt_bind_text(&s, ":key", key);
    stmt_bind_text(&s, ":value", value);
    return stmt_run(store, &s, err);
}

int meta_read_int(struct store *store, const char *key, int64_t *value, struct err *err)
{
    char text[24] = "0";

    TRY(meta_read(store, key, text, sizeof text, err));
    *value = strtoll(text, NULL, 10);
    return 0;
}

int meta_write_int(struct store *store, const char *key, int64_t value, struct err *err)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRId64, value);
    return meta_write(store, key, text, err);
}

/* ---- what other folders keep here ---- */

int store_retention_hold(struct store *store, int64_t *until_ms, struct err *err)
{
    return meta_read_int(store, HOLD_KEY, until_ms, err);
}

int store_set_retention_hold(struct store *store, int64_t until_ms, struct err *err)
{
    return meta_write_int(store, HOLD_KEY, until_ms, err);
}

int store_recent_after(struct store *store, int64_t *seq, struct err *err)
{
    char text[24] = "-1";

    TRY(meta_read(store, RECENT_KEY, text, sizeof text, err));
    *seq = strtoll(text, NULL, 10);
    return 0;
}

int store_set_recent_after(struct store *store, int64_t seq, struct err *err)
{
    return meta_write_int(store, RECENT_KEY, seq, err);
}
