/* What Hone tells a running job: HONE_CONTROL_FILE, replaced after each report. */
#ifndef DIGITS_STEERING_H
#define DIGITS_STEERING_H

enum action { ACTION_CONTINUE, ACTION_PAUSE, ACTION_STOP };

/* Reads the file, if there is one; `until`, the epoch to train to, changes only if it says so. */
enum action steering_read(const char *path, int *until);

#endif
