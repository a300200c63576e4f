/* replay [--restarts | --crashes | --failures] [--all-facts] SCENARIO…: plays stories in plain text
 * against tuning/, with a real store and a clock that is turned by hand. A bug report becomes a
 * scenario first.
 *
 *   # two workers and one trial
 *   study {"name": "s", "metric": "loss", "direction": "minimize", "limits": {"trials": 1}, …}
 *   0s   a claims → trial 1 attempt 1
 *   1s   b claims wait 60 → parked
 *   5s   a measures step=1 loss=0.5 → continue
 *   65s  b gets → trial 1 attempt 2
 *   66s  a measures step=2 loss=0.4 → lease-superseded
 *
 * What stands right of the arrow must be part of what the line gives; words are separated by
 * spaces. Without an arrow a study must be created, and all else may give anything. A study's body
 * may go on in indented lines. The verbs:
 *
 *   study BODY                                created | the same | ERROR
 *   TIME WHO claims [from STUDY] [id ID] [wait SECONDS] [runner NAME] [host NAME] [ttl SECONDS]
 *            [left SECONDS]                    trial N attempt K [from A to B] [discard […]] |
 * REASON | parked TIME WHO gets                             the same, of the ask that was parked
 *   TIME WHO measures [replace] [step=N] METRIC=V …
 *                                  ACTION [until N] [late] duplicate D conflict C [replaced R]
 *   TIME WHO beats                            ACTION [until N] [late]
 *   TIME WHO results OUTCOME [step=N] [reason=R] [METRIC=V …]     STATE [REASON] [value V] [late]
 *   TIME WHO releases                         released
 *   TIME WHO forgets                          (the worker is a new one, without a lease)
 *   TIME patch STUDY BODY                     STATE [REASON]
 *   TIME delete STUDY [force]                 deleted
 *   TIME enqueue STUDY [guest] [key KEY] BODY trials N …
 *   TIME cancel STUDY N                       cancelled
 *   TIME retry STUDY [N]                      trials N … [skipped N]
 *   TIME show STUDY                           STATE [REASON] STATE N … of its trials [best N]
 *   TIME show STUDY N                         STATE [REASON] attempt K [value V]
 *   TIME drain WORKER | resume WORKER        STATE
 *   TIME node NAME                            STATE [REASON]
 *   TIME restart
 *
 * TIME is 5s, 1.5s, 2m or 1h since the start. ERROR is a problem type: lease-ended. Without
 * `from`, a claim is for any study. With --restarts the server is killed and started again after
 * every line; with --crashes it is also killed in the middle of it, when the work is done and not
 * yet kept, and of the first thing that time brings before it; and the line comes once more.
 * With --failures each statement of a line fails once: its group is undone, and the line comes
 * again. Nothing may come out differently. With --all-facts something must have happened of every
 * kind of fact that a schedule knows. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/step.h"
#include "server/domain/shared_def.h"
#include "server/schedule/schedule.h"
#include "server/store/decisions.h"
#include "tests/replay/words.h"
#include "tests/sim/again.h"
#include "tests/sim/world.h"
#include "tests/support/failing_statements.h"

#define WORKERS_MAX 64
#define ANSWER_BYTES 512

struct player {
    char name[32];
    char lease[LEASE_ID_BYTES];
    char answer[ANSWER_BYTES]; /* "" while an ask is parked */
};

struct play {
    struct world world;
    struct player players[WORKERS_MAX];
    size_t n_players;
    struct player *acting;         /* NULL: no worker's line */
    bool restarts;                 /* after every line */
    bool crashes;                  /* and in the middle of each */
    bool crashing;                 /* this is the line's first time, which is lost */
    bool failures;                 /* each statement of a line fails once before it is played */
    size_t fail_at;                /* which one; 0: none */
    bool has_failed;               /* … and there was such a one */
    const struct command *waiting; /* the ask of the line, which has come in all the same */
    unsigned facts;                /* bit (1 << fact): seen */
    char answer[ANSWER_BYTES];
    bool failed;
};

static struct player *player_named(struct play *play, const char *name)
{
    for (size_t i = 0; i < play->n_players; i++) {
        if (strcmp(play->players[i].name, name) == 0) {
            return &play->players[i];
        }
    }
    if (play->n_players == WORKERS_MAX) {
        abort();
    }
    (void)snprintf(play->players[play->n_players].name, sizeof play->players[0].name, "%s", name);
    return &play->players[play->n_players++];
}

