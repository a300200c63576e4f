/* How many tasks of a job array to add or to take back. Pure. */
#ifndef WORKER_CLI_SUBMIT_PLAN_H
#define WORKER_CLI_SUBMIT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

struct submit_view {
    int64_t slots_wanted;   /* slots that the study could keep busy; -1: any number */
    int64_t elsewhere;      /* of these, slots of other workers that are busy with it, or free */
    int64_t slots_per_task; /* >= 1 */
    int64_t tasks_max;      /* never more than these in the queue */
    int64_t pending, running;
};

struct submit_step {
    int64_t submit; /* so many more */
    int64_t cancel; /* so many of the pending ones; one of the two is 0 */
};

/* Tasks in the queue come first, those that run but have no trial included. A task that runs is
 * never cancelled: its worker leaves by itself. */
struct submit_step submit_plan(const struct submit_view *view);

/* How long to wait after so many submissions in a row that came to nothing: 10 s, 20 s, 40 s, …, at
 * most 10 minutes; 0 after none. */
int64_t submit_delay_seconds(int failures);
/* After so many, it is not worth trying again. */
#define SUBMIT_FAILURES_MAX 6

/* Seconds of a time limit as sbatch takes it: "90" (minutes), "90:00", "1:30:00", "2-12",
 * "2-12:30", "2-12:30:00"; -1 if it is none, or no limit ("UNLIMITED", "0"). */
int64_t submit_time_seconds(const char *text);

/* Seconds of a limit that a trial can use: a worker is told to hand its trials back 120 s before
 * the end, and Slurm may be 60 s early. At least 0. */
int64_t submit_usable_seconds(int64_t limit_seconds);

#endif
