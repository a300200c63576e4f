/* What a list of studies says of each and no row holds: when its last event was, and the line of
 * its best values so far. It is kept between requests, so that each looks only at what has come
 * since.
 *
 * The events are looked at back to EVENTS_KEPT before the first request; a study without one among
 * them has none to show. Any reader thread. */
#ifndef SERVER_API_STUDY_NEWS_H
#define SERVER_API_STUDY_NEWS_H

#include "server/api/read.h"

/* Looks at the events that have come. Between begin and end other threads wait. */
MUST_USE int study_news_begin(struct read_request *read, struct err *err);
void study_news_end(struct read_request *read);
/* Members of the open object: "last_event_at", and "spark" if asked for. */
MUST_USE int study_news_write(struct read_request *read, const struct live_study_view *study,
                              const struct study_row *row, bool with_spark, struct json_writer *w,
                              struct err *err);
/* Releases what is kept, when no thread reads any more. */
void study_news_finish(struct api *api);

#endif
