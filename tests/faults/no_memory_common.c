/* Every allocation of common fails once: JSON, buffers, maps, search spaces, expressions, and each
 * message of the wire read and written. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/http/client.h"
#include "common/map.h"
#include "common/space/expr.h"
#include "common/space/space.h"
#include "common/table.h"
#include "common/wire/wire.h"
#include "tests/support/allocation.h"
#include "tests/support/run_suite.h"

#define TEXT_MAX (1 << 16)

/* Check allocates when it asserts; inside an operation nothing may be counted but its own. */
static void demand(bool fact)
{
    if (!fact) {
        abort();
    }
}

/* Appends what was written to the result. */
static int finish_text(const struct buf *text, struct buf *out, struct err *err)
{
    TRY(buf_check(text, err));
    buf_append(out, text->data, text->len);
    return 0;
}

static int parse(const char *text, json_t **value, struct err *err)
{
    return json_parse(text, strlen(text), &json_limits_default, value, err);
}

/* What a step that reports faults returned, as an error. */
static int check_faults(int result, struct faults *faults, struct err *err)
{
    int reported = faults_result(faults, err);

    faults_finish(faults);
    demand(result == reported); /* a failure is never without a fault, nor the reverse */
    return reported;
}

/* ---- the foundation ---- */

static int run_buf(struct buf *out, struct err *err)
{
    OWN(buf) struct buf text = {.max = TEXT_MAX};

    for (int i = 0; i < 40; i++) {
        buf_puts(&text, "line ");
        buf_printf(&text, "%d of many", i);
        buf_putc(&text, '\n');
    }
    TRY(buf_check(&text, err));
    OWN(memory) char *stolen = buf_steal(&text);
    buf_puts(out, stolen);
    return 0;
}

static int run_map(struct buf *out, struct err *err)
{
    static char values[40];
    struct map map = {0};
    int result = 0;

    for (size_t i = 0; i < sizeof values && result == 0; i++) {
        size_t n = map.n;
        result = map_put(&map, i * 7, &values[i], err);
        demand(map.n == n + (result == 0)); /* all that was there is still there */
        for (size_t k = 0; k < map.n; k++) {
            demand(map_get(&map, k * 7) == &values[k]);
        }
    }
    buf_printf(out, "%zu", map.n);
    map_finish(&map);
    return result;
}

static int run_json(struct buf *out, struct err *err)
{
    OWN(buf) struct buf text = {.max = TEXT_MAX};
    json_auto_t *value = NULL;
    struct json_writer w;

    TRY(parse("{\"a\": [1, 2.5, \"caf\\u00e9\", null, true, {}], \"b\": {\"c\": {\"d\": []}}, "
              "\"a longer key than the others\": \"and a longer text than the others have, too\"}",
              &value, err));
    json_writer_init(&w, &text);
    json_array_begin(&w);
    json_write_value(&w, value);
    json_object_begin(&w);
    json_put_moment(&w, "at", 1764000000123);
    json_object_end(&w);
    json_write_number(&w, 0.1);
    json_array_end(&w);
    return finish_text(&text, out, err);
}

/* The lexer's buffer is full at some of these, with the closing quote as the next character. */
static int run_strings(struct buf *out, struct err *err)
{
    char text[160];

    for (int len = 0; len < 130; len++) {
        json_auto_t *value = NULL;
        (void)snprintf(text, sizeof text, "[\"%.*s\"]", len,
                       "0123456789012345678901234567890123456789012345678901234567890123456789"
                       "0123456789012345678901234567890123456789012345678901234567890123456789");
        TRY(parse(text, &value, err));
        buf_puts(out, json_string_value(json_array_get(value, 0)));
    }
    return 0;
}

static int run_faults(struct buf *out, struct err *err)
{
    struct faults faults = {0};

    for (int i = 0; i < 3; i++) {
        faults_add(&faults, "/a/b", "fault number %d", i);
    }
    demand(faults.total == 3);
    demand(faults_result(&faults, err) == -1);
    demand((faults.n == 3) == (err->code == ERR_INVALID)); /* else the list would be shorter */
    buf_puts(out, err->text);
    int result = faults.n == 3 ? 0 : -1;
    faults_finish(&faults);
    return result;
}

