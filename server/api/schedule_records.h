/* The records of a study's schedule, in order: what brackets and explanations are made from. */
#ifndef SERVER_API_SCHEDULE_RECORDS_H
#define SERVER_API_SCHEDULE_RECORDS_H

#include "server/api/read.h"
#include "server/schedule/schedule.h"

struct schedule_records {
    size_t n, cap;
    struct schedule_record *items;
};

/* Those of read->study. ERR_NOMEM, ERR_IO; then what was read is the caller's to finish, too. */
MUST_USE int schedule_records_load(const struct read_request *read,
                                   struct schedule_records *records, struct err *err);
void schedule_records_finish(struct schedule_records *records);
OWN_VALUE(schedule_records)

#endif
