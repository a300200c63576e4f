/* Gathers what a report says of a study (server/report): from the store, the live view and the
 * schedule's records. */
#ifndef SERVER_API_REPORT_DATA_H
#define SERVER_API_REPORT_DATA_H

#include "server/api/read.h"
#include "server/report/study_report.h"

/* Fills *report, which must be zeroed, for read->study; the row is the caller's and outlives it.
 * Reads every trial of the study once. ERR_NOMEM, ERR_IO, ERR_NOT_FOUND; then what was gathered is
 * the caller's to finish, too. */
MUST_USE int report_data_gather(struct read_request *read, struct study_row *row,
                                struct study_report *report, struct err *err);

#endif
