/* The metrics of workers, from the live view. */
#ifndef SERVER_API_METRIC_WORKERS_H
#define SERVER_API_METRIC_WORKERS_H

#include "common/buf.h"
#include "server/state/view.h"

/* So many workers whose GPUs are known have a series of their own; the mean of all others stands
 * under the name _other, which no worker may have. */
#define METRIC_WORKERS_MAX 200

void metric_workers(struct buf *out, const struct live_view *view);

#endif
