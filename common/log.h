/* One line a message on stderr, without control characters. Safe from any thread.
 *
 * A line is "honed: text" with a journald priority prefix "<N>" when stderr is not a terminal and
 * JOURNAL_STREAM is set. No bodies, no secrets. */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7
};

/* `program` stands before each line; borrowed. Default level: INFO. Call before threads start. */
void log_start(const char *program, enum log_level level);
/* Each writes one line to stderr, if the level admits it. Any thread. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* For a signal handler: `text` as it is, at level INFO. */
void log_in_signal(const char *text);

#endif
