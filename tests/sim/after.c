/* A study that comes after another, in a world without sockets: what happens to the older study and
 * to the server changes none of its trials; imported and enqueued trials are learned from. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/world.h"
#include "tests/support/run_suite.h"

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
enum { TRIALS = 12, TEXT = 256 };

/* What the last command was answered. */
struct answer {
    char lease[LEASE_ID_BYTES];
    char parameters[TEXT];
    enum err_code code;
    char fault[TEXT], pointer[TEXT];
};

static void keep(void *context, struct command *command)
{
    struct answer *answer = context;
    const struct faults *faults = &command->faults;

    *answer = (struct answer){.code = command->err.code};
    if (faults->n > 0) {
        (void)snprintf(answer->fault, TEXT, "%s", faults->items[0].detail);
        (void)snprintf(answer->pointer, TEXT, "%s", faults->items[0].pointer);
    }
    if (command->kind == COMMAND_ASK && as_ask(command)->out.granted) {
        (void)snprintf(answer->lease, sizeof answer->lease, "%s", as_ask(command)->out.grant.id);
        (void)snprintf(answer->parameters, TEXT, "%s", as_ask(command)->out.grant.parameters);
    }
    command_destroy(command);
}

static void do_it(struct world *world, struct command *command)
{
    struct err err = {0};

    ck_assert_msg(world_do(world, command, &err) == 0, "%s", err.text);
}

static void restart(struct world *world)
{
    struct err err = {0};

    ck_assert_msg(world_restart(world, &err) == 0, "%s", err.text);
}

/* A study over x and k; `more` goes on with its body. */
static void create(struct world *world, const char *name, const char *more)
{
    char body[1000];

    (void)snprintf(body, sizeof body,
                   "{\"name\": \"%s\", \"metric\": \"loss\", \"direction\": \"minimize\", "
                   "\"seed\": 5, \"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"low\": "
                   "0, \"high\": 1}, {\"name\": \"k\", \"type\": \"categorical\", \"choices\": "
                   "[\"a\", \"b\"]}]%s}",
                   name, more);
    do_it(world, world_create_study(body));
}

/* Bending down to 0 at x = 0.83, k = b, which no initial design of the tests comes near. */
static double loss(const char *parameters)
{
    json_auto_t *object = json_loads(parameters, 0, NULL);
    double x = json_number_value(json_object_get(object, "x"));
    bool is_b = strcmp(json_string_value(json_object_get(object, "k")), "b") == 0;

    return fabs(x - 0.83) + (is_b ? 0.0 : 1.0);
}

/* Asks and answers with the loss; returns the loss and what was tried; NaN: there was no work. */
static double try_work(struct world *world, struct answer *answer, const char *study,
                       char tried[TEXT])
{
    char lease[LEASE_ID_BYTES];
    char body[TEXT];

    do_it(world, world_ask(study, "{\"worker\": \"w\"}"));
    if (answer->lease[0] == '\0') {
        return NAN;
    }
    double value = loss(answer->parameters);
    memcpy(tried, answer->parameters, TEXT);
    memcpy(lease, answer->lease, sizeof lease);
    (void)snprintf(body, sizeof body,
                   "{\"outcome\": \"completed\", \"metrics\": {\"loss\": %.17g}}", value);
    do_it(world, world_result(lease, body));
    return value;
}

static double work(struct world *world, struct answer *answer, const char *study, char tried[TEXT])
{
    double value = try_work(world, answer, study, tried);

    ck_assert_msg(!isnan(value), "no lease");
    return value;
}

static void open_world(struct world *world, struct answer *answer)
{
    struct err err = {0};

    ck_assert_int_eq(world_open(world, 1, &err), 0);
    world->answered = keep;
    world->context = answer;
}

/* An older study of 30 random trials, finished. */
static void make_older(struct world *world, struct answer *answer)
{
    char tried[TEXT];

    create(world, "older", ", \"strategy\": \"random\", \"limits\": {\"trials\": 30}");
    for (int i = 0; i < 30; i++) {
        (void)work(world, answer, "older", tried);
    }
}

