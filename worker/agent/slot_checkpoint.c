#include "worker/agent/slot_checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"

/* ---- from the server ---- */

bool slot_fetch_begin(struct slot *slot)
{
    const struct checkpoint *checkpoint = &slot->grant.checkpoint;

    if (slot->from == 0 || !checkpoint->present || slot->folder.granted != NULL
        || !checkpoint_uri_is_uploaded(checkpoint->uri)) {
        return false;
    }
    slot->fetch = checkpoint_fetch_begin(&slot->context->loop, slot->grant.id, checkpoint->uri,
                                         slot->folder.checkpoint);
    return slot->fetch != NULL;
}

/* The disk counts as full, whatever it says once the rest of the checkpoint is removed. */
static void note_full_disk(struct slot *slot, const char *why)
{
    char said[GATE_WHY_BYTES];

    (void)snprintf(said, sizeof said, "the disk of %.120s has no room for a checkpoint",
                   slot->context->workdir);
    log_warning("trial %" PRId64 " of %s is handed back, since its checkpoint has no room here: %s",
                slot->grant.trial, slot->grant.study, why);
    devices_note_full_disk(&slot->context->devices, said);
}

bool slot_fetch_tick(struct slot *slot, bool *lacks_room)
{
    *lacks_room = false;
    checkpoint_fetch_tick(slot->fetch);
    if (!checkpoint_fetch_is_done(slot->fetch)) {
        return false;
    }
    const char *why = checkpoint_fetch_failure(slot->fetch);
    if (checkpoint_fetch_lacks_room(slot->fetch)) {
        *lacks_room = true;
        note_full_disk(slot, why);
    } else if (why != NULL) {
        log_warning("trial %" PRId64 " of %s begins at 0, since its checkpoint cannot be fetched: "
                    "%s",
                    slot->grant.trial, slot->grant.study, why);
        slot->from = 0;
    }
    checkpoint_fetch_destroy(slot->fetch);
    slot->fetch = NULL;
    return true;
}

/* ---- to the server ---- */

bool slot_save_begin(struct slot *slot)
{
    const struct exit_class *ended = &slot->exit_class;
    struct err err;

    if (slot->context->settings->checkpoints != CHECKPOINTS_UPLOAD || slot->save != NULL
        || slot->folder.base == NULL || ended->kind != EXIT_CLASS_RESULT
        || (ended->outcome != OUTCOME_COMPLETED && ended->outcome != OUTCOME_PREEMPTED)
        || folder_publish(&slot->folder, &err) != 0 || folder_is_empty(slot->folder.published)) {
        return false;
    }
    slot->save =
        checkpoint_upload_begin(&slot->context->loop, slot->folder.published, slot->grant.id);
    return slot->save != NULL;
}

bool slot_save_tick(struct slot *slot)
{
    const char *why;

    checkpoint_upload_tick(slot->save);
    if (!checkpoint_upload_is_done(slot->save)) {
        return false;
    }
    if (checkpoint_upload_uri(slot->save, &why) == NULL && !slot->context->told_unsaved) {
        slot->context->told_unsaved = true;
        log_warning("the checkpoint of trial %" PRId64 " of %s stays on this host, where workers "
                    "on others cannot go on from it: %s; this is said once",
                    slot->grant.trial, slot->grant.study, why);
    }
    return true;
}

bool slot_is_saved(const struct slot *slot)
{
    const char *why;

    return slot->save != NULL && checkpoint_upload_uri(slot->save, &why) != NULL;
}

void slot_name_checkpoint(const struct slot *slot, const char *path, struct checkpoint *checkpoint)
{
    const char *why;
    const char *uri = slot_is_saved(slot) ? checkpoint_upload_uri(slot->save, &why) : path;

    *checkpoint = (struct checkpoint){.present = true, .step = slot->last_step};
    (void)snprintf(checkpoint->uri, sizeof checkpoint->uri, "%s", uri);
    checkpoint->reach = REACH_ANY;
    if (uri == path && slot->context->settings->checkpoints != CHECKPOINTS_SHARED) {
        checkpoint->reach = REACH_HOST;
        (void)snprintf(checkpoint->host, sizeof checkpoint->host, "%s", slot->context->host);
    }
}

/* ---- both ---- */

int64_t slot_checkpoint_deadline(const struct slot *slot)
{
    if (slot->phase == SLOT_FETCHING) {
        return checkpoint_fetch_deadline(slot->fetch);
    }
    return slot->phase == SLOT_SAVING ? checkpoint_upload_deadline(slot->save) : INT64_MAX;
}

void slot_checkpoint_finish(struct slot *slot)
{
    checkpoint_fetch_destroy(slot->fetch);
    checkpoint_upload_destroy(slot->save);
    slot->fetch = NULL;
    slot->save = NULL;
}
