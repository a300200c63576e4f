/* What store.h promises, demanded of every store behind it. */
#include "tests/contract/store_fixture.h"
#include "tests/support/run_suite.h"

int main(void)
{
    Suite *suite = suite_create("store");

    add_store_studies(suite);
    add_store_trials(suite);
    add_store_journal(suite);
    add_store_groups(suite);
    add_store_files(suite);

    return run_suite(suite);
}
