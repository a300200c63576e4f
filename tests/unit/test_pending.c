#include "worker/agent/pending.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/run_suite.h"

#define LOSS "[{\"metric\":\"loss\",\"direction\":\"minimize\"}]"
#define BEST_LOSS "[{\"metric\":\"loss\",\"direction\":\"minimize\",\"fold\":\"best\"}]"
#define TAKEN_MAX 20000

/* A server that takes a batch whole or refuses it whole: at most METRICS_MAX names, and none of the
 * values that `is_bad` says. */
static struct {
    char names[METRICS_MAX][METRIC_NAME_BYTES + 1];
    size_t n_names, n_calls, n_refused, n_taken;
    bool replaces; /* a batch said so */
    struct measurement taken[TAKEN_MAX];
    bool (*is_bad)(const struct measurement *item);
} server;

static bool server_knows(const char *name)
{
    for (size_t i = 0; i < server.n_names; i++) {
        if (strcmp(server.names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool server_takes(const struct measurement_list *batch)
{
    size_t before = server.n_names;

    for (size_t i = 0; i < batch->n; i++) {
        const struct measurement *item = &batch->items[i];
        bool is_bad = server.is_bad != NULL && server.is_bad(item);
        bool is_new = !server_knows(item->metric);
        if (is_bad || (is_new && server.n_names == METRICS_MAX)) {
            server.n_names = before;
            return false;
        }
        if (is_new) {
            (void)snprintf(server.names[server.n_names++], sizeof server.names[0], "%s",
                           item->metric);
        }
    }
    return true;
}

/* The server's own copy: a batch borrows its names. */
static const char *kept_name(const char *name)
{
    for (size_t i = 0; i < server.n_names; i++) {
        if (strcmp(server.names[i], name) == 0) {
            return server.names[i];
        }
    }
    ck_abort_msg("%s is not known", name);
    return NULL;
}

static void send_once(struct pending *pending)
{
    OWN(measurement_list) struct measurement_list batch = {0};
    struct err err = {0};

    ck_assert_int_eq(pending_batch(pending, &batch, &err), 0);
    ck_assert_uint_gt(batch.n, 0);
    server.n_calls++;
    if (!server_takes(&batch)) {
        server.n_refused++;
        (void)err_set(&err, ERR_INVALID, "refused");
        pending_refused(pending, &err);
        return;
    }
    server.replaces = server.replaces || batch.replace;
    for (size_t i = 0; i < batch.n && server.n_taken < TAKEN_MAX; i++) {
        const struct measurement *item = &batch.items[i];
        server.taken[server.n_taken] = *item;
        server.taken[server.n_taken].metric = kept_name(item->metric);
        server.n_taken++;
    }
    pending_accepted(pending, 0, 0);
}

static void send_all(struct pending *pending)
{
    while (pending->n > 0) {
        send_once(pending);
    }
}

/* The values of a metric in the order in which the server took them: "1:0.5 2:0.25". */
static const char *taken(const char *metric)
{
    static char text[1000];
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < server.n_taken; i++) {
        const struct measurement *item = &server.taken[i];
        if (strcmp(item->metric, metric) == 0 && len < sizeof text - 40) {
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%lld:%g", len > 0 ? " " : "",
                                    (long long)item->step, item->value);
        }
    }
    return text;
}

static const char *lost(const struct pending *pending)
{
    static char text[500];
    OWN(buf) struct buf out;

    buf_init(&out, sizeof text - 1);
    (void)snprintf(text, sizeof text, "%s",
                   pending_append_lost(pending, &out) ? buf_text(&out) : "");
    return text;
}

static void add(struct pending *pending, int64_t step, const char *metric, double value)
{
    struct metric_value item = {.value = value};

    (void)snprintf(item.metric, sizeof item.metric, "%s", metric);
    pending_add(pending, step, &item, 1);
}

static struct notes notes;

static struct pending start(const char *objectives)
{
    struct pending pending;
    json_auto_t *list = json_loads(objectives, 0, NULL);

    memset(&server, 0, sizeof server);
    notes_finish(&notes);
    notes_init(&notes, 1);
    pending_init(&pending, list, &notes, NULL);
    return pending;
}

START_TEST(last_value_of_a_step_counts)
{
    struct pending pending = start(LOSS);

    add(&pending, 1, "loss", 5);
    add(&pending, 2, "loss", 4);
    add(&pending, 2, "loss", 3);
    add(&pending, 1, "loss", 9);
    add(&pending, 2, "acc", 0.5);
    add(&pending, 2, "acc", 0.6);
    ck_assert_uint_eq(pending.n, 3);
    send_all(&pending);
    ck_assert_str_eq(taken("loss"), "1:9 2:3");
    ck_assert_str_eq(taken("acc"), "2:0.6");
    ck_assert(!server.replaces);
    ck_assert_ptr_nonnull(strstr(notes_text(&notes), "loss was reported again at step 2; the last "
                                                     "value, 3, replaces 4"));
    ck_assert_ptr_nonnull(strstr(notes_text(&notes), "acc was reported again at step 2"));
    ck_assert_str_eq(lost(&pending), "");
    pending_finish(&pending);
}
END_TEST

START_TEST(the_same_value_again_is_no_correction)
{
    struct pending pending = start(LOSS);
    OWN(measurement_list) struct measurement_list batch = {0};
    struct err err = {0};

    add(&pending, 1, "loss", 5);
    add(&pending, 1, "loss", 5);
    add(&pending, 2, "loss", (double)NAN);
    add(&pending, 2, "loss", (double)NAN);
    ck_assert_int_eq(pending_batch(&pending, &batch, &err), 0);
    add(&pending, 1, "loss", 5); /* under way */
    ck_assert_uint_eq(pending.n, 2);
    pending_accepted(&pending, 0, 0);
    ck_assert_str_eq(notes_text(&notes), "");
    pending_finish(&pending);
}
END_TEST

START_TEST(a_value_that_is_under_way_is_corrected_behind_it)
{
    struct pending pending = start(LOSS);
    OWN(measurement_list) struct measurement_list first = {0};
    OWN(measurement_list) struct measurement_list again = {0};
    OWN(measurement_list) struct measurement_list second = {0};
    struct err err = {0};

    add(&pending, 3, "loss", 5);
    ck_assert_int_eq(pending_batch(&pending, &first, &err), 0);
    add(&pending, 3, "loss", 4);
    add(&pending, 3, "loss", 2);
    ck_assert_int_eq(pending_batch(&pending, &again, &err), 0); /* repeated as it was */
    ck_assert_uint_eq(again.n, 1);
    ck_assert_double_eq(again.items[0].value, 5);
    ck_assert(!again.replace);
    pending_accepted(&pending, 0, 0);
    add(&pending, 3, "loss", 1);
    ck_assert_uint_eq(pending.n, 1);
    ck_assert_int_eq(pending_batch(&pending, &second, &err), 0);
    ck_assert_uint_eq(second.n, 1);
    ck_assert_double_eq(second.items[0].value, 1);
    ck_assert(second.replace);
    pending_accepted(&pending, 0, 1);
    ck_assert_uint_eq(pending.n, 0);
    ck_assert_uint_eq(pending.present.n, 0);
    ck_assert_str_eq(lost(&pending), "");
    pending_finish(&pending);
}
END_TEST

START_TEST(what_the_server_did_with_a_correction_is_told)
{
    struct pending pending = start(LOSS);
    OWN(measurement_list) struct measurement_list batch = {0};
    struct err err = {0};

    add(&pending, 3, "loss", 5);
    add(&pending, 3, "acc", 5);
    send_all(&pending);
    add(&pending, 4, "acc", 5);
    add(&pending, 3, "loss", 4);
    ck_assert_int_eq(pending_batch(&pending, &batch, &err), 0);
    pending_accepted(&pending, _i == 0 ? 1 : 0, _i == 0 ? 0 : 1);
    ck_assert_ptr_nonnull(strstr(notes_text(&notes), "loss was reported again at step 3"));
    ck_assert_ptr_nonnull(
        strstr(notes_text(&notes), _i == 0 ? "ignored 4" : "4, replaces the one"));
    pending_finish(&pending);
}
END_TEST

START_TEST(a_correction_of_a_refused_batch_is_sent_in_its_place)
{
    struct pending pending = start(LOSS);
    OWN(measurement_list) struct measurement_list first = {0};
    struct err err = {0};

    add(&pending, 1, "loss", 5);
    add(&pending, 1, "acc", 1);
    ck_assert_int_eq(pending_batch(&pending, &first, &err), 0);
    add(&pending, 1, "loss", 4);
    (void)err_set(&err, ERR_INVALID, "told so");
    pending_refused(&pending, &err);
    send_all(&pending);
    ck_assert_str_eq(taken("loss"), "1:5 1:4");
    ck_assert(server.replaces);
    ck_assert_str_eq(taken("acc"), "1:1");
    ck_assert_str_eq(lost(&pending), "");
    pending_finish(&pending);
}
END_TEST

START_TEST(folds_that_count_from_the_beginning_are_corrections)
{
    struct pending pending = start(BEST_LOSS);

    for (int64_t step = 1; step <= 3; step++) {
        add(&pending, step, "loss", (double)(10 + step));
    }
    send_all(&pending);
    ck_assert(!server.replaces);
    for (int64_t step = 1; step <= 3; step++) {
        add(&pending, step, "loss", (double)(20 + step));
    }
    send_all(&pending);
    ck_assert(server.replaces);
    ck_assert_str_eq(taken("loss"), "1:11 2:12 3:13 1:21 2:22 3:23");
    ck_assert_str_eq(lost(&pending), "");
    pending_finish(&pending);
}
END_TEST

START_TEST(a_report_without_the_objective_takes_nothing_from_it)
{
    struct pending pending = start(LOSS);

    add(&pending, 3, "acc", 0.5);
    ck_assert(!pending_is_measured(&pending));
    add(&pending, 3, "loss", 4);
    add(&pending, 3, "acc", 0.5);
    ck_assert(pending_is_measured(&pending));
    send_all(&pending);
    ck_assert_str_eq(taken("loss"), "3:4");
    ck_assert_uint_eq(server.n_refused, 0);
    pending_finish(&pending);
}
END_TEST

START_TEST(a_repeated_batch_is_the_same_batch)
{
    struct pending pending = start(LOSS);
    OWN(measurement_list) struct measurement_list first = {0};
    OWN(measurement_list) struct measurement_list again = {0};
    struct err err = {0};

    add(&pending, 1, "loss", 5);
    ck_assert_int_eq(pending_batch(&pending, &first, &err), 0);
    add(&pending, 2, "loss", 4);
    ck_assert_int_eq(pending_batch(&pending, &again, &err), 0);
    ck_assert_uint_eq(again.n, 1);
    pending_finish(&pending);
}
END_TEST

START_TEST(a_value_may_be_sent_again_after_it_was_delivered)
{
    struct pending pending = start(LOSS);

    add(&pending, 1, "loss", 5);
    send_all(&pending);
    add(&pending, 1, "loss", 4); /* a correction, which the server decides about */
    ck_assert_uint_eq(pending.n, 1);
    send_all(&pending);
    ck_assert_str_eq(lost(&pending), "");
    pending_finish(&pending);
}
END_TEST

/* ---- refusals ---- */

START_TEST(the_objective_is_delivered_however_many_names_there_are)
{
    struct pending pending = start(LOSS);
    char name[40];

    memcpy(server.names[server.n_names++], "loss", 5);
    for (int step = 1; step <= 3; step++) {
        for (int i = 0; i < 50; i++) {
            (void)snprintf(name, sizeof name, "step%d/m%d", step, i);
            add(&pending, step, name, i);
        }
        add(&pending, step, "loss", 10.0 / step);
    }
    send_all(&pending);
    ck_assert_str_eq(taken("loss"), "1:10 2:5 3:3.33333");
    ck_assert_str_eq(lost(&pending), "");
    ck_assert_uint_eq(server.n_names, METRICS_MAX);
    ck_assert_uint_eq(server.n_taken, 3 + METRICS_MAX - 1);
    ck_assert_uint_lt(server.n_calls, 150);
    pending_finish(&pending);
}
END_TEST

START_TEST(a_refused_name_is_not_tried_again)
{
    struct pending pending = start(LOSS);
    char name[40];

    for (int i = 0; i < METRICS_MAX; i++) {
        (void)snprintf(name, sizeof name, "m%d", i);
        add(&pending, 1, name, i);
    }
    send_all(&pending);
    add(&pending, 2, "acc", 1);
    add(&pending, 3, "acc", 1);
    send_all(&pending);
    size_t n_calls = server.n_calls;
    add(&pending, 4, "acc", 1);
    ck_assert_uint_eq(pending.n, 0);
    add(&pending, 4, "m7", 1);
    send_all(&pending);
    ck_assert_uint_eq(server.n_calls, n_calls + 1);
    add(&pending, 5, "loss", 1);
    send_all(&pending);
    ck_assert_str_eq(lost(&pending),
                     "the server did not take the last value of loss, 1 at step 5: refused");
    pending_finish(&pending);
}
END_TEST

static bool is_step_four(const struct measurement *item)
{
    return item->step == 4;
}

static const struct {
    const char *objectives;
    double loss[6]; /* of steps 1 to 6; step 4 is refused */
    const char *lost;
} refused_values[] = {
    {LOSS, {6, 5, 4, 3, 2, 1}, ""},
    {LOSS, {6, 5, 4, 3, 8, 9}, ""},
    {BEST_LOSS, {6, 5, 4, 3, 2, 1}, ""},
    {BEST_LOSS,
     {6, 5, 4, 3, 8, 9},
     "the server did not take the best value of loss, 3 at step 4: refused"},
    {LOSS,
     {6, 5, 4, 3, -1, -1},
     "the server did not take the last value of loss, 3 at step 4: refused"},
    {BEST_LOSS, {6, 1, 4, 3, -1, -1}, ""},
    {"[{\"metric\":\"loss\",\"direction\":\"maximize\",\"fold\":\"best\"}]",
     {1, 2, 3, 9, 4, 5},
     "the server did not take the best value of loss, 9 at step 4: refused"},
};

START_TEST(a_refused_value_is_lost_only_if_it_decides)
{
    struct pending pending = start(refused_values[_i].objectives);
    size_t n = 0;

    server.is_bad = is_step_four;
    for (int64_t step = 1; step <= 6; step++) {
        if (refused_values[_i].loss[step - 1] >= 0) {
            add(&pending, step, "loss", refused_values[_i].loss[step - 1]);
            add(&pending, step, "acc", 1);
            n++;
        }
    }
    send_all(&pending);
    ck_assert_uint_eq(server.n_taken, 2 * (n - 1));
    ck_assert_str_eq(lost(&pending), refused_values[_i].lost);
    pending_finish(&pending);
}
END_TEST

/* Values of a step after another, the last of each step counts; those of step 4 are refused. */
static const struct {
    struct reported_value items[40]; /* until step 0 */
    const char *lost;
} corrected_bests[] = {
    /* the step that was the best is corrected: of the others the best was refused */
    {{{1, 9}, {4, 2}, {5, 1}, {5, 5}},
     "the server did not take the best value of loss, 2 at step 4: refused"},
    /* the best of the others was taken */
    {{{1, 2}, {4, 3}, {5, 1}, {5, 5}}, ""},
    /* each step begins as the best one and ends as the worst */
    {{{1, 2}, {4, 3}, {5, 1}, {5, 50}, {6, 1}, {6, 60}, {7, 1}, {7, 70}}, ""},
};

START_TEST(the_best_value_is_known_after_a_correction)
{
    struct pending pending = start(BEST_LOSS);

    server.is_bad = is_step_four;
    for (const struct reported_value *item = corrected_bests[_i].items; item->step > 0; item++) {
        add(&pending, item->step, "loss", item->value);
        send_all(&pending); /* so that each correction is a request of its own */
    }
    ck_assert_str_eq(lost(&pending), corrected_bests[_i].lost);
    pending_finish(&pending);
}
END_TEST

START_TEST(many_corrections_leave_the_best_value)
{
    struct pending pending = start(BEST_LOSS);

    server.is_bad = is_step_four;
    add(&pending, 3, "loss", 3);
    add(&pending, 4, "loss", 2); /* refused, and the best in the end */
    for (int64_t step = 5; step < 200; step++) {
        add(&pending, step, "loss", 1);
        add(&pending, step, "loss", (double)step);
    }
    send_all(&pending);
    ck_assert_str_eq(lost(&pending),
                     "the server did not take the best value of loss, 2 at step 4: refused");
    pending_finish(&pending);
}
END_TEST

static bool is_anything(const struct measurement *item)
{
    return item != NULL;
}

START_TEST(a_server_that_takes_nothing_is_asked_a_bounded_number_of_times)
{
    struct pending pending = start(LOSS);
    char name[40];

    server.is_bad = is_anything;
    for (int64_t step = 1; step <= 3000; step++) {
        (void)snprintf(name, sizeof name, "m%lld", (long long)step % 40);
        add(&pending, step, name, 1);
        add(&pending, step, "loss", 1);
    }
    send_all(&pending);
    ck_assert_uint_eq(server.n_taken, 0);
    ck_assert_uint_lt(server.n_calls, 100);
    ck_assert_str_ne(lost(&pending), "");
    pending_finish(&pending);
}
END_TEST

static bool is_odd(const struct measurement *item)
{
    return item->step % 2 == 1;
}

START_TEST(many_refused_values_are_not_tried_one_by_one)
{
    struct pending pending = start(LOSS);

    add(&pending, 0, "loss", 1);
    send_all(&pending);
    server.is_bad = is_odd;
    for (int64_t step = 1; step <= 50000; step++) {
        add(&pending, step, "loss", 1);
    }
    send_all(&pending);
    ck_assert_uint_lt(server.n_calls, 2000);
    pending_finish(&pending);
}
END_TEST

static uint64_t drawn;

static bool is_drawn(const struct measurement *item)
{
    return item->metric[1] == 'x' || (uint64_t)item->step * 2654435761u % 97 == drawn;
}

START_TEST(whatever_is_refused_the_rest_arrives_once)
{
    struct pending pending = start(LOSS);
    size_t n_good = 0;

    static const char *const names[] = {"loss", "a", "c", "e", "bx", "dx"};

    drawn = (uint64_t)_i;
    for (int64_t step = 0; step < 700; step++) {
        for (size_t i = 0; i < (step == 0 ? 4u : 6u); i++) {
            struct measurement item = {.step = step, .metric = names[i]};
            add(&pending, step, names[i], (double)step);
            n_good += step == 0 || !is_drawn(&item);
        }
        if (step == 0) { /* a known name is not refused for a value's sake */
            send_all(&pending);
            server.is_bad = is_drawn;
        }
    }
    send_all(&pending);
    ck_assert_uint_eq(server.n_taken, n_good);
    size_t n_twice = 0;
    for (size_t i = 1; i < server.n_taken; i++) {
        for (size_t k = 0; k < i; k++) {
            n_twice += server.taken[i].step == server.taken[k].step
                       && strcmp(server.taken[i].metric, server.taken[k].metric) == 0;
        }
    }
    ck_assert_uint_eq(n_twice, 0);
    pending_finish(&pending);
}
END_TEST

/* ---- floods ---- */

START_TEST(an_endless_number_of_names_is_bounded)
{
    struct pending pending = start(LOSS);
    char name[40];

    for (int i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof name, "m%d", i);
        add(&pending, i, name, 1);
        add(&pending, i, "loss", i);
    }
    send_all(&pending);
    ck_assert_str_eq(lost(&pending), "");
    ck_assert_uint_lt(server.n_calls, 200);
    pending_finish(&pending);
}
END_TEST

START_TEST(names_without_a_place_are_told_in_one_sentence)
{
    static struct metric_value items[PENDING_NAMES_MAX + 50];
    size_t n = sizeof items / sizeof items[0];
    struct pending pending = start(LOSS);

    for (size_t i = 0; i < n; i++) {
        (void)snprintf(items[i].metric, sizeof items[i].metric, "m%zu%0200d", i, 0);
    }
    pending_add(&pending, 1, items, n);
    pending_add(&pending, 2, items, n);
    const char *told = notes_text(&notes);
    ck_assert_ptr_nonnull(strstr(told, "m255"));
    ck_assert_ptr_nonnull(strstr(told, "51 in this report"));
    ck_assert_uint_lt(strlen(told), 600);
    ck_assert_ptr_eq(strchr(told, '\n'), told + strlen(told) - 1);
    pending_finish(&pending);
}
END_TEST

static const struct {
    const char *objectives;
    double first, second;
    const char *told; /* NULL: the value is finite */
} deciding[] = {
    {LOSS, 1, (double)INFINITY, "the value of loss is Infinity, reported at step 2"},
    {LOSS, (double)INFINITY, 1, NULL},
    {LOSS, 1, (double)NAN, "the value of loss is NaN"},
    {BEST_LOSS, 1, (double)NAN, NULL},
    {BEST_LOSS, 1, -(double)INFINITY, "the value of loss is -Infinity"},
    {BEST_LOSS, (double)NAN, (double)NAN, "the value of loss is NaN"},
};

START_TEST(a_value_that_completes_no_trial_is_told)
{
    struct pending pending = start(deciding[_i].objectives);
    OWN(buf) struct buf out;

    buf_init(&out, 500);
    ck_assert(!pending_append_not_finite(&pending, &out)); /* not measured is another matter */
    add(&pending, 1, "loss", deciding[_i].first);
    add(&pending, 2, "loss", deciding[_i].second);
    ck_assert_int_eq(pending_append_not_finite(&pending, &out), deciding[_i].told != NULL);
    ck_assert_ptr_nonnull(
        strstr(buf_text(&out), deciding[_i].told == NULL ? "" : deciding[_i].told));
    pending_finish(&pending);
}
END_TEST

#define COUNT(list) (int)(sizeof(list) / sizeof((list)[0]))

int main(void)
{
    Suite *suite = suite_create("pending");
    TCase *tcase = tcase_create("pending");

    tcase_add_test(tcase, last_value_of_a_step_counts);
    tcase_add_test(tcase, the_same_value_again_is_no_correction);
    tcase_add_test(tcase, a_value_that_is_under_way_is_corrected_behind_it);
    tcase_add_loop_test(tcase, what_the_server_did_with_a_correction_is_told, 0, 2);
    tcase_add_test(tcase, a_correction_of_a_refused_batch_is_sent_in_its_place);
    tcase_add_test(tcase, folds_that_count_from_the_beginning_are_corrections);
    tcase_add_test(tcase, a_report_without_the_objective_takes_nothing_from_it);
    tcase_add_test(tcase, a_repeated_batch_is_the_same_batch);
    tcase_add_test(tcase, a_value_may_be_sent_again_after_it_was_delivered);
    tcase_add_test(tcase, the_objective_is_delivered_however_many_names_there_are);
    tcase_add_test(tcase, a_refused_name_is_not_tried_again);
    tcase_add_loop_test(tcase, a_refused_value_is_lost_only_if_it_decides, 0,
                        COUNT(refused_values));
    tcase_add_loop_test(tcase, the_best_value_is_known_after_a_correction, 0,
                        sizeof corrected_bests / sizeof corrected_bests[0]);
    tcase_add_test(tcase, many_corrections_leave_the_best_value);
    tcase_add_test(tcase, a_server_that_takes_nothing_is_asked_a_bounded_number_of_times);
    tcase_add_test(tcase, many_refused_values_are_not_tried_one_by_one);
    tcase_add_loop_test(tcase, whatever_is_refused_the_rest_arrives_once, 0, 5);
    tcase_add_test(tcase, an_endless_number_of_names_is_bounded);
    tcase_add_test(tcase, names_without_a_place_are_told_in_one_sentence);
    tcase_add_loop_test(tcase, a_value_that_completes_no_trial_is_told, 0, COUNT(deciding));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
