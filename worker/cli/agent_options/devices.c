#include "worker/cli/agent_options/devices.h"

#include "common/integer.h"
#include "worker/agent/agent.h"
#include "worker/cli/agent_options/size.h"

enum { KEY_SLOTS = 0x4100, KEY_GPUS, KEY_SLOTS_PER_GPU, KEY_HIDE, KEY_MAX_USED, KEY_THREADS };

#define THREADS_MAX 4096

static const struct argp_option devices_options[] = {
    {"slots", KEY_SLOTS, "N", 0,
     "so many trials at once; without --gpus none of them has a GPU of its own (default: one a "
     "GPU, else 1)\vJobs without a GPU of their own see what the worker sees.",
     2},
    {"gpus", KEY_GPUS, "LIST", 0,
     "one slot for each of these: 0,1,2 or UUIDs, 'all' or 'none' (default: those that are "
     "inherited or found)\vall, where there is none, is an error. See GPUS.",
     2},
    {"slots-per-gpu", KEY_SLOTS_PER_GPU, "N", 0,
     "so many trials at once on each GPU (default: 1)\vA study that requires memory is held to the "
     "share of one trial.",
     2},
    {"hide-gpus", KEY_HIDE, NULL, 0,
     "jobs that have no GPU of their own see none\vCUDA_VISIBLE_DEVICES is empty.", 2},
    {"max-gpu-used", KEY_MAX_USED, "SIZE", 0,
     "use a GPU while others use so much of its memory, as 500M or 2G (default: 1G, and no process "
     "of theirs computes there)",
     2},
    {"threads-per-slot", KEY_THREADS, "N", 0,
     "set OMP_NUM_THREADS to N for jobs (default: leave it as it is)", 2},
    {0},
};

static size_t number_from(const char *option, const char *arg, int64_t most,
                          const struct argp_state *state)
{
    int64_t n = 1;

    if (!integer_from_text(arg, 1, most, &n)) {
        argp_error(state, "%s %s: write a whole number from 1 to %d", option, arg, (int)most);
    }
    return (size_t)n;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct agent_settings *settings = state->input;

    switch (key) {
    case KEY_SLOTS:
        settings->n_slots = number_from("--slots", arg, AGENT_SLOTS_MAX, state);
        return 0;
    case KEY_GPUS:
        settings->gpu_list = arg;
        return 0;
    case KEY_SLOTS_PER_GPU:
        settings->slots_per_gpu = number_from("--slots-per-gpu", arg, AGENT_SLOTS_MAX, state);
        return 0;
    case KEY_HIDE:
        settings->hide_gpus = true;
        return 0;
    case KEY_MAX_USED:
        settings->max_gpu_used = size_from_argument("--max-gpu-used", arg, state);
        return 0;
    case KEY_THREADS:
        settings->threads_per_slot = number_from("--threads-per-slot", arg, THREADS_MAX, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp devices_argp = {devices_options, parse, NULL, NULL, NULL, NULL, NULL};
