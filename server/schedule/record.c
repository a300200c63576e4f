#include "server/schedule/record.h"

#include <stdlib.h>

const char *schedule_fact_name(enum schedule_fact fact)
{
    static const char *const names[FACT_COUNT] = {
        [FACT_START] = "start",         [FACT_VALUE] = "value",         [FACT_SHORT] = "short",
        [FACT_PROMOTE] = "promote",     [FACT_LOSE] = "lose",           [FACT_LATE] = "late",
        [FACT_MEDIAN] = "median",       [FACT_THRESHOLD] = "threshold", [FACT_FAIL] = "fail",
        [FACT_CANCEL] = "cancel",       [FACT_SEAL] = "seal",           [FACT_UNLOCK] = "unlock",
        [FACT_DROP] = "drop",           [FACT_CHANCE] = "chance",       [FACT_MEAN] = "mean",
        [FACT_SPREAD] = "spread",       [FACT_INCUMBENT] = "incumbent", [FACT_RETRY] = "retry",
        [FACT_OBJECTIVE] = "objective",
    };

    return names[fact];
}

void schedule_log_finish(struct schedule_log *log)
{
    free(log->items);
    *log = (struct schedule_log){0};
}
