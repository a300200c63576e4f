/* A worker's node is drained or resumed by hand. */
#include <string.h>

#include "server/state/node_health.h"
#include "server/tuning/internal.h"

int tuning_worker_set(struct tuning *tuning, struct worker_set_command *command, struct err *err)
{
    struct live_node *node = node_named(&tuning->state, command->in.worker);

    if (node == NULL) {
        return err_set(err, ERR_NOT_FOUND,
                       "no worker \"%.128s\" has asked for a trial of late; GET /v1/workers lists "
                       "those that have",
                       command->in.worker);
    }
    TRY(command->in.drain ? node_drain(&tuning->state, node, err)
                          : node_resume(&tuning->state, node, err));
    tuning->state.studies_changed = true; /* whoever reads the workers next sees it */
    memcpy(command->out.node, node->row.name, sizeof command->out.node);
    command->out.state = node_state_name(node_state(node));
    return 0;
}
