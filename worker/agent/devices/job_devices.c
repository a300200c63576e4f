#include "worker/agent/devices/job_devices.h"

#include <stdlib.h>
#include <string.h>

static bool is_variable(const char *variable, const char *name)
{
    size_t len = strlen(name);

    return strncmp(variable, name, len) == 0 && variable[len] == '=';
}

/* Two of these at once can hide every device, so a job has one. */
static bool chooses_devices(const char *variable)
{
    static const char *const names[] = {"CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
                                        "HIP_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL",
                                        "ZE_AFFINITY_MASK"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (is_variable(variable, names[i])) {
            return true;
        }
    }
    return false;
}

bool job_devices_replace(const struct job_devices *devices, const char *variable)
{
    return ((devices->gpus != NULL || devices->hides) && chooses_devices(variable))
           || (devices->by_bus && is_variable(variable, "CUDA_DEVICE_ORDER"))
           || (devices->n_threads > 0 && is_variable(variable, "OMP_NUM_THREADS"));
}

void job_devices_append(const struct job_devices *devices, struct argv_list *out)
{
    if (devices->gpus != NULL) {
        argv_list_printf(out, "%s=%s", vendor_variable(devices->vendor), devices->gpus);
        argv_list_printf(out, "HONE_GPUS=%zu", devices->n_gpus);
    } else if (devices->hides) {
        argv_list_add(out, "CUDA_VISIBLE_DEVICES="); /* HIP reads it too */
    }
    if (devices->gpus != NULL && devices->by_bus) {
        argv_list_add(out, "CUDA_DEVICE_ORDER=PCI_BUS_ID");
    }
    if (devices->n_cpus > 0) {
        argv_list_printf(out, "HONE_CPUS=%zu", devices->n_cpus);
    }
    if (devices->n_threads > 0) {
        argv_list_printf(out, "OMP_NUM_THREADS=%zu", devices->n_threads);
    }
}
