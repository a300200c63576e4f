/* A world for the cases of one test program: the study and the commands that many of them need, and
 * what the last ones were answered. What fails ends the case. */
#ifndef TESTS_SIM_WORLD_FIXTURE_H
#define TESTS_SIM_WORLD_FIXTURE_H

#include <check.h>

#include "tests/sim/world.h"

struct world_fixture {
    struct world world;
    char lease[LEASE_ID_BYTES]; /* of the last ask that was answered; "": it was granted none */
    /* To the last command: the name of its error, or what a heartbeat is told to do. */
    char answer[64];
    bool may_be_refused;                        /* else a command with an error ends the case */
    void (*note)(const struct command *answer); /* what else a test looks at; NULL: nothing */
};
extern struct world_fixture f;

/* An empty server, and the end of it; fixture_open_in(): its store is in this directory. */
void fixture_open(void);
void fixture_open_in(const char *directory);
void fixture_close(void);

/* The step succeeded. */
void must(int result, const struct err *err);
/* A group of this command alone; NULL: of none, only what time brings. */
void perform(struct command *command);
/* All rows of the store as text. */
struct buf fixture_rows(void);

/* The body of a study with one parameter x from 0 to 1; `more` goes on with it: ", \"seed\": 7". */
#define STUDY_OF_X(name, more)                                                                     \
    "{\"name\": \"" name "\", \"metric\": \"loss\", \"direction\": \"minimize\","                  \
    " \"strategy\": \"random\", \"parameters\": [{\"name\": \"x\", \"type\": \"float\","           \
    " \"low\": 0, \"high\": 1}]" more "}"
/* A study whose trials train for 1 to `max` epochs (a text). */
#define STUDY_OF_EPOCHS(strategy, max, more)                                                       \
    "{\"name\": \"s\", \"strategy\": {" strategy "}, \"seed\": 7, \"metric\": \"loss\","           \
    " \"resource\": {\"name\": \"epochs\", \"min\": 1, \"max\": " max "}, \"direction\": "         \
    "\"minimize\", \"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"low\": 0, \"high\": " \
    "1}]" more "}"
/* Two trials; a rung waits for half of them, and twice as long for the other. */
#define STUDY_WITH_QUORUM                                                                          \
    STUDY_OF_EPOCHS("\"name\": \"hyperband\", \"brackets\": 1, \"quorum\": 0.5", "3",              \
                    ", \"limits\": {\"trials\": 2}, \"lease\": {\"ttl_seconds\": 3600}")
/* Creates STUDY_OF_X. */
void create_study_of_x(const char *name);

/* ---- commands of one worker, about the study "s" and the last lease ---- */

struct command *make_ask(void);
struct command *make_ask_by_name(void); /* with a request id */
struct command *make_measure(void);     /* step 1, loss 2 */
struct command *make_complete(void);    /* loss 1 */
struct command *make_heartbeat(void);
struct command *make_release(void);
struct command *make_unsent(void);
struct command *make_cancel(void); /* trial 1 */
struct command *make_pause(void);
struct command *make_stop(void);
struct command *make_token(void);       /* "abcdefgh" */
struct command *make_trial(void);       /* x = 0.5 */
struct command *make_rung_result(void); /* completed at step 1, loss 1 */
struct command *make_ask_at_host(void);
/* A failure whose checkpoint a lease on that host lists as obsolete. */
struct command *make_checkpoint(void);

/* ---- time instead of a command: they return NULL ---- */

struct command *pass_time(void);    /* to what comes next */
struct command *pass_seconds(void); /* ten */
struct command *pass_minutes(void); /* ten */
struct command *pass_days(void);    /* eight */

#endif