static int run_table(struct buf *out, struct err *err)
{
    static const struct table_format formats[] = {
        {.style = TABLE_CSV},
        {.style = TABLE_ALIGNED, .text = TABLE_CLEAN, .upper_titles = true, .line_max = 40}};

    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        OWN(table) struct table table;
        OWN(buf) struct buf text = {.max = TEXT_MAX};
        table_init(&table, &formats[i], TEXT_MAX);
        for (int column = 0; column < 9; column++) {
            table_column(&table, "a title", column % 2 == 0);
        }
        for (int cell = 0; cell < 90; cell++) {
            table_text(&table, cell % 7 == 0 ? "a longer text, \"quoted\"" : "x");
        }
        table_write(&table, &text);
        table_write_fields(&table, &text);
        TRY(finish_text(&text, out, err));
    }
    return 0;
}

static int run_answer(struct buf *out, struct err *err)
{
    static char body[] =
        "{\"type\": \"/problems/invalid\", \"status\": 422, \"title\": \"No\", \"errors\":"
        " [{\"pointer\": \"/a\", \"detail\": \"must be a number, and not some other thing\"},"
        "  {\"pointer\": \"/b\", \"detail\": \"must be a string\"}]}";
    const struct http_answer answer = {.status = 422,
                                       .body = {.data = body, .len = sizeof body - 1},
                                       .content_type = "application/problem+json"};

    demand(http_answer_check(&answer, err) == -1);
    if (err->code != ERR_INVALID) {
        return -1;
    }
    buf_puts(out, "invalid"); /* the error code is reported in any case */
    return 0;
}

static int run_client(struct buf *out, struct err *err)
{
    const struct http_client_settings settings = {.url = "http://127.0.0.1:4663/",
                                                  .token = "hp_a",
                                                  .ca_file = "ca.pem",
                                                  .proxy = "http://127.0.0.1:1"};
    OWN(http_client) struct http_client *client = NULL;
    OWN(buf) struct buf path = {.max = TEXT_MAX};

    TRY(http_client_create(&settings, &client, err));
    buf_puts(out, http_client_url(client));
    http_escape(&path, "a study / of no name that any study has, so that it is long enough");
    return finish_text(&path, out, err);
}

/* ---- search spaces ---- */

static const char parameters[] =
    "[{\"name\": \"lr\", \"type\": \"float\", \"low\": 0.001, \"high\": 1, \"scale\": \"log\"},"
    " {\"name\": \"layers\", \"type\": \"int\", \"low\": 1, \"high\": 8, \"default\": 2},"
    " {\"name\": \"kernel\", \"type\": \"categorical\", \"choices\": [\"rbf\", \"poly\", 3]},"
    " {\"name\": \"size\", \"type\": \"ordinal\", \"choices\": [\"s\", \"m\", \"l\"]},"
    " {\"name\": \"width\", \"type\": \"int\", \"values\": [16, 32, 64]},"
    " {\"name\": \"flag\", \"type\": \"bool\"},"
    " {\"name\": \"mode\", \"type\": \"constant\", \"value\": \"fast\"},"
    " {\"name\": \"degree\", \"type\": \"int\", \"low\": 1, \"high\": 5,"
    "  \"when\": {\"kernel\": [\"poly\", 3], \"layers\": [1, 2]}}]";
static const char constraints[] =
    "[\"layers * width <= 1024 and (kernel != 'poly' or degree < 5)\"]";

static struct space *build_space(struct buf *out, struct err *err)
{
    struct faults faults = {0};
    struct space *space = NULL;
    json_auto_t *array = NULL;
    json_auto_t *conditions = NULL;

    (void)out;
    if (parse(parameters, &array, err) != 0 || parse(constraints, &conditions, err) != 0) {
        return NULL;
    }
    int result = space_from_json(array, conditions, &space, &faults);
    return check_faults(result, &faults, err) == 0 ? space : NULL;
}

static int run_space(struct buf *out, struct err *err)
{
    OWN(space) struct space *space = build_space(out, err);
    OWN(buf) struct buf text = {.max = TEXT_MAX};
    struct json_writer w;

    if (space == NULL) {
        return -1;
    }
    json_writer_init(&w, &text);
    json_array_begin(&w);
    space_write_parameters(space, &w);
    space_write_constraints(space, &w);
    json_array_end(&w);
    return finish_text(&text, out, err);
}

static struct space *shared_space; /* built once, undisturbed */

