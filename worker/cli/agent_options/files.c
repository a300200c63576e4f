#include "worker/cli/agent_options/files.h"

#include <string.h>

#include "worker/agent/agent.h"
#include "worker/cli/agent_options/size.h"

enum { KEY_WORKDIR = 0x4200, KEY_MIN_FREE, KEY_STATE_DIR, KEY_NO_LOG_UPLOAD, KEY_CHECKPOINTS };

static const struct argp_option files_options[] = {
    {"workdir", KEY_WORKDIR, "DIR", 0,
     "keep logs, parameters and checkpoints of the trials here\vUnless said, "
     "$XDG_STATE_HOME/hone/work, or ~/.local/state/hone/work where that is not set, or "
     "/var/tmp/hone-UID/work where HOME is not set either. Several workers may share it, on "
     "several hosts too. See FILES. The checkpoints of a trial that went all the way, and of the "
     "best one, stay; those that the server needs no longer are deleted as it says so, and nothing "
     "outside of DIR ever is.",
     3},
    {"min-disk-free", KEY_MIN_FREE, "SIZE", 0,
     "ask for no trial with less room than this there (default: 1G, or 5 % of a small disk)", 3},
    {"state-dir", KEY_STATE_DIR, "DIR", 0,
     "keep here what must outlive the worker (default: a folder of its own in the work "
     "directory)\vThat is results and measurements that the server has not taken yet. A worker "
     "that starts in the directory of one that was killed, or that was stopped while the server "
     "was away, delivers what that one has left. The directory of a worker that still runs is "
     "refused, with exit status 75.",
     3},
    {"no-log-upload", KEY_NO_LOG_UPLOAD, NULL, 0,
     "do not send what jobs print to the server\vOtherwise it is sent after everything else, where "
     "hone-logs(1) shows it.",
     3},
    {"checkpoints", KEY_CHECKPOINTS, "WHERE", 0,
     "where the checkpoints of trials are: local (default), shared if all workers see DIR under "
     "the same path, or upload: at the server\vIt says which workers can go on from a checkpoint "
     "after a promotion or a preemption: with local those on this host, with shared all, with "
     "upload all that are told so, too. For upload the folder is packed as a tar file and sent "
     "before the result; the next worker fetches, checks and unpacks it before its job starts. It "
     "may hold files, folders and relative links inside of it. One of more than 64 MiB (the "
     "setting checkpoint-limit of honed(8)) stays here as with local, which is said once.",
     3},
    {0},
};

static enum agent_checkpoints where_from_name(const char *name, const struct argp_state *state)
{
    static const char *const names[] = {[CHECKPOINTS_LOCAL] = "local",
                                        [CHECKPOINTS_SHARED] = "shared",
                                        [CHECKPOINTS_UPLOAD] = "upload"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], name) == 0) {
            return (enum agent_checkpoints)i;
        }
    }
    argp_error(state, "--checkpoints %s: write local, shared or upload", name);
    return CHECKPOINTS_LOCAL;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct agent_settings *settings = state->input;

    switch (key) {
    case KEY_WORKDIR:
        settings->workdir = arg;
        return 0;
    case KEY_MIN_FREE:
        settings->min_disk_free = size_from_argument("--min-disk-free", arg, state);
        return 0;
    case KEY_STATE_DIR:
        settings->state_dir = arg;
        return 0;
    case KEY_NO_LOG_UPLOAD:
        settings->no_log_upload = true;
        return 0;
    case KEY_CHECKPOINTS:
        settings->checkpoints = where_from_name(arg, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp files_argp = {files_options, parse, NULL, NULL, NULL, NULL, NULL};
