/* What the rules of the checker share: the tables over one history. Private to checker*.c. */
#ifndef TESTS_SUPPORT_CHECKER_PRIVATE_H
#define TESTS_SUPPORT_CHECKER_PRIVATE_H

#include "tests/support/checker.h"

struct checker {
    struct history *history;
    const struct checker_options *options;
    struct verdict *verdict;
    struct index trials;    /* study, number → row of trials */
    struct index attempts;  /* study, trial, attempt → row of attempts */
    struct index rows;      /* study, trial, attempt, step, metric → row of rows */
    struct index grants;    /* study, trial, attempt, completed → lease op that was granted */
    struct index calls;     /* study, trial, attempt, kind, invoked → op that may have happened */
    struct index sightings; /* study, trial, completed → op that told its client of the trial */
    struct index finals;    /* study, trial, completed → result op answered with a final state */
};

void violated(struct checker *checker, int rule, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
const char *checker_text(const struct checker *checker, uint32_t number);
bool state_is_final(const char *state);
/* Was it not refused? */
bool may_have_happened(const struct op *op);
bool is_grant(const struct op *op);
/* NULL: not in the dump. */
const struct dumped_trial *find_trial(const struct checker *checker, uint32_t study,
                                      int64_t number);
/* Do the metrics of a result stand in the trial? (It may have more, from measurements.) */
bool result_matches(const struct checker *checker, const struct op *op,
                    const struct dumped_trial *trial);

/* NULL: not in the dump. */
const struct dumped_study *find_study(const struct checker *checker, uint32_t name);

/* A1 and A2: what was acknowledged is in the dump, and nothing else is. */
void checker_rows(struct checker *checker);
/* A3 and A4: who owns a trial, and its one result. */
void checker_owner(struct checker *checker);
/* A5 and A6: what happens once. */
void checker_once(struct checker *checker);
/* A7 to A9: what depends on time. */
void checker_time(struct checker *checker);
/* A3, A4 and A7 once more, by the events of the dump. */
void checker_events(struct checker *checker);

#endif
