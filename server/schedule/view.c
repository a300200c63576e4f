#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/integer.h"
#include "common/step.h"
#include "server/schedule/offer.h"
#include "server/schedule/rung_values.h"
#include "server/schedule/schedule.h"

/* ---- entries --------------------------------------------------------------------------------- */

static const char *state_at(const struct rung_entry *entry, size_t rung)
{
    static const char *const names[ENTRY_STATE_COUNT] = {
        [ENTRY_NONE] = "ended",         [ENTRY_RUNNING] = "running", [ENTRY_WAITING] = "waiting",
        [ENTRY_LOST] = "pruned",        [ENTRY_STOPPED] = "stopped", [ENTRY_DIVERGED] = "ended",
        [ENTRY_COMPLETE] = "completed", [ENTRY_ENDED] = "ended",
    };

    return entry->rung > rung ? "promoted" : names[entry->state];
}

static void write_entries(const struct schedule *schedule, const struct bracket *bracket,
                          size_t rung, struct json_writer *w)
{
    const struct rung_ranking *all = &bracket->rungs[rung].all;

    json_write_key(w, "entries");
    json_array_begin(w);
    for (size_t k = 0; k < all->n && k < SCHEDULE_VIEW_ENTRIES; k++) {
        struct ranked one = ranking_at(all, k);
        json_object_begin(w);
        json_put_int(w, "trial", one.trial);
        rung_values_write(schedule, &bracket->rungs[rung], k, w);
        json_put_string(w, "state", state_at(schedule_entry(schedule, one.trial), rung));
        json_object_end(w);
    }
    json_array_end(w);
}

/* The trials that train at the moment, gathered once for all rungs. */
struct running_trials {
    size_t n;
    int64_t *trials;
    const struct schedule_note *note;
};

static struct running_trials find_running(const struct schedule *schedule)
{
    struct running_trials found = {0};
    size_t n = 0;

    for (size_t i = 0; i < schedule->n_entries; i++) {
        n += schedule->entries[i].state == ENTRY_RUNNING;
    }
    found.trials = calloc(n + 1, sizeof *found.trials);
    for (size_t i = 0; found.trials != NULL && i < schedule->n_entries; i++) {
        if (schedule->entries[i].state == ENTRY_RUNNING) {
            found.trials[found.n++] = (int64_t)i;
        }
    }
    return found;
}

static void write_awaited(const struct schedule *schedule,
                          const struct running_trials *running_trials,
                          const struct bracket *bracket, size_t rung, int64_t now_ms,
                          struct json_writer *w)
{
    size_t n = 0;

    json_write_key(w, "waits_for");
    json_array_begin(w);
    for (size_t i = 0; i < running_trials->n && n < SCHEDULE_VIEW_ENTRIES; i++) {
        const struct rung_entry *entry = schedule_entry(schedule, running_trials->trials[i]);
        if (entry->bracket == bracket->index && entry->rung == rung) {
            json_object_begin(w);
            json_put_int(w, "trial", running_trials->trials[i]);
            json_put_number(w, "seconds", (double)(now_ms - entry->since_ms) / 1000);
            if (running_trials->note != NULL) {
                running_trials->note->write(running_trials->note->context,
                                            running_trials->trials[i], w);
            }
            json_object_end(w);
            n++;
        }
    }
    json_array_end(w);
}

static void write_rung(const struct schedule *schedule, const struct running_trials *running_trials,
                       const struct bracket *bracket, size_t rung, int64_t now_ms,
                       struct json_writer *w)
{
    const struct rung *here = &bracket->rungs[rung];
    bool is_last = rung + 1 == bracket->n_rungs;

    json_object_begin(w);
    json_put_int(w, "rung", (int64_t)rung);
    json_put_step(w, "resource", here->level, schedule->study->resource_digits);
    if (here->size > 0) {
        json_put_int(w, "size", here->size);
    } else {
        json_put_null(w, "size");
    }
    json_put_int(w, "entered", (int64_t)here->started);
    json_put_int(w, "running", (int64_t)(here->started - here->reported));
    json_put_int(w, "reported", (int64_t)here->all.n);
    json_put_int(w, "failed", (int64_t)(here->reported - here->all.n));
    json_put_int(w, "waiting", (int64_t)here->waiting.n);
    json_put_int(w, "promoted", is_last ? 0 : (int64_t)bracket->rungs[rung + 1].started);
    write_awaited(schedule, running_trials, bracket, rung, now_ms, w);
    write_entries(schedule, bracket, rung, w);
    json_object_end(w);
}

/* ---- what happens next ----------------------------------------------------------------------- */

#define NEXT_BYTES 128
static const struct schedule_moment anything = {.may_start = true, .may_promote = true};

/* text ← what happens next. False: nothing does. */
static bool describe_next(const struct schedule *schedule, const struct bracket *bracket,
                          enum study_state study, char text[], size_t room)
{
    const char *when = study == STUDY_RUNNING ? "" : "once the study is resumed, ";
    int digits = schedule->study->resource_digits;
    char level[STEP_BYTES];

    if (bracket->is_done || study == STUDY_FINISHED) {
        (void)snprintf(text, room, "done");
        return false;
    }

