#include "server/schedule/kinds.h"

#include <string.h>

static const struct schedule_kind *const kinds[] = {&schedule_hyperband, &schedule_bohb,
                                                    &schedule_halving, &schedule_asha};

const struct schedule_kind *schedule_kind_of(const char *strategy)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i]->name, strategy) == 0) {
            return kinds[i];
        }
    }
    return &schedule_full;
}

const struct schedule_kind *schedule_kind_at(size_t i)
{
    return i < sizeof kinds / sizeof kinds[0] ? kinds[i] : NULL;
}
