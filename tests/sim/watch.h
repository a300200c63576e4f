/* Checks the facts of a schedule by the invariants of algorithms.md §3.5.
 *
 * It has the rules, but no part of the implementation: its own tables, plain lists, counting by
 * loops. Every violation sets the bit of its invariant; the first text of each is kept. */
#ifndef TESTS_SIM_WATCH_H
#define TESTS_SIM_WATCH_H

#include "server/schedule/schedule.h"

enum invariant {
    I1_SLOTS = 1,   /* no more slots than the table has, and all of them used */
    I2_ONE_SLOT,    /* no trial in two slots of a rung, nor leased twice */
    I3_RANK,        /* a promoted trial is finite and among the n best */
    I4_ORDER,       /* the order of completion changes no promotion */
    I5_GUARANTEE,   /* a trial promoted early is also promoted in the end */
    I6_LEVELS,      /* levels rise and never pass R */
    I7_COST,        /* a bracket costs no more than its table */
    I8_REPLAY,      /* facts rebuild the state */
    I9_IDEMPOTENT,  /* a second report changes nothing; no slot leaks */
    I10_FINISH,     /* every bracket ends, whichever workers die */
    I11_WORKERS,    /* one worker and many promote the same trials */
    I12_DIRECTION,  /* maximising is minimising the negative */
    I13_MONOTONE,   /* a monotone transform changes no promotion */
    I14_ALL_FAILED, /* a rung without values promotes no trial */
    I15_ASHA_QUOTA, /* asha promotes from the best ⌊n/eta⌋ of that moment; predictive: exactly
                     * those with a chance of delta */
    I16_NO_IDLING,  /* no worker waits while a job is legal; in asha none ever waits */
    I17_OPTIONS,    /* impossible resources and eta are refused */
    I18_TABLES,     /* integer tables, exact */
    INVARIANT_COUNT
};

enum watch_kind { WATCH_SYNC, WATCH_PROMOTION, WATCH_STOPPING, WATCH_PREDICTIVE };

struct watch_entry {
    int64_t trial;
    double cost;
    double chance; /* the model's forecast; NaN before */
    bool has_reported, is_finite, is_promoted, is_out, may_go_on;
};

struct watch_rung {
    int64_t size, level;
    size_t n, cap;
    struct watch_entry *entries;
};

struct watch_bracket {
    bool is_sealed;
    size_t n_rungs;
    struct watch_rung rungs[20];
    int64_t spent, budget; /* resource, resuming */
};

struct watch {
    enum watch_kind kind;
    bool is_progressive, is_maximising;
    int64_t R, r_min, eta, n_kinds;
    size_t n_brackets, cap;
    struct watch_bracket *brackets;
    size_t n_trials; /* indexed by trial: where it is */
    struct watch_place {
        int bracket; /* -1: unknown */
        int rung;
    } * places;
    unsigned violated; /* bit (1 << invariant) */
    char texts[INVARIANT_COUNT][160];
};

void watch_init(struct watch *watch, enum watch_kind kind, int64_t R, int64_t r_min, int64_t eta,
                int64_t n_kinds, bool is_progressive, bool is_maximising);
void watch_finish(struct watch *watch);
void watch_violate(struct watch *watch, enum invariant invariant, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

void watch_fact(struct watch *watch, const struct schedule_record *record);

/* How many finite trials of the rung come before this one. */
size_t watch_rank_in(const struct watch_rung *rung, const struct watch_entry *entry);
size_t watch_reported_in(const struct watch_rung *rung);
/* After the last fact: every bracket has ended as it should. */
void watch_end(struct watch *watch);

/* A number that depends on which trials were promoted in which rung, and on nothing else. */
uint64_t watch_promotions(const struct watch *watch);

#endif
