/* What tools do beside sending their arguments to one route: bodies that are made, routes that
 * follow, words around what is shown. See struct tool for when each kind is called. Loop thread. */
#ifndef SERVER_MCP_STEPS_H
#define SERVER_MCP_STEPS_H

#include "server/mcp/call.h"

/* A page of a list: with its cursor. */
void step_show_page(struct call *call, const struct http_response *response);
/* create_study: of a definition, or of what is advised for it. */
void step_prepare_study(struct call *call, struct buf *body, struct faults *faults);
void step_after_study(struct call *call, const struct http_response *response);
/* study_status, with the definition or without. */
void step_prepare_status(struct call *call, struct buf *body, struct faults *faults);
void step_show_status(struct call *call, const struct http_response *response);
/* best, in a study with several objectives. */
void step_show_best(struct call *call, const struct http_response *response);
bool step_show_best_despite(struct call *call, const struct http_response *response);
/* propose_trials */
void step_prepare_proposals(struct call *call, struct buf *body, struct faults *faults);
void step_show_proposed(struct call *call, const struct http_response *response);
/* steer */
void step_prepare_steer(struct call *call, struct buf *body, struct faults *faults);
void step_after_steer(struct call *call, const struct http_response *response);
/* wait */
void step_show_waited(struct call *call, const struct http_response *response);

#endif
