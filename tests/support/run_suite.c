#include "tests/support/run_suite.h"

#include <stdlib.h>

static int run(SRunner *runner)
{
    srunner_run_all(runner, CK_ENV);
    int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int run_suite(Suite *suite)
{
    return run(srunner_create(suite));
}

int run_suite_in_process(Suite *suite)
{
    SRunner *runner = srunner_create(suite);

    srunner_set_fork_status(runner, CK_NOFORK);
    return run(runner);
}