#define AFTER                                                                                      \
    ", \"after\": [\"older\"], \"strategy\": {\"name\": \"bayesian\", \"serving\": \"exact\"}"

static void tell_story(bool disturbed, char tried[TRIALS][TEXT])
{
    struct answer answer;
    OWN(world) struct world world;
    struct err err = {0};

    open_world(&world, &answer);
    make_older(&world, &answer);
    create(&world, "new", AFTER);
    ck_assert_int_eq(answer.code, ERR_NONE);
    if (disturbed) {
        do_it(&world, world_delete_study("older", false));
        ck_assert_msg(world_advance(&world, 9 * DAY_MS, &err) == 0, "%s", err.text);
        create(&world, "older", ", \"strategy\": \"random\""); /* the name is free */
    }
    for (int i = 0; i < TRIALS; i++) {
        if (disturbed) {
            restart(&world);
        }
        (void)work(&world, &answer, "new", tried[i]);
    }
}

START_TEST(neither_restarts_nor_the_older_study_s_end_change_a_trial)
{
    char plain[TRIALS][TEXT];
    char disturbed[TRIALS][TEXT];

    tell_story(false, plain);
    tell_story(true, disturbed);
    for (int i = 0; i < TRIALS; i++) {
        ck_assert_str_eq(plain[i], disturbed[i]);
    }
}
END_TEST

START_TEST(it_begins_near_the_best_of_the_older_one)
{
    struct answer answer;
    OWN(world) struct world world;
    char tried[TEXT];

    open_world(&world, &answer);
    make_older(&world, &answer);
    create(&world, "alone", ", \"strategy\": \"bayesian\"");
    create(&world, "new", AFTER);
    ck_assert_double_gt(work(&world, &answer, "alone", tried), 0.2);
    ck_assert_double_lt(work(&world, &answer, "new", tried), 0.1);
}
END_TEST

START_TEST(the_same_body_again_is_the_same_study_whatever_became_of_the_older)
{
    struct answer answer;
    OWN(world) struct world world;

    open_world(&world, &answer);
    make_older(&world, &answer);
    create(&world, "new", AFTER);
    do_it(&world, world_delete_study("older", false));
    create(&world, "new", AFTER);
    ck_assert_int_eq(answer.code, ERR_NONE);
    create(&world, "another", AFTER);
    ck_assert_int_eq(answer.code, ERR_INVALID);
    ck_assert_str_eq(answer.pointer, "/after/0");
    ck_assert_ptr_nonnull(strstr(answer.fault, "no study"));
}
END_TEST

START_TEST(a_raised_limit_keeps_what_was_taken)
{
    struct answer answer;
    OWN(world) struct world world;

    open_world(&world, &answer);
    make_older(&world, &answer);
    create(&world, "new", AFTER);
    do_it(&world, world_delete_study("older", false));
    do_it(&world, world_patch_study("new", "{\"limits\": {\"trials\": 500}}"));
    ck_assert_int_eq(answer.code, ERR_NONE);
    char tried[TEXT];
    ck_assert_double_lt(work(&world, &answer, "new", tried), 0.1);
}
END_TEST

/* Most trials of a schedule end early; what counts is those that came to the full resource. */
START_TEST(a_schedule_s_search_begins_with_the_best_of_another_schedule)
{
    struct answer answer;
    OWN(world) struct world world;
    char tried[TEXT];
    char best[TEXT];
    double least = INFINITY;
    double value;

    open_world(&world, &answer);
    create(&world, "older",
           ", \"strategy\": {\"name\": \"asha\", \"search\": \"random\"}, \"resource\": {\"name\": "
           "\"epochs\", \"min\": 1, \"max\": 9}, \"limits\": {\"trials\": 40}");
    while (!isnan(value = try_work(&world, &answer, "older", tried))) {
        if (value < least) {
            least = value;
            memcpy(best, tried, TEXT);
        }
    }
    create(&world, "new",
           ", \"strategy\": {\"name\": \"hyperband\", \"search\": \"bayesian\", \"serving\": "
           "\"exact\"}, \"resource\": "
           "{\"name\": \"epochs\", \"min\": 1, \"max\": 27}, \"after\": [\"older\"]");
    ck_assert_int_eq(answer.code, ERR_NONE);
    (void)work(&world, &answer, "new", tried);
    ck_assert_str_eq(tried, best);
    for (int i = 0; i < 40; i++) {
        (void)work(&world, &answer, "new", tried);
    }
}
END_TEST

