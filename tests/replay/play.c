#include "tests/replay/play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct player *play_player(struct play *play, const char *name)
{
    for (size_t i = 0; i < play->n_players; i++) {
        if (strcmp(play->players[i].name, name) == 0) {
            return &play->players[i];
        }
    }
    if (play->n_players == WORKERS_MAX) {
        abort();
    }
    (void)snprintf(play->players[play->n_players].name, sizeof play->players[0].name, "%s", name);
    return &play->players[play->n_players++];
}

void play_refused(void *context, const struct command *command)
{
    struct play *play = context;

    if (command == play->waiting) {
        play->waiting = NULL;
    }
}

static int submit_failing(struct play *play, struct command *command, struct err *err)
{
    size_t n = play->waiting == NULL ? 1 : 0;

    if (n == 0) { /* no client asks twice */
        command_destroy(command);
    } else {
        play->waiting = command;
    }
    return world_fail(&play->world, &command, n, play->fail_at, &play->has_failed, err);
}

int play_submit(struct play *play, struct command *command, struct err *err)
{
    if (play->fail_at > 0 && command != NULL) {
        return submit_failing(play, command, err);
    }
    return play->crashing && command != NULL ? world_crash(&play->world, &command, 1, err)
                                             : world_do(&play->world, command, err);
}
