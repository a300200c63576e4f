/* The power goes at every sync of a server's life: its first start, groups of writes, checkpoints,
 * an orderly stop, the next start, the removal of a study and its events, and the migration of an
 * old database. What was acknowledged is
 * there afterwards, each group whole.
 *
 *   HONE_POWER_LOSS=20   the long form: at every change of a file, so many times, and in every
 *                        recovery once more */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/store/hwm.h"
#include "server/store/store.h"
#include "tests/support/directory.h"
#include "tests/support/old_store.h"
#include "tests/support/power_loss.h"
#include "tests/support/run_suite.h"
#include "tests/support/store_content.h"
#include "tests/support/store_script.h"

#define TEXT_MAX (1 << 20)
#define GROUPS 10 /* number 0 is the empty store */
#define MUST(step) ck_assert_msg((step) == 0, "%s", f.err.text)

static struct {
    char directory[DIRECTORY_BYTES];
    char image[DIRECTORY_BYTES];
    char *contents[GROUPS]; /* after each group */
    struct hwm marks[GROUPS];
    struct err err;
    char why[200]; /* what was wrong after a cut */
} f;

/* NULL: it cannot be read. */
static char *try_content(struct store *store)
{
    OWN(buf) struct buf text = {0};

    buf_init(&text, TEXT_MAX);
    return script_read(store, &text, &f.err) == 0 ? buf_steal(&text) : NULL;
}

/* ---- the life ---- */

static void acknowledge(struct store *store, int group)
{
    store_mark(store, &f.marks[group]);
    power_loss_mark(group);
    f.contents[group] = content_of(store);
}

static struct store *start(void)
{
    struct store *store = NULL;

    MUST(open_at(f.directory, &store, &f.err));
    return store;
}

static void write_group(struct store *store, int group)
{
    store_group_begin(store);
    MUST(script_write(store, group, &f.err));
    MUST(store_group_commit(store, &f.err));
    acknowledge(store, group);
}

/* The study that was deleted goes, with its events, in the last three groups. */
static void purge_group(struct store *store, int group)
{
    bool more;

    store_group_begin(store);
    MUST(store_purge_deleted(store, INT64_MAX, 1000, &more, &f.err));
    MUST(store_group_commit(store, &f.err));
    acknowledge(store, group);
}

static void live(void)
{
    directory_create(f.directory);
    directory_create(f.image);
    power_loss_record(NULL);
    struct store *store = start();
    acknowledge(store, 0);
    write_group(store, 1);
    write_group(store, 2);
    store_checkpoint(store, false);
    write_group(store, 3);
    store_checkpoint(store, true);
    write_group(store, 4);
    MUST(store_mark_clean(store, &f.err));
    store_checkpoint(store, true);
    store_close(store);
    store = start();
    write_group(store, 5);
    store_group_begin(store);
    MUST(store_study_delete(store, 1, 1, &f.err));
    MUST(store_group_commit(store, &f.err));
    acknowledge(store, 6);
    for (int group = 7; group < GROUPS; group++) {
        purge_group(store, group);
    }
    ck_assert_int_ne(strcmp(f.contents[6], f.contents[GROUPS - 1]), 0);
    store_close(store);
    power_loss_stop();
}

static void end(void)
{
    power_loss_finish();
    for (int i = 0; i < GROUPS; i++) {
        free(f.contents[i]);
    }
    directory_remove(f.directory);
    directory_remove(f.image);
}

/* ---- after a cut ---- */

static bool complain(const char *what)
{
    (void)snprintf(f.why, sizeof f.why, "%.180s", what);
    return false;
}

static bool holds_what_it_must(struct store *store, int64_t acknowledged)
{
    OWN(memory) char *content = try_content(store);
    size_t first = acknowledged < 0 ? 0 : (size_t)acknowledged;

    for (size_t i = first; content != NULL && i <= first + 1 && i < GROUPS; i++) {
        if (strcmp(content, f.contents[i]) == 0) {
            return true;
        }
    }
    return complain("a group is lost, or is there in part");
}

static bool is_sound(struct store *store)
{
    struct store *reader = NULL;
    struct err err = {0};

    bool sound =
        store_open_reader(store, &reader, &err) == 0 && store_quick_check(reader, &err) == 0;
    store_close(reader);
    return sound || complain(err.text);
}

/* The server starts on what the image holds, and its file hwm says what was acknowledged. */
static bool starts_well(int64_t acknowledged)
{
    struct store *store = NULL;
    struct hwm_file mark;
    struct err err = {0};

    if (acknowledged >= 0) {
        MUST(hwm_open(f.image, &f.marks[acknowledged], &mark, &f.err));
        hwm_close(&mark);
    }
    if (open_at(f.image, &store, &err) != 0) {
        return complain(err.text);
    }
    bool good = holds_what_it_must(store, acknowledged) && is_sound(store);
    store_close(store);
    return good;
}

static bool survives(const struct power_cut *cut)
{
    directory_clear(f.image);
    power_loss_write_image(cut);
    return starts_well(power_loss_mark_before(cut->at));
}

static const char *const damages[DAMAGE_COUNT] = {"lost", "reordered", "torn"};

static uint64_t first_seed(void)
{
    const char *text = getenv("HONE_TEST_SEED");

    return text == NULL ? 1 : strtoull(text, NULL, 10);
}

