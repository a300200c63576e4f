#include "worker/agent/supervisor.h"

#include <stddef.h>

struct step {
    enum job_act act;
    enum job_state next;
};

#define STAYS(state)                                                                               \
    {                                                                                              \
        ACT_NOTHING, state                                                                         \
    }
#define TERMINATES                                                                                 \
    {                                                                                              \
        ACT_TERMINATE, JOB_TERMINATING                                                             \
    }
#define KILLS                                                                                      \
    {                                                                                              \
        ACT_KILL, JOB_KILLING                                                                      \
    }
#define LEAVES                                                                                     \
    {                                                                                              \
        ACT_NOTHING, JOB_LEAVING                                                                   \
    }
#define GOES                                                                                       \
    {                                                                                              \
        ACT_NOTHING, JOB_GONE                                                                      \
    }

/* clang-format off */
static const struct step table[JOB_STATE_COUNT][JOB_EVENT_COUNT] = {
    [JOB_RUNNING] = {
        [JOB_NOTIFIED]       = LEAVES,
        [JOB_ABORTED]    = TERMINATES,
        [JOB_LOST]       = TERMINATES,
        [JOB_TIMED_OUT]  = TERMINATES,
        [JOB_STALLED]    = TERMINATES,
        [JOB_DRAINED]    = TERMINATES,
        [JOB_QUIT]       = KILLS,
        [JOB_LEAVE_OVER] = STAYS(JOB_RUNNING),
        [JOB_GRACE_OVER] = STAYS(JOB_RUNNING),
        [JOB_EXITED]     = GOES,
    },
    [JOB_LEAVING] = {
        [JOB_NOTIFIED]       = STAYS(JOB_LEAVING),
        [JOB_ABORTED]    = TERMINATES,
        [JOB_LOST]       = TERMINATES,
        [JOB_TIMED_OUT]  = TERMINATES,
        [JOB_STALLED]    = STAYS(JOB_LEAVING),
        [JOB_DRAINED]    = TERMINATES,
        [JOB_QUIT]       = KILLS,
        [JOB_LEAVE_OVER] = TERMINATES,
        [JOB_GRACE_OVER] = STAYS(JOB_LEAVING),
        [JOB_EXITED]     = GOES,
    },
    [JOB_TERMINATING] = {
        [JOB_NOTIFIED]       = STAYS(JOB_TERMINATING),
        [JOB_ABORTED]    = STAYS(JOB_TERMINATING),
        [JOB_LOST]       = STAYS(JOB_TERMINATING),
        [JOB_TIMED_OUT]  = STAYS(JOB_TERMINATING),
        [JOB_STALLED]    = STAYS(JOB_TERMINATING),
        [JOB_DRAINED]    = STAYS(JOB_TERMINATING),
        [JOB_QUIT]       = KILLS,
        [JOB_LEAVE_OVER] = STAYS(JOB_TERMINATING),
        [JOB_GRACE_OVER] = KILLS,
        [JOB_EXITED]     = GOES,
    },
    [JOB_KILLING] = {
        [JOB_NOTIFIED]       = STAYS(JOB_KILLING),
        [JOB_ABORTED]    = STAYS(JOB_KILLING),
        [JOB_LOST]       = STAYS(JOB_KILLING),
        [JOB_TIMED_OUT]  = STAYS(JOB_KILLING),
        [JOB_STALLED]    = STAYS(JOB_KILLING),
        [JOB_DRAINED]    = STAYS(JOB_KILLING),
        [JOB_QUIT]       = STAYS(JOB_KILLING),
        [JOB_LEAVE_OVER] = STAYS(JOB_KILLING),
        [JOB_GRACE_OVER] = STAYS(JOB_KILLING),
        [JOB_EXITED]     = GOES,
    },
    [JOB_GONE] = {
        [JOB_NOTIFIED]       = STAYS(JOB_GONE),
        [JOB_ABORTED]    = STAYS(JOB_GONE),
        [JOB_LOST]       = STAYS(JOB_GONE),
        [JOB_TIMED_OUT]  = STAYS(JOB_GONE),
        [JOB_STALLED]    = STAYS(JOB_GONE),
        [JOB_DRAINED]    = STAYS(JOB_GONE),
        [JOB_QUIT]       = STAYS(JOB_GONE),
        [JOB_LEAVE_OVER] = STAYS(JOB_GONE),
        [JOB_GRACE_OVER] = STAYS(JOB_GONE),
        [JOB_EXITED]     = STAYS(JOB_GONE),
    },
};
/* clang-format on */

