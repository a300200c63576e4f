#include "worker/cli/agent_options/rights.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_CLEAN = 0x4a00, KEY_ENV, KEY_ROOT };

static const struct argp_option rights_options[] = {
    {"clean-env", KEY_CLEAN, NULL, 0,
     "give jobs of this environment only PATH, HOME, USER, the language, CUDA_*, SLURM_* and the "
     "like, and what --env names\vJobs get PATH, HOME, USER, LOGNAME, SHELL, TERM, LANG, LANGUAGE, "
     "LC_*, TZ, TMPDIR, CUDA_*, ROCR_*, HIP_*, NVIDIA_* and SLURM_*. See SECURITY.",
     7},
    {"env", KEY_ENV, "NAME[=VALUE]", 0,
     "give jobs this variable too, or set it for them; may be given several times\vNAME* stands "
     "for all that begin so.",
     7},
    {"allow-root", KEY_ROOT, NULL, 0,
     "run jobs as root, where this is started as root\vWithout it, and without HONE_ALLOW_ROOT=1, "
     "the worker does not start as root.",
     7},
    {0},
};

static void add_variable(struct agent_settings *settings, const char *arg,
                         const struct argp_state *state)
{
    struct err err = {0};

    if (inherited_check(arg, &err) != 0) {
        argp_error(state, "%s", err.text);
    }
    if (settings->n_env == AGENT_ENV_MAX) {
        argp_error(state, "--env %s: one too many; %d are allowed", arg, AGENT_ENV_MAX);
    }
    settings->env[settings->n_env++] = arg;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct agent_settings *settings = state->input;

    switch (key) {
    case KEY_CLEAN:
        settings->clean_env = true;
        return 0;
    case KEY_ENV:
        add_variable(settings, arg, state);
        return 0;
    case KEY_ROOT:
        settings->allow_root = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp rights_argp = {rights_options, parse, NULL, NULL, NULL, NULL, NULL};

bool rights_suffice(bool allow_root)
{
    const char *allowed = getenv("HONE_ALLOW_ROOT");

    return geteuid() != 0 || allow_root || (allowed != NULL && strcmp(allowed, "1") == 0);
}

int rights_check(const struct agent_settings *settings, struct err *err)
{
    if (rights_suffice(settings->allow_root)) {
        return 0;
    }
    return err_set(err, ERR_INVALID,
                   "this is root: the command of every trial, with values from the server, would "
                   "have all rights on this machine; start the worker as another user, or say "
                   "--allow-root (or HONE_ALLOW_ROOT=1) where that is meant, as in a container of "
                   "its own");
}
