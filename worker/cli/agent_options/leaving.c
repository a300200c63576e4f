#include "worker/cli/agent_options/leaving.h"

#include "common/clock.h"
#include "common/integer.h"
#include "common/moment.h"
#include "worker/agent/agent.h"
#include "worker/cli/define/span.h"

enum { KEY_EXIT = 0x4300, KEY_IDLE, KEY_TRIALS, KEY_UPTIME, KEY_DEADLINE, KEY_STATUS, KEY_STAY };
enum { STATUS_MAX = 255 };

static const struct argp_option leaving_options[] = {
    {"exit-when-finished", KEY_EXIT, NULL, 0,
     "leave when the study is finished or stopped, also while slots wait after jobs that failed at "
     "once",
     6},
    {"exit-when-idle", KEY_IDLE, "SPAN", 0, "leave when no slot has had a trial for so long: 10m",
     6},
    {"max-trials", KEY_TRIALS, "N", 0, "leave after so many trials", 6},
    {"max-uptime", KEY_UPTIME, "SPAN", 0,
     "take no more trials after so long, and leave when those that run are done", 6},
    {"deadline", KEY_DEADLINE, "WHEN", 0,
     "the machine is taken away after a span (8h) or at a moment (2026-11-24T21:32:37Z): take only "
     "trials that end before, and hand back in time what has not (default: that of the Slurm "
     "job)\vSee DEADLINE.",
     6},
    {"preempt-status", KEY_STATUS, "N", 0,
     "the exit status after a signal or at the deadline (default: 0; 75 where Slurm's RequeueExit "
     "says so)\v0 to 255. See EXIT STATUS.",
     6},
    {"stay-when-drained", KEY_STAY, NULL, 0,
     "go on asking while the server gives this node nothing, instead of leaving\vFor a worker that "
     "something would start again at once.",
     6},
    {0},
};

/* On the monotonic clock. */
static int64_t deadline_ms(const char *arg, const struct argp_state *state)
{
    const struct clock *clock = clock_system();
    double seconds = span_seconds(arg);
    int64_t moment_ms;

    if (seconds > 0) {
        return integer_add(clock->monotonic_ms(clock), integer_from_real(seconds * 1000));
    }
    if (!moment_read(arg, &moment_ms)) {
        argp_error(state,
                   "--deadline %s: write a span such as 90m, 8h, 2d or a moment such as "
                   "2026-11-24T21:32:37Z",
                   arg);
    }
    return clock->monotonic_ms(clock) + moment_ms - clock->wall_ms(clock);
}

static int64_t whole(const char *option, const char *arg, int64_t least, int64_t most,
                     const struct argp_state *state)
{
    int64_t n = 0;

    if (!integer_from_text(arg, least, most, &n)) {
        argp_error(state, "--%s %s: write a whole number from %d%s", option, arg, (int)least,
                   most == STATUS_MAX ? " to 255" : " on");
    }
    return n;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct agent_settings *settings = state->input;

    switch (key) {
    case KEY_EXIT:
        settings->exit_when_finished = true;
        return 0;
    case KEY_IDLE:
        settings->idle_ms = span_ms_from_argument("exit-when-idle", arg, state);
        return 0;
    case KEY_TRIALS:
        settings->max_trials = whole("max-trials", arg, 1, INT64_MAX, state);
        return 0;
    case KEY_UPTIME:
        settings->uptime_ms = span_ms_from_argument("max-uptime", arg, state);
        return 0;
    case KEY_DEADLINE:
        settings->deadline_ms = deadline_ms(arg, state);
        return 0;
    case KEY_STATUS:
        settings->preempt_status = (int)whole("preempt-status", arg, 0, STATUS_MAX, state);
        return 0;
    case KEY_STAY:
        settings->stays_when_drained = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp leaving_argp = {leaving_options, parse, NULL, NULL, NULL, NULL, NULL};
