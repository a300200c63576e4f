/* Every allocation of a schedule fails once, in a scripted life of each kind. After each failure
 * the schedule is destroyed and built again from the facts of the steps before, as the server does;
 * the life goes on, and ends like one that was never disturbed. */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "tests/support/allocation.h"
#include "tests/support/run_suite.h"
#include "tests/support/schedule_fixture.h"

#define WORKERS 3
#define TURNS 90 /* of each worker */
#define TRIALS_MAX 300

static struct study_def *study; /* of the life that is lived */

struct life {
    struct schedule *schedule;
    struct schedule_moment moment;
    struct schedule_log log;
    int64_t n_trials;
    int64_t trial[WORKERS];       /* that the worker trains; 0: none */
    int64_t until[WORKERS];       /* to which it was leased */
    int64_t progress[TRIALS_MAX]; /* by number: the last step measured */
};

static double value_of(int64_t trial, int64_t step)
{
    return (double)(trial * 7919 % 31) + 10.0 / (double)step;
}

/* ---- one step: whole, or to be repeated on a schedule that is built again ---- */

static int lease(struct life *life, size_t worker, struct err *err)
{
    struct schedule_offer offer;

    schedule_offer(life->schedule, &life->moment, &offer);
    if (offer.kind == OFFER_NOTHING) {
        return 0;
    }
    int64_t trial = offer.kind == OFFER_NEW ? life->n_trials + 1 : offer.trial;
    if (trial >= TRIALS_MAX) {
        abort();
    }
    TRY(schedule_take(life->schedule, &life->moment, &offer, trial, &life->log, err));
    life->n_trials += offer.kind == OFFER_NEW;
    life->trial[worker] = trial;
    life->until[worker] = offer.until;
    return 0;
}

static int forecast(struct life *life, int64_t trial, struct err *err)
{
    const struct schedule_forecast forecast = {.known = true,
                                               .chance = trial % 2 == 0 ? 0.9 : 0.001,
                                               .mean = 1,
                                               .spread = 0.5,
                                               .incumbent = 2};
    int64_t level;

    if (!schedule_needs_forecast(life->schedule, trial, &level)) {
        return 0;
    }
    return schedule_apply_forecast(life->schedule, &life->moment, trial, level, &forecast,
                                   &life->log, err);
}

static int train(struct life *life, size_t worker, struct err *err)
{
    int64_t trial = life->trial[worker];
    int64_t step = life->progress[trial] + 1;
    struct schedule_answer answer;

    if (trial % 11 == 0) {
        TRY(schedule_end(life->schedule, &life->moment, trial, FACT_FAIL, &life->log, err));
        life->trial[worker] = 0;
        return 0;
    }
    TRY(schedule_measure(life->schedule, &life->moment, trial, 0, step, value_of(trial, step),
                         &life->log, &answer, err));
    TRY(forecast(life, trial, err));
    answer = schedule_answer(life->schedule, trial);
    if (answer.verdict == VERDICT_RUN && step >= answer.until) {
        TRY(schedule_finish(life->schedule, &life->moment, trial, step, &life->log, &answer, err));
        life->trial[worker] = 0;
    } else if (answer.verdict != VERDICT_RUN) {
        schedule_release(life->schedule, trial);
        life->trial[worker] = 0;
    }
    life->progress[trial] = step;
    return 0;
}

static int step_of(struct life *life, size_t worker, struct err *err)
{
    int64_t next_ms;

    TRY(schedule_tick(life->schedule, &life->moment, &life->log, &next_ms, err));
    return life->trial[worker] == 0 ? lease(life, worker, err) : train(life, worker, err);
}

/* ---- building it again ---- */

static void must(int failed)
{
    if (failed) {
        abort();
    }
}

static void rebuild(struct life *life, size_t n_facts)
{
    struct err err;

    schedule_destroy(life->schedule);
    life->schedule = NULL;
    life->log.n = n_facts;
    must(schedule_create(study, &life->schedule, &err));
    for (size_t i = 0; i < n_facts && schedule_has_facts(life->schedule); i++) {
        must(schedule_load(life->schedule, &life->log.items[i], &err));
    }
    for (int64_t trial = 1; trial <= life->n_trials; trial++) {
        enum schedule_verdict verdict = schedule_answer(life->schedule, trial).verdict;
        bool is_open = verdict == VERDICT_RUN || verdict == VERDICT_PAUSE;
        for (int64_t step = 1; step <= life->progress[trial]; step++) {
            if (is_open || schedule_wants_curves(life->schedule)) {
                must(schedule_recall(life->schedule, trial, 0, step, value_of(trial, step), &err));
            }
        }
    }
    for (size_t w = 0; w < WORKERS; w++) {
        if (life->trial[w] != 0) {
            schedule_hold(life->schedule, life->trial[w], life->until[w]);
        }
    }
}

/* ---- a life ---- */

static void write_facts(const struct schedule_log *log, struct buf *out)
{
    for (size_t i = 0; i < log->n; i++) {
        const struct schedule_record *record = &log->items[i];
        buf_printf(out, "%s %" PRId64 " %" PRId64 " %" PRId64 " %.17g\n",
                   schedule_fact_name(record->fact), record->trial, record->bracket, record->step,
                   record->value);
    }
}

