#include "server/tuning/enqueue.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/planted.h"
#include "server/domain/guests.h"
#include "server/state/events.h"
#include "server/state/limits.h"
#include "server/state/studies.h"
#include "server/state/transition.h"
#include "server/state/trials.h"
#include "server/state/tried.h"
#include "server/tuning/outcome.h"

static char *metrics_text(const struct brought_trial *trial)
{
    struct buf text;
    struct json_writer w;

    buf_init(&text, 1 << 16);
    json_writer_init(&w, &text);
    json_object_begin(&w);
    for (size_t i = 0; i < trial->n_metrics; i++) {
        json_put_number(&w, trial->metrics[i].metric, trial->metrics[i].value);
    }
    json_object_end(&w);
    return buf_steal(&text);
}

/* Its measurements, and the names of all its metrics, by which lists have their columns. */
static int store_metrics(struct tuning *tuning, struct live_study *study, int64_t trial,
                         const struct brought_trial *brought, struct err *err)
{
    const struct measurement_list *list = &brought->measurements;
    int64_t metric;

    for (size_t i = 0; i < brought->n_metrics; i++) {
        TRY(metric_id(&tuning->state, study, brought->metrics[i].metric, &metric, err));
    }
    for (size_t i = 0; i < list->n; i++) {
        enum store_append appended;
        TRY(metric_id(&tuning->state, study, list->items[i].metric, &metric, err));
        TRY(store_measurement_append(tuning->state.store,
                                     &(const struct measurement_row){trial, 0, metric,
                                                                     list->items[i].step,
                                                                     list->items[i].value},
                                     &appended, err));
    }
    return 0;
}

static void count(struct live_study *study, const struct trial_row *row)
{
    study->row.last_number++;
    study->row.counts[row->state]++;
    study->imported_failures += row->source == SOURCE_IMPORTED && row->state == TRIAL_FAILED;
    study->row.enqueued_trials += row->source == SOURCE_ENQUEUED;
    study_touch(study);
}

static int write_imported(struct tuning *tuning, struct live_study *study,
                          const struct brought_trial *brought, struct trial_row *row,
                          struct err *err)
{
    OWN(memory) char *metrics = metrics_text(brought);

    if (metrics == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    TRY(store_metrics(tuning, study, row->id, brought, err));
    TRY(brought_outcome(study->def, brought, row, err));
    row->ended_at_ms = tuning->state.wall_ms;
    row->metrics = metrics;
    TRY(event_append(&tuning->state, EVENT_TRIAL_ENDED, study->row.id, trial_id_number(row->id), 0,
                     err));
    row->ended_seq = tuning->state.last_seq;
    TRY(store_trial_insert(tuning->state.store, row, err));
    count(study, row);
    study_consider_best(study, row);
    study_count_feasible(study, row);
    TRY(tried_add(study, row, err));
    return study_observe(&tuning->state, study, row, err);
}

static int write_one(struct tuning *tuning, struct live_study *study, struct brought_trial *brought,
                     int64_t *number, struct err *err)
{
    struct trial_row row = {
        .id = trial_id(study->row.id, study->row.last_number + 1),
        .state = TRIAL_QUEUED,
        .source = brought->imported ? SOURCE_IMPORTED : SOURCE_ENQUEUED,
        .n_params = study->def->space->n_params,
        .config = brought->config,
        .created_at_ms = tuning->state.wall_ms,
    };
    struct live_trial *trial;

    *number = trial_id_number(row.id);
    if (brought->imported) {
        return write_imported(tuning, study, brought, &row, err);
    }
    TRY(event_append(&tuning->state, EVENT_TRIAL_QUEUED, study->row.id, *number, 0, err));
    TRY(store_trial_insert(tuning->state.store, &row, err));
    count(study, &row);
    TRY(trial_enter(&tuning->state, study, &row, &trial, err));
    brought->config = NULL; /* the trial's now */
    trial_queue_put(&study->enqueued, trial);
    study->sealed = false; /* a configuration has come all the same */
    tuning->state.may_have_work = true;
    return 0;
}

int brought_add(struct tuning *tuning, struct live_study *study, struct brought *brought,
                int64_t numbers[], struct err *err)
{
    for (size_t i = 0; i < brought->n - (PLANTED(BATCH_CUT) && tuning->done != NULL); i++) {
        TRY(write_one(tuning, study, &brought->trials[i], &numbers[i], err));
    }
    return 0;
}

/* ---- what is checked before ---- */

static const char *way_out(enum study_reason reason)
{
    switch (reason) {
    case REASON_EXHAUSTED:
        return "it has tried all there is; PATCH it with \"enqueue\" to add configurations that it "
               "has not tried";
    case REASON_ROUNDS:
        return "its rounds are over; create another study";
    case REASON_NONE:
    case REASON_TRIALS:
    case REASON_SECONDS:
    case REASON_RESOURCE:
    case REASON_TARGET:
    case REASON_FAILURES:
    case STUDY_REASON_COUNT:
    default:
        return "raise the limit that ended it, in the same PATCH or before";
    }
}

static int check_state(const struct live_study *study, struct err *err)
{
    const struct limits *limits = &study->def->limits;

    if (study->row.state == STUDY_STOPPED) {
        return err_set(err, ERR_WRONG_STATE,
                       "a study that is stopped takes no configurations; make it run again");
    }
    if (study->row.state == STUDY_FINISHED) {
        return err_set(err, ERR_WRONG_STATE, "the study is finished (%s): %s",
                       study_reason_name(study->row.reason), way_out(study->row.reason));
    }
    if (limits->trials >= 0 && study->row.leased_trials >= limits->trials) {
        return err_set(err, ERR_WRONG_STATE,
                       "the study has used up its limits.trials (%" PRId64
                       "); raise it before enqueuing",
                       limits->trials);
    }
    return 0;
}

/* Are the names of all metrics together still few enough? */
static int check_names(const struct live_study *study, const struct brought *brought,
                       struct err *err)
{
    struct fresh_metrics fresh = {.study = study};

