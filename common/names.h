/* The names of studies, parameters, metrics and workers: what may stand in a path, a file and an
 * environment. Any thread. */
#ifndef COMMON_NAMES_H
#define COMMON_NAMES_H

#include <stdbool.h>

#define NAME_BYTES 64         /* study, label, resource: 63 or 64 characters, see the checks */
#define WORKER_NAME_BYTES 129 /* 128 characters */
#define REASON_BYTES 65       /* why a trial failed: exit_code, signal, timeout, …; 64 bytes */
#define PRINTABLE_NAME_CHARACTERS 128
#define PRINTABLE_NAME_BYTES (4 * PRINTABLE_NAME_CHARACTERS) /* in UTF-8, without a NUL */

bool name_is_study(const char *text);    /* [a-z0-9][a-z0-9._-]{0,62} */
bool name_is_label(const char *text);    /* [A-Za-z_][A-Za-z0-9_.-/]{0,63} */
bool name_is_resource(const char *text); /* [A-Za-z_][A-Za-z0-9_.-]{0,63} */
bool name_is_worker(const char *text);   /* [A-Za-z0-9][A-Za-z0-9._:@-]{0,127} */

/* What is shown to people and used by them as a name: 1 to 128 characters in UTF-8, none of them a
 * control or invisible (utf8_is_unseen()), no blank first or last. */
bool name_is_printable(const char *text);
bool name_is_parameter(const char *text); /* the same */
bool name_is_metric(const char *text);    /* the same */
#define NAME_METRIC_RULE "1 to 128 printable characters, without a blank at either end"
#define METRIC_NAME_BYTES PRINTABLE_NAME_BYTES

/* How a parameter is called in a job's environment, behind HONE_PARAM_: the letters a to z in upper
 * case, upper case and digits as they are, '_' for every other character. Different names may meet
 * there. `name` is printable. */
void name_in_environment(const char *name, char out[PRINTABLE_NAME_CHARACTERS + 1]);

#endif
