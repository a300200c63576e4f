/* What a report in the output of a job begins with. */
#ifndef WORKER_REPORT_PREFIX_H
#define WORKER_REPORT_PREFIX_H

#define REPORT_PREFIX "hone:"

#endif
