/* A fact as the store keeps it and as a schedule knows it. */
#ifndef SERVER_STATE_FACTS_H
#define SERVER_STATE_FACTS_H

#include "server/schedule/schedule.h"
#include "server/store/decisions.h"

static inline struct schedule_record fact_record(const struct fact_row *row)
{
    return (struct schedule_record){
        .fact = (enum schedule_fact)row->fact,
        .trial = row->trial,
        .bracket = row->bracket,
        .step = row->step,
        .value = row->value,
        .at_ms = row->at_ms,
        .call = {(unsigned)row->call, row->call_step, row->reached},
    };
}

/* `seq`: the newest event. */
static inline struct fact_row fact_row_of(int64_t study, int64_t seq,
                                          const struct schedule_record *record)
{
    return (struct fact_row){
        .study = study,
        .fact = (int64_t)record->fact,
        .trial = record->trial,
        .bracket = record->bracket,
        .step = record->step,
        .value = record->value,
        .at_ms = record->at_ms,
        .seq = seq,
        .call = (int64_t)record->call.code,
        .call_step = record->call.step,
        .reached = record->call.reached,
    };
}

#endif
