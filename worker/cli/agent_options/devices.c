#include "worker/cli/agent_options/devices.h"

#include "common/integer.h"
#include "worker/agent/agent.h"

enum { KEY_SLOTS = 0x4100, KEY_GPUS };

static const struct argp_option devices_options[] = {
    {"slots", KEY_SLOTS, "N", 0, "so many trials at once (default: one a GPU, else 1)", 2},
    {"gpus", KEY_GPUS, "LIST", 0, "one slot for each of these: 0,1,2 or UUIDs", 2},
    {0},
};

static size_t slots_from(const char *arg, const struct argp_state *state)
{
    int64_t n = 1;

    if (!integer_from_text(arg, 1, AGENT_SLOTS_MAX, &n)) {
        argp_error(state, "--slots %s: write a whole number from 1 to %d", arg, AGENT_SLOTS_MAX);
    }
    return (size_t)n;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct agent_settings *settings = state->input;

    switch (key) {
    case KEY_SLOTS:
        settings->n_slots = slots_from(arg, state);
        return 0;
    case KEY_GPUS:
        settings->gpu_list = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp devices_argp = {devices_options, parse, NULL, NULL, NULL, NULL, NULL};
