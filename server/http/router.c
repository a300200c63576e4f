/* The one table of routes, compiled once into segments; a match compares a few short strings. */
#include "server/http/router.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compile(const struct http_route *route, struct route_pattern *pattern, struct err *err)
{
    const char *at = route->path + 1;
    size_t n_params = 0;

    *pattern = (struct route_pattern){.route = route};
    while (*at != '\0') {
        size_t len = strcspn(at, "/");
        bool is_param = at[0] == '{';
        if (pattern->n_segments == SEGMENTS_MAX || (is_param && ++n_params > PARAMS_MAX)) {
            return err_set(err, ERR_INVALID, "the route %s is too long", route->path);
        }
        pattern->segments[pattern->n_segments].text = is_param ? at + 1 : at;
        pattern->segments[pattern->n_segments].len = is_param ? len - 2 : len;
        pattern->segments[pattern->n_segments].is_param = is_param;
        pattern->n_segments++;
        at += len + (at[len] == '/' ? 1 : 0);
    }
    return 0;
}

int routes_compile(struct http_server *server, struct err *err)
{
    size_t n = server->settings.n_routes;

    server->patterns = calloc(n > 0 ? n : 1, sizeof *server->patterns);
    if (server->patterns == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory for %zu routes", n);
    }
    for (size_t i = 0; i < n; i++) {
        TRY(compile(&server->settings.routes[i], &server->patterns[i], err));
    }
    return 0;
}

static bool path_matches(const struct route_pattern *pattern, const struct target *target)
{
    if (pattern->n_segments != target->n_segments) {
        return false;
    }
    for (size_t i = 0; i < pattern->n_segments; i++) {
        const char *segment = target->segments[i];
        size_t len = pattern->segments[i].len;
        if (pattern->segments[i].is_param) {
            if (segment[0] == '\0') {
                return false;
            }
        } else if (strncmp(segment, pattern->segments[i].text, len) != 0 || segment[len] != '\0') {
            return false;
        }
    }
    return true;
}

static void fill_params(struct http_request *request, const struct route_pattern *pattern)
{
    for (size_t i = 0; i < pattern->n_segments; i++) {
        if (pattern->segments[i].is_param) {
            request->params[request->n_params].name = pattern->segments[i].text;
            request->params[request->n_params].name_len = pattern->segments[i].len;
            request->params[request->n_params].value = request->target.segments[i];
            request->n_params++;
        }
    }
}

static void allow_add(struct http_request *request, const char *method)
{
    size_t len = strlen(request->allow);

    (void)snprintf(request->allow + len, sizeof request->allow - len, "%s%s%s", len > 0 ? ", " : "",
                   method, strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

int route_match(struct http_request *request, const char *method, struct err *err)
{
    const struct http_server *server = request->server;
    const char *wanted = request->is_head ? "GET" : method;
    const char *path = NULL; /* of the first route that matches: a literal before a parameter */

    for (size_t i = 0; i < server->settings.n_routes; i++) {
        const struct route_pattern *pattern = &server->patterns[i];
        if (!path_matches(pattern, &request->target)
            || (path != NULL && strcmp(path, pattern->route->path) != 0)) {
            continue;
        }
        path = pattern->route->path;
        request->path_is_open |= pattern->route->scopes == HTTP_SCOPE_NONE;
        if (strcmp(pattern->route->method, wanted) == 0) {
            request->route = pattern->route;
            request->allow[0] = '\0';
            fill_params(request, pattern);
            return 0;
        }
        allow_add(request, pattern->route->method);
    }
    if (request->allow[0] != '\0') {
        return err_set(err, ERR_METHOD_NOT_ALLOWED, "%.16s is not allowed here; use %s", method,
                       request->allow);
    }
    return err_set(err, ERR_NOT_FOUND,
                   "there is no page at %.200s; GET /openapi.json lists all there are",
                   request->target.path);
}
