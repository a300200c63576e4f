/* What a bundle answers in the place of a server. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/json.h"
#include "tests/support/directory.h"
#include "tests/support/run_suite.h"
#include "worker/bundle/offline.h"

static char folder[DIRECTORY_BYTES];
static json_t *leases[3];
static struct bundle bundle;
static struct results results;
static struct offline *offline;
static struct http_answer answer; /* the last one */

static void setup(void)
{
    static char study[] = "s";
    static char server[] = "http://127.0.0.1:1";
    struct err err = {0};

    directory_create(folder);
    ck_assert_int_eq(results_open(folder, &results, &err), 0);
    for (int i = 0; i < 3; i++) {
        char id[8];
        (void)snprintf(id, sizeof id, "l_%d", i + 1);
        leases[i] = json_pack("{s:{s:s}, s:s, s:{s:i, s:{s:i, s:i}}, s:{s:i}}", "lease", "id", id,
                              "study", study, "trial", "number", i + 1, "resource", "from", 0, "to",
                              i == 1 ? 1000000 : 1, "requires", "gpus", i == 2 ? 1 : 0);
        ck_assert_ptr_nonnull(leases[i]);
    }
    bundle = (struct bundle){.study = study, .server = server, .n = 3, .leases = leases};
    ck_assert_int_eq(offline_create(&bundle, &results, &offline, &err), 0);
}

static void teardown(void)
{
    offline_destroy(offline);
    results_close(&results);
    for (int i = 0; i < 3; i++) {
        json_decref(leases[i]);
    }
    http_answer_finish(&answer);
    directory_remove(folder);
}

static int call(const char *method, const char *path, const char *body)
{
    const struct http_responder *responder = offline_responder(offline);
    const struct http_call made = {
        .method = method, .path = path, .body = body, .body_len = strlen(body)};
    struct err err = {0};

    http_answer_finish(&answer);
    answer = (struct http_answer){0};
    buf_init(&answer.body, HTTP_ANSWER_BYTES);
    ck_assert_msg(responder->respond(responder->context, &made, &answer, &err) == 0, "%s",
                  err.text);
    return answer.status;
}

/* Asks; the name of the lease, or why there is none. */
static const char *ask(const char *more)
{
    static char text[400];
    char body[200];
    struct err err;
    json_auto_t *value = NULL;

    (void)snprintf(body, sizeof body, "{\"worker\": \"w\"%s}", more);
    (void)call("POST", "/v1/leases", body);
    ck_assert_int_eq(
        json_parse(buf_text(&answer.body), answer.body.len, &json_limits_default, &value, &err), 0);
    const char *id = json_string_value(json_object_get(json_object_get(value, "lease"), "id"));
    (void)snprintf(text, sizeof text, "%s",
                   id != NULL ? id : json_string_value(json_object_get(value, "reason")));
    return text;
}

static void complete(const char *lease)
{
    char path[100];

    (void)snprintf(path, sizeof path, "/v1/leases/%s/result", lease);
    ck_assert_int_eq(call("PUT", path, "{\"outcome\": \"completed\"}"), 200);
}

START_TEST(leases_go_out_one_by_one)
{
    char first[64];

    (void)snprintf(first, sizeof first, "%s", ask(""));
    ck_assert_int_eq(strncmp(first, "l_1.", 4), 0);
    ck_assert_int_eq(strncmp(ask(""), "l_2.", 4), 0);
    ck_assert_str_eq(ask(""), "waiting"); /* the third one requires a GPU */
    ck_assert_int_eq(strncmp(ask(", \"gpus\": [{}]"), "l_3.", 4), 0);
    ck_assert_str_eq(ask(", \"gpus\": [{}]"), "waiting"); /* they may be given up here */
    complete(first);
    ck_assert_int_eq(call("PUT", "/v1/leases/l_1.00000000", "{}"), 410);
}
END_TEST

START_TEST(what_does_not_fit_the_time_left_stays)
{
    char first[64];

    (void)snprintf(first, sizeof first, "%s", ask(", \"seconds_left\": 0"));
    ck_assert_int_eq(strncmp(first, "l_1.", 4), 0); /* nothing is known yet */
    complete(first);
    ck_assert_str_eq(ask(", \"seconds_left\": 0"), "too-long");
    ck_assert_ptr_nonnull(strstr(buf_text(&answer.body), "take longer than the time left"));
    ck_assert_int_eq(claim_look(&results, 2), CLAIM_TAKEN); /* another one may have it */
    ck_assert_int_eq(strncmp(ask(", \"seconds_left\": 1e9"), "l_2.", 4), 0);
}
END_TEST

