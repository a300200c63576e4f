#include "worker/cli/agent_options/size.h"

#include <string.h>

#include "common/size.h"

struct agent_size size_from_argument(const char *option, const char *arg,
                                     const struct argp_state *state)
{
    int64_t bytes = 0;
    bool lacks_unit = arg[strspn(arg, "0123456789")] == '\0';

    if (!size_from_text(arg, &bytes) || (lacks_unit && bytes != 0)) {
        argp_error(state, "%s %s: write a size such as 500M or 2G", option, arg);
    }
    return (struct agent_size){.is_said = true, .bytes = bytes};
}
