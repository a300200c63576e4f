#include "tests/support/checker_private.h"

#include <inttypes.h>
#include <string.h>

/* One trial as its events tell it. */
struct told {
    int64_t attempt; /* the newest that ran */
    bool is_final;
};

static void check_trial_event(struct checker *checker, struct told *told,
                              const struct dumped_event *event)
{
    const char *kind = checker_text(checker, event->kind);

    if (strcmp(kind, "trial-queued") == 0) { /* enqueued, or to be tried again */
        told->is_final = false;
    } else if (told->is_final) {
        violated(checker, strcmp(kind, "trial-ended") == 0 ? 4 : 7,
                 "trial %" PRId64 " had ended before event %" PRId64 " (%s)", event->trial,
                 event->seq, kind);
    }
    if (strcmp(kind, "trial-running") == 0) {
        if (event->attempt != told->attempt && event->attempt != told->attempt + 1) {
            violated(checker, 3,
                     "trial %" PRId64 ": attempt %" PRId64 " runs after attempt %" PRId64
                     " (event %" PRId64 ")",
                     event->trial, event->attempt, told->attempt, event->seq);
        }
        told->attempt = event->attempt;
    }
    told->is_final = told->is_final || strcmp(kind, "trial-ended") == 0;
}

/* Numbers grow within each study, and none is used twice. */
static void check_order(struct checker *checker)
{
    const struct history *history = checker->history;
    struct index by_study = {0}; /* study, place in the dump, number */
    struct index by_number = {0};

    for (size_t i = 0; i < history->n_events; i++) {
        const struct dumped_event *event = &history->events[i];

        index_add(&by_study, (int64_t[]){event->study, (int64_t)i, event->seq}, 3, i);
        index_add(&by_number, (int64_t[]){event->seq}, 1, i);
    }
    index_sort(&by_study);
    index_sort(&by_number);
    for (size_t i = 1; i < by_study.n; i++) {
        const int64_t *key = by_study.items[i].key;
        const int64_t *before = by_study.items[i - 1].key;

        if (key[0] == before[0] && key[2] < before[2]) {
            violated(checker, 7, "event %" PRId64 " follows event %" PRId64, key[2], before[2]);
        }
        if (by_number.items[i].key[0] == by_number.items[i - 1].key[0]) {
            violated(checker, 7, "two events have the number %" PRId64, by_number.items[i].key[0]);
        }
    }
    index_finish(&by_study);
    index_finish(&by_number);
}

/* Every attempt that a client was given began with an event of the kind `running`. */
static void check_grants_told(struct checker *checker, const struct index *told, uint32_t running)
{
    for (size_t i = 0; i < checker->grants.n; i++) {
        const int64_t *key = checker->grants.items[i].key;
        size_t n;
        const struct index_entry *entry = index_find(told, key, 2, &n);
        bool found = false;

        for (size_t k = 0; k < n && !found; k++) {
            const struct dumped_event *event = &checker->history->events[entry[k].row];

            found = event->kind == running && event->attempt == key[2];
        }
        if (!found) {
            violated(checker, 1, "no event tells of attempt %" PRId64 " of trial %" PRId64, key[2],
                     key[1]);
        }
    }
}

void checker_events(struct checker *checker)
{
    const struct history *history = checker->history;
    const uint32_t running = texts_add(&checker->history->texts, "trial-running");
    struct index by_trial = {0}; /* study, trial, place in the dump */
    struct told told = {0};

    if (history->n_events == 0) {
        return; /* not in the dump */
    }
    check_order(checker);
    for (size_t i = 0; i < history->n_events; i++) {
        if (history->events[i].trial != 0) {
            index_add(&by_trial,
                      (int64_t[]){history->events[i].study, history->events[i].trial, (int64_t)i},
                      3, i);
        }
    }
    index_sort(&by_trial);
    for (size_t i = 0; i < by_trial.n; i++) {
        const int64_t *key = by_trial.items[i].key;

        if (i == 0 || memcmp(key, by_trial.items[i - 1].key, 2 * sizeof *key) != 0) {
            told = (struct told){0};
        }
        check_trial_event(checker, &told, &history->events[by_trial.items[i].row]);
    }
    check_grants_told(checker, &by_trial, running);
    index_finish(&by_trial);
}
