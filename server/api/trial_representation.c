#include "server/api/trial_representation.h"

#include "server/api/json.h"

const struct representation_column trial_columns[] = {
    {.key = "number", .variable = "trial", .is_right = true},
    {.key = "state"},
    {.key = "reason"},
    {.key = "value", .live = "live", .is_right = true},
    {.key = "step", .live = "live", .is_right = true},
    {.key = "attempt", .is_right = true},
    {.key = "worker"},
    {.key = "source", .is_extra = true},
    {.key = "ordinal", .is_extra = true},
    {.key = "fallback", .is_extra = true},
    {.key = "outside", .is_extra = true},
    {.key = "seed", .is_extra = true},
    {.key = "created_at", .is_extra = true},
    {.key = "started_at", .is_extra = true},
    {.key = "ended_at", .is_extra = true},
    {0},
};

void trial_representation_add_columns(const struct live_study_view *study,
                                      struct representation_columns *columns)
{
    const struct space *space = study->def->def->space;

    if (study->def->def->n_bounds > 0) {
        representation_columns_add(columns, &(struct representation_column){.key = "feasible"});
    }
    for (size_t i = 0; i < study->n_metrics; i++) {
        representation_columns_add(
            columns, &(struct representation_column){
                         .object = "metrics", .key = study->metrics[i], .is_right = true});
    }
    for (size_t i = 0; i < space->n_params; i++) {
        if (!space->params[i].is_namesake) {
            representation_columns_add(columns,
                                       &(struct representation_column){.object = "parameters",
                                                                       .key = space->params[i].name,
                                                                       .is_parameter = true});
        }
    }
}

const struct representation trials_representation = {
    .formats = FORMATS_LIST | FORMAT_BIT(FORMAT_HYDRA),
    .columns = trial_columns,
    .add_columns = trial_representation_add_columns,
};
const struct representation trial_representation = {
    .formats = FORMATS_ONE | FORMAT_BIT(FORMAT_HYDRA),
    .columns = trial_columns,
    .add_columns = trial_representation_add_columns,
    .is_one = true,
};

void trial_item(struct item_list *listing, const struct live_study_view *study,
                const struct trial_row *row)
{
    const struct live_lease_view *lease =
        row->state == TRIAL_RUNNING
            ? live_view_lease(listing->read->view, study->id, trial_id_number(row->id))
            : NULL;

    trial_write_live(study->def->def, row, lease, item_list_item(listing));
    item_list_item_end(listing);
}
