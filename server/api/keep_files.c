#include "server/api/keep_files.h"

#include "common/log.h"
#include "server/api/read.h"

struct sweep {
    struct api *api;
    struct store *store;
};

/* Asked of the newest view each time: a study may be created during a walk. */
static bool study_lives(void *context, int64_t study)
{
    const struct sweep *sweep = context;
    struct live_view *view = engine_view(sweep->api->engine);
    bool lives = read_study_name(view, study) != NULL;

    live_view_release(view);
    return lives;
}

struct question {
    int64_t attempt;
    bool lives;
};

static int look(void *context, struct attempt_row *row, struct err *err)
{
    struct question *question = context;

    (void)err;
    question->lives =
        question->lives || (row->number == question->attempt && row->end == ATTEMPT_LIVE);
    return 0;
}

static bool attempt_lives(void *context, const struct log_name *name)
{
    const struct sweep *sweep = context;
    struct question question = {.attempt = name->attempt};
    struct err err;

    return store_each_attempt(sweep->store, trial_id(name->study, name->trial), look, &question,
                              &err)
               != 0
           || question.lives;
}

/* Reader thread. */
static void run_sweep(void *argument, struct store *store)
{
    struct sweep sweep = {argument, store};
    const struct logs_world world = {&sweep, study_lives, attempt_lives};
    struct err err = {0};

    if (logs_sweep(sweep.api->logs, &world, &err) != 0) {
        log_warning("%s", err.text);
    }
}

void keep_files_start(struct api *api)
{
    struct err err = {0};

    if (api->logs != NULL && engine_read(api->engine, run_sweep, api, &err) != 0) {
        log_warning("the logs could not be looked at: %s", err.text);
    }
}

void keep_files_if_due(struct api *api)
{
    if (logs_want_sweep(api->logs)) {
        keep_files_start(api);
    }
}
