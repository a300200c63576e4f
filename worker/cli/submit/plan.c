#include "worker/cli/submit/plan.h"

#include <stdio.h>
#include <string.h>

enum { FIRST_DELAY = 10, LONGEST_DELAY = 600, TOLD_BEFORE_END = 180 };
enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t tasks_needed(const struct submit_view *view)
{
    if (view->slots_wanted < 0) {
        return view->tasks_max;
    }
    int64_t slots = view->slots_wanted - view->elsewhere;
    int64_t tasks = slots <= 0 ? 0 : (slots - 1) / view->slots_per_task + 1;
    return smaller(tasks, view->tasks_max);
}

struct submit_step submit_plan(const struct submit_view *view)
{
    int64_t needed = tasks_needed(view);
    int64_t there = view->pending + view->running;
    struct submit_step step = {0};

    if (needed > there) {
        step.submit = needed - there;
    } else {
        step.cancel = smaller(there - needed, view->pending);
    }
    return step;
}

int64_t submit_delay_seconds(int failures)
{
    int64_t delay = failures > 0 ? FIRST_DELAY : 0;

    for (int i = 1; i < failures && delay < LONGEST_DELAY; i++) {
        delay *= 2;
    }
    return smaller(delay, LONGEST_DELAY);
}

/* *n ← how many numbers with colons between them the text is; 0 if it is anything else. */
static size_t colon_numbers(const char *text, int64_t numbers[3])
{
    size_t n = 0;

    for (;;) {
        int64_t value = 0;
        size_t digits = strspn(text, "0123456789");
        if (digits == 0 || digits > 6 || n == 3) {
            return 0;
        }
        for (size_t i = 0; i < digits; i++) {
            value = value * 10 + (text[i] - '0');
        }
        numbers[n++] = value;
        text += digits;
        if (*text == '\0') {
            return n;
        }
        if (*text++ != ':') {
            return 0;
        }
    }
}

/* Behind "days-": hours, minutes, seconds. */
static int64_t after_days(int64_t days, const char *text)
{
    int64_t part[3] = {0};
    size_t n = colon_numbers(text, part);

    return n == 0 ? -1 : days * DAY + part[0] * HOUR + part[1] * MINUTE + part[2];
}

int64_t submit_time_seconds(const char *text)
{
    int64_t part[3] = {0};
    const char *dash = strchr(text, '-');
    char days[8] = "";

    if (dash != NULL) {
        (void)snprintf(days, sizeof days, "%.*s", (int)smaller(dash - text, 7), text);
        return colon_numbers(days, part) == 1 ? after_days(part[0], dash + 1) : -1;
    }
    int64_t seconds = -1;
    switch (colon_numbers(text, part)) {
    case 1:
        seconds = part[0] * MINUTE;
        break;
    case 2:
        seconds = part[0] * MINUTE + part[1];
        break;
    case 3:
        seconds = part[0] * HOUR + part[1] * MINUTE + part[2];
        break;
    default:
        break;
    }
    return seconds > 0 ? seconds : -1;
}

int64_t submit_usable_seconds(int64_t limit_seconds)
{
    return limit_seconds > TOLD_BEFORE_END ? limit_seconds - TOLD_BEFORE_END : 0;
}
