/* An Experiment of Katib (kubeflow.org/v1beta1, v1alpha3), in YAML or JSON. */
#ifndef WORKER_CLI_IMPORT_KATIB_H
#define WORKER_CLI_IMPORT_KATIB_H

#include <stdbool.h>

#include "worker/cli/import/import.h"

bool katib_is(struct node root);
MUST_USE int katib_read(struct import *import, struct node root, struct err *err);

/* spec.trialTemplate: the command of the primary container. `resource`: the parameter that is the
 * study's resource; NULL: none. */
MUST_USE int katib_read_template(struct import *import, struct node template, const char *resource,
                                 struct err *err);
/* spec.metricsCollectorSpec: how the metrics are found in the output. */
void katib_read_collector(struct import *import, struct node collector, struct node objective);

#endif
