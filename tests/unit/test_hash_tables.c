/* Names from outside that are chosen to meet in one place of a hash table. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/digest.h"
#include "common/json.h"
#include "common/map.h"
#include "tests/support/run_suite.h"

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

START_TEST(our_tables_spread_names_that_meet_elsewhere)
{
    struct map map = {0};
    struct err err = {0};
    char name[2 * PAIRS + 1];
    size_t run = 0;
    size_t longest = 0;

    for (unsigned i = 0; i < 1u << PAIRS; i++) {
        name_of(i, name);
        ck_assert_int_eq(map_put(&map, digest_text(name), &map, &err), 0);
    }
    ck_assert_uint_eq(map.n, 1u << PAIRS);
    for (size_t i = 0; i < map.cap; i++) { /* a search ends at a free place */
        run = map.slots[i].value == NULL ? 0 : run + 1;
        longest = run > longest ? run : longest;
    }
    ck_assert_uint_lt(longest, 200);
    map_finish(&map);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hash_tables");
    TCase *tcase = tcase_create("hash_tables");

    tcase_add_test(tcase, tables_of_json_are_seeded_by_chance);
    tcase_add_test(tcase, our_tables_spread_names_that_meet_elsewhere);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
