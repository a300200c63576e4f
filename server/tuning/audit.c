#include "server/tuning/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/store/audit.h"

#define DETAIL_BYTES 400 /* one that is longer is cut */

static int append(struct tuning *tuning, struct audit_row *row, const struct buf *detail,
                  struct err *err)
{
    row->at_ms = tuning->state.wall_ms;
    if (detail->len > 0) {
        row->detail = buf_text(detail);
    }
    return store_audit_append(tuning->state.store, row, err);
}

static void separate(struct buf *detail)
{
    if (detail->len > 0) {
        buf_puts(detail, ", ");
    }
}

/* name=value of what is short and named by this program; of all else, what users write, the name.
 */
static void tell_member(struct buf *detail, const char *prefix, const char *name,
                        const json_t *value)
{
    separate(detail);
    buf_printf(detail, "%s%s", prefix, name);
    if (json_is_integer(value)) {
        buf_printf(detail, "=%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_real(value)) {
        buf_printf(detail, "=%.17g", json_real_value(value));
    } else if (json_is_boolean(value)) {
        buf_printf(detail, "=%s", json_is_true(value) ? "true" : "false");
    } else if (json_is_null(value)) {
        buf_puts(detail, "=null");
    } else if (strcmp(name, "state") == 0 && json_is_string(value)) {
        buf_printf(detail, "=%.20s", json_string_value(value));
    }
}

/* "state=paused, limits.trials=200, description" */
static void tell_change(struct buf *detail, const json_t *body)
{
    const char *name, *limit;
    json_t *value, *inner;

    json_object_foreach ((json_t *)(uintptr_t)body, name, value) {
        if (strcmp(name, "limits") != 0 || !json_is_object(value)) {
            tell_member(detail, "", name, value);
            continue;
        }
        json_object_foreach (value, limit, inner) {
            tell_member(detail, "limits.", limit, inner);
        }
    }
}

/* "3 enqueued, 2 imported" */
static void tell_added(struct buf *detail, const json_t *body)
{
    size_t n = json_is_array(body) ? json_array_size(body) : 1;
    size_t n_imported = 0;

    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_is_array(body) ? json_array_get(body, i) : body;
        n_imported += json_object_get(item, "state") != NULL;
    }
    if (n > n_imported) {
        buf_printf(detail, "%zu enqueued", n - n_imported);
    }
    if (n_imported > 0) {
        separate(detail);
        buf_printf(detail, "%zu imported", n_imported);
    }
}

/* False: the command has changed nothing that is to be noted. */
static bool describe(const struct command *command, struct audit_row *row, struct buf *detail)
{
    switch (command->kind) {
    case COMMAND_STUDY_CREATE:
        row->action = AUDIT_STUDY_CREATED;
        row->study =
            json_string_value(json_object_get(as_const_study_create(command)->in.body, "name"));
        return as_const_study_create(command)->out.created;
    case COMMAND_STUDY_PATCH:
        row->action = AUDIT_STUDY_CHANGED;
        row->study = as_const_study_patch(command)->in.study;
        tell_change(detail, as_const_study_patch(command)->in.body);
        return true;
    case COMMAND_STUDY_DELETE:
        row->action = AUDIT_STUDY_DELETED;
        row->study = as_const_study_delete(command)->in.study;
        buf_puts(detail, as_const_study_delete(command)->in.force ? "force" : "");
        return true;
    case COMMAND_TRIALS_ADD:
        row->action = AUDIT_TRIALS_ADDED;
        row->study = as_const_trials_add(command)->in.study;
        tell_added(detail, as_const_trials_add(command)->in.body);
        return true;
    case COMMAND_TRIAL_CANCEL:
        row->action = AUDIT_TRIAL_CANCELLED;
        row->study = as_const_trial_cancel(command)->in.study;
        row->trial = as_const_trial_cancel(command)->in.trial;
        return true;
    case COMMAND_TRIALS_RETRY:
        row->action = AUDIT_TRIALS_RETRIED;
        row->study = as_const_trials_retry(command)->in.study;
        row->trial = as_const_trials_retry(command)->in.trial;
        buf_printf(detail, "%zu trials", as_const_trials_retry(command)->out.n_numbers);
        return true;
    case COMMAND_TOKEN_CREATE:
        row->action = AUDIT_TOKEN_CREATED;
        row->target = as_const_token_create(command)->out.token.id;
        buf_puts(detail, as_const_token_create(command)->out.token.name);
        return true;
    case COMMAND_TOKEN_REVOKE:
        row->action = AUDIT_TOKEN_REVOKED;
        row->target = as_const_token_revoke(command)->in.token;
        buf_puts(detail, as_const_token_revoke(command)->in.force ? "force" : "");
        return true;
    case COMMAND_WORKER_SET:
        row->action =
            as_const_worker_set(command)->in.drain ? AUDIT_NODE_DRAINED : AUDIT_NODE_RESUMED;
        row->target = as_const_worker_set(command)->out.node;
        return true;
    case COMMAND_BACKUP:
        row->action = AUDIT_BACKUP_STARTED;
        row->target = as_const_backup(command)->in.name;
        return true;
    case COMMAND_ASK:
    case COMMAND_MEASURE:
    case COMMAND_HEARTBEAT:
    case COMMAND_RESULT:
    case COMMAND_RELEASE:
    case COMMAND_SUGGESTION:
    case COMMAND_UNSENT:
    case COMMAND_KIND_COUNT:
    default:
        return false;
    }
}

int audit_command(struct tuning *tuning, const struct command *command, struct err *err)
{
    struct audit_row row = {.token = command->principal, .address = command->address};
    OWN(buf) struct buf detail;

    buf_init(&detail, DETAIL_BYTES);
    return describe(command, &row, &detail) ? append(tuning, &row, &detail, err) : 0;
}

int audit_own_token(struct tuning *tuning, const struct token_row *token, struct err *err)
{
    struct audit_row row = {
        .token = "", .address = "", .action = AUDIT_TOKEN_CREATED, .target = token->id};
    OWN(buf) struct buf detail;

    buf_init(&detail, DETAIL_BYTES);
    buf_puts(&detail, token->name);
    return append(tuning, &row, &detail, err);
}
