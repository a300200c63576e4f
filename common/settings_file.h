/* A file of settings, for both programs: a line is `name = value`, or a name alone. Blanks around
 * either do not count; a line that is empty or begins with '#' is left out. A line may be of any
 * length, and has no zero byte: what stands behind one would count for nothing. The mark with which
 * some editors begin a file in UTF-8 is left out. */
#ifndef COMMON_SETTINGS_FILE_H
#define COMMON_SETTINGS_FILE_H

#include <stdbool.h>

#include "common/err.h"

/* `value` NULL: there is no '='. Both are good for the call alone; -1 ends the reading. */
typedef int setting_taker(void *context, const char *name, const char *value, struct err *err);

/* Calls `take` for each line. ERR_INVALID, and the errors of `take`, with file and line; ERR_IO:
 * the file cannot be read. */
MUST_USE int settings_file_read(const char *path, setting_taker *take, void *context,
                                struct err *err);
/* *holds ← what the value of a flag says: true, yes, 1 or false, no, 0, "". ERR_INVALID, naming the
 * setting: it is neither. */
MUST_USE int setting_truth(const char *name, const char *value, bool *holds, struct err *err);

#endif
