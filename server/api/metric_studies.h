/* The metrics of studies, from the live view: the store is not read. */
#ifndef SERVER_API_METRIC_STUDIES_H
#define SERVER_API_METRIC_STUDIES_H

#include "common/buf.h"
#include "server/state/view.h"

/* So many studies have series of their own; all others are added up under the name _other, which no
 * study may have. Those that are not finished come first, then the newest. */
#define METRIC_STUDIES_MAX 200

/* Writes every metric that has the label `study`. ERR_NOMEM. */
MUST_USE int metric_studies(struct buf *out, const struct live_view *view, struct err *err);

#endif
