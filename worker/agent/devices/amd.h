/* Reads what rocm-smi prints. */
#ifndef WORKER_AGENT_DEVICES_AMD_H
#define WORKER_AGENT_DEVICES_AMD_H

#include "common/err.h"
#include "worker/agent/devices/vendor.h"

/* Of --showproductname --showuniqueid --showmeminfo vram --json: an object with a member "card0",
 * "card1", … each; of --showuniqueid --showuse --json likewise, with busy_percent and without
 * memory. It tells of no processes. ERR_MALFORMED: it is something else. */
MUST_USE int amd_read_gpus(const char *text, struct vendor_list *list, struct err *err);

#endif
