/* hone doctor, about this machine: what a worker here would find. */
#ifndef WORKER_CLI_VERBS_DOCTOR_MACHINE_H
#define WORKER_CLI_VERBS_DOCTOR_MACHINE_H

#include "common/findings.h"

/* Looks at GPUs (may wait ten seconds for the vendor's tool), the work directory (NULL: the usual
 * one), what was not delivered, and how jobs can be held together. Changes nothing. */
void doctor_machine(const char *workdir, struct findings *findings);

#endif
