#include "tests/sim/watch.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/rng.h"
#include "tests/sim/watch_tables.h"

#define DELTA 0.1 /* the option's default */

void watch_init(struct watch *watch, enum watch_kind kind, int64_t R, int64_t r_min, int64_t eta,
                int64_t n_kinds, bool is_progressive, bool is_maximising)
{
    *watch = (struct watch){
        .kind = kind,
        .R = R,
        .r_min = r_min,
        .eta = eta,
        .n_kinds = n_kinds,
        .is_progressive = is_progressive,
        .is_maximising = is_maximising,
    };
}

void watch_finish(struct watch *watch)
{
    for (size_t i = 0; i < watch->n_brackets; i++) {
        for (size_t j = 0; j < watch->brackets[i].n_rungs; j++) {
            free(watch->brackets[i].rungs[j].entries);
        }
    }
    free(watch->brackets);
    free(watch->places);
    *watch = (struct watch){0};
}

void watch_violate(struct watch *watch, enum invariant invariant, const char *fmt, ...)
{
    va_list args;

    if ((watch->violated & 1U << invariant) != 0) {
        return;
    }
    watch->violated |= 1U << invariant;
    va_start(args, fmt);
    (void)vsnprintf(watch->texts[invariant], sizeof watch->texts[invariant], fmt, args);
    va_end(args);
}

/* Makes place for one item more than n. */
static void reserve(void *items, size_t n, size_t *cap, size_t item_bytes)
{
    if (array_reserve(items, n, cap, item_bytes, NULL) != 0) {
        abort();
    }
}

static struct watch_bracket *bracket_at(struct watch *watch, int64_t index)
{
    while (index >= (int64_t)watch->n_brackets) {
        reserve(&watch->brackets, watch->n_brackets, &watch->cap, sizeof *watch->brackets);
        watch_plan(watch, watch->n_brackets, &watch->brackets[watch->n_brackets]);
        watch->n_brackets++;
    }
    return &watch->brackets[index];
}

/* ---- where each trial is ---- */

static struct watch_place *place_of(struct watch *watch, int64_t trial)
{
    if ((size_t)trial >= watch->n_trials) {
        size_t n = (size_t)trial * 2 + 16;
        watch->places = realloc(watch->places, n * sizeof *watch->places);
        if (watch->places == NULL) {
            abort();
        }
        for (size_t i = watch->n_trials; i < n; i++) {
            watch->places[i] = (struct watch_place){-1, 0};
        }
        watch->n_trials = n;
    }
    return &watch->places[trial];
}

static struct watch_entry *entry_in(struct watch_rung *rung, int64_t trial)
{
    for (size_t i = 0; i < rung->n; i++) {
        if (rung->entries[i].trial == trial) {
            return &rung->entries[i];
        }
    }
    return NULL;
}

static void enter(struct watch *watch, struct watch_bracket *bracket, size_t rung, int64_t trial)
{
    struct watch_rung *here = &bracket->rungs[rung];

    if (entry_in(here, trial) != NULL) {
        watch_violate(watch, I2_ONE_SLOT, "trial %" PRId64 " enters rung %zu twice", trial, rung);
    }
    reserve(&here->entries, here->n, &here->cap, sizeof *here->entries);
    here->entries[here->n++] = (struct watch_entry){.trial = trial, .chance = (double)NAN};
    if (here->size > 0 && (int64_t)here->n > here->size) {
        watch_violate(watch, I1_SLOTS, "%zu trials in a rung of %" PRId64, here->n, here->size);
    }
    bracket->spent += here->level - (rung > 0 ? bracket->rungs[rung - 1].level : 0);
    if (bracket->budget > 0 && bracket->spent > bracket->budget) {
        watch_violate(watch, I7_COST, "a bracket of cost %" PRId64 " spends %" PRId64,
                      bracket->budget, bracket->spent);
    }
}

static bool is_before(const struct watch_entry *a, const struct watch_entry *b)
{
    return a->cost < b->cost || (a->cost <= b->cost && a->trial < b->trial);
}

size_t watch_rank_in(const struct watch_rung *rung, const struct watch_entry *entry)
{
    size_t rank = 0;

    for (size_t i = 0; i < rung->n; i++) {
        rank += rung->entries[i].is_finite && is_before(&rung->entries[i], entry);
    }
    return rank;
}

size_t watch_reported_in(const struct watch_rung *rung)
{
    size_t n = 0;

    for (size_t i = 0; i < rung->n; i++) {
        n += rung->entries[i].has_reported;
    }
    return n;
}

/* ---- each fact ---- */

static void check_level(struct watch *watch, const struct watch_bracket *bracket, size_t rung,
                        const struct schedule_record *record)
{
    int64_t below = rung > 0 ? bracket->rungs[rung - 1].level : 0;

    if (record->step > watch->R || record->step <= below
        || record->step != bracket->rungs[rung].level) {
        watch_violate(watch, I6_LEVELS, "trial %" PRId64 " is sent to %" PRId64 " at rung %zu",
                      record->trial, record->step, rung);
    }
}