/* Says a measurement of the lease and that it was interrupted with a checkpoint in `place` of this
 * step, a text of JSON. */
static void interrupt(const char *lease, const char *place, const char *step)
{
    char path[100];
    char body[DIRECTORY_BYTES + 100];

    (void)snprintf(path, sizeof path, "/v1/leases/%s/measurements", lease);
    ck_assert_int_eq(call("POST", path, "{\"measurements\": [\"of the first run\"]}"), 200);
    (void)snprintf(path, sizeof path, "/v1/leases/%s/result", lease);
    (void)snprintf(body, sizeof body,
                   "{\"outcome\": \"preempted\", \"checkpoint\": {\"uri\": \"%s\", \"step\": %s}}",
                   place, step);
    ck_assert_int_eq(call("PUT", path, body), 200);
}

static bool part_has(const char *words)
{
    char path[DIRECTORY_BYTES + 20];
    char text[1000] = "";

    (void)snprintf(path, sizeof path, "%s/00001.part", folder);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    return len > 0 && strstr(text, words) != NULL;
}

static json_int_t from_of_answer(void)
{
    struct err err;
    json_auto_t *value = NULL;

    ck_assert_int_eq(
        json_parse(buf_text(&answer.body), answer.body.len, &json_limits_default, &value, &err), 0);
    const json_t *trial = json_object_get(value, "trial");
    return json_integer_value(json_object_get(json_object_get(trial, "resource"), "from"));
}

START_TEST(a_checkpoint_of_another_host_is_not_gone_on_from)
{
    char lease[64];

    (void)snprintf(lease, sizeof lease, "%s", ask(""));
    interrupt(lease, folder, "1");
    (void)snprintf(lease, sizeof lease, "%s", ask(""));
    ck_assert_int_eq(from_of_answer(), 1);
    ck_assert(part_has("of the first run"));
    interrupt(lease, "/no/such/place", "1");
    (void)snprintf(lease, sizeof lease, "%s", ask(""));
    ck_assert_int_eq(from_of_answer(), 0);
    ck_assert(!part_has("of the first run")); /* it is measured again */
    ck_assert(part_has("\"lease\":\"l_1\""));
}
END_TEST

/* As in files that anyone may have written. */
static const char *const no_steps[] = {"-1", "\"1\"", "null", "1e300", "true"};

START_TEST(a_checkpoint_without_sense_is_not_gone_on_from)
{
    interrupt(ask(""), folder, no_steps[_i]);
    (void)ask("");
    ck_assert_int_eq(from_of_answer(), 0);
    ck_assert(!part_has("of the first run"));
}
END_TEST

/* The job ran on to its next checkpoint. */
START_TEST(a_checkpoint_behind_the_end_is_kept)
{
    interrupt(ask(""), folder, "4");
    (void)ask("");
    ck_assert_int_eq(from_of_answer(), 1);
    ck_assert(part_has("of the first run"));
}
END_TEST

/* As a disk that fails for a moment: here a folder, which cannot be read either. */
START_TEST(a_checkpoint_that_cannot_be_read_is_kept_with_what_was_measured)
{
    char path[DIRECTORY_BYTES + 20];
    const struct http_call made = {
        .method = "POST", .path = "/v1/leases", .body = "{\"worker\": \"w\"}", .body_len = 15};
    const struct http_responder *responder = offline_responder(offline);
    struct err err = {0};

    interrupt(ask(""), folder, "1");
    (void)snprintf(path, sizeof path, "%s/00001.resume", folder);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    http_answer_finish(&answer);
    answer = (struct http_answer){0};
    buf_init(&answer.body, HTTP_ANSWER_BYTES);
    ck_assert_int_eq(responder->respond(responder->context, &made, &answer, &err), -1);
    ck_assert_int_eq(err.code, ERR_IO);
    ck_assert_ptr_nonnull(strstr(err.text, "00001.resume"));
    ck_assert(part_has("of the first run"));
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(strncmp(ask(""), "l_1.", 4), 0); /* nothing of it is held */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("offline");
    TCase *tcase = tcase_create("offline");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, leases_go_out_one_by_one);
    tcase_add_test(tcase, what_does_not_fit_the_time_left_stays);
    tcase_add_test(tcase, a_checkpoint_of_another_host_is_not_gone_on_from);
    tcase_add_loop_test(tcase, a_checkpoint_without_sense_is_not_gone_on_from, 0,
                        (int)(sizeof no_steps / sizeof no_steps[0]));
    tcase_add_test(tcase, a_checkpoint_behind_the_end_is_kept);
    tcase_add_test(tcase, a_checkpoint_that_cannot_be_read_is_kept_with_what_was_measured);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
