/* Studies and schedules for tests, made from the text a user would send. */
#ifndef TESTS_SUPPORT_SCHEDULE_FIXTURE_H
#define TESTS_SUPPORT_SCHEDULE_FIXTURE_H

#include "server/schedule/schedule.h"

/* {"strategy": …, "resource": …, …}: `members` are JSON members without braces; a name, one
 * objective ("loss", minimize, unless members has objectives) and one parameter are added. Aborts
 * on a study that the domain refuses. */
struct study_def *fixture_study(const char *members);
/* What schedule_check() says about it: "pointer detail" lines; free() it. */
char *fixture_faults(const char *members);

/* A schedule with its study, the moment it lives in and every fact so far. */
struct fixture {
    struct study_def *study;
    struct schedule *schedule;
    struct schedule_moment moment;
    struct schedule_log log;
    int64_t n_trials;
};

struct fixture fixture_open(const char *members);
void fixture_close(struct fixture *f);

/* Takes what is offered: the trial's number, and its goal in *until; 0 when nothing is offered. */
int64_t fixture_ask(struct fixture *f, int64_t *until);
enum schedule_verdict fixture_measure(struct fixture *f, int64_t trial, int64_t step, double value);
/* The same of one of several objectives, by its index. */
enum schedule_verdict fixture_measure_one(struct fixture *f, int64_t trial, size_t objective,
                                          int64_t step, double value);
/* Of two, whichever comes last. */
enum schedule_verdict fixture_measure_two(struct fixture *f, int64_t trial, int64_t step,
                                          double first, double second);
enum schedule_verdict fixture_finish(struct fixture *f, int64_t trial, int64_t step);
void fixture_end(struct fixture *f, int64_t trial, enum schedule_fact how);
enum schedule_verdict fixture_verdict(const struct fixture *f, int64_t trial);
int64_t fixture_goal(const struct fixture *f, int64_t trial);
/* How many facts of this kind name the trial (0: any trial). */
int fixture_count(const struct fixture *f, enum schedule_fact fact, int64_t trial);

/* The trial's newest rung value; NULL if it has none. */
const struct schedule_record *fixture_value(const struct fixture *f, int64_t trial);
/* For schedule_moment.prefers: `worker` points to the one trial it holds the checkpoint of. */
bool fixture_prefers(const void *worker, int64_t trial);

#endif