/* ---- answers as text ------------------------------------------------------------------------ */

static void add(char *to, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(char *to, const char *fmt, ...)
{
    size_t len = strlen(to);
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(to + len, ANSWER_BYTES - len, fmt, args);
    va_end(args);
}

static void add_action(char *to, const struct action_reply *reply, bool is_report)
{
    add(to, "%s", action_name(reply->action));
    if (reply->has_until) {
        char until[STEP_BYTES];
        add(to, " until %s", step_format(reply->until, reply->digits, until));
    }
    if (reply->late) {
        add(to, " late");
    }
    if (is_report) {
        add(to, " duplicate %" PRId64 " conflict %" PRId64, reply->duplicate, reply->conflict);
        if (reply->replaced > 0) {
            add(to, " replaced %" PRId64, reply->replaced);
        }
    }
}

static void add_number(char *to, const char *name, double value)
{
    char text[JSON_NUMBER_BYTES];

    add(to, " %s %s", name, json_format_number(value, text));
}

static void add_trial(char *to, const struct trial_row *row)
{
    add(to, "%s", trial_state_name(row->state));
    if (row->reason[0] != '\0') {
        add(to, " %s", row->reason);
    }
    add(to, " attempt %" PRId64, row->attempt);
    if (row->n_values == 1) {
        add_number(to, "value", row->values[0]);
    }
}

static void add_study(char *to, const struct study_row *row)
{
    const char *reason = study_reason_name(row->reason);

    add(to, "%s", study_state_name(row->state));
    if (reason != NULL) {
        add(to, " %s", reason);
    }
    for (int i = 0; i < TRIAL_STATE_COUNT; i++) {
        if (row->counts[i] > 0) {
            add(to, " %s %" PRId64, trial_state_name((enum trial_state)i), row->counts[i]);
        }
    }
    if (row->best_trial != 0) {
        add(to, " best %" PRId64, row->best_trial);
    }
}

static void add_grant(char *to, struct player *player, const struct lease_grant *grant)
{
    (void)snprintf(player->lease, sizeof player->lease, "%s", grant->id);
    add(to, "trial %" PRId64 " attempt %" PRId64, grant->trial, grant->attempt);
    if (grant->has_resource) {
        char from[STEP_BYTES];
        char until[STEP_BYTES];
        add(to, " from %s to %s", step_format(grant->from, grant->digits, from),
            step_format(grant->to, grant->digits, until));
    }
    add(to, " of %s", grant->study);
    add(to, " discard %s", grant->discard == NULL ? "[]" : grant->discard);
}

static void answer_ask(struct play *play, struct player *player, struct command *command)
{
    const struct ask_command *ask = as_ask(command);
    char *to = player->answer;

    (void)play;
    to[0] = '\0';
    if (command->err.code != ERR_NONE) {
        add(to, "%s", words_error(command->err.code));
    } else if (ask->out.granted) {
        add_grant(to, player, &ask->out.grant);
    } else {
        add(to, "%s %s", no_lease_reason_name(ask->out.no_lease.reason), ask->out.no_lease.detail);
    }
}

static void add_numbers(char *to, size_t n, const int64_t numbers[])
{
    add(to, "trials");
    for (size_t i = 0; i < n; i++) {
        add(to, " %" PRId64, numbers[i]);
    }
}

static void answer_added(char *to, const struct command *command)
{
    if (command->is_replay) {
        add(to, "trials %s", command->replay_text);
        return;
    }
    add_numbers(to, as_const_trials_add(command)->out.n_numbers,
                as_const_trials_add(command)->out.numbers);
}

static void answer_retried(char *to, const struct trials_retry_command *retry)
{
    add_numbers(to, retry->out.n_numbers, retry->out.numbers);
    if (retry->out.n_skipped > 0) {
        add(to, " skipped %" PRId64, retry->out.n_skipped);
    }
}

static void answer_other(struct play *play, struct command *command)
{
    char *to = play->answer;

    if (command->err.code != ERR_NONE) {
        add(to, "%s", words_error(command->err.code));
    } else if (command->kind == COMMAND_STUDY_CREATE) {
        add(to, "%s", as_study_create(command)->out.created ? "created" : "the same");
    } else if (command->kind == COMMAND_MEASURE) {
        add_action(to, &as_measure(command)->out.action, true);
    } else if (command->kind == COMMAND_HEARTBEAT) {
        add_action(to, &as_heartbeat(command)->out.action, false);
    } else if (command->kind == COMMAND_RESULT) {
        add_trial(to, &as_result(command)->out.trial.row);
        add(to, "%s", as_result(command)->out.late ? " late" : "");
    } else if (command->kind == COMMAND_TRIAL_CANCEL) {
        add_trial(to, &as_trial_cancel(command)->out.trial.row);
    } else if (command->kind == COMMAND_TRIALS_ADD) {
        answer_added(to, command);
    } else if (command->kind == COMMAND_TRIALS_RETRY) {
        answer_retried(to, as_trials_retry(command));
    } else if (command->kind == COMMAND_WORKER_SET) {
        add(to, "%s", as_worker_set(command)->out.state);
    } else if (command->kind == COMMAND_STUDY_PATCH) {
        add_study(to, &as_study_patch(command)->out.study.row);
    } else {
        add(to, "%s", command->kind == COMMAND_RELEASE ? "released" : "deleted");
    }
}

static void answered(void *context, struct command *command)
{
    struct play *play = context;

    if (command->kind == COMMAND_ASK) {
        answer_ask(play, command->origin, command);
    } else {
        answer_other(play, command);
    }
    command_destroy(command);
}

/* ---- looking at the store ------------------------------------------------------------------- */

struct look {
    const char *study;
    int64_t trial; /* 0: the study */
    struct play *play;
};

static int show_study(void *context, struct study_row *row, struct err *err)
{
    struct look *look = context;
    struct trial_row trial = {0};

    if (strcmp(row->name, look->study) != 0) {
        study_row_finish(row);
        return 0;
    }
    if (look->trial == 0) {
        add_study(look->play->answer, row);
    } else if (store_trial_load(look->play->world.store, trial_id(row->id, look->trial), &trial,
                                err)
               == 0) {
        add_trial(look->play->answer, &trial);
    } else {
        add(look->play->answer, "%s", words_error(err->code));
    }
    trial_row_finish(&trial);
    study_row_finish(row);
    return 0;
}

static int do_show(struct play *play, struct words *words, struct err *err)
{
    const char *study = words_next(words);
    const char *trial = words_next(words);
    struct look look = {study == NULL ? "" : study, trial == NULL ? 0 : strtoll(trial, NULL, 10),
                        play};

    TRY(store_each_study(play->world.store, show_study, &look, err));
    if (play->answer[0] == '\0') {
        add(play->answer, "not-found");
    }
    return 0;
}

struct look_node {
    const char *name;
    char *answer;
};

static int show_node(void *context, const struct node_row *row, struct err *err)
{
    const struct look_node *look = context;

    (void)err;
    if (strcmp(row->name, look->name) == 0) {
        add(look->answer, "%s %s",
            row->draining                 ? "draining"
            : row->quarantined_at_ms != 0 ? "quarantined"
                                          : "active",
            row->reason);
    }
    return 0;
}

static int do_show_node(struct play *play, const char *name, struct err *err)
{
    struct look_node look = {name, play->answer};

    TRY(store_each_node(play->world.store, show_node, &look, err));
    if (play->answer[0] == '\0') {
        add(play->answer, "active");
    }
    return 0;
}

/* ---- facts ---------------------------------------------------------------------------------- */

static int see_fact(void *context, const struct fact_row *row, struct err *err)
{
    struct play *play = context;

    (void)err;
    play->facts |= 1U << row->fact;
    return 0;
}

static int see_facts(void *context, struct study_row *row, struct err *err)
{
    struct play *play = context;
    int64_t id = row->id;

    study_row_finish(row);
    return store_each_fact(play->world.store, id, see_fact, play, err);
}

/* ---- lines ---------------------------------------------------------------------------------- */

/* An error is answered: the client may ask again. */
static void refused(void *context, const struct command *command)
{
    struct play *play = context;

    if (command == play->waiting) {
        play->waiting = NULL;
    }
}

static int submit_failing(struct play *play, struct command *command, struct err *err)
{
    size_t n = play->waiting == NULL ? 1 : 0;

    if (n == 0) { /* no client asks twice */
        command_destroy(command);
    } else {
        play->waiting = command;
    }
    return world_fail(&play->world, &command, n, play->fail_at, &play->has_failed, err);
}

static int submit(struct play *play, struct command *command, struct err *err)
{
    if (play->fail_at > 0 && command != NULL) {
        return submit_failing(play, command, err);
    }
    return play->crashing && command != NULL ? world_crash(&play->world, &command, 1, err)
                                             : world_do(&play->world, command, err);
}

static int do_claim(struct play *play, struct player *player, struct words *words, struct err *err)
{
    char study[NAME_BYTES] = "";
    const char *word;
    struct command *command;
    json_auto_t *body = json_pack("{s:s}", "worker", player->name);
    OWN(memory) char *text = NULL;

    while ((word = words_next(words)) != NULL) {
        const char *value = words_next(words);

        if (value == NULL) {
            return err_set(err, ERR_INVALID, "%s wants a value", word);
        }
        if (strcmp(word, "from") == 0) {
            (void)snprintf(study, sizeof study, "%s", value);
        } else if (strcmp(word, "host") == 0) {
            (void)json_object_set_new(body, "host", json_string(value));
        } else if (strcmp(word, "id") == 0) {
            (void)json_object_set_new(body, "request_id", json_string(value));
        } else if (strcmp(word, "ttl") == 0) {
            (void)json_object_set_new(body, "ttl_seconds", json_real(strtod(value, NULL)));
        } else if (strcmp(word, "wait") == 0) {
            (void)json_object_set_new(body, "wait_seconds", json_real(strtod(value, NULL)));
        } else if (strcmp(word, "left") == 0) {
            (void)json_object_set_new(body, "seconds_left", json_real(strtod(value, NULL)));
        } else if (strcmp(word, "runner") == 0) {
            (void)json_object_set_new(body, "runners", json_pack("[s]", value));
        } else {
            return err_set(err, ERR_INVALID, "a claim knows no \"%s\"", word);
        }
    }
    text = json_dumps(body, JSON_COMPACT);
    command = world_ask(study, text);
    if (command != NULL) {
        command->origin = player;
    }
    player->answer[0] = '\0';
    TRY(submit(play, command, err));
    add(play->answer, "%s", player->answer[0] == '\0' ? "parked" : player->answer);
    return 0;
}

/* step=3 loss=0.5 … as {"step": 3, "metrics": {…}}, other words as they are. */
static void collect_values(struct words *words, json_t *object, const char *const plain[])
{
    json_t *metrics = json_object();
    char *word;

    while ((word = words_next(words)) != NULL) {
        char *equals = strchr(word, '=');
        bool is_plain = false;

        if (equals == NULL) {
            continue;
        }
        *equals = '\0';
        for (size_t i = 0; plain[i] != NULL; i++) {
            is_plain = is_plain || strcmp(plain[i], word) == 0;
        }
        (void)json_object_set_new(is_plain ? object : metrics, word, words_value(equals + 1));
    }
    (void)json_object_set_new(object, "metrics", metrics);
}

static int do_measure(struct play *play, struct player *player, struct words *words,
                      struct err *err)
{
    static const char *const plain[] = {"step", NULL};
    int replace = words_skip(words, "replace");
    json_auto_t *body =
        json_pack("{s:b, s:[{s:i}]}", "replace", replace, "measurements", "step", 1);
    OWN(memory) char *text = NULL;

    collect_values(words, json_array_get(json_object_get(body, "measurements"), 0), plain);
    text = json_dumps(body, JSON_COMPACT);
    return submit(play, world_measure(player->lease, text), err);
}

static int do_result(struct play *play, struct player *player, struct words *words, struct err *err)
{
    static const char *const plain[] = {"step", "reason", "detail", "checkpoint", NULL};
    const char *outcome = words_next(words);
    json_auto_t *body = json_pack("{s:s}", "outcome", outcome == NULL ? "" : outcome);
    OWN(memory) char *text = NULL;

    collect_values(words, body, plain);
    text = json_dumps(body, JSON_COMPACT);
    return submit(play, world_result(player->lease, text), err);
}

static int do_worker(struct play *play, const char *who, struct words *words, struct err *err)
{
    struct player *player = player_named(play, who);
    const char *verb = words_next(words);

    if (verb == NULL) {
        return err_set(err, ERR_INVALID, "%s does nothing", who);
    }
    if (strcmp(verb, "claims") == 0) {
        return do_claim(play, player, words, err);
    }
    if (strcmp(verb, "gets") == 0) {
        add(play->answer, "%s", player->answer[0] == '\0' ? "parked" : player->answer);
        return 0;
    }
    if (strcmp(verb, "measures") == 0) {
        return do_measure(play, player, words, err);
    }
    if (strcmp(verb, "results") == 0) {
        return do_result(play, player, words, err);
    }
    if (strcmp(verb, "beats") == 0) {
        return submit(play, world_heartbeat(player->lease), err);
    }
    if (strcmp(verb, "releases") == 0) {
        return submit(play, world_release(player->lease), err);
    }
    if (strcmp(verb, "forgets") == 0) {
        player->lease[0] = player->answer[0] = '\0';
        return 0;
    }
    return err_set(err, ERR_INVALID, "unknown verb \"%s\"", verb);
}

static int do_enqueue(struct play *play, struct words *words, struct err *err)
{
    const char *study = words_next(words);
    bool by_program = words_skip(words, "guest");
    const char *key = words_skip(words, "key") ? words_next(words) : NULL;
    struct command *command = world_add_trials(study == NULL ? "" : study, words_rest(words), key);

    if (command != NULL) {
        as_trials_add(command)->in.by_program = by_program;
    }
    return submit(play, command, err);
}

static int do_line(struct play *play, struct words *words, struct err *err)
{
    const char *verb = words_next(words);
    const char *study;
    const char *number;

    if (verb == NULL) {
        return err_set(err, ERR_INVALID, "nothing happens");
    }
    if (strcmp(verb, "restart") == 0) {
        return world_restart(&play->world, err);
    }
    if (strcmp(verb, "show") == 0) {
        return do_show(play, words, err);
    }
    if (strcmp(verb, "node") == 0) {
        return do_show_node(play, words_next(words), err);
    }
    if (strcmp(verb, "drain") == 0 || strcmp(verb, "resume") == 0) {
        return submit(play, world_set_worker(words_next(words), strcmp(verb, "drain") == 0), err);
    }
    if (strcmp(verb, "patch") == 0) {
        study = words_next(words);
        return submit(play, world_patch_study(study, words_rest(words)), err);
    }
    if (strcmp(verb, "delete") == 0) {
        study = words_next(words);
        return submit(play, world_delete_study(study, words_skip(words, "force")), err);
    }
    if (strcmp(verb, "enqueue") == 0) {
        return do_enqueue(play, words, err);
    }
    if (strcmp(verb, "cancel") == 0) {
        study = words_next(words);
        number = words_next(words);
        return submit(
            play, world_cancel_trial(study, number == NULL ? 0 : strtoll(number, NULL, 10)), err);
    }
    if (strcmp(verb, "retry") == 0) {
        study = words_next(words);
        number = words_next(words);
        return submit(
            play, world_retry_trials(study, number == NULL ? 0 : strtoll(number, NULL, 10)), err);
    }
    return do_worker(play, verb, words, err);
}

static int play_line(struct play *play, char *line, struct err *err)
{
    struct words words;
    const char *first;
    int64_t at_ms;

    words_init(&words, line);
    play->answer[0] = '\0';
    if (words_skip(&words, "study")) {
        return submit(play, world_create_study(words_rest(&words)), err);
    }
    first = words_next(&words);
    if (!words_moment(first, &at_ms) || at_ms < play->world.clock.now_ms) {
        return err_set(err, ERR_INVALID, "\"%s\" is no moment, or a past one", first);
    }
    if (play->crashing && tuning_next_ms(play->world.tuning) <= at_ms) {
        TRY(world_advance(&play->world, tuning_next_ms(play->world.tuning) - 1, err));
        play->world.clock.now_ms++;
        TRY(world_crash(&play->world, NULL, 0, err));
    }
    TRY(world_advance(&play->world, at_ms, err));
    return do_line(play, &words, err);
}

/* The line is begun, and lost with the server. */
static int crash_line(struct play *play, const char *line, struct err *err)
{
    OWN(memory) char *copy = strdup(line);

    if (copy == NULL) {
        abort();
    }
    play->crashing = true;
    int result = play_line(play, copy, err);
    play->crashing = false;
    return result;
}

/* The line again and again, until none of its statements is left to fail: the last time counts. */
static int fail_line(struct play *play, const char *line, struct err *err)
{
    do {
        OWN(memory) char *copy = strdup(line);
        if (copy == NULL) {
            abort();
        }
        play->fail_at++;
        play->has_failed = false;
        TRY(play_line(play, copy, err));
    } while (play->has_failed);
    play->fail_at = 0;
    play->waiting = NULL;
    return 0;
}

/* One line of the file, its continuation lines joined. */
static void check_line(struct play *play, const char *file, size_t number, char *line)
{
    char *arrow = strstr(line, "→");
    const char *silent = strncmp(line, "study", 5) == 0 ? "created" : "";
    const char *expected = arrow == NULL ? silent : words_trim(arrow + strlen("→"));
    struct err err = {0};

    if (arrow != NULL) {
        *arrow = '\0';
    }
    if ((play->crashes && crash_line(play, line, &err) != 0)
        || (play->failures ? fail_line(play, line, &err) : play_line(play, line, &err)) != 0) {
        (void)printf("%s:%zu: %s\n", file, number, err.text);
        play->failed = true;
    } else if (!words_contain(play->answer, expected)) {
        (void)printf("%s:%zu: expected \"%s\", got \"%s\"\n", file, number, expected, play->answer);
        play->failed = true;
    }
}

/* How all scenarios are disturbed. */
struct disturbance {
    bool restarts, crashes, failures;
};

static bool play_file(const char *path, const struct disturbance *by, unsigned *facts)
{
    struct play play = {
        .restarts = by->restarts || by->crashes, .crashes = by->crashes, .failures = by->failures};
    struct err err = {0};
    struct words_file file;
    char *line;
    size_t number;

    if (!words_open(&file, path)) {
        (void)printf("%s: cannot be read\n", path);
        return false;
    }
    if (world_open(&play.world, 1, &err) != 0) {
        (void)printf("%s: %s\n", path, err.text);
        play.failed = true;
    }
    if (by->failures) {
        play.world.fail_at = statement_fail_at;
        play.world.has_failed = statement_has_failed;
        play.world.refused = refused;
    }
    play.world.answered = answered;
    play.world.context = &play;
    while (!play.failed && words_line(&file, &line, &number)) {
        check_line(&play, path, number, line);
        free(line);
        if (play.restarts && !play.failed && world_restart(&play.world, &err) != 0) {
            (void)printf("%s:%zu: %s\n", path, number, err.text);
            play.failed = true;
        }
    }
    if (!play.failed && store_each_study(play.world.store, see_facts, &play, &err) != 0) {
        (void)printf("%s: %s\n", path, err.text);
        play.failed = true;
    }
    int64_t n_decisions;
    if (!play.failed && !decide_all_again(play.world.store, &n_decisions)) {
        (void)printf("%s: its decisions do not come out the same when they are made again\n", path);
        play.failed = true;
    }
    *facts |= play.facts;
    world_finish(&play.world);
    words_close(&file);
    return !play.failed;
}

static int missing_facts(unsigned facts)
{
    int n = 0;

    for (int fact = 0; fact < FACT_COUNT; fact++) {
        if ((facts & 1U << fact) == 0) {
            (void)printf("no scenario shows the fact \"%s\"\n",
                         schedule_fact_name((enum schedule_fact)fact));
            n++;
        }
    }
    return n;
}

int main(int argc, char **argv)
{
    int n_failed = 0;
    int n_played = 0;
    struct disturbance by = {0};
    bool all_facts = false;
    unsigned facts = 0;

    json_start();
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--restarts") == 0) {
            by.restarts = true;
        } else if (strcmp(argv[i], "--crashes") == 0) {
            by.crashes = true;
        } else if (strcmp(argv[i], "--failures") == 0) {
            by.failures = true;
        } else if (strcmp(argv[i], "--all-facts") == 0) {
            all_facts = true;
        } else {
            n_played++;
            n_failed += !play_file(argv[i], &by, &facts);
        }
    }
    if (all_facts) {
        n_played++;
        n_failed += missing_facts(facts) > 0;
    }
    (void)printf("%d passed, %d failed\n", n_played - n_failed, n_failed);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
