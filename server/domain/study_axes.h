/* The parts of a study's body that say how the search goes: objectives, outcome
 * constraints, strategy, stopping.
 * For study_read.c alone. Any thread. */
#ifndef SERVER_DOMAIN_STUDY_AXES_H
#define SERVER_DOMAIN_STUDY_AXES_H

#include "server/domain/study.h"

/* Each reads its members of the body into `def` and adds every fault, with its pointer, to the
 * faults of `f`; a member that is absent gets its default. */
void study_read_objectives(struct fields *f, struct study_def *def);
void study_read_bounds(struct fields *f, struct study_def *def);
void study_read_strategy(struct fields *f, struct study_def *def);
/* After the resource, in whose unit it has steps. */
void study_read_stopping(struct fields *f, struct study_def *def);

#endif
