#include "worker/cli/verbs/submit_follow.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "worker/cli/show/study.h"
#include "worker/cli/status.h"
#include "worker/cli/submit/cancel.h"
#include "worker/cli/submit/fit.h"
#include "worker/cli/submit/slurm.h"

struct following {
    struct session *session;
    const struct submission *submission;
    char job[SLURM_JOB_BYTES]; /* the last one submitted, until it has shown what it is worth */
    int64_t expected;          /* of its tasks: not cancelled here */
    int failures;              /* submissions in a row that came to nothing */
    int64_t not_before_ms;     /* nothing is submitted before this moment */
    char said[512];            /* what was printed last: nothing is said twice in a row */
};

int submission_look(struct session *session, const struct submission *submission,
                    const json_t *study, bool must_have_queue, struct submission_now *now,
                    struct err *err)
{
    const char *name = submission->script.study;

    if (slurm_queue(name, &now->queue, err) != 0) {
        if (must_have_queue) {
            return -1;
        }
        say("tasks that are in the queue already are not counted: %s", err->text);
        task_queue_finish(&now->queue);
        *err = (struct err){0};
    }
    TRY(fit_slots_elsewhere(session, name, &now->queue, &now->elsewhere, err));
    now->view = (struct submit_view){
        .slots_wanted = int_at(study, "slots_wanted", -1),
        .elsewhere = now->elsewhere.slots,
        .slots_per_task = submission->slots_per_task,
        .tasks_max = submission->tasks_max,
        .pending = (int64_t)now->queue.n_pending,
        .running = (int64_t)(now->queue.n - now->queue.n_pending),
    };
    return 0;
}

static void say_once(struct following *following, const char *text)
{
    if (strcmp(following->said, text) != 0) {
        (void)snprintf(following->said, sizeof following->said, "%.*s",
                       (int)sizeof following->said - 1, text);
        say("%s", text);
    }
}

static int64_t now_ms(void)
{
    const struct clock *clock = clock_system();

    return clock->monotonic_ms(clock);
}

/* One more submission came to nothing; *err says why. -1 when it is time to give up. */
static int note_failure(struct following *following, struct err *err)
{
    if (++following->failures >= SUBMIT_FAILURES_MAX) {
        return err_wrap(err, "%d times in a row", following->failures);
    }
    int64_t delay = submit_delay_seconds(following->failures);
    following->not_before_ms = now_ms() + delay * 1000;
    say("%s; trying again in %" PRId64 " s", err->text, delay);
    return 0;
}

/* The tasks of the last job: did their workers ask the server, or did they all end without? A
 * preempted task stays in the queue, and is no failure, nor is one that was cancelled here. */
static int judge_last_job(struct following *following, const struct task_queue *queue,
                          struct err *err)
{
    bool seen = false;

    if (following->job[0] == '\0') {
        return 0;
    }
    TRY(fit_job_was_seen(following->session, following->job, &seen, err));
    if (!seen && task_queue_has_job(queue, following->job)) {
        return 0; /* it is too early to tell */
    }
    if (seen || following->expected <= 0) {
        following->failures = seen ? 0 : following->failures;
        following->job[0] = '\0';
        return 0;
    }
    (void)err_set(err, ERR_IO,
                  "the tasks of job %s ended without asking the server for a trial; their output "
                  "is in hone-%s_*.log, in the folder they were submitted from",
                  following->job, following->job);
    following->job[0] = '\0';
    return note_failure(following, err);
}

static int submit_more(struct following *following, const json_t *study, int64_t tasks,
                       struct err *err)
{
    const struct submission *submission = following->submission;

    if (now_ms() < following->not_before_ms) {
        return 0;
    }
    if (submission->limit_seconds >= 0) {
        TRY(fit_time(following->session, study, submission->limit_seconds, err));
    }
    if (slurm_submit(&submission->script, tasks, submission->at_once, following->job, err) != 0) {
        return note_failure(following, err);
    }
    following->expected = tasks;
    say("submitted %" PRId64 " task%s as job %s", tasks, tasks == 1 ? "" : "s", following->job);
    return 0;
}

static void say_view(struct following *following, const struct submission_now *now)
{
    const struct submit_view *view = &now->view;
    char slots[32] = "any number of", text[512];
    bool waits = view->pending > 0;

    if (view->slots_wanted >= 0) {
        (void)snprintf(slots, sizeof slots, "%" PRId64, view->slots_wanted);
    }
    (void)snprintf(text, sizeof text,
                   "%s: %s slots wanted, %" PRId64 " elsewhere%s%s%s; tasks: %" PRId64
                   " running, %" PRId64 " pending%s%s%s",
                   following->submission->script.study, slots, view->elsewhere,
                   view->elsewhere > 0 ? " (" : "", now->elsewhere.whose,
                   view->elsewhere > 0 ? ")" : "", view->running, view->pending, waits ? " (" : "",
                   now->queue.reason, waits ? ")" : "");
    say_once(following, text);
}

/* What Slurm refuses now is said, and tried again in the next round. */
static int cancel(struct following *following, struct task_queue *queue, size_t n, struct err *err)
{
    int rc = task_queue_cancel(following->submission->script.study, queue, n, err);

    following->expected -= (int64_t)task_queue_cancelled(queue, following->job);
    if (rc != 0 && err->code == ERR_IO) {
        say_once(following, err->text);
        return 0;
    }
    return rc;
}

static int act(struct following *following, const json_t *study, struct submission_now *now,
               struct err *err)
{
    struct submit_step step = submit_plan(&now->view);

    say_view(following, now);
    if (step.submit > 0) {
        return submit_more(following, study, step.submit, err);
    }
    if (step.cancel > 0) {
        say("cancelling %" PRId64 " of the tasks that wait", step.cancel);
        return cancel(following, &now->queue, (size_t)step.cancel, err);
    }
    return 0;
}

static bool is_over(const json_t *study)
{
    const char *state = text_at(study, "state");

    return strcmp(state, "finished") == 0 || strcmp(state, "stopped") == 0;
}

/* One round. What the server or Slurm cannot answer now is said, and asked again in the next. */
static int look_once(struct following *following, bool *over, struct err *err)
{
    OWN(submission_now) struct submission_now now = {0};
    json_auto_t *study = NULL;
    int rc = session_get_part(following->session, "", &study, err);

    if (rc == 0) {
        rc = submission_look(following->session, following->submission, study, true, &now, err);
    }
    if (rc != 0 && (err->code == ERR_UNREACHABLE || err->code == ERR_IO)) {
        say_once(following, err->text);
        return 0;
    }
    TRY(rc);
    *over = is_over(study);
    if (*over) {
        say("%s is %s", following->submission->script.study, text_at(study, "state"));
        study_print_detail(study);
        return now.queue.n_pending > 0 ? cancel(following, &now.queue, now.queue.n_pending, err)
                                       : 0;
    }
    TRY(judge_last_job(following, &now.queue, err));
    return act(following, study, &now, err);
}

int submission_follow(struct session *session, const struct submission *submission, struct err *err)
{
    struct following following = {.session = session, .submission = submission};
    struct timespec pause = {.tv_sec = (time_t)submission->interval_seconds};
    bool over = false;

    pause.tv_nsec = (long)((submission->interval_seconds - (double)pause.tv_sec) * 1e9);
    for (;;) {
        TRY(look_once(&following, &over, err));
        if (over) {
            return 0;
        }
        (void)nanosleep(&pause, NULL);
    }
}
