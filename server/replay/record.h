/* What is stored of one study, in memory: from it each of its decisions can be made again.
 *
 * It is read in slices, so that no read holds its thread or a transaction for long. What happens in
 * the study meanwhile is left out: rows tell of events up to the one that was the newest at the
 * beginning. After the last slice the record does not change, and any thread may read it. */
#ifndef SERVER_REPLAY_RECORD_H
#define SERVER_REPLAY_RECORD_H

#include "server/domain/shared_def.h"
#include "server/schedule/record.h"
#include "server/store/decisions.h"
#include "server/suggester/sources.h"

/* A measurement of the first objective. */
struct record_point {
    int64_t step;
    int64_t attempt;
    double value;
};

/* The same of any objective, by its index, or of a bounded metric, by n_objectives + the index of
 * its bound: where a study has several objectives, which a schedule ranks. */
struct record_part {
    size_t part;
    struct record_point point;
};

/* A change of a trial's state. */
struct record_event {
    int64_t seq;
    int64_t trial; /* number */
    int64_t attempt;
    enum event_kind kind;
};

struct record_trial {
    struct trial_row row; /* as it stands now; owned; without metrics and explanation */
    void *basis; /* what its suggestion had seen (server/suggester/basis.h); owned, or NULL */
    size_t basis_bytes;
    size_t n_events;
    const struct record_event *events; /* its own, in order; borrowed from the record */
    size_t n_points, cap_points;
    struct record_point *points; /* in order of step and attempt; owned */
    size_t n_parts, cap_parts;
    struct record_part *parts; /* in order of step, within a step bounded metrics first and the
                                  first objective last, and of attempt; owned */
    int64_t replaced_seq;      /* the last event in which a measurement was replaced; 0: none */
};

/* A definition of the study, and the newest event while it held. */
struct record_definition {
    int64_t until_seq;
    struct shared_def *def; /* held */
    bool same_space;        /* as the present one */
};

struct record_fact {
    struct schedule_record record;
    int64_t seq;
};

struct study_record {
    int64_t study;
    int64_t last_seq;                           /* what came later is left out */
    int64_t objective;                          /* id of the metric; -1: nothing was measured */
    int64_t parts[OBJECTIVES_MAX + BOUNDS_MAX]; /* those of record_part; -1 likewise */
    size_t n_definitions, cap_definitions;
    struct record_definition *definitions; /* oldest first; the last one is the present one */
    size_t n_trials, cap_trials;
    struct record_trial *trials; /* trials[number - 1] */
    size_t n_events, cap_events;
    struct record_event *events;   /* in order */
    struct record_event *by_trial; /* the same, in order of trial */
    size_t n_standings, cap_standings;
    struct standing_row *standings; /* in order of trial and event */
    size_t n_facts, cap_facts;
    struct record_fact *facts;
    size_t n_fits, cap_fits;
    struct fit *fits; /* oldest first; their data is owned here */
    size_t n_points;
    struct sources sources;
};

/* How far the reading is. */
struct record_reader {
    struct study_record *record;
    int stage;
    int64_t after; /* of the stage: what was read last */
};

/* A record to be read. */
void study_record_begin(struct study_record *record, int64_t study, struct record_reader *reader);
/* Reads a slice; *more ← whether there is another one. ERR_NOT_FOUND: there is no such study;
 * ERR_TOO_LARGE; ERR_NOMEM; the errors of the store. */
MUST_USE int study_record_read(struct record_reader *reader, struct store *store, bool *more,
                               struct err *err);
void study_record_finish(struct study_record *record);

/* The present definition. */
struct shared_def *study_record_def(const struct study_record *record);
/* The one that held when this event was the newest. */
const struct record_definition *study_record_def_at(const struct study_record *record, int64_t seq);

#endif
