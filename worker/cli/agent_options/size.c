#include "worker/cli/agent_options/size.h"

#include <string.h>

#include "common/integer.h"

#define NUMBER_MAX (INT64_C(1) << 20)

struct agent_size size_from_argument(const char *option, const char *arg,
                                     const struct argp_state *state)
{
    static const char units[] = "KMGT";
    const char *at = arg;
    int64_t number = 0;
    int64_t unit = 1;

    bool is_number = integer_read(&at, 0, NUMBER_MAX, &number);
    const char *known = is_number && *at != '\0' ? strchr(units, *at) : NULL;
    if (known != NULL) {
        unit = INT64_C(1) << (10 * (known - units + 1));
        at++;
        at += strncmp(at, "iB", 2) == 0 ? 2 : 0;
    }
    if (!is_number || *at != '\0' || (known == NULL && number != 0)) {
        argp_error(state, "%s %s: write a size such as 500M or 2G", option, arg);
    }
    return (struct agent_size){.is_said = true, .bytes = number * unit};
}
