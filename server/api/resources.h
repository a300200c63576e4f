/* Handlers of the resources that only read, for the table of routes. */
#ifndef SERVER_API_RESOURCES_H
#define SERVER_API_RESOURCES_H

#include "server/api/reading.h"

/* A handler that reads on a reader thread and nothing else. */
#define READING_HANDLER(name, allowed, known, function)                                            \
    static void name##_job(void *request, struct store *store)                                     \
    {                                                                                              \
        static const struct reading_kind kind = {allowed, known, function};                        \
        reading_run(request, store, &kind);                                                        \
    }                                                                                              \
    void name(void *context, struct http_request *request)                                         \
    {                                                                                              \
        read_later(context, request, name##_job);                                                  \
    }

void get_trials(void *api, struct http_request *request);       /* lists.c */
void get_measurements(void *api, struct http_request *request); /* measured.c */
void get_attempts(void *api, struct http_request *request);     /* attempts.c */
void get_best(void *api, struct http_request *request);         /* best.c */
void get_pareto(void *api, struct http_request *request);       /* best.c */
void get_history(void *api, struct http_request *request);      /* best.c */
void get_export(void *api, struct http_request *request);       /* export.c */
void get_importance(void *api, struct http_request *request);   /* importance.c */
void post_advice(void *api, struct http_request *request);      /* advice.c */

/* Writer thread: those who follow events are told of the measurements among these, which stay the
 * caller's. Costs nothing while nobody follows. */
void events_tell_measurements(struct api *api, struct command *const commands[], size_t n);

void get_events(void *api, struct http_request *request);    /* events.c */
void get_workers(void *api, struct http_request *request);   /* workers.c */
void get_worker(void *api, struct http_request *request);    /* workers.c */
void get_metrics(void *api, struct http_request *request);   /* health.c */
void get_readiness(void *api, struct http_request *request); /* health.c */

#endif