static void see_start(struct watch *watch, const struct schedule_record *record)
{
    struct watch_bracket *bracket = bracket_at(watch, record->bracket);
    struct watch_place *place = place_of(watch, record->trial);

    if (place->bracket >= 0) {
        watch_violate(watch, I2_ONE_SLOT, "trial %" PRId64 " starts twice", record->trial);
    }
    *place = (struct watch_place){(int)record->bracket, 0};
    if (watch->kind != WATCH_PREDICTIVE) {
        check_level(watch, bracket, 0, record);
    } else if (record->step != watch->R) { /* nothing ever pauses */
        watch_violate(watch, I6_LEVELS, "trial %" PRId64 " is not sent to the end", record->trial);
    }
    enter(watch, bracket, 0, record->trial);
}

/* How many others are at least as good. */
static size_t others_in(const struct watch_rung *rung, const struct watch_entry *entry)
{
    size_t others = 0;

    for (size_t i = 0; i < rung->n; i++) {
        const struct watch_entry *other = &rung->entries[i];
        others += other != entry && other->is_finite && other->cost <= entry->cost;
    }
    return others;
}

static bool may_stay(const struct watch *watch, const struct watch_rung *rung,
                     const struct watch_entry *entry)
{
    size_t stay = watch_reported_in(rung) / (size_t)watch->eta;

    return entry->is_finite && others_in(rung, entry) < (stay > 1 ? stay : 1);
}

static void see_value(struct watch *watch, struct watch_rung *rung, struct watch_entry *entry,
                      const struct schedule_record *record)
{
    if (entry->has_reported || entry->is_out) {
        watch_violate(watch, I9_IDEMPOTENT, "trial %" PRId64 " reports twice", record->trial);
    }
    entry->cost = watch->is_maximising ? -record->value : record->value;
    entry->has_reported = true;
    entry->is_finite = isfinite(entry->cost);
    entry->is_out = !entry->is_finite;
    entry->may_go_on = may_stay(watch, rung, entry);
}

/* Progressive asha promotes the best trial when all others have ended. */
static bool is_final_promotion(const struct watch *watch, const struct watch_bracket *bracket,
                               const struct watch_rung *rung, const struct watch_entry *entry)
{
    return watch->is_progressive && bracket->is_sealed && watch_rank_in(rung, entry) == 0;
}

static void check_promotion(struct watch *watch, const struct watch_bracket *bracket, size_t rung,
                            const struct watch_entry *entry)
{
    const struct watch_rung *here = &bracket->rungs[rung];
    size_t rank = watch_rank_in(here, entry);

    if (!entry->is_finite || entry->is_out || entry->is_promoted) {
        watch_violate(watch, I3_RANK, "trial %" PRId64 " is promoted with no value", entry->trial);
    }
    if (watch->kind == WATCH_SYNC && (int64_t)rank >= bracket->rungs[rung + 1].size) {
        watch_violate(watch, I3_RANK,
                      "trial %" PRId64 " of rank %zu is promoted to a rung of %" PRId64,
                      entry->trial, rank, bracket->rungs[rung + 1].size);
    }
    if (watch->kind == WATCH_PROMOTION && rank >= watch_reported_in(here) / (size_t)watch->eta
        && !is_final_promotion(watch, bracket, here, entry)) {
        watch_violate(watch, I15_ASHA_QUOTA, "trial %" PRId64 " of rank %zu of %zu is promoted",
                      entry->trial, rank, watch_reported_in(here));
    }
    if (watch->kind == WATCH_PREDICTIVE && entry->chance < DELTA) {
        watch_violate(watch, I15_ASHA_QUOTA, "trial %" PRId64 " goes on with a chance of %g",
                      entry->trial, entry->chance);
    }
    if (watch->kind == WATCH_STOPPING && !entry->may_go_on) {
        watch_violate(watch, I15_ASHA_QUOTA,
                      "trial %" PRId64 " goes on though too many were better", entry->trial);
    }
}

static void see_promote(struct watch *watch, struct watch_bracket *bracket,
                        struct watch_place *place, struct watch_entry *entry,
                        const struct schedule_record *record)
{
    if ((size_t)place->rung + 1 >= bracket->n_rungs) {
        watch_violate(watch, I6_LEVELS, "trial %" PRId64 " is promoted past R", record->trial);
        return;
    }
    check_promotion(watch, bracket, (size_t)place->rung, entry);
    entry->is_promoted = true;
    place->rung++;
    check_level(watch, bracket, (size_t)place->rung, record);
    enter(watch, bracket, (size_t)place->rung, record->trial);
}

static void see_lose(struct watch *watch, const struct watch_bracket *bracket, size_t rung,
                     struct watch_entry *entry)
{
    size_t rank = watch_rank_in(&bracket->rungs[rung], entry);
    bool may_still_win =
        watch->kind == WATCH_SYNC
            ? rung + 1 < bracket->n_rungs && (int64_t)rank < bracket->rungs[rung + 1].size
            : entry->may_go_on || watch->kind == WATCH_PROMOTION;

