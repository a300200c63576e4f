#include "server/strategy/study_data.h"

int study_data_init(struct study_data *data, const struct study_def *study,
                    const struct history *seen, struct err *err)
{
    *data = (struct study_data){.study = study, .seen = seen};
    TRY(encoding_init(&data->encoding, study->space, err));
    return evaluations_init(&data->evaluations, study, seen, err);
}

void study_data_finish(struct study_data *data)
{
    evaluations_finish(&data->evaluations);
    encoding_finish(&data->encoding);
}

bool study_data_has_tried(const struct study_data *data, const double config[])
{
    return evaluations_contain(&data->evaluations, space_config_key(data->study->space, config));
}
