#include "server/api/study_news.h"

#include <stdlib.h>

#include "server/analysis/spark.h"

#define EVENTS_KEPT 100000
#define EVENTS_AT_ONCE 100000
#define SPARK_INTERVAL_MS 2000 /* a study is looked at again after so long at the earliest */

struct study_news {
    int64_t study;
    int64_t last_event_ms; /* 0: none */
    struct spark spark;
    int64_t spark_seq;       /* the trials that ended up to here are in it */
    int64_t spark_completed; /* completed trials of the study then */
    int64_t spark_at_ms;     /* monotonic */
};

static int find_or_add(struct api *api, int64_t study, struct study_news **news, struct err *err)
{
    *news = map_get(&api->news, (uint64_t)study);
    if (*news != NULL) {
        return 0;
    }
    OWN(memory) struct study_news *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    made->study = study;
    TRY(map_put(&api->news, (uint64_t)study, made, err));
    *news = made;
    made = NULL;
    return 0;
}

static bool is_there(const struct live_view *view, int64_t study)
{
    return read_study_name(view, study) != NULL;
}

/* Studies that were deleted, once they are more than those that are there. */
static void forget_deleted(struct api *api, const struct live_view *view)
{
    struct study_news *news;
    size_t at = 0;

    if (api->news.n <= 2 * view->n_studies + 16) {
        return;
    }
    while ((news = map_next(&api->news, &at)) != NULL) {
        if (!is_there(view, news->study)) {
            free(map_take(&api->news, (uint64_t)news->study));
            at = 0; /* the map has changed */
        }
    }
}

static int note_event(void *context, const struct event_row *event, struct err *err)
{
    struct study_news *news;

    if (event->study != 0) {
        TRY(find_or_add(context, event->study, &news, err));
        news->last_event_ms = event->at_ms;
    }
    return 0;
}

static int look_at_events(struct read_request *read, struct err *err)
{
    struct api *api = read->api;
    int64_t last, after;

    TRY(store_last_seq(read->store, &last, err));
    if (last - api->news_seq > EVENTS_KEPT) {
        TRY(store_seq_before_newest(read->store, EVENTS_KEPT, &after, err));
        api->news_seq = after > api->news_seq ? after : api->news_seq;
    }
    if (last > api->news_seq) {
        TRY(store_each_event(read->store, 0, api->news_seq, EVENTS_AT_ONCE, note_event, api,
                             &api->news_seq, err));
    }
    forget_deleted(api, read->view);
    return 0;
}

int study_news_begin(struct read_request *read, struct err *err)
{
    (void)pthread_mutex_lock(&read->api->news_lock);
    if (look_at_events(read, err) == 0) {
        return 0;
    }
    study_news_end(read);
    return -1;
}

void study_news_end(struct read_request *read)
{
    (void)pthread_mutex_unlock(&read->api->news_lock);
}

/* ---- the line ---- */

struct ended_trials {
    const struct space *space;
    struct trace trace;
    int64_t last_seq;
};

/* Trials outside the space of the study are never among the best. */
static int add_ended(void *context, struct trial_row *row, struct err *err)
{
    struct ended_trials *ended = context;

    ended->last_seq = row->ended_seq > ended->last_seq ? row->ended_seq : ended->last_seq;
    return space_is_legal(ended->space, row->config) ? trace_add(&ended->trace, row, err) : 0;
}

static int renew_spark(struct read_request *read, const struct live_study_view *study,
                       const struct study_row *row, struct study_news *news, struct err *err)
{
    const struct clock *clock = read->api->clock;
    const struct study_def *def = study->def->def;
    struct ended_trials ended = {
        .space = def->space, .trace = {.def = def}, .last_seq = news->spark_seq};
    int64_t now_ms = clock->monotonic_ms(clock);
    int64_t completed = row->counts[TRIAL_COMPLETED];
    bool is_fresh = news->spark_at_ms > 0 && now_ms - news->spark_at_ms < SPARK_INTERVAL_MS;

    if (completed == news->spark_completed || is_fresh) {
        return 0;
    }
    int result = store_each_trial_ended_after(read->store, study->id, news->spark_seq, add_ended,
                                              &ended, err);
    if (result == 0) {
        spark_extend(&news->spark, &ended.trace);
        news->spark_seq = ended.last_seq;
        news->spark_completed = completed;
        news->spark_at_ms = now_ms;
    }
    trace_finish(&ended.trace);
    return result;
}

static void write_spark(const struct study_news *news, struct json_writer *w)
{
    double points[SPARK_POINTS];
    size_t n = spark_points(&news->spark, points);

    json_write_key(w, "spark");
    json_array_begin(w);
    for (size_t i = 0; i < n; i++) {
        json_write_number(w, points[i]);
    }
    json_array_end(w);
}

int study_news_write(struct read_request *read, const struct live_study_view *study,
                     const struct study_row *row, bool with_spark, struct json_writer *w,
                     struct err *err)
{
    struct study_news *news;

    TRY(find_or_add(read->api, study->id, &news, err));
    json_put_moment(w, "last_event_at", news->last_event_ms == 0 ? -1 : news->last_event_ms);
    if (!with_spark) {
        return 0;
    }
    if (study->def->def->n_objectives > 1) {
        json_put_null(w, "spark");
        return 0;
    }
    TRY(renew_spark(read, study, row, news, err));
    write_spark(news, w);
    return 0;
}

void study_news_finish(struct api *api)
{
    void *news;
    size_t at = 0;

    while ((news = map_next(&api->news, &at)) != NULL) {
        free(news);
    }
    map_finish(&api->news);
}