/* ---- imported and enqueued ------------------------------------------------------------------- */
#define EXACT ", \"strategy\": {\"name\": \"bayesian\", \"serving\": \"exact\"}"

/* Twelve imports around the optimum, as a sheet of earlier results would have them. */
static void import(struct world *world, const char *study)
{
    char body[4000] = "[";

    for (int i = 0; i < 12; i++) {
        size_t len = strlen(body);
        double x = (double)i / 11.0;
        (void)snprintf(body + len, sizeof body - len,
                       "%s{\"parameters\": {\"x\": %.17g, \"k\": \"%s\"}, \"state\": "
                       "\"completed\", \"metrics\": {\"loss\": %.17g}}",
                       i == 0 ? "" : ", ", x, i % 3 == 0 ? "a" : "b",
                       fabs(x - 0.83) + (i % 3 == 0 ? 1.0 : 0.0));
    }
    (void)strcat(body, "]");
    do_it(world, world_add_trials(study, body, NULL));
}

/* The best of the first six suggestions once the design is over. */
static double best_of(struct world *world, struct answer *answer, const char *study, int n)
{
    double best = INFINITY;
    char tried[TEXT];

    for (int i = 0; i < n; i++) {
        best = fmin(best, work(world, answer, study, tried));
    }
    return best;
}

START_TEST(imported_trials_speed_the_search_up)
{
    struct answer answer;
    OWN(world) struct world world;

    open_world(&world, &answer);
    create(&world, "with", EXACT);
    import(&world, "with");
    ck_assert_int_eq(answer.code, ERR_NONE);
    create(&world, "without", EXACT);
    double with = best_of(&world, &answer, "with", 5);
    double without = best_of(&world, &answer, "without", 5);
    ck_assert_double_lt(with, 0.02);
    ck_assert_double_lt(with, 0.5 * without);
}
END_TEST

START_TEST(an_enqueued_trial_has_its_turn_and_is_learned_from)
{
    struct answer answer;
    OWN(world) struct world world;
    char tried[2][TEXT];

    open_world(&world, &answer);
    for (int queued = 0; queued < 2; queued++) {
        const char *study = queued == 1 ? "queued" : "plain";
        create(&world, study, EXACT);
        for (int i = 0; i < 6; i++) {
            (void)work(&world, &answer, study, tried[0]);
        }
        if (queued == 1) { /* the optimum itself, which no trial has tried yet */
            do_it(&world,
                  world_add_trials(study, "{\"parameters\": {\"x\": 0.83, \"k\": \"b\"}}", NULL));
            ck_assert_double_lt(work(&world, &answer, study, tried[0]), 1e-9);
        }
        (void)work(&world, &answer, study, tried[queued]);
    }
    ck_assert_str_ne(tried[0], tried[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("after");
    TCase *after = tcase_create("after");
    TCase *given = tcase_create("imported and enqueued");

    tcase_add_test(after, neither_restarts_nor_the_older_study_s_end_change_a_trial);
    tcase_add_test(after, it_begins_near_the_best_of_the_older_one);
    tcase_add_test(after, the_same_body_again_is_the_same_study_whatever_became_of_the_older);
    tcase_add_test(after, a_raised_limit_keeps_what_was_taken);
    tcase_add_test(after, a_schedule_s_search_begins_with_the_best_of_another_schedule);
    tcase_add_test(given, imported_trials_speed_the_search_up);
    tcase_add_test(given, an_enqueued_trial_has_its_turn_and_is_learned_from);
    suite_add_tcase(suite, after);
    suite_add_tcase(suite, given);
    return run_suite(suite);
}
