#include <inttypes.h>
#include <stdio.h>

#include "worker/cli/session.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/show/study.h"
#include "worker/cli/show/trials_csv.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"
#include "worker/cli/verbs.h"

const struct usage usage_study_list = {
    .doc = "Lists the studies of the server.",
    .flags = USAGE_SERVER | USAGE_OUTPUT,
};

enum {
    NAME,
    STATE,
    DONE,
    RUNNING,
    QUEUED,
    PAUSED,
    FAILED,
    TRIALS,
    STRATEGY,
    OBJECTIVE,
    CREATED,
    N_COLUMNS
};
static const struct column columns[N_COLUMNS] = {
    [NAME] = {"name", false, false},         [STATE] = {"state", false, false},
    [DONE] = {"done", true, false},          [RUNNING] = {"running", true, false},
    [QUEUED] = {"queued", true, true},       [PAUSED] = {"paused", true, true},
    [FAILED] = {"failed", true, false},      [TRIALS] = {"of", true, false},
    [STRATEGY] = {"strategy", false, false}, [OBJECTIVE] = {"objective", false, true},
    [CREATED] = {"created", false, false},
};

static int row(void *context, json_t *study, struct err *err)
{
    struct printed_list *list = context;
    OWN(buf) struct buf state = {0};
    OWN(buf) struct buf strategy = {0};
    OWN(buf) struct buf objective = {0};
    char numbers[N_COLUMNS][24];
    char created[TEXT_MOMENT_BYTES];
    int64_t trials = int_at(json_object_get(study, "limits"), "trials", -1);

    buf_init(&state, 256);
    buf_init(&strategy, 1024);
    buf_init(&objective, 8192);
    study_append_state(&state, study);
    study_append_strategy(&strategy, study);
    study_append_objectives(&objective, study);
    (void)snprintf(numbers[DONE], sizeof numbers[0], "%" PRId64, study_count_done(study));
    (void)snprintf(numbers[RUNNING], sizeof numbers[0], "%" PRId64, study_count(study, "running"));
    (void)snprintf(numbers[QUEUED], sizeof numbers[0], "%" PRId64, study_count(study, "queued"));
    (void)snprintf(numbers[PAUSED], sizeof numbers[0], "%" PRId64, study_count(study, "paused"));
    (void)snprintf(numbers[FAILED], sizeof numbers[0], "%" PRId64, study_count(study, "failed"));
    if (trials >= 0) {
        (void)snprintf(numbers[TRIALS], sizeof numbers[0], "%" PRId64, trials);
    } else {
        numbers[TRIALS][0] = '\0';
    }
    const char *cells[N_COLUMNS] = {
        [NAME] = text_at(study, "name"),
        [STATE] = buf_text(&state),
        [DONE] = numbers[DONE],
        [RUNNING] = numbers[RUNNING],
        [QUEUED] = numbers[QUEUED],
        [PAUSED] = numbers[PAUSED],
        [FAILED] = numbers[FAILED],
        [TRIALS] = numbers[TRIALS],
        [STRATEGY] = buf_text(&strategy),
        [OBJECTIVE] = buf_text(&objective),
        [CREATED] = text_local(text_at(study, "created_at"), created),
    };
    printed_list_row(list, study, cells);
    (void)err;
    return 0;
}

static int list(const struct options *options, struct err *err)
{
    OWN(session) struct session session = {0};
    struct printed_list list;

    TRY(session_open(options, &session, err));
    if (session_previews(&session, "GET", "/v1/studies?limit=1000", NULL)) {
        return 0;
    }
    if (options->output == OUTPUT_CSV) {
        return trials_print_csv_pages(&session, "/v1/studies?format=csv", -1, err);
    }
    printed_list_begin(&list, options, columns, N_COLUMNS);
    int rc = session_each(&session, "/v1/studies?limit=1000", row, &list, err);
    printed_list_end(&list, rc == 0, "there are no studies; create one with 'hone study create'");
    return rc;
}

int verb_study_list(int argc, char **argv)
{
    struct options options;
    struct err err = {0};

    options_read(&usage_study_list, argc, argv, NULL, &options);
    return exit_after(list(&options, &err), &err);
}
