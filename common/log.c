#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/utf8.h"

static struct {
    const char *program;
    enum log_level level;
    bool journal;
} logger = {"hone", LOG_LEVEL_INFO, false};

void log_start(const char *program, enum log_level level)
{
    logger.program = program;
    logger.level = level;
    logger.journal = getenv("JOURNAL_STREAM") != NULL && !isatty(STDERR_FILENO);
}

static void emit(enum log_level level, const char *fmt, va_list args)
{
    char text[1024];
    char line[2 * sizeof text + 64];
    size_t len = 0;

    if (level > logger.level) {
        return;
    }
    (void)vsnprintf(text, sizeof text, fmt, args);
    if (logger.journal) {
        len = (size_t)snprintf(line, sizeof line, "<%d>", (int)level);
    }
    len += (size_t)snprintf(line + len, sizeof line - len, "%.24s: %s", logger.program,
                            level == LOG_LEVEL_WARNING ? "warning: "
                            : level == LOG_LEVEL_ERROR ? "error: "
                                                       : "");
    utf8_mend(text); /* where it was cut */
    int rest = (int)utf8_clean(text, strlen(text));
    len += (size_t)snprintf(line + len, sizeof line - len - 1, "%.*s", rest, text);
    line[len++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, len); /* one write: lines do not mix */
    (void)written;
}

void log_in_signal(const char *text)
{
    char line[256];
    const char *parts[] = {logger.journal ? "<6>" : "", logger.program, ": ", text, "\n"};
    size_t len = 0;
    int before = errno;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        for (const char *at = parts[i]; *at != '\0' && len < sizeof line; at++) {
            line[len++] = *at;
        }
    }
    ssize_t written = write(STDERR_FILENO, line, len);
    (void)written;
    errno = before;
}

#define LOG_AT(name, level)                                                                        \
    void name(const char *fmt, ...)                                                                \
    {                                                                                              \
        va_list args;                                                                              \
        va_start(args, fmt);                                                                       \
        emit(level, fmt, args);                                                                    \
        va_end(args);                                                                              \
    }

LOG_AT(log_error, LOG_LEVEL_ERROR)
LOG_AT(log_warning, LOG_LEVEL_WARNING)
LOG_AT(log_info, LOG_LEVEL_INFO)
LOG_AT(log_debug, LOG_LEVEL_DEBUG)
