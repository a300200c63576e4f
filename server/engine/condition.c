#include "server/engine/condition.h"

#include "common/log.h"
#include "server/engine/parts.h"

static const struct {
    enum err_code code;
    const char *told; /* to clients: no path, nothing of the inside */
    const char *to_do;
} conditions[CONDITION_COUNT] = {
    [CONDITION_SOUND] = {ERR_OVERLOADED, "the server goes on", ""},
    [CONDITION_FULL] = {ERR_STORAGE_FULL,
                        "the disk of the data directory is full; writing goes on by itself once "
                        "there is space",
                        "reads go on, writes are refused until there is space, which is looked for "
                        "every second"},
    [CONDITION_DAMAGED] = {ERR_READ_ONLY,
                           "the database is damaged and only reads are served; the server's log "
                           "says what was seen and what to do",
                           "only reads are served from now on. Stop honed, keep a copy of the data "
                           "directory, and restore a backup (honed --restore)"},
    [CONDITION_DETACHED] = {ERR_READ_ONLY,
                            "a file of the data directory was removed or replaced while the server "
                            "ran, so that what is written now would be lost; only reads are served",
                            "only reads are served from now on, since what is written would be "
                            "lost. Export what you need, as far as it is still served; then stop "
                            "honed, put the data directory back or restore a backup, and start it"},
};

void condition_worsen(struct engine *engine, enum engine_condition condition, const char *text)
{
    int known = atomic_load(&engine->condition);

    while ((int)condition > known) {
        if (atomic_compare_exchange_weak(&engine->condition, &known, (int)condition)) {
            log_error("%s: %s", text, conditions[condition].to_do);
            return;
        }
    }
}

void condition_has_space(struct engine *engine)
{
    int full = CONDITION_FULL;

    if (atomic_compare_exchange_strong(&engine->condition, &full, CONDITION_SOUND)) {
        log_info("there is space on the disk again: writing goes on");
    }
}

bool condition_is_final(const struct engine *engine)
{
    return atomic_load_explicit(&engine->condition, memory_order_relaxed) > CONDITION_FULL;
}

void condition_tell(const struct engine *engine, struct err *err)
{
    int condition = atomic_load(&engine->condition);

    (void)err_set(err, conditions[condition].code, "%s", conditions[condition].told);
}

int condition_check(const struct engine *engine, struct err *err)
{
    if (atomic_load(&engine->condition) == CONDITION_SOUND) {
        return 0;
    }
    condition_tell(engine, err);
    return -1;
}
