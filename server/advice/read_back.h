/* The stored definition of a study, read back. */
#ifndef SERVER_ADVICE_READ_BACK_H
#define SERVER_ADVICE_READ_BACK_H

#include "common/err.h"
#include "server/domain/study.h"

/* `study`: its name, for the error. What `auto` stands for is settled where an older server has not
 * stored it. ERR_IO: the text is damaged; ERR_NOMEM. */
MUST_USE int definition_read_back(const char *study, const char *text, struct study_def **def,
                                  struct err *err);

#endif
