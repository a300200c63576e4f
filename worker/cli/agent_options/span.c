#include "worker/cli/agent_options/span.h"

#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX (366LL * 86400)

static int64_t seconds_of(const char *unit)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(unit, units[i].name) == 0) {
            return units[i].seconds;
        }
    }
    return 0;
}

int64_t span_from_argument(const char *option, const char *arg, const struct argp_state *state)
{
    char *unit = NULL;
    long long n = strtoll(arg, &unit, 10);
    int64_t each = seconds_of(unit);

    if (arg[0] < '0' || arg[0] > '9' || each == 0 || n < 1 || n > SECONDS_MAX / each) {
        argp_error(state, "%s %s: write a span of time, as 90s, 5m or 2h", option, arg);
    }
    return n * each * 1000;
}
