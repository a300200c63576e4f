/* A trial as a row of a sheet, or alone as lines of "name: value". */
#ifndef SERVER_API_TRIAL_ROWS_H
#define SERVER_API_TRIAL_ROWS_H

#include "server/api/list.h"

/* The columns of trials of this study: everything in CSV, what fits a terminal otherwise. */
void trial_columns(struct sheet *sheet, const struct live_study_view *study);
/* Adds the cells of one trial, in the order of these columns. */
void trial_cells(struct sheet *sheet, const struct live_study_view *study,
                 const struct trial_row *row);
/* One item of a list, in the list's format. */
void trial_item(struct item_list *listing, const struct live_study_view *study,
                const struct trial_row *row);
/* One trial with all columns: as CSV, or for people as a line for each column that is not empty. */
void trial_sheet(const struct live_study_view *study, const struct trial_row *row, bool as_csv,
                 struct buf *out);

#endif
