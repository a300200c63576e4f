#include "worker/cli/agent_options/isolation.h"

#include <inttypes.h>

#include "common/integer.h"
#include "common/size.h"
#include "worker/agent/agent.h"
#include "worker/cli/define/span.h"

enum { KEY_ISOLATE = 0x4800, KEY_MEMORY, KEY_PROCESSES, KEY_KEEP };

#define PROCESSES_MAX 4194304
#define MEMORY_LEAST ((int64_t)1 << 20)
#define MEMORY_MOST ((int64_t)1 << 50)
#define KEEP_MOST_MS (INT64_C(366) * 86400 * 1000)

static const struct argp_option isolation_options[] = {
    {"isolate", KEY_ISOLATE, "HOW", 0,
     "end all processes of a job by its cgroup, by a PID namespace, or by a walk over its "
     "descendants: cgroup, namespace, walk (default: auto, a delegated cgroup or else walk)\vThose "
     "processes are meant, too, that made themselves independent of it. With cgroup each job has a "
     "cgroup (version 2) below that of the worker, which must be delegated to it, as by "
     "Delegate=yes of a systemd unit; if other processes are in it, it has no limits. With "
     "namespace each job has a PID namespace, and sees other process numbers and, where that can "
     "be mounted, a /proc of its own. With walk the descendants of the job are killed until there "
     "is none. auto is the first of cgroup and walk that works; root, which may write into any "
     "cgroup, then uses only one that systemd says is delegated. Which one is in use is logged at "
     "the start.",
     2},
    {"memory-limit", KEY_MEMORY, "SIZE", 0,
     "of each job, as 16G or 500M; needs a cgroup\vA job that needs more fails with the reason "
     "oom.",
     2},
    {"processes", KEY_PROCESSES, "N", 0,
     "so many processes and threads of each job at once; needs a cgroup", 2},
    {"keep-jobs", KEY_KEEP, "SPAN", OPTION_ARG_OPTIONAL,
     "when this worker is killed, its jobs wait so long for the next one (default: 5m) instead of "
     "being killed too\vThe next worker with the same state directory takes them over, with all "
     "that they have printed meanwhile. A job whose output is full waits. Without a worker for "
     "SPAN a job is killed, and how it ended is kept for the next worker. A job that has ended in "
     "the state directory of another worker of this name, which was killed too, is delivered by "
     "whichever starts, or asks for its next trial; one that still runs there is left alone. A "
     "worker that is stopped ends its jobs as ever. To kill jobs together with their worker is "
     "right where a batch system ends both. A unit of systemd needs KillMode=process beside this.",
     2},
    {0},
};

static int64_t bytes_from(const char *arg, const struct argp_state *state)
{
    int64_t bytes = 0;

    if (!size_from_text(arg, &bytes) || bytes < MEMORY_LEAST || bytes > MEMORY_MOST) {
        argp_error(state, "--memory-limit %s: write a size of at least 1M, as 500M or 16G", arg);
    }
    return bytes;
}

static int64_t processes_from(const char *arg, const struct argp_state *state)
{
    int64_t n = 1;

    if (!integer_from_text(arg, 1, PROCESSES_MAX, &n)) {
        argp_error(state, "--processes %s: write a whole number from 1 to %d", arg, PROCESSES_MAX);
    }
    return n;
}

static int64_t keep_from(const char *arg, const struct argp_state *state)
{
    int64_t span_ms = span_ms_from_argument("keep-jobs", arg, state);

    if (span_ms < 1000 || span_ms > KEEP_MOST_MS) {
        argp_error(state, "--keep-jobs %s: write a span of time from 1s to 366d", arg);
    }
    return span_ms;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct agent_settings *settings = state->input;

    switch (key) {
    case KEY_ISOLATE:
        settings->boundary.isolate = arg;
        return 0;
    case KEY_MEMORY:
        settings->boundary.memory_bytes = bytes_from(arg, state);
        return 0;
    case KEY_KEEP:
        settings->keep_ms = keep_from(arg == NULL ? "5m" : arg, state);
        return 0;
    case KEY_PROCESSES:
        settings->boundary.processes = processes_from(arg, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp isolation_argp = {isolation_options, parse, NULL, NULL, NULL, NULL, NULL};
