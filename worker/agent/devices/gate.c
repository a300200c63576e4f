#include "worker/agent/devices/gate.h"

#include <inttypes.h>
#include <stdio.h>

#define DEFAULT_OTHER_MIB 1024
#define DEFAULT_DISK (INT64_C(1) << 30)
#define MIB (1024.0 * 1024)

static void tell_other_process(const struct gate_facts *facts, char why[GATE_WHY_BYTES])
{
    char memory[48] = "";

    if (facts->other_process_mib >= 0) {
        (void)snprintf(memory, sizeof memory, " with %" PRId64 " MiB", facts->other_process_mib);
    }
    (void)snprintf(why, GATE_WHY_BYTES, "%.80s is in use by process %" PRId64 "%s", facts->name,
                   facts->other_process, memory);
}

bool gate_refuses_gpu(const struct gate_facts *facts, char why[GATE_WHY_BYTES])
{
    bool is_default = facts->max_other_mib < 0;
    int64_t most_mib = is_default ? DEFAULT_OTHER_MIB : facts->max_other_mib;

    if (!facts->is_listed) {
        (void)snprintf(why, GATE_WHY_BYTES, "%s does not list %.80s", facts->tool, facts->name);
        return true;
    }
    if (is_default && facts->other_process != 0) {
        tell_other_process(facts, why);
        return true;
    }
    if (facts->others_mib > most_mib) {
        (void)snprintf(why, GATE_WHY_BYTES,
                       "others use %" PRId64 " MiB of %.80s, more than %" PRId64, facts->others_mib,
                       facts->name, most_mib);
        return true;
    }
    return false;
}

bool gate_refuses_disk(const char *workdir, int64_t free_bytes, int64_t total_bytes,
                       int64_t min_bytes, char why[GATE_WHY_BYTES])
{
    int64_t least = DEFAULT_DISK < total_bytes / 20 ? DEFAULT_DISK : total_bytes / 20;

    least = min_bytes >= 0 ? min_bytes : least;
    if (free_bytes >= least) {
        return false;
    }
    (void)snprintf(why, GATE_WHY_BYTES, "the disk of %.120s has %.4g MiB free, less than %.4g",
                   workdir, (double)free_bytes / MIB, (double)least / MIB);
    return true;
}
