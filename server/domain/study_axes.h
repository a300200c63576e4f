/* The parts of a study's body that say how the search goes: objectives, strategy, stopping,
 * resource. For study_read.c alone. Any thread. */
#ifndef SERVER_DOMAIN_STUDY_AXES_H
#define SERVER_DOMAIN_STUDY_AXES_H

#include "server/domain/study.h"

/* Each reads its members of the body into `def` and adds every fault, with its pointer, to the
 * faults of `f`; a member that is absent gets its default. */
void study_read_objectives(struct fields *f, struct study_def *def);
void study_read_strategy(struct fields *f, struct study_def *def);
/* The highest bound, limit or step of a study in its unit: 10^12 whole ones, of a fine unit fewer.
 */
int64_t study_step_most(int digits);
/* After the strategy: its eta says how fine the default of the resource's step must be. */
void study_read_resource(struct fields *f, struct study_def *def);
/* After the resource, in whose unit it has steps. */
void study_read_stopping(struct fields *f, struct study_def *def);

#endif
