#include "worker/agent/exit_class.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define SHELL_SIGNALLED 128
#define SHELL_KILLED (SHELL_SIGNALLED + SIGKILL)
#define SHELL_TERMINATED (SHELL_SIGNALLED + SIGTERM)
#define SETTLE_SIGNALLED_MS 2000
#define SETTLE_PART 20
#define SETTLE_MOST_MS 1000

/* One that others send to make a process end, itself or as a shell in between reports it. */
static bool was_told_to_end(int wait_status)
{
    int number = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status)
                                          : WEXITSTATUS(wait_status) - SHELL_SIGNALLED;

    switch (number) {
    case SIGHUP:
    case SIGINT:
    case SIGQUIT:
    case SIGKILL:
    case SIGUSR1:
    case SIGUSR2:
    case SIGTERM:
    case SIGXCPU:
        return true;
    default:
        return false;
    }
}

int64_t exit_class_settle_ms(int wait_status, int64_t ran_ms)
{
    int64_t part_ms = ran_ms / SETTLE_PART;

    if (was_told_to_end(wait_status)) {
        return SETTLE_SIGNALLED_MS;
    }
    return part_ms < SETTLE_MOST_MS ? part_ms : SETTLE_MOST_MS;
}

static void set(struct exit_class *made, enum exit_class_kind kind, enum outcome outcome,
                const char *reason)
{
    made->kind = kind;
    made->outcome = outcome;
    made->reason = reason;
}

static bool exited_with(const struct exit_facts *facts, int status)
{
    return WIFEXITED(facts->wait_status) && WEXITSTATUS(facts->wait_status) == status;
}

/* By the signal itself, or as a shell in between reports it. */
static bool died_of(const struct exit_facts *facts, int number, int shell_status)
{
    return (WIFSIGNALED(facts->wait_status) && WTERMSIG(facts->wait_status) == number)
           || exited_with(facts, shell_status);
}

static void say_status(const struct exit_facts *facts, struct exit_class *made)
{
    if (WIFSIGNALED(facts->wait_status)) {
        int number = WTERMSIG(facts->wait_status);
        (void)snprintf(made->text, sizeof made->text, "killed by signal %d (%s)", number,
                       strsignal(number));
    } else {
        (void)snprintf(made->text, sizeof made->text, "exit status %d",
                       WEXITSTATUS(facts->wait_status));
    }
}

/* Stopped because the worker stops. A job that had reached its end all the same is done. */
static void decide_drained(const struct exit_facts *facts, struct exit_class *made)
{
    if (exited_with(facts, 0) && facts->measured && facts->has_resource
        && facts->last_step >= facts->to && facts->until <= facts->to) {
        set(made, EXIT_CLASS_RESULT, OUTCOME_COMPLETED, "");
    } else {
        set(made, facts->has_checkpoint ? EXIT_CLASS_RESULT : EXIT_CLASS_RELEASE, OUTCOME_PREEMPTED,
            "");
    }
}

/* The message that decides for whoever runs a program of his own for the first time. */
static void say_no_metric(const struct exit_facts *facts, struct exit_class *made)
{
    const char *wanted = facts->wanted == NULL ? "the objective" : facts->wanted;
    const char *reported = facts->reported == NULL ? "" : facts->reported;
    int first = (int)strcspn(wanted, ",");

    (void)snprintf(made->text, sizeof made->text,
                   "exit status 0, but no value of %.100s was reported%s%.100s; print a line such "
                   "as 'hone: step=1 %.*s=0.5', or say how to find it in what is printed: --metric "
                   "'%.*s=%.*s: (\\S+)' (or --metric-regex)",
                   wanted, *reported == '\0' ? "" : ", only of ", reported, first, wanted, first,
                   wanted, first, wanted);
}

