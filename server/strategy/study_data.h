/* A study and its history in the form in which models and designs read them. */
#ifndef SERVER_STRATEGY_STUDY_DATA_H
#define SERVER_STRATEGY_STUDY_DATA_H

#include "server/strategy/encoding.h"
#include "server/strategy/evaluations.h"

struct study_data {
    const struct study_def *study;  /* borrowed */
    const struct history *seen;     /* borrowed */
    struct encoding encoding;       /* of the study's space */
    struct evaluations evaluations; /* of the history's trials */
};

/* ERR_NOMEM. */
MUST_USE int study_data_init(struct study_data *data, const struct study_def *study,
                             const struct history *seen, struct err *err);
void study_data_finish(struct study_data *data);
OWN_VALUE(study_data)

/* Whether a trial of this configuration exists, in any state. */
bool study_data_has_tried(const struct study_data *data, const double config[]);

#endif
