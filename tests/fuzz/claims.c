/* The fixtures claim with check, whose own functions need one of its tests around them. Here a
 * claim that is broken ends the process. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void _mark_point(const char *file, int line)
{
    (void)file;
    (void)line;
}

void _ck_assert_failed(const char *file, int line, const char *expr, const char *msg, ...)
{
    va_list arguments;

    (void)fprintf(stderr, "%s:%d: broken: %s ", file, line, expr);
    if (msg != NULL) {
        va_start(arguments, msg);
        (void)vfprintf(stderr, msg, arguments);
        va_end(arguments);
    }
    (void)fputc('\n', stderr);
    abort();
}