static int run_config(struct buf *out, struct err *err)
{
    OWN(buf) struct buf text = {.max = TEXT_MAX};
    struct faults faults = {0};
    json_auto_t *object = NULL;
    struct json_writer w;
    double x[SPACE_PARAMS_MAX];

    TRY(parse("{\"lr\": 0.1, \"kernel\": \"poly\", \"size\": \"m\", \"width\": 32, \"degree\": 3, "
              "\"flag\": true, "
              "\"mode\": \"fast\"}",
              &object, err));
    int result = space_config_from_json(shared_space, object, x, "", &faults);
    TRY(check_faults(result, &faults, err));
    json_writer_init(&w, &text);
    json_array_begin(&w);
    space_config_write(shared_space, x, &w);
    space_config_write_inactive(shared_space, x, &w);
    json_array_end(&w);
    for (size_t i = 0; i < shared_space->n_params; i++) {
        param_append_cell(&shared_space->params[i], x[i], &text);
    }
    return finish_text(&text, out, err);
}

static int run_sample(struct buf *out, struct err *err)
{
    struct rng rng = rng_for(7, 1);
    double x[SPACE_PARAMS_MAX];

    for (int i = 0; i < 4; i++) {
        TRY(space_sample(shared_space, &rng, x, err));
        buf_printf(out, "%.17g ", x[0]);
    }
    return 0;
}

static int run_expr(struct buf *out, struct err *err)
{
    static const char text[] =
        "not (layers ^ 2 + max(layers, 3, width) / -width > 1e3) or kernel == \"rbf\" or lr >= "
        "log(exp(lr)) and size < 'l'";
    OWN(expr) struct expr *expr = NULL;
    double x[SPACE_PARAMS_MAX] = {0.5, 2, 1, 1, 1, 0, 0, 2};

    TRY(expr_parse(text, strlen(text), shared_space, &expr, err));
    buf_printf(out, "%d %d", expr_holds(expr, shared_space, x), expr_names(expr, shared_space, 7));
    return 0;
}

/* ---- the wire ---- */

static int run_ask(struct buf *out, struct err *err)
{
    OWN(lease_ask) struct lease_ask ask = {0};
    OWN(buf) struct buf text = {.max = TEXT_MAX};
    struct faults faults = {0};
    json_auto_t *body = NULL;
    struct json_writer w;

    TRY(parse("{\"worker\":\"gpu07:0\",\"request_id\":\"0b1f\",\"wait_seconds\":30,"
              "\"studies\":[\"digits-svm\",\"other\"],\"runners\":[\"train\"],\"host\":\"gpu07\","
              "\"gpus\":[{\"model\":\"H200\",\"memory_mib\":143771}],\"labels\":{\"site\":\"a\"}}",
              &body, err));
    TRY(check_faults(lease_ask_from_json(body, &ask, &faults), &faults, err));
    json_writer_init(&w, &text);
    lease_ask_write(&ask, &w);
    return finish_text(&text, out, err);
}

static int run_grant(struct buf *out, struct err *err)
{
    OWN(lease_grant) struct lease_grant grant = {0};
    OWN(buf) struct buf text = {.max = TEXT_MAX};
    json_auto_t *body = NULL;
    struct json_writer w;

    TRY(parse(
        "{\"lease\":{\"id\":\"l_9f8c\",\"expires_at\":\"2026-11-24T21:32:37.123Z\","
        "\"ttl_seconds\":60,\"heartbeat_seconds\":20},\"study\":\"digits-svm\","
        "\"objectives\":[{\"metric\":\"accuracy\",\"direction\":\"maximize\"}],"
        "\"trial\":{\"number\":12,\"attempt\":1,\"parameters\":{\"C\":1.3,\"kernel\":\"rbf\"},"
        "\"inactive\":[\"degree\"],"
        "\"seed\":8123,\"resource\":{\"name\":\"epochs\",\"from\":3,\"to\":9},"
        "\"checkpoint\":{\"uri\":\"x\",\"step\":3,\"reach\":\"any\"}},"
        "\"limits\":{\"trial_seconds\":3600,\"stall_seconds\":600},"
        "\"job\":{\"runner\":\"train\"},\"discard\":[\"old\"]}",
        &body, err));
    TRY(lease_grant_from_json(body, &grant, err));
    json_writer_init(&w, &text);
    json_array_begin(&w);
    lease_grant_write(&grant, &w);
    lease_grant_write_trial(&grant, &w);
    json_array_end(&w);
    return finish_text(&text, out, err);
}