static uint64_t n_seeds(void)
{
    const char *text = getenv("HONE_POWER_LOSS");

    return text == NULL ? 0 : strtoull(text, NULL, 10);
}

static void expect_survival(const struct power_cut *cut)
{
    ck_assert_msg(survives(cut),
                  "power cut before step %zu, unsynced changes %s, HONE_TEST_SEED=%llu: %s",
                  cut->at, damages[cut->damage], (unsigned long long)cut->seed, f.why);
}

START_TEST(every_sync_may_be_the_last)
{
    struct power_cut cut = {.image = f.image, .damage = (enum power_damage)_i};
    uint64_t seeds = n_seeds();
    size_t n = 0;

    live();
    for (cut.at = 0; cut.at < power_loss_steps(); cut.at++) {
        if (!power_loss_is_sync(cut.at) && seeds == 0) {
            continue;
        }
        cut.seed = first_seed();
        do {
            expect_survival(&cut);
            n++;
        } while (++cut.seed < first_seed() + seeds);
    }
    (void)printf("%s: %zu power cuts in %zu changes\n", damages[_i], n, power_loss_steps());
    ck_assert_uint_gt(n, 20);
    end();
}
END_TEST

/* A database of the first version becomes one of the newest, with all that it held. */
START_TEST(migration_may_be_cut_at_every_sync)
{
    struct power_cut cut = {.image = f.image, .damage = (enum power_damage)_i};
    size_t n = 0;

    directory_create(f.directory);
    directory_create(f.image);
    old_store_create(f.directory);
    power_loss_record(f.directory);
    size_t first = power_loss_steps();
    struct store *store = start();
    acknowledge(store, 0);
    store_close(store);
    power_loss_stop();
    for (cut.at = first; cut.at < power_loss_steps(); cut.at++) {
        if (power_loss_is_sync(cut.at)) {
            cut.seed = first_seed();
            expect_survival(&cut);
            n++;
        }
    }
    (void)printf("%s: %zu power cuts in a migration\n", damages[_i], n);
    ck_assert_uint_gt(n, 5); /* the copy, the one transaction, the log's end */
    end();
}
END_TEST

/* One cut, and another while the server recovers from it. */
static size_t cut_recovery(const struct power_cut *first)
{
    int64_t acknowledged = power_loss_mark_before(first->at);
    struct power_cut second = {.image = f.image, .damage = first->damage, .seed = first->seed};
    size_t at_first;
    struct store *store = NULL;
    size_t n = 0;

    directory_clear(f.directory);
    power_loss_write_image(
        &(const struct power_cut){first->at, first->damage, first->seed, false, f.directory});
    power_loss_record(f.directory);
    at_first = power_loss_steps();
    MUST(open_at(f.directory, &store, &f.err));
    store_close(store);
    power_loss_stop();
    for (second.at = at_first; second.at < power_loss_steps(); second.at++) {
        if (power_loss_is_sync(second.at)) {
            directory_clear(f.image);
            power_loss_write_image(&second);
            ck_assert_msg(starts_well(acknowledged),
                          "power cut before step %zu (%s, seed %llu), then before step %zu of the "
                          "recovery: %s",
                          first->at, damages[first->damage], (unsigned long long)first->seed,
                          second.at, f.why);
            n++;
        }
    }
    power_loss_finish();
    return n;
}

START_TEST(every_sync_of_a_recovery_may_be_the_last)
{
    struct power_cut cut = {.image = f.image, .damage = (enum power_damage)_i};
    const size_t every = n_seeds() > 0 ? 1 : 2;
    size_t n = 0;
    size_t n_syncs = 0;

    live();
    for (cut.at = 0; cut.at < power_loss_steps(); cut.at++) {
        if (!power_loss_is_sync(cut.at) || n_syncs++ % every != 0) {
            continue;
        }
        cut.seed = first_seed();
        n += cut_recovery(&cut);
    }
    (void)printf("%s: %zu power cuts in recoveries\n", damages[_i], n);
    ck_assert_uint_gt(n, 10);
    end();
}
END_TEST

/* What this file checks can fail: a disk that acknowledges syncs and does nothing loses groups. */
START_TEST(disk_that_lies_is_seen)
{
    struct power_cut cut = {.image = f.image, .damage = (enum power_damage)_i, .lies = true};
    size_t n_lost = 0;

    live();
    for (cut.at = 0; cut.at < power_loss_steps(); cut.at++) {
        if (power_loss_is_sync(cut.at)) {
            cut.seed = first_seed();
            n_lost += !survives(&cut);
        }
    }
    (void)printf("%s: %zu losses of a disk that lies\n", damages[_i], n_lost);
    ck_assert_uint_gt(n_lost, 0);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("power_loss");
    TCase *tcase = tcase_create("cuts");

    power_loss_start();
    tcase_add_loop_test(tcase, every_sync_may_be_the_last, 0, DAMAGE_COUNT);
    tcase_add_loop_test(tcase, migration_may_be_cut_at_every_sync, 0, DAMAGE_COUNT);
    tcase_add_loop_test(tcase, every_sync_of_a_recovery_may_be_the_last, 0, DAMAGE_COUNT);
    tcase_add_loop_test(tcase, disk_that_lies_is_seen, 0, DAMAGE_COUNT);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
