#include "server/tuning/internal.h"

#include "common/planted.h"
#include "server/tuning/retention.h"

void tuning_read_clock(struct tuning *tuning)
{
    const struct clock *clock = tuning->settings.clock;

    tuning->state.now_ms = clock->monotonic_ms(clock);
    tuning->state.wall_ms = clock->wall_ms(clock);
    retention_note_clock(tuning);
    tuning->state.now_ms = PLANTED(WALL_CLOCK) ? tuning->state.wall_ms : tuning->state.now_ms;
}

void command_done(struct tuning *tuning, struct command *command)
{
    command->next = NULL;
    command->answered = true;
    *tuning->done_tail = command;
    tuning->done_tail = &command->next;
}
