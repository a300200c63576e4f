/* Which of a worker's GPUs are fit for a trial now, and whether its disk is: what the vendor's tool
 * and the file system say, and the quarantine of what is not. */
#ifndef WORKER_AGENT_DEVICES_FITNESS_H
#define WORKER_AGENT_DEVICES_FITNESS_H

#include <stdbool.h>

#include "worker/agent/devices/devices_state.h"

/* By the last answer of the vendor's tool. */
void fitness_judge_gpus(struct devices *devices);
/* The tool cannot say anything now; it is asked again later, and delays nobody until then. */
void fitness_note_trouble(struct devices *devices, const char *trouble);
/* Is the last answer new enough for an ask, or is there none to be had? */
bool fitness_is_known(const struct devices *devices);
/* Looks at the disk, unless its next look is not due yet. */
void fitness_look_at_disk(struct devices *devices);
/* It is full, whatever a look would say now. */
void fitness_note_full_disk(struct devices *devices, const char *why);
/* Takes an answer of the tool, and looks at what is due. */
void fitness_tick(struct devices *devices);

#endif
