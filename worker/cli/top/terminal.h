/* The whole screen of a terminal, by ncurses. It is given back as it was on every way out: `q`, an
 * error, SIGINT, SIGTERM, SIGHUP, SIGQUIT; and while the program is stopped by SIGTSTP, which
 * terminal_key() does between two pictures.
 * Process-wide state: one at a time. */
#ifndef WORKER_CLI_TOP_TERMINAL_H
#define WORKER_CLI_TOP_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

/* ERR_INVALID: this is no terminal that can show pictures, and why. */
MUST_USE int terminal_open(bool color, struct err *err);
void terminal_close(void);

/* The next key that was pressed, as in keys.h; TERMINAL_RESIZED, or TERMINAL_NONE. */
#define TERMINAL_NONE (-1)
#define TERMINAL_RESIZED (-2)
int terminal_key(void);
void terminal_size(size_t *width, size_t *height);
/* Shows lines, each behind its style (draw.h). */
void terminal_show(const char *picture);
/* The signal that asks the program to leave; 0: none. */
int terminal_signal(void);

#endif
