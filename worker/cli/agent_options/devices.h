/* How many trials run at once, and on which devices: --slots, --gpus, --slots-per-gpu, --hide-gpus,
 * --max-gpu-used, --threads-per-slot. */
#ifndef WORKER_CLI_AGENT_OPTIONS_DEVICES_H
#define WORKER_CLI_AGENT_OPTIONS_DEVICES_H

#include <argp.h>

/* Fills the `struct agent_settings` that is its input. */
extern const struct argp devices_argp;

#endif
