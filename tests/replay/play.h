/* A scenario while it is played: its workers, its server, and how the present line is disturbed. */
#ifndef TESTS_REPLAY_PLAY_H
#define TESTS_REPLAY_PLAY_H

#include "common/wire/wire.h"
#include "tests/sim/world.h"

#define WORKERS_MAX 64
#define ANSWER_BYTES 512

struct player {
    char name[32];
    char lease[LEASE_ID_BYTES];
    char answer[ANSWER_BYTES]; /* "" while an ask is parked */
};

struct play {
    struct world world;
    struct player players[WORKERS_MAX];
    size_t n_players;
    struct player *acting;         /* NULL: no worker's line */
    bool restarts;                 /* after every line */
    bool crashes;                  /* and in the middle of each */
    bool crashing;                 /* this is the line's first time, which is lost */
    bool failures;                 /* each statement of a line fails once before it is played */
    size_t fail_at;                /* which one; 0: none */
    bool has_failed;               /* … and there was such a one */
    const struct command *waiting; /* the ask of the line, which has come in all the same */
    unsigned facts;                /* bit (1 << fact): seen */
    char answer[ANSWER_BYTES];
    bool failed;
};

/* The worker of this name, a new one if there is none. Aborts beyond WORKERS_MAX. */
struct player *play_player(struct play *play, const char *name);
/* Gives the server the command of the present line: as it is, or lost in the middle, or with a
 * statement that fails. Takes the command. */
MUST_USE int play_submit(struct play *play, struct command *command, struct err *err);
/* For world.refused: the command was answered with an error, and the client may ask again. */
void play_refused(void *context, const struct command *command);

#endif
