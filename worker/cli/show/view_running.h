/* The running trials of a view, one line each. */
#ifndef WORKER_CLI_SHOW_VIEW_RUNNING_H
#define WORKER_CLI_SHOW_VIEW_RUNNING_H

#include "worker/cli/show/picture.h"
#include "worker/cli/show/view.h"

/* As many as there is room for, under a head; nothing where there is none, or no trial runs. */
void view_draw_running(const struct view *view, struct picture *picture);

#endif
