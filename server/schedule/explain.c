#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/step.h"
#include "server/schedule/rung_values.h"
#include "server/schedule/schedule.h"
#include "server/schedule/state.h"

#define VALUES_BYTES 256
#define RIVALS 5 /* how many others are named at a decision */

/* The rank of a value in its rung. */
struct rung_standing {
    size_t rank, reported, advance;
    char level[STEP_BYTES + NAME_BYTES + 2]; /* with its unit: 3 epochs */
    double value;
    const double *costs;     /* several objectives: of all; else NULL */
    char said[VALUES_BYTES]; /* "0.3", or "loss 0.3, acc 0.9" */
    double cutoff;           /* the worst value that is promoted at present; NaN: none */
};

static void write_level(const struct study_def *study, int64_t level, char text[], size_t room)
{
    char step[STEP_BYTES];
    const char *resource = study->resource_name;

    (void)step_format(level, study->resource_digits, step);
    (void)snprintf(text, room, "%s %.*s", step, step_unit_bytes(step, resource), resource);
}

/* Several objectives: each with its name, as far as there is room. */
static void say_values(const struct schedule *schedule, struct rung_standing *standing)
{
    const struct study_def *study = schedule->study;
    char number[JSON_NUMBER_BYTES];
    size_t len = 0;

    if (standing->costs == NULL) {
        (void)snprintf(standing->said, sizeof standing->said, "%s",
                       json_format_number(standing->value, number));
        return;
    }
    for (size_t k = 0; k < schedule->costs.m && len < sizeof standing->said; k++) {
        double value = study_objective_cost(study, k, standing->costs[k]);
        len += (size_t)snprintf(standing->said + len, sizeof standing->said - len, "%s%s %s",
                                k > 0 ? ", " : "", study->objectives[k].metric,
                                json_format_number(value, number));
    }
}

static struct rung_standing stand(const struct schedule *schedule, const struct rung_entry *entry,
                                  int64_t trial)
{
    const struct bracket *bracket = schedule->brackets[entry->bracket];
    const struct rung *rung = &bracket->rungs[entry->rung];
    struct rung_standing standing = {
        .rank = ranking_rank(&rung->all, entry->cost, trial),
        .reported = rung->reported,
        .value = study_cost(schedule->study, entry->cost),
        .cutoff = (double)NAN,
    };

    write_level(schedule->study, rung->level, standing.level, sizeof standing.level);
    if (entry->rung + 1 < bracket->n_rungs) {
        standing.advance = schedule->kind->n_advance(schedule, bracket, entry->rung);
    }
    if (schedule->costs.m > 1) {
        standing.costs = cost_table_row(&schedule->costs, entry->row);
        standing.value = study_cost(schedule->study, standing.costs[0]);
    } else if (standing.advance > 0 && standing.advance <= rung->all.n) {
        standing.cutoff =
            study_cost(schedule->study, ranking_at(&rung->all, standing.advance - 1).cost);
    }
    say_values(schedule, &standing);
    return standing;
}

static void write_standing(const struct schedule *schedule, const struct rung_standing *standing,
                           struct json_writer *w)
{
    if (standing->costs != NULL) {
        rung_values_write_costs(schedule, standing->costs, w);
    } else {
        json_put_number(w, "value", standing->value);
    }
    json_put_int(w, "rank", (int64_t)standing->rank + 1);
    json_put_int(w, "reported", (int64_t)standing->reported);
    json_put_int(w, "advance", (int64_t)standing->advance);
    if (isfinite(standing->cutoff)) {
        json_put_number(w, "cutoff", standing->cutoff);
    } else {
        json_put_null(w, "cutoff");
    }
}

/* The best other trials of the rung. */
static void write_rivals(const struct schedule *schedule, const struct rung_entry *entry,
                         int64_t trial, struct json_writer *w)
{
    const struct rung *rung = &schedule->brackets[entry->bracket]->rungs[entry->rung];
    const struct rung_ranking *all = &rung->all;
    size_t named = 0;

    json_write_key(w, "rivals");
    json_array_begin(w);
    for (size_t k = 0; k < all->n && named < RIVALS; k++) {
        struct ranked one = ranking_at(all, k);
        if (one.trial != trial) {
            json_object_begin(w);
            json_put_int(w, "trial", one.trial);
            rung_values_write(schedule, rung, k, w);
            json_object_end(w);
            named++;
        }
    }
    json_array_end(w);
}