static int run_no_lease(struct buf *out, struct err *err)
{
    OWN(buf) struct buf text = {.max = TEXT_MAX};
    json_auto_t *body = NULL;
    struct no_lease no;
    struct json_writer w;

    TRY(parse("{\"lease\":null,\"reason\":\"waiting\",\"detail\":\"nothing to do\","
              "\"retry_after_seconds\":2.5}",
              &body, err));
    TRY(no_lease_from_json(body, &no, err));
    json_writer_init(&w, &text);
    no_lease_write(&no, &w);
    return finish_text(&text, out, err);
}

static int run_measurements(struct buf *out, struct err *err)
{
    OWN(measurement_list) struct measurement_list list = {0};
    OWN(buf) struct buf text = {.max = TEXT_MAX};
    struct faults faults = {0};
    json_auto_t *body = NULL;
    struct json_writer w;

    TRY(parse("{\"measurements\":[{\"step\":1,\"metrics\":{\"loss\":0.5,\"acc\":0.25}},"
              "{\"step\":2,\"metrics\":{\"loss\":\"NaN\"}},{\"step\":3,\"metrics\":{\"loss\":1}}]}",
              &body, err));
    TRY(check_faults(measurement_list_from_json(body, &list, &faults), &faults, err));
    json_writer_init(&w, &text);
    measurement_list_write(&list, &w);
    return finish_text(&text, out, err);
}

static int run_action(struct buf *out, struct err *err)
{
    OWN(buf) struct buf text = {.max = TEXT_MAX};
    json_auto_t *body = NULL;
    struct action_reply reply;
    struct json_writer w;

    TRY(parse("{\"action\":\"continue\",\"until\":9,\"lease\":{\"expires_at\":"
              "\"2026-11-24T21:32:37.123Z\",\"heartbeat_seconds\":20},\"duplicate\":1}",
              &body, err));
    TRY(action_reply_from_json(body, 0, &reply, err));
    json_writer_init(&w, &text);
    action_reply_write(&reply, &w);
    return finish_text(&text, out, err);
}

static int run_result(struct buf *out, struct err *err)
{
    OWN(result_report) struct result_report report = {0};
    OWN(buf) struct buf text = {.max = TEXT_MAX};
    struct faults faults = {0};
    json_auto_t *body = NULL;
    struct json_writer w;

    TRY(parse("{\"outcome\":\"failed\",\"step\":9,\"metrics\":{\"loss\":0.5,\"acc\":\"NaN\"},"
              "\"reason\":\"oom\",\"detail\":\"killed\","
              "\"checkpoint\":{\"uri\":\"file:///c\",\"step\":9,\"reach\":\"any\"},"
              "\"usage\":{\"wall_seconds\":2.5,\"gpu_seconds\":1}}",
              &body, err));
    TRY(check_faults(result_report_from_json(body, &report, &faults), &faults, err));
    json_writer_init(&w, &text);
    result_report_write(&report, &w);
    return finish_text(&text, out, err);
}

/* ---- the suite ---- */

static const struct {
    const char *name;
    int (*run)(struct buf *out, struct err *err);
    size_t least; /* allocations that it makes at least: the shim is in force */
} operations[] = {
    {"buf", run_buf, 2},           {"map", run_map, 3},
    {"json", run_json, 10},        {"strings", run_strings, 500},
    {"table", run_table, 10},      {"answer", run_answer, 20},
    {"client", run_client, 5},     {"faults", run_faults, 7},
    {"space", run_space, 50},      {"config", run_config, 20},
    {"sample", run_sample, 0},     {"expr", run_expr, 2},
    {"ask", run_ask, 20},          {"grant", run_grant, 20},
    {"no lease", run_no_lease, 5}, {"measurements", run_measurements, 10},
    {"action", run_action, 5},     {"result", run_result, 10},
};

START_TEST(failed_allocation_is_an_error_and_changes_nothing)
{
    struct err err = {0};

    shared_space = build_space(NULL, &err);
    ck_assert_msg(shared_space != NULL, "%s", err.text);
    size_t n = allocation_fail_each(operations[_i].name, operations[_i].run);
    ck_assert_msg(n >= operations[_i].least, "%s: only %zu allocations", operations[_i].name, n);
    space_destroy(shared_space);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("no_memory_common");
    TCase *tcase = tcase_create("every allocation");

    allocation_start();
    json_start();
    tcase_add_loop_test(tcase, failed_allocation_is_an_error_and_changes_nothing, 0,
                        (int)(sizeof operations / sizeof operations[0]));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
