#include "worker/cli/agent_options/files.h"

#include "worker/agent/agent.h"

enum { KEY_WORKDIR = 0x4200 };

static const struct argp_option files_options[] = {
    {"workdir", KEY_WORKDIR, "DIR", 0, "keep logs and checkpoints here", 3},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct agent_settings *settings = state->input;

    switch (key) {
    case KEY_WORKDIR:
        settings->workdir = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp files_argp = {files_options, parse, NULL, NULL, NULL, NULL, NULL};
