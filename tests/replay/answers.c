#include "tests/replay/answers.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/step.h"
#include "server/schedule/schedule.h"
#include "tests/replay/play.h"
#include "tests/replay/words.h"

void answer_add(char *to, const char *fmt, ...)
{
    size_t len = strlen(to);
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(to + len, ANSWER_BYTES - len, fmt, args);
    va_end(args);
}

static void add_action(char *to, const struct action_reply *reply, bool is_report)
{
    answer_add(to, "%s", action_name(reply->action));
    if (reply->has_until) {
        char until[STEP_BYTES];
        answer_add(to, " until %s", step_format(reply->until, reply->digits, until));
    }
    if (reply->late) {
        answer_add(to, " late");
    }
    if (is_report) {
        answer_add(to, " duplicate %" PRId64 " conflict %" PRId64, reply->duplicate,
                   reply->conflict);
        if (reply->replaced > 0) {
            answer_add(to, " replaced %" PRId64, reply->replaced);
        }
    }
}

static void add_number(char *to, const char *name, double value)
{
    char text[JSON_NUMBER_BYTES];

    answer_add(to, " %s %s", name, json_format_number(value, text));
}

void answer_add_trial(char *to, const struct trial_row *row)
{
    answer_add(to, "%s", trial_state_name(row->state));
    if (row->reason[0] != '\0') {
        answer_add(to, " %s", row->reason);
    }
    answer_add(to, " attempt %" PRId64, row->attempt);
    if (row->n_values == 1) {
        add_number(to, "value", row->values[0]);
    }
}

void answer_add_study(char *to, const struct study_row *row)
{
    const char *reason = study_reason_name(row->reason);

    answer_add(to, "%s", study_state_name(row->state));
    if (reason != NULL) {
        answer_add(to, " %s", reason);
    }
    for (int i = 0; i < TRIAL_STATE_COUNT; i++) {
        if (row->counts[i] > 0) {
            answer_add(to, " %s %" PRId64, trial_state_name((enum trial_state)i), row->counts[i]);
        }
    }
    if (row->best_trial != 0) {
        answer_add(to, " best %" PRId64, row->best_trial);
    }
}

static void add_grant(char *to, struct player *player, const struct lease_grant *grant)
{
    (void)snprintf(player->lease, sizeof player->lease, "%s", grant->id);
    answer_add(to, "trial %" PRId64 " attempt %" PRId64, grant->trial, grant->attempt);
    if (grant->has_resource) {
        char from[STEP_BYTES];
        char until[STEP_BYTES];
        answer_add(to, " from %s to %s", step_format(grant->from, grant->digits, from),
                   step_format(grant->to, grant->digits, until));
    }
    answer_add(to, " of %s", grant->study);
    answer_add(to, " discard %s", grant->discard == NULL ? "[]" : grant->discard);
}

static void answer_ask(struct play *play, struct player *player, struct command *command)
{
    const struct ask_command *ask = as_ask(command);
    char *to = player->answer;

    (void)play;
    to[0] = '\0';
    if (command->err.code != ERR_NONE) {
        answer_add(to, "%s", words_error(command->err.code));
    } else if (ask->out.granted) {
        add_grant(to, player, &ask->out.grant);
    } else {
        answer_add(to, "%s %s", no_lease_reason_name(ask->out.no_lease.reason),
                   ask->out.no_lease.detail);
    }
}

static void add_numbers(char *to, size_t n, const int64_t numbers[])
{
    answer_add(to, "trials");
    for (size_t i = 0; i < n; i++) {
        answer_add(to, " %" PRId64, numbers[i]);
    }
}

static void answer_added(char *to, const struct command *command)
{
    if (command->is_replay) {
        answer_add(to, "trials %s", command->replay_text);
        return;
    }
    add_numbers(to, as_const_trials_add(command)->out.n_numbers,
                as_const_trials_add(command)->out.numbers);
}

static void answer_retried(char *to, const struct trials_retry_command *retry)
{
    add_numbers(to, retry->out.n_numbers, retry->out.numbers);
    if (retry->out.n_skipped > 0) {
        answer_add(to, " skipped %" PRId64, retry->out.n_skipped);
    }
}

static void answer_other(struct play *play, struct command *command)
{
    char *to = play->answer;

    if (command->err.code != ERR_NONE) {
        answer_add(to, "%s", words_error(command->err.code));
    } else if (command->kind == COMMAND_STUDY_CREATE) {
        answer_add(to, "%s", as_study_create(command)->out.created ? "created" : "the same");
    } else if (command->kind == COMMAND_MEASURE) {
        add_action(to, &as_measure(command)->out.action, true);
    } else if (command->kind == COMMAND_HEARTBEAT) {
        add_action(to, &as_heartbeat(command)->out.action, false);
    } else if (command->kind == COMMAND_RESULT) {
        answer_add_trial(to, &as_result(command)->out.trial.row);
        answer_add(to, "%s", as_result(command)->out.late ? " late" : "");
    } else if (command->kind == COMMAND_TRIAL_CANCEL) {
        answer_add_trial(to, &as_trial_cancel(command)->out.trial.row);
    } else if (command->kind == COMMAND_TRIALS_ADD) {
        answer_added(to, command);
    } else if (command->kind == COMMAND_TRIALS_RETRY) {
        answer_retried(to, as_trials_retry(command));
    } else if (command->kind == COMMAND_WORKER_SET) {
        answer_add(to, "%s", as_worker_set(command)->out.state);
    } else if (command->kind == COMMAND_STUDY_PATCH) {
        answer_add_study(to, &as_study_patch(command)->out.study.row);
    } else {
        answer_add(to, "%s", command->kind == COMMAND_RELEASE ? "released" : "deleted");
    }
}

void answer_command(void *context, struct command *command)
{
    struct play *play = context;

    if (command->kind == COMMAND_ASK) {
        answer_ask(play, command->origin, command);
    } else {
        answer_other(play, command);
    }
    command_destroy(command);
}
