/* The parts of reading a study's body; for server/domain/study_*.c alone. */
#ifndef SERVER_DOMAIN_STUDY_READ_H
#define SERVER_DOMAIN_STUDY_READ_H

#include "server/domain/study.h"

void study_read_objectives(struct fields *f, struct study_def *def);
void study_read_strategy(struct fields *f, struct study_def *def);
void study_read_stopping(struct fields *f, struct study_def *def);
void study_read_resource(struct fields *f, struct study_def *def);

#endif
