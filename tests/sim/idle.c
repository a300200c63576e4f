#include "tests/sim/idle.h"

#include <inttypes.h>
#include <string.h>

#include "server/schedule/kinds.h"
#include "server/schedule/offer.h"
#include "server/state/facts.h"
#include "server/state/trials.h"
#include "server/store/decisions.h"
#include "server/tuning/internal.h"
#include "tests/sim/planted.h"
#include "tests/sim/watch_legal.h"

void idle_finish(struct idle *idle)
{
    for (size_t i = 0; i < idle->n; i++) {
        watch_finish(&idle->studies[i].watch);
    }
    *idle = (struct idle){0};
}

/* ---- facts ---- */

static struct idle_study *study_of(struct idle *idle, const struct live_study *study)
{
    const struct schedule_options *options = &study->schedule->options;
    bool is_sync = strcmp(study->schedule->kind->name, "asha") != 0;
    int64_t R = study->def->resource_max;
    int64_t r_min = study->def->resource_min;
    int64_t n_kinds = options->brackets;

    for (size_t i = 0; i < idle->n; i++) {
        if (idle->studies[i].id == study->row.id) {
            return &idle->studies[i];
        }
    }
    if (n_kinds == 0) {
        struct table_input input = table_input_of(study->def, options->ratio);
        n_kinds = is_sync ? tables_s_max(&input) + 1 : 1;
    }
    struct idle_study *seen = &idle->studies[idle->n++];
    seen->id = study->row.id;
    static const enum watch_kind modes[] = {[ASHA_PROMOTION] = WATCH_PROMOTION,
                                            [ASHA_STOPPING] = WATCH_STOPPING,
                                            [ASHA_PREDICTIVE] = WATCH_PREDICTIVE};
    enum watch_kind kind = is_sync ? WATCH_SYNC : modes[options->mode];
    watch_init(&seen->watch, kind, R, r_min, (int64_t)options->eta, n_kinds, options->progressive,
               study->def->objectives[0].direction == DIRECTION_MAXIMIZE);
    return seen;
}

struct feeding {
    struct idle_study *seen;
    size_t at;
};

static int feed_one(void *context, const struct fact_row *row, struct err *err)
{
    struct feeding *feeding = context;
    struct schedule_record record = fact_record(row);

    (void)err;
    if (feeding->at++ >= feeding->seen->n_facts) {
        watch_fact(&feeding->seen->watch, &record);
    }
    return 0;
}

/* Changes with every fact. */
static size_t pulse_of(const struct schedule *schedule)
{
    size_t pulse = schedule->n_brackets * 1000003 + schedule->n_open * 7919;

    for (size_t i = 0; i < schedule->n_brackets; i++) {
        const struct bracket *bracket = schedule->brackets[i];
        for (size_t k = 0; k < bracket->n_rungs; k++) {
            const struct rung *rung = &bracket->rungs[k];
            pulse = pulse * 31 + rung->started * 17 + rung->reported * 5 + rung->waiting.n
                    + (size_t)bracket->is_sealed;
        }
    }
    return pulse;
}

static int feed(struct idle *idle, const struct world *world, struct idle_study *seen,
                struct err *err)
{
    struct feeding feeding = {seen, 0};

    TRY(store_each_fact(world->store, seen->id, feed_one, &feeding, err));
    idle->n_facts += (int64_t)(feeding.at - seen->n_facts);
    seen->n_facts = feeding.at;
    for (int i = 1; i < INVARIANT_COUNT; i++) {
        if ((seen->watch.violated & 1U << i) != 0) {
            return err_set(err, ERR_INVALID, "I%d: %s", i, seen->watch.texts[i]);
        }
    }
    return 0;
}

/* ---- what would be legal ---- */

struct looking {
    const struct state *state;
    int64_t study;
};

static bool is_free(const void *context, int64_t trial)
{
    const struct looking *looking = context;
    const struct live_trial *live = trial_live(looking->state, trial_id(looking->study, trial));

    return live != NULL && live->row.state == TRIAL_PAUSED;
}