/* The forecast, in a sentence. */
static void describe_forecast(const struct schedule *schedule, const struct rung_standing *standing,
                              const struct schedule_forecast *forecast, enum schedule_fact fact,
                              char text[], size_t room)
{
    char mean[JSON_NUMBER_BYTES];
    char spread[JSON_NUMBER_BYTES];
    char incumbent[JSON_NUMBER_BYTES];

    (void)snprintf(text, room,
                   "%s at %s: the model expects %s ± %s at the end, a chance of %.3g of "
                   "ending better than %s; a trial goes on with at least %g",
                   fact == FACT_PROMOTE ? "goes on" : "stopped", standing->level,
                   json_format_number(forecast->mean, mean),
                   json_format_number(forecast->spread, spread), forecast->chance,
                   json_format_number(forecast->incumbent, incumbent), schedule->options.delta);
}

static void write_forecast(const struct schedule *schedule,
                           const struct schedule_forecast *forecast, struct json_writer *w)
{
    json_write_key(w, "forecast");
    json_object_begin(w);
    json_put_number(w, "chance", forecast->chance);
    json_put_number(w, "delta", schedule->options.delta);
    json_put_number(w, "mean", forecast->mean);
    json_put_number(w, "sd", forecast->spread);
    json_put_number(w, "incumbent", forecast->incumbent);
    json_object_end(w);
}

static void describe_decision(const struct rung_standing *standing, enum schedule_fact fact,
                              char text[], size_t room)
{
    char cutoff[JSON_NUMBER_BYTES];

    (void)snprintf(text, room, "%s: %s at %s was number %zu of %zu; the best %zu go on%s%s",
                   fact == FACT_PROMOTE ? "promoted" : "pruned", standing->said, standing->level,
                   standing->rank + 1, standing->reported, standing->advance,
                   isfinite(standing->cutoff) ? ", down to " : "",
                   isfinite(standing->cutoff) ? json_format_number(standing->cutoff, cutoff) : "");
}

/* A decision about the trial, by rank or by forecast, as the state was just before it. */
static void write_decision(const struct schedule *schedule, const struct schedule_record *record,
                           struct json_writer *w)
{
    const struct rung_entry *entry = schedule_entry(schedule, record->trial);
    struct rung_standing standing = stand(schedule, entry, record->trial);
    char text[512];

    write_standing(schedule, &standing, w);
    write_rivals(schedule, entry, record->trial, w);
    if (entry->has_forecast) {
        write_forecast(schedule, &entry->forecast, w);
        describe_forecast(schedule, &standing, &entry->forecast, record->fact, text, sizeof text);
    } else if (schedule_is_predictive(schedule) && record->fact == FACT_PROMOTE
               && bracket_needs_no_lease(schedule->brackets[entry->bracket], entry)) {
        (void)snprintf(text, sizeof text, "goes on: it has trained past %s already",
                       standing.level);
    } else {
        describe_decision(&standing, record->fact, text, sizeof text);
    }
    json_put_string(w, "text", text);
}

/* FACT_VALUE: the facts before it have brought the values of the other objectives. */
static void write_rung_value(const struct schedule *schedule, const struct schedule_record *record,
                             struct json_writer *w)
{
    double costs[OBJECTIVES_MAX + 1];

    memcpy(costs, schedule->incoming, sizeof costs);
    costs[0] = schedule_cost(schedule, record->value);
    rung_values_write_costs(schedule, costs, w);
}

static void write_fact(const struct schedule *schedule, const struct schedule_record *record,
                       struct json_writer *w)
{
    const struct rung_entry *entry = schedule_entry(schedule, record->trial);
    bool by_rank = record->fact == FACT_PROMOTE || record->fact == FACT_LOSE;

    json_object_begin(w);
    json_put_string(w, "event", schedule_fact_name(record->fact));
    json_put_moment(w, "at", record->at_ms);
    json_put_int(w, "rung", entry == NULL ? 0 : (int64_t)entry->rung);
    json_put_step(w, "step", record->step, schedule->study->resource_digits);
    if (by_rank && entry != NULL && entry->state == ENTRY_WAITING) {
        write_decision(schedule, record, w);
    } else if (record->fact == FACT_VALUE && entry != NULL) {
        int64_t level = schedule->brackets[entry->bracket]->rungs[entry->rung].level;
        write_rung_value(schedule, record, w);
        json_put_bool(w, "interpolated", record->step != level);
    } else if (record->fact == FACT_MEDIAN) {
        json_put_number(w, "median", record->value);
    } else if (record->fact == FACT_THRESHOLD) {
        json_put_number(w, "threshold", record->value);
    }
    json_object_end(w);
}

