/* Trials in the formats other than JSON. */
#ifndef SERVER_API_TRIAL_REPRESENTATION_H
#define SERVER_API_TRIAL_REPRESENTATION_H

#include "server/api/list.h"

extern const struct representation trials_representation; /* of a list */
extern const struct representation trial_representation;  /* of one */
/* Its columns: everything in CSV, what fits a terminal in a table. */
extern const struct representation_column trial_columns[];
/* Those of the study's metrics and parameters. */
void trial_representation_add_columns(const struct live_study_view *study,
                                      struct representation_columns *columns);
/* Adds one item to a list, in the list's format. */
void trial_item(struct item_list *listing, const struct live_study_view *study,
                const struct trial_row *row);

#endif
