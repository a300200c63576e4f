/* Every allocation fails once while a command is carried out, or while time passes, in the world of
 * tests/sim/world_fixture.h. What had no memory is refused as ERR_NOMEM and, once its group is
 * undone, leaves no trace; what succeeds all the same has given the undisturbed answer and written
 * the undisturbed rows. After each failure the next group does its work. What does not hold ends
 * the case. */
#ifndef TESTS_FAULTS_EACH_ALLOCATION_H
#define TESTS_FAULTS_EACH_ALLOCATION_H

#include "tests/sim/world_fixture.h"

/* A step of one case: a command, or NULL after it has moved the clock. */
typedef struct command *(*make_step)(void);

/* The fixture is open; it ends as it was. `is_cold`: each try is the first command of a server,
 * whose tables have to grow. Returns how many allocations the step makes. */
size_t step_fail_each(make_step make, bool is_cold);

/* What a command was answered, as one line. */
void answer_write(const struct command *command, struct buf *out);

#endif
