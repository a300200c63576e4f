/* What the pages of `hone top` say, apart from where it stands on the screen. Pure. */
#ifndef WORKER_CLI_TOP_PAGES_H
#define WORKER_CLI_TOP_PAGES_H

#include "worker/cli/top/grid.h"
#include "worker/cli/top/model.h"

/* Fill a grid, which the caller finishes, with a row for each of the rows [from, to). */
void page_studies(const struct top_rows *rows, size_t from, size_t to, struct grid *grid);
void page_workers(const struct top *top, const struct top_rows *rows, size_t from, size_t to,
                  struct grid *grid);
void page_trials(const struct top *top, const struct top_rows *rows, struct grid *grid);

/* Append a page of text, in lines that may be wrapped to `width`. */
void page_trial(const struct top *top, size_t width, struct buf *out);
void page_worker(const struct top *top, size_t width, struct buf *out);
void page_brackets(const struct top *top, size_t width, struct buf *out);
void page_help(size_t width, struct buf *out);

#endif