static void decide_clean_exit(const struct exit_facts *facts, struct exit_class *made)
{
    bool reached = facts->has_resource && facts->last_step >= facts->to;

    if (reached && facts->until > facts->to && facts->draining) {
        decide_drained(facts, made);
    } else if (reached && facts->until > facts->to) {
        set(made, EXIT_CLASS_RESTART, OUTCOME_COMPLETED, "");
    } else if (facts->measured) {
        set(made, EXIT_CLASS_RESULT, OUTCOME_COMPLETED, "");
    } else {
        set(made, EXIT_CLASS_RESULT, OUTCOME_FAILED, "no_metric");
        say_no_metric(facts, made);
    }
}

/* Was it most likely stopped as the worker is? */
static bool was_stopped_too(const struct exit_facts *facts)
{
    return facts->with_worker || (facts->draining && died_of(facts, SIGTERM, SHELL_TERMINATED));
}

static void say_oom(const struct exit_facts *facts, struct exit_class *made)
{
    size_t len = strlen(made->text);

    (void)snprintf(made->text + len, sizeof made->text - len, "; %s",
                   facts->oom_line != NULL ? facts->oom_line
                   : facts->oom_sure       ? "the kernel killed a process of it for memory"
                                           : "the kernel killed a process for memory meanwhile");
}

/* With a cgroup of its own a job may fail as it likes after one of its processes was killed. */
static bool is_oom(const struct exit_facts *facts)
{
    return !facts->killed_by_us
           && (facts->oom_sure || (facts->oom_seen && died_of(facts, SIGKILL, SHELL_KILLED)));
}

static void decide_own_end(const struct exit_facts *facts, struct exit_class *made)
{
    if (exited_with(facts, EXIT_NOT_THIS_NODE)) {
        set(made, EXIT_CLASS_RESULT, OUTCOME_PREEMPTED, "");
    } else if (exited_with(facts, EXIT_INFEASIBLE)) {
        set(made, EXIT_CLASS_RESULT, OUTCOME_INFEASIBLE, "");
    } else if (was_stopped_too(facts)) {
        decide_drained(facts, made);
    } else if (exited_with(facts, 0)) {
        decide_clean_exit(facts, made);
    } else if (is_oom(facts)) {
        set(made, EXIT_CLASS_RESULT, OUTCOME_FAILED, "oom");
        say_oom(facts, made);
    } else {
        set(made, EXIT_CLASS_RESULT, OUTCOME_FAILED,
            WIFSIGNALED(facts->wait_status) ? "signal" : "exit_code");
    }
}

/* The server would complete the trial with an older value, and nothing would show it. */
static void refuse_older_value(const struct exit_facts *facts, struct exit_class *made)
{
    if (facts->lost != NULL && made->kind == EXIT_CLASS_RESULT
        && made->outcome == OUTCOME_COMPLETED) {
        set(made, EXIT_CLASS_RESULT, OUTCOME_FAILED, "no_metric");
        (void)snprintf(made->text, sizeof made->text, "%s", facts->lost);
    }
}

void exit_class_decide(const struct exit_facts *facts, struct exit_class *made)
{
    *made = (struct exit_class){.reason = ""};
    say_status(facts, made);
    switch (facts->why) {
    case JOB_ABORTED:
    case JOB_LOST:
        made->kind = EXIT_CLASS_SILENT;
        break;
    case JOB_NOTIFIED:
        set(made, facts->measured ? EXIT_CLASS_RESULT : EXIT_CLASS_RELEASE, OUTCOME_COMPLETED, "");
        break;
    case JOB_TIMED_OUT:
        set(made, EXIT_CLASS_RESULT, OUTCOME_FAILED, "timeout");
        (void)snprintf(made->text, sizeof made->text,
                       "stopped: it ran longer than the study's trial_seconds");
        break;
    case JOB_STALLED:
        set(made, EXIT_CLASS_RESULT, OUTCOME_FAILED, "stalled");
        (void)snprintf(made->text, sizeof made->text,
                       "stopped: it measured nothing for the study's stall_seconds");
        break;
    case JOB_DRAINED:
    case JOB_QUIT:
        decide_drained(facts, made);
        break;
    case JOB_EXITED:
    case JOB_LEAVE_OVER:
    case JOB_GRACE_OVER:
    case JOB_EVENT_COUNT:
    default:
        decide_own_end(facts, made);
    }
    refuse_older_value(facts, made);
}
