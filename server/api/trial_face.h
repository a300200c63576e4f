/* Trials in the formats other than JSON. */
#ifndef SERVER_API_TRIAL_FACE_H
#define SERVER_API_TRIAL_FACE_H

#include "server/api/list.h"

extern const struct face trials_face; /* of a list */
extern const struct face trial_face;  /* of one */
/* Its columns: everything in CSV, what fits a terminal in a table. */
extern const struct face_column trial_columns[];
/* Those of the study's metrics and parameters. */
void trial_face_add_columns(const struct live_study_view *study, struct face_columns *columns);
/* Adds one item to a list, in the list's format. */
void trial_item(struct item_list *listing, const struct live_study_view *study,
                const struct trial_row *row);

#endif
