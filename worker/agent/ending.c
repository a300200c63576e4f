#include "worker/agent/ending.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define SHELL_KILLED (128 + SIGKILL)
#define SHELL_TERMINATED (128 + SIGTERM)

static void set(struct ending *ending, enum ending_kind kind, enum outcome outcome,
                const char *reason)
{
    ending->kind = kind;
    ending->outcome = outcome;
    ending->reason = reason;
}

static bool exited_with(const struct ending_facts *facts, int status)
{
    return WIFEXITED(facts->wait_status) && WEXITSTATUS(facts->wait_status) == status;
}

/* By the signal itself, or as a shell in between reports it. */
static bool died_of(const struct ending_facts *facts, int number, int shell_status)
{
    return (WIFSIGNALED(facts->wait_status) && WTERMSIG(facts->wait_status) == number)
           || exited_with(facts, shell_status);
}

static void say_status(const struct ending_facts *facts, struct ending *ending)
{
    if (WIFSIGNALED(facts->wait_status)) {
        int number = WTERMSIG(facts->wait_status);
        (void)snprintf(ending->words, sizeof ending->words, "killed by signal %d (%s)", number,
                       strsignal(number));
    } else {
        (void)snprintf(ending->words, sizeof ending->words, "exit status %d",
                       WEXITSTATUS(facts->wait_status));
    }
}

static void decide_clean_exit(const struct ending_facts *facts, struct ending *ending)
{
    bool reached = facts->has_resource && facts->last_step >= facts->to;

    if (reached && facts->until > facts->to) {
        set(ending, ENDING_RESTART, OUTCOME_COMPLETED, "");
    } else if (facts->measured) {
        set(ending, ENDING_RESULT, OUTCOME_COMPLETED, "");
    } else {
        set(ending, ENDING_RESULT, OUTCOME_FAILED, "no_metric");
        (void)snprintf(ending->words, sizeof ending->words,
                       "exit status 0, but the study's objective was never reported");
    }
}

static void decide_own_end(const struct ending_facts *facts, struct ending *ending)
{
    if (exited_with(facts, 0)) {
        decide_clean_exit(facts, ending);
    } else if (exited_with(facts, EXIT_NOT_THIS_NODE)) {
        set(ending, ENDING_RESULT, OUTCOME_PREEMPTED, "");
    } else if (exited_with(facts, EXIT_INFEASIBLE)) {
        set(ending, ENDING_RESULT, OUTCOME_INFEASIBLE, "");
    } else if (facts->draining && died_of(facts, SIGTERM, SHELL_TERMINATED)) {
        /* a batch system signals the job as well as the worker */
        set(ending, facts->has_checkpoint ? ENDING_RESULT : ENDING_RELEASE, OUTCOME_PREEMPTED, "");
    } else if (facts->oom_seen && !facts->killed_by_us && died_of(facts, SIGKILL, SHELL_KILLED)) {
        set(ending, ENDING_RESULT, OUTCOME_FAILED, "oom");
    } else {
        set(ending, ENDING_RESULT, OUTCOME_FAILED,
            WIFSIGNALED(facts->wait_status) ? "signal" : "exit_code");
    }
}

/* Stopped because the worker stops. A job that had reached its end all the same is done. */
static void decide_drained(const struct ending_facts *facts, struct ending *ending)
{
    if (exited_with(facts, 0) && facts->measured && facts->has_resource
        && facts->last_step >= facts->to && facts->until <= facts->to) {
        set(ending, ENDING_RESULT, OUTCOME_COMPLETED, "");
    } else {
        set(ending, facts->has_checkpoint ? ENDING_RESULT : ENDING_RELEASE, OUTCOME_PREEMPTED, "");
    }
}

/* The server would complete the trial with an older value, and nothing would show it. */
static void refuse_older_value(const struct ending_facts *facts, struct ending *ending)
{
    if (facts->lost != NULL && ending->kind == ENDING_RESULT
        && ending->outcome == OUTCOME_COMPLETED) {
        set(ending, ENDING_RESULT, OUTCOME_FAILED, "no_metric");
        (void)snprintf(ending->words, sizeof ending->words, "%s", facts->lost);
    }
}

void ending_decide(const struct ending_facts *facts, struct ending *ending)
{
    *ending = (struct ending){.reason = ""};
    say_status(facts, ending);
    switch (facts->why) {
    case JOB_ABORTED:
    case JOB_LOST:
        ending->kind = ENDING_SILENT;
        break;
    case JOB_TOLD:
        set(ending, facts->measured ? ENDING_RESULT : ENDING_RELEASE, OUTCOME_COMPLETED, "");
        break;
    case JOB_TIMED_OUT:
        set(ending, ENDING_RESULT, OUTCOME_FAILED, "timeout");
        (void)snprintf(ending->words, sizeof ending->words,
                       "stopped: it ran longer than the study's trial_seconds");
        break;
    case JOB_STALLED:
        set(ending, ENDING_RESULT, OUTCOME_FAILED, "stalled");
        (void)snprintf(ending->words, sizeof ending->words,
                       "stopped: it measured nothing for the study's stall_seconds");
        break;
    case JOB_DRAINED:
    case JOB_QUIT:
        decide_drained(facts, ending);
        break;
    case JOB_EXITED:
    case JOB_LEAVE_OVER:
    case JOB_GRACE_OVER:
    case JOB_EVENT_COUNT:
    default:
        decide_own_end(facts, ending);
    }
    refuse_older_value(facts, ending);
}

int64_t ending_oom_count(void)
{
    char line[128];
    int64_t count = -1;
    FILE *file = fopen("/proc/vmstat", "re");

    if (file == NULL) {
        return -1;
    }
    while (count < 0 && fgets(line, sizeof line, file) != NULL) {
        (void)sscanf(line, "oom_kill %" SCNd64, &count);
    }
    (void)fclose(file);
    return count;
}
