#include "tests/unit/tagged_command.h"

#include <check.h>

/* What a command carries for the api comes back as it was. */
static char origins[QUEUE_COMMANDS_MAX + 1];

struct command *tagged_command(enum command_kind kind, int tag)
{
    struct command *command = command_create(kind);

    ck_assert_ptr_nonnull(command);
    command->origin = origins + tag;
    return command;
}

int command_tag(const struct command *command)
{
    return (int)((const char *)command->origin - origins);
}
