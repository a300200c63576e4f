/* The resource of a study: its bounds, the step that rungs are rounded to, and the unit in which
 * all steps are counted. For the readers of a study's body. Any thread. */
#ifndef SERVER_DOMAIN_STUDY_RESOURCE_H
#define SERVER_DOMAIN_STUDY_RESOURCE_H

#include "server/domain/study.h"

/* The highest bound, limit or step of a study in its unit: 10^12 whole ones, of a fine unit fewer.
 */
int64_t study_step_most(int digits);
/* Reads "resource" into `def` and adds every fault. After the strategy: its eta says how fine the
 * default of the resource's step must be. */
void study_read_resource(struct fields *f, struct study_def *def);

#endif
