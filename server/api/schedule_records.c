#include "server/api/schedule_records.h"

#include <stdlib.h>

#include "server/state/facts.h"
#include "server/store/decisions.h"

static int append(void *context, const struct fact_row *row, struct err *err)
{
    struct schedule_records *records = context;

    if (records->n == records->cap) {
        size_t cap = records->cap == 0 ? 256 : records->cap * 2;
        struct schedule_record *items = realloc(records->items, cap * sizeof *items);
        if (items == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
        records->items = items;
        records->cap = cap;
    }
    records->items[records->n++] = fact_record(row);
    return 0;
}

int schedule_records_load(const struct read_request *read, struct schedule_records *records,
                          struct err *err)
{
    return store_each_fact(read->store, read->study->id, append, records, err);
}

void schedule_records_finish(struct schedule_records *records)
{
    free(records->items);
    records->items = NULL;
}