static int queued_in(const struct live_study *study, bool started)
{
    int n = 0;

    for (const struct live_trial *trial = study->open; trial != NULL; trial = trial->next_open) {
        n += trial->row.state == TRIAL_QUEUED && (trial->row.attempt > 0) == started;
    }
    return n;
}

static bool rounds_left(const struct live_study *study, const struct watch *watch)
{
    int64_t rounds = study->schedule->options.rounds;

    return watch == NULL || rounds == 0 || (int64_t)watch->n_brackets < rounds * watch->n_kinds
           || watch_has_free_slot(watch);
}

static int check_study(const struct state *state, const struct live_study *study,
                       const struct watch *watch, struct err *err)
{
    int64_t limit = study->def->limits.trials;
    bool below_limit = limit < 0 || study->row.leased_trials < limit;
    struct looking looking = {state, study->row.id};

    if (queued_in(study, true) > 0) {
        return err_set(err, ERR_INVALID, "a worker waits while study \"%s\" has a retry",
                       study->row.name);
    }
    if (below_limit
        && (queued_in(study, false) > 0 || (!study->row.exhausted && rounds_left(study, watch)))) {
        return err_set(err, ERR_INVALID,
                       "a worker waits while study \"%s\" may start a configuration",
                       study->row.name);
    }
    int64_t trial = watch == NULL ? 0 : watch_legal_promotion(watch, is_free, &looking);
    if (trial != 0) {
        return err_set(err, ERR_INVALID,
                       "a worker waits while trial %" PRId64 " of study \"%s\" may go on", trial,
                       study->row.name);
    }
    return 0;
}

int idle_check(struct idle *idle, const struct world *world, struct err *err)
{
    const struct tuning *tuning = world->tuning;

    if (tuning->n_asks == 0) {
        return 0;
    }
    if (tuning->state.may_have_work) { /* the last group was undone */
        return tuning_next_ms(tuning) <= tuning->state.now_ms + TUNING_LOOK_AGAIN_MS
                   ? 0
                   : err_set(err, ERR_INVALID, "asks wait, and nobody will look at them");
    }
    idle->n_waits++;
    for (const struct live_study *study = tuning->state.studies; study != NULL;
         study = study->next) {
        bool is_scheduled = study->schedule->kind->name != NULL;
        struct idle_study *seen = is_scheduled ? study_of(idle, study) : NULL;
        if (is_scheduled && seen->pulse != pulse_of(study->schedule)) {
            TRY(feed(idle, world, seen, err));
            seen->pulse = pulse_of(study->schedule);
        }
        if (study->row.state == STUDY_RUNNING) {
            TRY(check_study(&tuning->state, study, seen == NULL ? NULL : &seen->watch, err));
        }
    }
    return 0;
}

/* ---- bugs ---- */

static const struct bug {
    const char *name;
    const struct schedule_kind *kind; /* its offers become those of planted.h; NULL: see below */
} bugs[] = {
    {"waits for its bracket", &schedule_hyperband},
    {"waits for a full rung", &schedule_asha},
    {"loses retries", NULL},
};
const size_t idle_n_bugs = sizeof bugs / sizeof bugs[0];

const char *idle_bug_name(size_t bug)
{
    return bugs[bug].name;
}

static const struct schedule_kind *with_bug(const struct bug *bug)
{
    static struct schedule_kind kind;

    kind = *bug->kind;
    for (size_t i = 0; i < n_planted_bugs; i++) {
        if (strcmp(planted_bugs[i].name, bug->name) == 0) {
            kind.offer = planted_bugs[i].offer;
        }
    }
    return &kind;
}

void idle_plant(struct world *world, size_t bug)
{
    for (struct live_study *study = world->tuning->state.studies; study != NULL;
         study = study->next) {
        if (study->schedule->kind == bugs[bug].kind) {
            study->schedule->kind = with_bug(&bugs[bug]);
        } else if (bugs[bug].kind == NULL && study->retries.first != NULL) {
            trial_queue_remove(study->retries.first);
        }
    }
}
