/* Reads what nvidia-smi prints. Each adds to a list; ERR_MALFORMED: a line that is none of its. */
#ifndef WORKER_AGENT_DEVICES_NVIDIA_H
#define WORKER_AGENT_DEVICES_NVIDIA_H

#include "common/err.h"
#include "worker/agent/devices/vendor.h"

#define NVIDIA_GPUS "--query-gpu=index,uuid,name,memory.total,memory.used"
#define NVIDIA_UTILIZATION "--query-gpu=index,uuid,utilization.gpu"
#define NVIDIA_PROCESSES "--query-compute-apps=pid,gpu_uuid,used_memory"
#define NVIDIA_FORMAT "--format=csv,noheader,nounits"

/* Of NVIDIA_GPUS NVIDIA_FORMAT: "0, GPU-8f5e…, NVIDIA H200, 143771, 3". */
MUST_USE int nvidia_read_gpus(const char *text, struct vendor_list *list, struct err *err);
/* Of NVIDIA_UTILIZATION NVIDIA_FORMAT: "0, GPU-8f5e…, 97"; of the GPUs it fills index, uuid and
 * busy_percent alone. */
MUST_USE int nvidia_read_utilization(const char *text, struct vendor_list *list, struct err *err);
/* Of -L: each part of a GPU that is divided (MIG) becomes one more, and its GPU is its parent. */
MUST_USE int nvidia_read_parts(const char *text, struct vendor_list *list, struct err *err);
/* Of NVIDIA_PROCESSES NVIDIA_FORMAT: "4711, GPU-8f5e…, 1024". */
MUST_USE int nvidia_read_processes(const char *text, struct vendor_list *list, struct err *err);

#endif
