/* What store.h promises, demanded of every store behind it. */
#include "tests/contract/store_fixture.h"

int main(void)
{
    Suite *suite = suite_create("store");

    add_store_studies(suite);
    add_store_trials(suite);
    add_store_journal(suite);
    add_store_groups(suite);
    add_store_files(suite);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
