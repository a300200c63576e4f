/* Names and configurations from outside that are chosen to meet in one place of a hash table. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/digest.h"
#include "common/hash_secret.h"
#include "common/json.h"
#include "common/map.h"
#include "common/rng.h"
#include "server/domain/config_set.h"
#include "tests/support/run_suite.h"
#include "tests/support/space_text.h"

/* Stands before Jansson's: with a seed of 0, it draws one by chance. */
static size_t n_seeds, last_seed;
void json_object_seed(size_t seed);
void json_object_seed(size_t seed)
{
    n_seeds++;
    last_seed = seed;
}

START_TEST(tables_of_json_are_seeded_by_chance)
{
    json_start();
    ck_assert_uint_eq(n_seeds, 1);
    ck_assert_uint_eq(last_seed, 0);
}
END_TEST

#define PAIRS 14 /* 2^14 names */

/* Of pairs Aa and BB, which multiply-and-add hashes, such as those of Java and PHP, give one value.
 */
static void name_of(unsigned i, char name[2 * PAIRS + 1])
{
    for (unsigned k = 0; k < PAIRS; k++) {
        memcpy(&name[(size_t)2 * k], i >> k & 1 ? "BB" : "Aa", 3);
    }
}

/* A search ends at a free place: so many it looks at. */
static size_t longest_run(const struct map *map)
{
    size_t run = 0;
    size_t longest = 0;

    for (size_t i = 0; i < map->cap; i++) {
        run = map->slots[i].value == NULL ? 0 : run + 1;
        longest = run > longest ? run : longest;
    }
    return longest;
}

START_TEST(our_tables_spread_names_that_meet_elsewhere)
{
    struct map map = {0};
    struct err err = {0};
    char name[2 * PAIRS + 1];

    for (unsigned i = 0; i < 1u << PAIRS; i++) {
        name_of(i, name);
        ck_assert_int_eq(map_put(&map, digest_text(name), &map, &err), 0);
    }
    ck_assert_uint_eq(map.n, 1u << PAIRS);
    ck_assert_uint_lt(longest_run(&map), 200);
    map_finish(&map);
}
END_TEST

#define CHOSEN 2000 /* in a table of 4096 places */

/* Names whose keys belong, by what is public of the table, to its first sixty-fourth. */
static size_t run_of_chosen_names(void)
{
    struct map map = {0};
    struct err err = {0};
    char name[24];

    for (unsigned i = 0; map.n < CHOSEN; i++) {
        (void)snprintf(name, sizeof name, "gpu%u", i);
        if ((splitmix64(digest_text(name)) & 4095) < 64) {
            ck_assert_int_eq(map_put(&map, digest_text(name), &map, &err), 0);
        }
    }
    size_t longest = longest_run(&map);
    map_finish(&map);
    return longest;
}

START_TEST(our_tables_spread_names_that_are_chosen_for_them)
{
    ck_assert_uint_lt(run_of_chosen_names(), 200);
    hash_secret_set(0); /* without one they meet */
    ck_assert_uint_ge(run_of_chosen_names(), CHOSEN);
}
END_TEST

/* ---- configurations ---- */

static uint64_t undo_xor_shift(uint64_t y, int shift)
{
    uint64_t x = y;

    for (int known = shift; known < 64; known += shift) {
        x = y ^ x >> shift;
    }
    return x;
}

static uint64_t inverse_of(uint64_t odd)
{
    uint64_t inverse = odd; /* right in three bits; each step doubles that */

    for (int i = 0; i < 5; i++) {
        inverse *= 2 - odd * inverse;
    }
    return inverse;
}

/* x with splitmix64(x) == y. */
static uint64_t undo_splitmix64(uint64_t y)
{
    y = undo_xor_shift(y, 31) * inverse_of(UINT64_C(0x94d049bb133111eb));
    y = undo_xor_shift(y, 27) * inverse_of(UINT64_C(0xbf58476d1ce4e5b9));
    return undo_xor_shift(y, 30) - UINT64_C(0x9e3779b97f4a7c15);
}

/* The value of the only parameter whose key, by what is public, is this number. */
static double value_of_key(uint64_t key)
{
    const uint64_t begin = UINT64_C(0x243f6a8885a308d3);
    uint64_t bits = undo_splitmix64(begin ^ undo_splitmix64(key)) ^ splitmix64(1);
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static size_t run_of_chosen_configurations(void)
{
    OWN(space)
    struct space *space =
        space_or_abort("[{'name': 'x', 'type': 'float', 'low': 0, 'high': 1}]", NULL);
    struct config_set set = {0};
    struct err err = {0};

    for (uint64_t i = 0; set.n < CHOSEN; i++) { /* the low bits say where it belongs */
        double x = value_of_key(undo_splitmix64(i << 24));
        if (x >= 0 && x <= 1) {
            ck_assert_int_eq(config_set_add(&set, space, &x, &err), 0);
        }
    }
    size_t longest = longest_run(&set.by_key);
    config_set_finish(&set);
    return longest;
}

START_TEST(our_tables_spread_configurations_that_are_chosen_for_them)
{
    ck_assert_uint_eq(splitmix64(undo_splitmix64(77)), 77);
    ck_assert_uint_lt(run_of_chosen_configurations(), 200);
    hash_secret_set(0); /* without one they meet */
    ck_assert_uint_ge(run_of_chosen_configurations(), CHOSEN);
}
END_TEST

/* Each process has its own: else it would be as public as the source. */
START_TEST(the_secret_is_drawn_by_chance)
{
    ck_assert_uint_ne(hash_secret(), 0);
    ck_assert_uint_eq(hash_secret(), hash_secret());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hash_tables");
    TCase *tcase = tcase_create("hash_tables");

    tcase_add_test(tcase, the_secret_is_drawn_by_chance);
    tcase_add_test(tcase, tables_of_json_are_seeded_by_chance);
    tcase_add_test(tcase, our_tables_spread_names_that_meet_elsewhere);
    tcase_add_test(tcase, our_tables_spread_names_that_are_chosen_for_them);
    tcase_add_test(tcase, our_tables_spread_configurations_that_are_chosen_for_them);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
