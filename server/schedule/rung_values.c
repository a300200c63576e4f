#include "server/schedule/rung_values.h"

void rung_values_write(const struct schedule *schedule, const struct rung *rung, size_t k,
                       struct json_writer *w)
{
    const struct study_def *study = schedule->study;

    if (schedule->costs.m == 1) {
        json_put_number(w, "value", study_cost(study, ranking_at(&rung->all, k).cost));
        return;
    }
    rung_values_write_costs(schedule, cost_table_row(&schedule->costs, rung->rows[k].row), w);
}

void rung_values_write_costs(const struct schedule *schedule, const double costs[],
                             struct json_writer *w)
{
    const struct study_def *study = schedule->study;

    json_put_number(w, "value", study_cost(study, costs[0]));
    if (schedule->costs.m == 1) {
        return;
    }
    json_write_key(w, "values");
    json_object_begin(w);
    for (size_t i = 0; i < schedule->costs.m; i++) {
        json_put_number(w, study->objectives[i].metric, study_objective_cost(study, i, costs[i]));
    }
    json_object_end(w);
    if (schedule->costs.width > schedule->costs.m) {
        json_put_bool(w, "feasible", costs[schedule->costs.m] <= 0);
    }
}