    for (size_t i = 0; i < brought->n; i++) {
        const struct brought_trial *trial = &brought->trials[i];
        const struct measurement_list *list = &trial->measurements;
        for (size_t k = 0; k < trial->n_metrics; k++) {
            if (fresh_metrics_add(&fresh, trial->metrics[k].metric, err) != 0) {
                return err_at(err, "/metrics");
            }
        }
        for (size_t k = 0; k < list->n; k++) {
            if (fresh_metrics_add(&fresh, list->items[k].metric, err) != 0) {
                return err_at(err, "/measurements");
            }
        }
    }
    return 0;
}

/* Is there room for so many in limits.guest_share? */
static int check_share(const struct live_study *study, int64_t n, bool by_program, struct err *err)
{
    const struct guests guests = {
        .limits = &study->def->limits,
        .by_program = by_program,
        .trials = study->row.leased_trials + study->enqueued.n,
        .enqueued = study->row.enqueued_trials,
        .more = n,
    };

    return guests_check(&guests, err);
}

int brought_check(const struct live_study *study, const struct brought *brought, bool by_program,
                  struct err *err)
{
    int64_t n_enqueued = 0;

    for (size_t i = 0; i < brought->n; i++) {
        n_enqueued += brought->trials[i].imported ? 0 : 1;
    }
    if (n_enqueued > 0) {
        TRY(check_state(study, err));
        TRY(check_share(study, n_enqueued, by_program, err));
    }
    TRY(check_names(study, brought, err));
    return study->row.last_number + (int64_t)brought->n > TRIAL_NUMBER_MAX
               ? err_set(err, ERR_WRONG_STATE, "the study cannot number more trials")
               : 0;
}

/* ---- POST …/trials ---- */

static int answer_one(struct tuning *tuning, struct live_study *study,
                      struct trials_add_command *command, struct err *err)
{
    int64_t id = trial_id(study->row.id, command->out.numbers[0]);
    struct live_trial *trial = trial_live(&tuning->state, id);

    if (trial != NULL) {
        return trial_report(trial, &command->out.trial, err);
    }
    TRY(store_trial_load(tuning->state.store, id, &command->out.trial.row, err));
    command->out.trial.def = shared_def_hold(study->shared);
    return 0;
}

int tuning_trials_add(struct tuning *tuning, struct trials_add_command *command, struct err *err)
{
    OWN(brought) struct brought brought = {0};
    struct live_study *study;

    TRY(study_required(&tuning->state, command->in.study, &study, err));
    TRY(brought_read(study->def, command->in.body, "", &brought, &command->head.faults, err));
    TRY(brought_check(study, &brought, command->in.by_program, err));
    command->out.numbers = calloc(brought.n, sizeof *command->out.numbers);
    if (command->out.numbers == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    TRY(brought_add(tuning, study, &brought, command->out.numbers, err));
    command->out.n_numbers = brought.n;
    return json_is_array(command->in.body) ? 0 : answer_one(tuning, study, command, err);
}
