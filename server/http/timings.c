#include "server/http/timings.h"

#include <stdlib.h>

#include "common/histogram.h"

struct http_timing {
    struct http_timing *next;
    unsigned status;
    struct histogram histogram;
};

int timings_init(struct http_server *server, struct err *err)
{
    server->timings = calloc(server->settings.n_routes + 1, sizeof(*server->timings));
    return server->timings == NULL ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

void timings_finish(struct http_server *server)
{
    for (size_t i = 0; server->timings != NULL && i <= server->settings.n_routes; i++) {
        struct http_timing *at = server->timings[i];
        while (at != NULL) {
            struct http_timing *next = at->next;
            free(at);
            at = next;
        }
    }
    free(server->timings);
}

static size_t place(const struct http_request *request)
{
    const struct http_settings *settings = &request->server->settings;

    return request->route == NULL ? settings->n_routes
                                  : (size_t)(request->route - settings->routes);
}

static struct histogram *find(struct http_server *server, size_t route, unsigned status)
{
    struct http_timing *first = server->timings[route];

    for (struct http_timing *at = first; at != NULL; at = at->next) {
        if (at->status == status) {
            return &at->histogram;
        }
    }
    struct http_timing *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    made->next = first;
    made->status = status;
    atomic_store(&server->timings[route], made);
    return &made->histogram;
}

void timings_note(struct http_request *request, unsigned status)
{
    struct histogram *histogram = find(request->server, place(request), status);

    if (histogram != NULL) {
        histogram_add(histogram, clock_monotonic_us() - request->began_us);
    }
}

void http_each_timing(const struct http_server *server,
                      void (*each)(void *context, const struct http_route *route, unsigned status,
                                   const struct histogram *histogram),
                      void *context)
{
    const struct http_settings *settings = &server->settings;

    for (size_t i = 0; i <= settings->n_routes; i++) {
        for (const struct http_timing *at = server->timings[i]; at != NULL; at = at->next) {
            each(context, i == settings->n_routes ? NULL : &settings->routes[i], at->status,
                 &at->histogram);
        }
    }
}