static void write_answers(const struct life *life, struct buf *out)
{
    for (int64_t trial = 1; trial <= life->n_trials; trial++) {
        struct schedule_answer answer = schedule_answer(life->schedule, trial);
        buf_printf(out, "%" PRId64 ": %d %" PRId64 "\n", trial, (int)answer.verdict, answer.until);
    }
}

static void end_life(struct life *life)
{
    schedule_destroy(life->schedule);
    schedule_log_finish(&life->log);
}

static int live(struct life *life, struct err *err)
{
    *life = (struct life){.moment = {.may_start = true, .may_promote = true}};
    TRY(schedule_create(study, &life->schedule, err));
    for (size_t turn = 0; turn < (size_t)TURNS * WORKERS; turn++) {
        size_t n_facts = life->log.n;
        life->moment.now_ms = (int64_t)turn * 1000;
        if (step_of(life, turn % WORKERS, err) != 0) {
            must(err->code != ERR_NOMEM);
            allocation_stop();
            rebuild(life, n_facts);
            must(step_of(life, turn % WORKERS, err));
        }
    }
    return 0;
}

static int run_life(struct buf *out, struct err *err)
{
    struct life life;

    TRY(live(&life, err));
    write_facts(&life.log, out);
    write_answers(&life, out);
    end_life(&life);
    return 0;
}

static struct life lived; /* whose end is looked at */

static int run_view(struct buf *out, struct err *err)
{
    struct json_writer w;

    json_writer_init(&w, out);
    json_object_begin(&w);
    schedule_write_brackets(lived.schedule, STUDY_RUNNING, lived.moment.now_ms, NULL, &w);
    json_object_end(&w);
    return buf_check(out, err);
}

#define UP_TO_NINE "\"resource\": {\"name\": \"epochs\", \"min\": 1, \"max\": 9}"

static const struct {
    const char *members;
    size_t least; /* allocations */
} lives[] = {
    {"\"strategy\": \"hyperband\", " UP_TO_NINE, 20},
    {"\"strategy\": {\"name\": \"hyperband\", \"quorum\": 0.5}, " UP_TO_NINE, 20},
    {"\"strategy\": {\"name\": \"successive_halving\", \"bracket\": 1}, " UP_TO_NINE, 20},
    {"\"strategy\": \"asha\", " UP_TO_NINE, 20},
    {"\"strategy\": {\"name\": \"asha\", \"mode\": \"promotion\"}, " UP_TO_NINE, 20},
    {"\"strategy\": {\"name\": \"asha\", \"progressive\": true}, " UP_TO_NINE, 20},
    {"\"strategy\": {\"name\": \"asha\", \"mode\": \"predictive\"}, " UP_TO_NINE, 20},
    {"\"strategy\": \"random\", \"stopping\": {\"rule\": \"median\"}, " UP_TO_NINE, 5},
    {"\"strategy\": \"random\", " UP_TO_NINE, 1},
};

START_TEST(failed_allocation_loses_no_fact)
{
    study = fixture_study(lives[_i].members);
    size_t n = allocation_fail_each(lives[_i].members, run_life);
    ck_assert_msg(n >= lives[_i].least, "only %zu allocations", n);
    struct err err;
    must(live(&lived, &err));
    ck_assert_uint_ge(allocation_fail_each("view", run_view), 1);
    end_life(&lived);
    study_def_destroy(study);
}
END_TEST

/* ---- the study itself ---- */

static const char body[] =
    "{\"name\": \"s\", \"description\": \"a study\", \"labels\": {\"team\": \"a\", \"x\": \"y\"},"
    " \"objectives\": [{\"metric\": \"loss\", \"direction\": \"minimize\"}],"
    " \"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"low\": 0, \"high\": 1}],"
    " \"strategy\": {\"name\": \"hyperband\", \"eta\": 3, \"quorum\": 0.5}, " UP_TO_NINE ","
    " \"job\": {\"runner\": \"train\"}, \"after\": [\"older\"],"
    " \"requires\": {\"labels\": {\"site\": \"b\"}}}";

static int run_study(struct buf *out, struct err *err)
{
    OWN(study_def) struct study_def *read = NULL;
    struct faults faults = {0};
    json_auto_t *parsed = NULL;
    struct json_writer w;

    TRY(json_parse(body, strlen(body), &json_limits_default, &parsed, err));
    if (study_def_from_json(parsed, 1, &read, &faults) != 0) {
        int result = faults_result(&faults, err);
        faults_finish(&faults);
        return result;
    }
    json_writer_init(&w, out);
    json_object_begin(&w);
    study_def_write(read, &w);
    json_object_end(&w);
    return buf_check(out, err);
}

START_TEST(study_is_read_whole_or_not_at_all)
{
    json_start();
    ck_assert_uint_gt(allocation_fail_each("study", run_study), 50);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("no_memory_schedule");
    TCase *tcase = tcase_create("every allocation");

    allocation_start();
    tcase_add_loop_test(tcase, failed_allocation_loses_no_fact, 0,
                        (int)(sizeof lives / sizeof lives[0]));
    tcase_add_test(tcase, study_is_read_whole_or_not_at_all);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
