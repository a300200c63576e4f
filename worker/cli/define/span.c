#include "worker/cli/define/span.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/integer.h"
#include "worker/cli/define/scalar.h"

double span_seconds(const char *text)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
    char number[32];
    size_t len = strcspn(text, "smhd");

    if (len >= sizeof number) {
        return -1;
    }
    (void)snprintf(number, sizeof number, "%.*s", (int)len, text);
    json_auto_t *value = scalar_number(number);
    for (size_t i = 0; value != NULL && i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(text + len, units[i].unit) == 0) {
            return json_number_value(value) * units[i].seconds;
        }
    }
    return -1;
}

int64_t span_ms_from_argument(const char *option, const char *arg, const struct argp_state *state)
{
    double seconds = span_seconds(arg);

    if (!(seconds > 0)) {
        argp_error(state, "--%s %s: write a span of time such as 90s, 15m, 2h, 1d", option, arg);
    }
    return integer_from_real(seconds * 1000) + (seconds < 0.001);
}
