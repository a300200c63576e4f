#include "worker/cli/agent_options/identity.h"

#include "worker/agent/agent.h"

enum { KEY_NAME = 0x4000, KEY_LABEL };

static const struct argp_option identity_options[] = {
    {"name", KEY_NAME, "NAME", 0,
     "what this worker is called (default: the host's name)\vIts slots are NAME:0, NAME:1 and so "
     "on. Without a name, a second worker of this work directory on the host is 2@HOST.",
     3},
    {"label", KEY_LABEL, "KEY=VALUE", 0, "for studies that require it; may be given several times",
     3},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct agent_settings *settings = state->input;

    switch (key) {
    case KEY_NAME:
        settings->name = arg;
        return 0;
    case KEY_LABEL:
        if (settings->n_labels == AGENT_LABELS_MAX) {
            argp_error(state, "--label %s: one too many; %d are allowed", arg, AGENT_LABELS_MAX);
        }
        settings->labels[settings->n_labels++] = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp identity_argp = {identity_options, parse, NULL, NULL, NULL, NULL, NULL};
