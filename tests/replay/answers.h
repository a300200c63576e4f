/* What a line of a scenario gives, as text of up to ANSWER_BYTES (play.h). */
#ifndef TESTS_REPLAY_ANSWERS_H
#define TESTS_REPLAY_ANSWERS_H

struct command;
struct study_row;
struct trial_row;

/* Appends; what is too long is cut. */
void answer_add(char *to, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void answer_add_trial(char *to, const struct trial_row *row);
void answer_add_study(char *to, const struct study_row *row);
/* For world.answered, with a struct play as context: an ask is answered to its worker, another
 * command to the present line. Releases the command. */
void answer_command(void *context, struct command *command);

#endif
