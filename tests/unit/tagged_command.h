/* Commands that a test knows again by a number. */
#ifndef TESTS_UNIT_TAGGED_COMMAND_H
#define TESTS_UNIT_TAGGED_COMMAND_H

#include "server/engine/parts.h"

/* From 0 to QUEUE_COMMANDS_MAX. Fails the test without memory. The caller owns the command, whose
 * `origin` is taken. */
struct command *tagged_command(enum command_kind kind, int tag);
int command_tag(const struct command *command);

#endif
