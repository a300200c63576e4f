#include "worker/agent/leaving.h"

#include <stddef.h>

static enum leaving_act at_least(enum leaving_act act, enum leaving_act least)
{
    return act > least ? act : least;
}

void leaving_request(struct leaving *leaving, enum leaving_request request)
{
    static const enum leaving_act next[] = {[LEAVING_STAY] = LEAVING_FINISH,
                                            [LEAVING_FINISH] = LEAVING_STOP,
                                            [LEAVING_STOP] = LEAVING_KILL,
                                            [LEAVING_KILL] = LEAVING_KILL};
    enum leaving_act now = leaving->asked;

    switch (request) {
    case LEAVING_INTERRUPTED: /* what the agent has begun by itself counts too */
        leaving->asked = next[at_least(now, leaving->act)];
        break;
    case LEAVING_TOLD:
        leaving->asked = at_least(now, LEAVING_STOP);
        break;
    case LEAVING_TOLD_AGAIN:
        leaving->asked = now >= LEAVING_STOP ? LEAVING_KILL : LEAVING_STOP;
        break;
    case LEAVING_QUIT:
    case LEAVING_REQUEST_COUNT:
    default:
        leaving->asked = LEAVING_KILL;
    }
}

static int64_t stop_at_ms(const struct leaving *leaving)
{
    return leaving->deadline_ms == INT64_MAX
               ? INT64_MAX
               : leaving->deadline_ms - leaving->grace_ms - LEAVING_MARGIN_MS;
}

static int64_t uptime_over_ms(const struct leaving *leaving)
{
    return leaving->uptime_ms > 0 ? leaving->started_ms + leaving->uptime_ms : INT64_MAX;
}

static int64_t idle_over_ms(const struct leaving *leaving)
{
    return leaving->idle_ms > 0 && leaving->idle_since_ms != INT64_MAX
               ? leaving->idle_since_ms + leaving->idle_ms
               : INT64_MAX;
}

const char *leaving_decide(struct leaving *leaving, int64_t now_ms)
{
    const struct {
        bool holds;
        enum leaving_act act;
        const char *why;
    } rules[] = {
        {leaving->asked == LEAVING_KILL, LEAVING_KILL,
         "it is to end at once: what runs is killed, and the leases will run out"},
        {leaving->asked == LEAVING_STOP, LEAVING_STOP,
         "it is to leave: what runs is stopped and handed back"},
        {now_ms >= stop_at_ms(leaving), LEAVING_STOP,
         "its time is nearly over: what runs is stopped and handed back"},
        {leaving->nothing_fits, LEAVING_STOP, "no trial ends in the time that it has left"},
        {leaving->asked == LEAVING_FINISH, LEAVING_FINISH,
         "interrupted: what runs goes on to its end, and nothing more is asked for; interrupt "
         "once more to stop it"},
        {leaving->is_drained && !leaving->stays_when_drained, LEAVING_FINISH,
         "its node is drained: what runs goes on to its end, and nothing more is asked for"},
        {now_ms >= uptime_over_ms(leaving), LEAVING_FINISH,
         "it has run for --max-uptime: what runs goes on to its end, and nothing more is asked "
         "for"},
        {now_ms >= idle_over_ms(leaving), LEAVING_FINISH,
         "it has had nothing to run for --exit-when-idle"},
    };

    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (rules[i].holds && rules[i].act > leaving->act) {
            leaving->act = rules[i].act;
            return rules[i].why;
        }
    }
    return NULL;
}

int64_t leaving_deadline(const struct leaving *leaving)
{
    int64_t due_ms = INT64_MAX;

    if (leaving->act < LEAVING_FINISH) {
        due_ms = uptime_over_ms(leaving);
        due_ms = idle_over_ms(leaving) < due_ms ? idle_over_ms(leaving) : due_ms;
    }
    if (leaving->act < LEAVING_STOP && stop_at_ms(leaving) < due_ms) {
        due_ms = stop_at_ms(leaving);
    }
    return due_ms;
}

int64_t leaving_grace_ms(const struct leaving *leaving, int64_t now_ms)
{
    if (leaving->deadline_ms == INT64_MAX) {
        return leaving->grace_ms;
    }
    int64_t left_ms = leaving->deadline_ms - LEAVING_MARGIN_MS - now_ms;
    left_ms = left_ms > 0 ? left_ms : 0;
    return left_ms < leaving->grace_ms ? left_ms : leaving->grace_ms;
}

int64_t leaving_left_ms(const struct leaving *leaving, int64_t now_ms)
{
    int64_t at_ms = stop_at_ms(leaving);

    if (at_ms == INT64_MAX) {
        return at_ms;
    }
    return at_ms > now_ms ? at_ms - now_ms : 0;
}
