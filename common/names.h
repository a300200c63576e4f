/* The names of studies, parameters, metrics and workers: what may stand in a path, a file and an
 * environment. Any thread. */
#ifndef COMMON_NAMES_H
#define COMMON_NAMES_H

#include <stdbool.h>

#define NAME_BYTES 64         /* study, parameter, label: 63 or 64 characters, see the checks */
#define NAME_CHARACTERS 128   /* of a metric */
#define METRIC_NAME_BYTES 512 /* the same in UTF-8 */
#define WORKER_NAME_BYTES 129 /* 128 characters */

bool name_is_study(const char *text);     /* [a-z0-9][a-z0-9._-]{0,62} */
bool name_is_parameter(const char *text); /* [A-Za-z_][A-Za-z0-9_.-]{0,63} */
bool name_is_label(const char *text);     /* the same plus '/' */
/* 1 to 128 printable characters of UTF-8 without a blank at either end. */
bool name_is_metric(const char *text);
#define NAME_METRIC_RULE "1 to 128 printable characters, without a blank at either end"
bool name_is_worker(const char *text); /* [A-Za-z0-9][A-Za-z0-9._:@-]{0,127} */

/* How a parameter is called in a job's environment, behind HONE_PARAM_: letters in upper case, '_'
 * for everything that is neither letter nor digit. Longer names are cut at NAME_BYTES. */
void name_in_environment(const char *name, char out[NAME_BYTES + 1]);

#endif
