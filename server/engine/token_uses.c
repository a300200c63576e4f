#include "server/engine/token_uses.h"

#include "server/engine/condition.h"
#include "server/engine/parts.h"
#include "server/engine/writer.h"
#include "server/store/tokens.h"

#define KEEP_EVERY_MS 600000
#define A_CALL 64

int64_t token_uses_due_ms(const struct engine *engine)
{
    int64_t every_ms = engine->settings.token_uses_every_ms;

    return engine->token_uses_kept_ms + (every_ms > 0 ? every_ms : KEEP_EVERY_MS);
}

int token_uses_keep(struct engine *engine, struct err *err)
{
    struct token_use uses[A_CALL];
    int64_t now_ms = real_ms();
    size_t n;

    if (engine->settings.token_uses == NULL || condition_is_final(engine)
        || (now_ms < token_uses_due_ms(engine) && !engine->tokens_changed
            && !atomic_load(&engine->stopping))) {
        return 0;
    }
    engine->token_uses_before_ms = engine->token_uses_kept_ms;
    engine->token_uses_kept_ms = now_ms;
    while ((n = engine->settings.token_uses(engine->settings.context, uses, A_CALL)) > 0) {
        for (size_t i = 0; i < n; i++) {
            TRY(store_token_used(engine->store, &uses[i], err));
        }
    }
    return 0;
}

void token_uses_undone(struct engine *engine)
{
    if (engine->token_uses_before_ms != 0 && engine->settings.token_uses_again != NULL) {
        engine->settings.token_uses_again(engine->settings.context);
        engine->token_uses_kept_ms = engine->token_uses_before_ms; /* the next group tries again */
    }
}
