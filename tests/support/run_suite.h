/* What main() of a test program ends with. CK_VERBOSITY, CK_RUN_CASE and the other environment
 * variables of Check apply. */
#ifndef TESTS_SUPPORT_RUN_SUITE_H
#define TESTS_SUPPORT_RUN_SUITE_H

#include <check.h>

/* Runs every test in a process of its own, releases the suite and returns the exit status of the
 * program. */
int run_suite(Suite *suite);
/* The same in this process, for thousands of small tests: one that fails ends it. */
int run_suite_in_process(Suite *suite);

#endif
