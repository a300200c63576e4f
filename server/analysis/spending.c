#include "server/analysis/spending.h"

#include <stdlib.h>

#include "common/array.h"
#include "common/integer.h"

void spending_finish(struct spending *spending)
{
    free(spending->items);
    *spending = (struct spending){0};
}

int spending_add(void *context, const struct span_row *row, struct err *err)
{
    struct spending *spending = context;
    int64_t took_ms = row->ended_at_ms - row->started_at_ms;

    if (row->ended_at_ms == 0) {
        return 0;
    }
    TRY(array_reserve(&spending->items, spending->n, &spending->cap, sizeof *spending->items, err));
    spending->items[spending->n++] =
        (struct spent){.ended_at_ms = row->ended_at_ms,
                       .resource = row->step > row->from ? row->step - row->from : 0,
                       .seconds = took_ms > 0 ? (double)took_ms / 1000 : 0};
    return 0;
}

static int by_end(const void *a, const void *b)
{
    const struct spent *left = a;
    const struct spent *right = b;

    return (left->ended_at_ms > right->ended_at_ms) - (left->ended_at_ms < right->ended_at_ms);
}

void spending_sort(struct spending *spending)
{
    if (spending->n > 0) {
        qsort(spending->items, spending->n, sizeof *spending->items, by_end);
    }
}

struct spent spending_until(struct spending *spending, int64_t at_ms)
{
    while (spending->at < spending->n && spending->items[spending->at].ended_at_ms <= at_ms) {
        const struct spent *next = &spending->items[spending->at++];
        spending->sum.resource = integer_add(spending->sum.resource, next->resource);
        spending->sum.seconds += next->seconds;
    }
    spending->sum.ended_at_ms = at_ms;
    return spending->sum;
}