static int64_t later(int64_t now_ms, int64_t span_ms)
{
    return span_ms > INT64_MAX - now_ms ? INT64_MAX : now_ms + span_ms;
}

void supervisor_start(struct supervisor *supervisor, int64_t now_ms, int64_t timeout_ms,
                      int64_t stall_ms)
{
    supervisor->state = JOB_RUNNING;
    supervisor->why = JOB_EXITED;
    supervisor->leave_at_ms = INT64_MAX;
    supervisor->grace_at_ms = INT64_MAX;
    supervisor->timeout_at_ms = timeout_ms > 0 ? later(now_ms, timeout_ms) : INT64_MAX;
    supervisor->stall_ms = stall_ms;
    supervisor->stall_at_ms = INT64_MAX;
    supervisor_measured(supervisor, now_ms);
}

void supervisor_measured(struct supervisor *supervisor, int64_t now_ms)
{
    if (supervisor->stall_ms > 0) {
        supervisor->stall_at_ms = later(now_ms, supervisor->stall_ms);
    }
}

/* What happened last decides only if it is stronger: a trial that was asked to pause and is then
 * cancelled, lost or drained must not send a result as if it had paused. */
static void remember_why(struct supervisor *supervisor, enum job_event event)
{
    bool overrides = event == JOB_ABORTED || event == JOB_LOST;

    if (event == JOB_LEAVE_OVER || event == JOB_GRACE_OVER || event == JOB_EXITED
        || supervisor->state == JOB_GONE) {
        return;
    }
    if (supervisor->why == JOB_EXITED || overrides) {
        supervisor->why = event;
    }
}

enum job_act supervisor_step(struct supervisor *supervisor, enum job_event event, int64_t now_ms)
{
    struct step step = table[supervisor->state][event];

    remember_why(supervisor, event);
    if (step.next == JOB_LEAVING && supervisor->state != JOB_LEAVING) {
        supervisor->leave_at_ms = later(now_ms, supervisor->leave_ms);
    }
    if (step.act == ACT_TERMINATE) {
        supervisor->grace_at_ms = later(now_ms, supervisor->grace_ms);
    }
    supervisor->state = step.next;
    return step.act;
}

enum job_act supervisor_tick(struct supervisor *supervisor, int64_t now_ms)
{
    const struct {
        int64_t at_ms;
        enum job_state state;
        enum job_event event;
    } due[] = {
        {supervisor->timeout_at_ms, JOB_RUNNING, JOB_TIMED_OUT},
        {supervisor->stall_at_ms, JOB_RUNNING, JOB_STALLED},
        {supervisor->leave_at_ms, JOB_LEAVING, JOB_LEAVE_OVER},
        {supervisor->grace_at_ms, JOB_TERMINATING, JOB_GRACE_OVER},
    };

    for (size_t i = 0; i < sizeof due / sizeof due[0]; i++) {
        if (due[i].state == supervisor->state && due[i].at_ms <= now_ms) {
            return supervisor_step(supervisor, due[i].event, now_ms);
        }
    }
    return ACT_NOTHING;
}

int64_t supervisor_deadline(const struct supervisor *supervisor)
{
    switch (supervisor->state) {
    case JOB_RUNNING:
        return supervisor->timeout_at_ms < supervisor->stall_at_ms ? supervisor->timeout_at_ms
                                                                   : supervisor->stall_at_ms;
    case JOB_LEAVING:
        return supervisor->leave_at_ms;
    case JOB_TERMINATING:
        return supervisor->grace_at_ms;
    case JOB_KILLING:
    case JOB_GONE:
    case JOB_STATE_COUNT:
    default:
        return INT64_MAX;
    }
}
