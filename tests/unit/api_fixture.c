#include "tests/unit/api_fixture.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *run_loop(void *context)
{
    struct api_fixture *f = context;
    struct err err = {0};

    if (http_server_run(f->api.http, 0, &err) != 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return NULL;
}

static int add_tokens(struct api_fixture *f, const struct token_row tokens[], size_t n,
                      struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct token_row row = tokens[i];
        TRY(engine_add_token(f->api.engine, &row, err));
    }
    return 0;
}

static void start(struct api_fixture *f, const struct token_row tokens[], size_t n,
                  const struct http_route routes[], size_t n_routes, const struct clock *clock,
                  const char *directory)
{
    struct err err = {0};
    const struct engine_settings engine = {.clock = clock,
                                           .clock_scale = 1,
                                           .directory = directory,
                                           .context = &f->api,
                                           .deliver = api_deliver,
                                           .render = api_render,
                                           .tokens = api_tokens,
                                           .events = api_events};
    const struct http_settings http = {.listen = {"127.0.0.1:0"},
                                       .open = tokens == NULL,
                                       .clock = clock_system(),
                                       .routes = routes,
                                       .n_routes = n_routes,
                                       .context = &f->api,
                                       .problem = api_problem};

    *f = (struct api_fixture){.api = {.clock = clock}};
    f->api.started_at_ms = f->api.clock->wall_ms(f->api.clock);
    if (engine_create(&engine, &f->api.engine, &err) != 0
        || http_server_create(&http, &f->api.http, &err) != 0 || add_tokens(f, tokens, n, &err) != 0
        || engine_start(f->api.engine, &err) != 0) {
        ck_abort_msg("%s", err.text);
    }
    f->port = http_port_of(http_server_url(f->api.http, 0));
    ck_assert_int_eq(pthread_create(&f->loop, NULL, run_loop, f), 0);
}

void api_fixture_start(struct api_fixture *f)
{
    start(f, NULL, 0, api_routes, api_n_routes, clock_system(), NULL);
}

void api_fixture_start_in(struct api_fixture *f, const char *directory)
{
    start(f, NULL, 0, api_routes, api_n_routes, clock_system(), directory);
}

void api_fixture_start_at(struct api_fixture *f, const struct clock *clock)
{
    start(f, NULL, 0, api_routes, api_n_routes, clock, NULL);
}

void api_fixture_start_routes(struct api_fixture *f, const struct http_route routes[], size_t n)
{
    start(f, NULL, 0, routes, n, clock_system(), NULL);
}

void api_fixture_start_closed(struct api_fixture *f, const struct token_row tokens[], size_t n)
{
    start(f, tokens, n, api_routes, api_n_routes, clock_system(), NULL);
}

void api_fixture_stop(struct api_fixture *f)
{
    struct err err = {0};

    http_server_stop(f->api.http);
    (void)pthread_join(f->loop, NULL);
    engine_stop(f->api.engine, 1000);
    ck_assert_int_eq(http_server_run(f->api.http, 1000, &err), 0);
    http_server_destroy(f->api.http);
    engine_destroy(f->api.engine);
    study_news_finish(&f->api);
    value_orders_finish(&f->api.orders);
    http_answer_finish(&f->last);
}

int api_call(struct api_fixture *f, const char *method, const char *path, const char *body)
{
    http_answer_finish(&f->last);
    return http_call(f->port, method, path, NULL, body, &f->last);
}

void api_expect(struct api_fixture *f, int status, const char *method, const char *path,
                const char *body)
{
    int got = api_call(f, method, path, body);

    ck_assert_msg(got == status, "%s %s: %d instead of %d\n%s", method, path, got, status,
                  buf_text(&f->last.body));
}

json_t *api_json(const struct api_fixture *f)
{
    json_error_t error;
    json_t *value = json_loads(buf_text(&f->last.body), JSON_DECODE_ANY, &error);

    ck_assert_msg(value != NULL, "%s\n%s", error.text, buf_text(&f->last.body));
    return value;
}

const json_t *json_at(const json_t *value, const char *path)
{
    char name[64];

    while (*path != '\0' && value != NULL) {
        size_t len = strcspn(path, ".");
        (void)snprintf(name, sizeof name, "%.*s", (int)len, path);
        value = json_is_array(value) ? json_array_get(value, strtoul(name, NULL, 10))
                                     : json_object_get(value, name);
        path += len + (path[len] == '.' ? 1 : 0);
    }
    return value;
}

int64_t api_finish_trial(struct api_fixture *f, const char *study, double loss, double extra)
{
    char path[200];
    char body[300];
    char extra_text[64] = "";

    (void)snprintf(path, sizeof path, "/v1/studies/%s/leases", study);
    api_expect(f, 201, "POST", path, "{\"worker\": \"w1\"}");
    json_auto_t *grant = api_json(f);
    const char *lease = json_string_value(json_at(grant, "lease.id"));
    int64_t number = json_integer_value(json_at(grant, "trial.number"));
    if (!isnan(extra)) {
        (void)snprintf(extra_text, sizeof extra_text, ", \"extra\": %.17g", extra);
    }
    (void)snprintf(path, sizeof path, "/v1/leases/%s/measurements", lease);
    (void)snprintf(body, sizeof body,
                   "{\"measurements\": [{\"step\": 1, \"metrics\": {\"loss\": %.17g%s}}]}", loss,
                   extra_text);
    api_expect(f, 200, "POST", path, body);
    (void)snprintf(path, sizeof path, "/v1/leases/%s/result", lease);
    api_expect(f, 200, "PUT", path, "{\"outcome\": \"completed\"}");
    return number;
}