    if (watch->kind == WATCH_PREDICTIVE) {
        bool is_wrong = isnan(entry->chance) ? may_stay(watch, &bracket->rungs[rung], entry)
                                             : !(entry->chance < DELTA);
        if (is_wrong) {
            watch_violate(watch, I15_ASHA_QUOTA, "trial %" PRId64 " is stopped with a chance of %g",
                          entry->trial, entry->chance);
        }
    } else if (may_still_win) {
        watch_violate(watch, I5_GUARANTEE, "trial %" PRId64 " of rank %zu loses too early",
                      entry->trial, rank);
    }
    entry->is_out = true;
}

static void see_seal(struct watch *watch, int64_t index)
{
    struct watch_bracket *bracket = bracket_at(watch, index);
    int64_t slots = bracket->rungs[0].size;
    int64_t started = (int64_t)bracket->rungs[0].n;

    bracket->is_sealed = true;
    for (size_t i = 0; slots > 0 && i < bracket->n_rungs; i++) {
        int64_t share = bracket->rungs[i].size * started / slots;
        bracket->rungs[i].size = share > 1 ? share : 1;
    }
}

void watch_fact(struct watch *watch, const struct schedule_record *record)
{
    if (record->fact == FACT_START) {
        see_start(watch, record);
        return;
    }
    if (record->fact == FACT_SEAL) {
        see_seal(watch, record->bracket);
        return;
    }
    struct watch_place *place = place_of(watch, record->trial);
    if (place->bracket < 0 || record->fact == FACT_UNLOCK || record->fact == FACT_SHORT) {
        return;
    }
    struct watch_bracket *bracket = &watch->brackets[place->bracket];
    struct watch_rung *rung = &bracket->rungs[place->rung];
    struct watch_entry *entry = entry_in(rung, record->trial);
    if (entry == NULL) {
        return; /* its promotion was a violation, which is noted already */
    }
    if (record->fact == FACT_VALUE) {
        see_value(watch, rung, entry, record);
    } else if (record->fact == FACT_PROMOTE) {
        see_promote(watch, bracket, place, entry, record);
    } else if (record->fact == FACT_CHANCE) {
        entry->chance = record->value;
    } else if (record->fact >= FACT_MEAN && record->fact <= FACT_INCUMBENT) {
        return; /* shown to users only */
    } else if (record->fact == FACT_LOSE) {
        see_lose(watch, bracket, (size_t)place->rung, entry);
    } else { /* late, stopped, failed, cancelled */
        entry->is_out = true;
        entry->has_reported = true;
    }
}

/* ---- the end ---- */

static void check_closed_rung(struct watch *watch, const struct watch_bracket *bracket, size_t rung)
{
    const struct watch_rung *here = &bracket->rungs[rung];
    bool is_last = rung + 1 == bracket->n_rungs;
    size_t finite = 0;
    size_t promoted = 0;

    for (size_t k = 0; k < here->n; k++) {
        const struct watch_entry *entry = &here->entries[k];
        finite += entry->is_finite;
        promoted += entry->is_promoted;
        if (!entry->has_reported
            || (!is_last && entry->is_finite && !entry->is_promoted && !entry->is_out)) {
            watch_violate(watch, I10_FINISH, "trial %" PRId64 " is left at rung %zu", entry->trial,
                          rung);
        }
        if (!is_last && entry->is_promoted
            && (int64_t)watch_rank_in(here, entry) >= bracket->rungs[rung + 1].size) {
            watch_violate(watch, I5_GUARANTEE, "trial %" PRId64 " was promoted too early",
                          entry->trial);
        }
    }
    if (finite == 0 && promoted > 0) {
        watch_violate(watch, I14_ALL_FAILED, "%zu of a rung without values are promoted", promoted);
    }
}

void watch_end(struct watch *watch)
{
    for (size_t b = 0; watch->kind == WATCH_SYNC && b < watch->n_brackets; b++) {
        struct watch_bracket *bracket = &watch->brackets[b];
        if ((int64_t)bracket->rungs[0].n != bracket->rungs[0].size) {
            watch_violate(watch, I1_SLOTS, "bracket %zu has %zu of %" PRId64 " slots taken", b,
                          bracket->rungs[0].n, bracket->rungs[0].size);
        }
        for (size_t rung = 0; rung < bracket->n_rungs; rung++) {
            check_closed_rung(watch, bracket, rung);
        }
    }
}

uint64_t watch_promotions(const struct watch *watch)
{
    uint64_t sum = 0;

    for (size_t b = 0; b < watch->n_brackets; b++) {
        const struct watch_bracket *bracket = &watch->brackets[b];
        for (size_t rung = 0; rung < bracket->n_rungs; rung++) {
            for (size_t k = 0; k < bracket->rungs[rung].n; k++) {
                const struct watch_entry *entry = &bracket->rungs[rung].entries[k];
                if (entry->is_promoted) {
                    sum += splitmix64((uint64_t)entry->trial * 64 + rung);
                }
            }
        }
    }
    return sum;
}