static void write_waiting(const struct schedule *schedule, const struct rung_entry *entry,
                          int64_t trial, struct json_writer *w)
{
    struct rung_standing standing = stand(schedule, entry, trial);
    size_t outstanding = bracket_outstanding(schedule->brackets[entry->bracket], entry->rung);
    bool is_sized = schedule->brackets[entry->bracket]->rungs[0].size > 0;
    char text[512];

    json_write_key(w, "waiting");
    json_object_begin(w);
    json_put_int(w, "rung", (int64_t)entry->rung);
    write_standing(schedule, &standing, w);
    json_put_int(w, "outstanding", (int64_t)outstanding);
    write_rivals(schedule, entry, trial, w);
    json_object_end(w);
    if (schedule_is_predictive(schedule)) {
        (void)snprintf(text, sizeof text,
                       "trains on; at %s it had %s, and there is no forecast yet", standing.level,
                       standing.said);
        json_put_string(w, "text", text);
        return;
    }
    (void)snprintf(text, sizeof text,
                   is_sized ? "waits at %s with %s, number %zu of %zu so far; the best "
                              "%zu go on, and %zu more are to report"
                            : "waits at %s with %s, number %zu of %zu; the best %zu go "
                              "on as more report (%zu are running)",
                   standing.level, standing.said, standing.rank + 1, standing.reported,
                   standing.advance, outstanding);
    json_put_string(w, "text", text);
}

static const char *end_text(enum schedule_fact how)
{
    return how == FACT_CANCEL ? "has ended: it was cancelled"
           : how == FACT_DROP ? "has ended: it still waited when the study was over"
                              : "has ended: it brought no value for this rung";
}

/* `end`: the last fact that ended the trial. */
static void write_present(const struct schedule *schedule, int64_t trial, enum schedule_fact end,
                          struct json_writer *w)
{
    static const char *const texts[] = {
        [ENTRY_NONE] = "was never scheduled",
        [ENTRY_RUNNING] = "is training, or waits to be leased again",
        [ENTRY_WAITING] = "waits",
        [ENTRY_LOST] = "is out: others were better",
        [ENTRY_STOPPED] = "was stopped by the study's stopping rule",
        [ENTRY_DIVERGED] = "failed: its value was not finite",
        [ENTRY_COMPLETE] = "is complete",
    };
    const struct rung_entry *entry = schedule_entry(schedule, trial);

    json_put_int(w, "bracket", entry->bracket);
    json_put_int(w, "rung", (int64_t)entry->rung);
    json_put_bool(w, "short", entry->is_short);
    if (entry->state == ENTRY_WAITING) {
        write_waiting(schedule, entry, trial, w);
    } else {
        json_put_string(w, "text",
                        entry->state == ENTRY_ENDED ? end_text(end) : texts[entry->state]);
    }
}

static bool is_end(enum schedule_fact fact)
{
    return fact == FACT_FAIL || fact == FACT_CANCEL || fact == FACT_DROP;
}

/* The numbers of a forecast are written with the decision that follows from it. */
static bool is_forecast(enum schedule_fact fact)
{
    return fact == FACT_CHANCE || fact == FACT_MEAN || fact == FACT_SPREAD || fact == FACT_INCUMBENT
           || fact == FACT_OBJECTIVE;
}

int schedule_write_explanation(const struct study_def *study, size_t n,
                               const struct schedule_record records[], int64_t trial,
                               struct json_writer *w, struct err *err)
{
    OWN(schedule) struct schedule *replay = NULL;
    enum schedule_fact end = FACT_FAIL;

    TRY(schedule_create(study, &replay, err));
    json_put_string(w, "schedule", replay->kind->name == NULL ? "none" : replay->kind->name);
    json_write_key(w, "history");
    json_array_begin(w);
    for (size_t i = 0; i < n; i++) {
        if (records[i].trial == trial && is_end(records[i].fact)) {
            end = records[i].fact;
        }
        if (records[i].trial == trial && !is_forecast(records[i].fact)) {
            write_fact(replay, &records[i], w);
        }
        TRY(schedule_load(replay, &records[i], err));
    }
    json_array_end(w);
    if (schedule_entry(replay, trial) == NULL) {
        return err_set(err, ERR_NOT_FOUND, "trial %" PRId64 " has no place in a schedule", trial);
    }
    write_present(replay, trial, end, w);
    return 0;
}