    for (size_t rung = bracket->n_rungs - 1; rung-- > 0;) {
        int64_t trial = rung_promotable(schedule, &anything, bracket, rung);
        if (trial != 0) {
            (void)snprintf(text, room, "%strial %" PRId64 " goes on to %s", when, trial,
                           step_format(bracket->rungs[rung + 1].level, digits, level));
            return true;
        }
    }
    const struct rung *first = &bracket->rungs[0];
    if (!bracket->is_sealed && (first->size == 0 || (int64_t)first->started < first->size)) {
        (void)snprintf(text, room, "%sa new configuration starts, up to %s", when,
                       step_format(first->level, digits, level));
        return true;
    }
    for (size_t rung = 0; rung < bracket->n_rungs; rung++) {
        size_t n = bracket->rungs[rung].started - bracket->rungs[rung].reported;
        if (n > 0) {
            (void)snprintf(text, room, "rung %zu waits for %zu running trial%s", rung, n,
                           n == 1 ? "" : "s");
            return true;
        }
    }
    (void)snprintf(text, room, "done");
    return false;
}

static void write_bracket(const struct schedule *schedule,
                          const struct running_trials *running_trials,
                          const struct bracket *bracket, enum study_state study, int64_t now_ms,
                          struct json_writer *w)
{
    char next[NEXT_BYTES];
    bool is_open = describe_next(schedule, bracket, study, next, sizeof next);

    json_object_begin(w);
    json_put_int(w, "bracket", bracket->index);
    json_put_string(w, "state", is_open ? "open" : "done");
    json_put_bool(w, "sealed", bracket->is_sealed);
    json_put_string(w, "next", next);
    json_write_key(w, "rungs");
    json_array_begin(w);
    for (size_t rung = 0; rung < bracket->n_rungs; rung++) {
        write_rung(schedule, running_trials, bracket, rung, now_ms, w);
    }
    json_array_end(w);
    json_object_end(w);
}

static int64_t count_open(const struct schedule *schedule, size_t n, enum study_state study)
{
    char next[NEXT_BYTES];
    int64_t n_open = 0;

    for (size_t i = 0; i < n; i++) {
        n_open += describe_next(schedule, schedule->brackets[i], study, next, sizeof next);
    }
    return n_open;
}

/* The resource that a trial was trained with: one that has left a rung was trained up to its level.
 */
static int64_t trained(const struct schedule *schedule, const struct rung_entry *entry)
{
    const struct bracket *bracket = schedule->brackets[entry->bracket];

    if (entry->state == ENTRY_RUNNING || entry->state == ENTRY_STOPPED
        || entry->state == ENTRY_ENDED || entry->is_late) {
        int64_t reached = entry->rung > 0 ? bracket->rungs[entry->rung - 1].level : 0;
        return entry->last.step > reached ? entry->last.step : reached;
    }
    return entry->is_short && entry->last.step >= 0 ? entry->last.step
                                                    : bracket->rungs[entry->rung].level;
}

static void write_saving(const struct schedule *schedule, struct json_writer *w)
{
    int64_t n = 0;
    int64_t spent = 0;

    for (size_t i = 0; i < schedule->n_entries; i++) {
        if (schedule->entries[i].state != ENTRY_NONE) {
            n++;
            spent = integer_add(spent, trained(schedule, &schedule->entries[i]));
        }
    }
    json_put_int(w, "trials", n);
    if (schedule->study->has_resource) {
        int digits = schedule->study->resource_digits;
        double full = (double)n * (double)schedule->study->resource_max;
        json_put_number(w, "full_training", full / (double)step_whole(digits));
        json_put_step(w, "trained", spent, digits);
        json_put_number(w, "saved_share", full > 0 ? 1 - (double)spent / full : 0);
    }
}

void schedule_write_brackets(const struct schedule *schedule, enum study_state study,
                             int64_t now_ms, const struct schedule_note *note,
                             struct json_writer *w)
{
    struct running_trials running_trials = find_running(schedule);
    bool ranks = schedule->kind->n_advance != NULL;
    size_t n = ranks ? schedule->n_brackets : 0;
    size_t shown_from = n > SCHEDULE_VIEW_BRACKETS ? n - SCHEDULE_VIEW_BRACKETS : 0;

    if (running_trials.trials == NULL) {
        buf_lack_memory(w->out);
        return;
    }
    running_trials.note = note;
    json_put_string(w, "schedule", ranks ? schedule->kind->name : "none");
    if (ranks) {
        json_put_number(w, "eta", schedule->options.eta);
        json_put_string(w, "resource", schedule->study->resource_name);
    }
    write_saving(schedule, w);
    json_put_int(w, "opened", (int64_t)n);
    json_put_int(w, "open", count_open(schedule, n, study));
    json_write_key(w, "brackets");
    json_array_begin(w);
    for (size_t i = 0; i < n; i++) {
        if (i >= shown_from || !schedule->brackets[i]->is_done) {
            write_bracket(schedule, &running_trials, schedule->brackets[i], study, now_ms, w);
        }
    }
    json_array_end(w);
    free(running_trials.trials);
}
