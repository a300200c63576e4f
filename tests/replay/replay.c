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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "server/schedule/schedule.h"
#include "server/store/decisions.h"
#include "tests/replay/answers.h"
#include "tests/replay/verbs.h"
#include "tests/sim/again.h"
#include "tests/support/failing_statements.h"

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

static int play_line(struct play *play, char *line, struct err *err)
{
    struct words words;
    const char *first;
    int64_t at_ms;

    words_init(&words, line);
    play->answer[0] = '\0';
    if (words_skip(&words, "study")) {
        return play_submit(play, world_create_study(words_rest(&words)), err);
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
    return verb_do(play, &words, err);
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
        play.world.refused = play_refused;
    }
    play.world.answered = answer_command;
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
