#include "worker/cli/agent_options/isolation.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/integer.h"
#include "worker/agent/agent.h"
#include "worker/cli/agent_options/span.h"

enum { KEY_ISOLATE = 0x4800, KEY_MEMORY, KEY_PROCESSES, KEY_KEEP };

#define PROCESSES_MAX 4194304
#define MEMORY_LEAST ((int64_t)1 << 20)
#define MEMORY_MOST ((int64_t)1 << 50)

static const struct argp_option isolation_options[] = {
    {"isolate", KEY_ISOLATE, "HOW", 0,
     "end all processes of a job by its cgroup, by a PID namespace, or by a walk over its "
     "descendants: cgroup, namespace, walk (default: auto, a delegated cgroup or else walk)",
     2},
    {"memory-limit", KEY_MEMORY, "SIZE", 0, "of each job, as 16G or 500M; needs a cgroup", 2},
    {"processes", KEY_PROCESSES, "N", 0,
     "so many processes and threads of each job at once; needs a cgroup", 2},
    {"keep-jobs", KEY_KEEP, "SPAN", OPTION_ARG_OPTIONAL,
     "when this worker is killed, its jobs wait so long for the next one (default: 5m) instead of "
     "being killed too",
     2},
    {0},
};

/* "16G", "16GiB", "500M", "1048576": powers of 1,024. */
static int64_t bytes_from(const char *arg, const struct argp_state *state)
{
    static const char *const units[] = {"", "K", "M", "G", "T"};
    char *unit = NULL;
    int64_t bytes = strtoll(arg, &unit, 10);
    int shift = -1;

    for (int i = 0; i < 5; i++) {
        bool is_unit = strncmp(unit, units[i], strlen(units[i])) == 0;
        const char *rest = unit + strlen(units[i]);
        if (is_unit && (rest[0] == '\0' || strcmp(rest, "B") == 0 || strcmp(rest, "iB") == 0)) {
            shift = 10 * i;
        }
    }
    bool is_number = arg[0] >= '1' && arg[0] <= '9' && shift >= 0;
    if (!is_number || bytes > MEMORY_MOST >> shift || bytes << shift < MEMORY_LEAST) {
        argp_error(state, "--memory-limit %s: write a size of at least 1M, as 500M or 16G", arg);
    }
    return bytes << shift;
}

static int64_t processes_from(const char *arg, const struct argp_state *state)
{
    int64_t n = 1;

    if (!integer_from_text(arg, 1, PROCESSES_MAX, &n)) {
        argp_error(state, "--processes %s: write a whole number from 1 to %d", arg, PROCESSES_MAX);
    }
    return n;
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
        settings->keep_ms = span_from_argument("--keep-jobs", arg == NULL ? "5m" : arg, state);
        return 0;
    case KEY_PROCESSES:
        settings->boundary.processes = processes_from(arg, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp isolation_argp = {isolation_options, parse, NULL, NULL, NULL, NULL, NULL};
