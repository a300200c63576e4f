/* What the files of the library that is loaded before libc share. */
#ifndef TESTS_SUPPORT_PRELOAD_H
#define TESTS_SUPPORT_PRELOAD_H

#include <stdbool.h>

#define HIDDEN __attribute__((visibility("hidden")))

/* The function of this name that would be called without the library; aborts when there is none. */
HIDDEN void *libc_function(const char *name);
/* Whether this is the process that the library was loaded into, and no child of it. */
HIDDEN bool is_first_process(void);

#endif
