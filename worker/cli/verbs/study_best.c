#include <inttypes.h>
#include <stdio.h>

#include "common/json.h"
#include "worker/cli/session.h"
#include "worker/cli/show/best.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/show/study.h"
#include "worker/cli/show/trials.h"
#include "worker/cli/show/trials_csv.h"
#include "worker/cli/status.h"
#include "worker/cli/verbs.h"

const struct usage usage_study_best = {
    .arguments = "NAME",
    .doc =
        "Shows the best trial of a study at the highest resource that any trial reached; with "
        "several objectives, those that no other trial beats in all of them. Where one evaluation "
        "is noisy the best observed value is a lucky one: then it also says which trial is "
        "expected to be better.",
    .flags = USAGE_SERVER | USAGE_OUTPUT,
    .n_min = 1,
    .n_max = 1,
    .missing = STUDY_MISSING,
};

/* Status 3. `best` is an answer that tells how many trials are feasible. */
static int no_best(const json_t *study, const json_t *best, struct err *err)
{
    OWN(buf) struct buf why = {0};

    buf_init(&why, 1 << 16);
    study_append_no_best(&why, study, best);
    return err_set(err, ERR_NOT_FOUND, "%s", buf_text(&why));
}

/* Full precision: the values are meant to be copied. */
static int print_best(struct session *session, const json_t *study, const json_t *best,
                      struct err *err)
{
    const struct options *options = session->options;
    const json_t *trial = json_object_get(best, "trial");

    if (!json_is_object(trial)) {
        if (options->output == OUTPUT_JSON || options->output == OUTPUT_NDJSON) {
            print_json(stdout, best);
        }
        return no_best(study, best, err);
    }
    if (options->output == OUTPUT_JSON || options->output == OUTPUT_NDJSON) {
        print_json(stdout, best);
    } else if (options->output == OUTPUT_NAME) {
        (void)printf("%" PRId64 "\n", int_at(trial, "number", 0));
    } else if (options->output == OUTPUT_CSV) {
        return trials_print_csv_one(session, text_at(study, "name"), int_at(trial, "number", 0),
                                    err);
    } else {
        best_print(stdout, study, best);
    }
    return 0;
}

static int print_front(struct session *session, const json_t *study, struct err *err)
{
    OWN(buf) struct buf path = {0};
    OWN(trials) struct trials trials = {0};

    if (session->options->output == OUTPUT_CSV) {
        return trials_print_csv(
            session, study_path(&path, text_at(study, "name"), "/pareto?format=csv"), err);
    }
    TRY(trials_begin(&trials, session->options, study, err));
    int rc = session_each(session, study_path(&path, text_at(study, "name"), "/pareto"), trials_row,
                          &trials, err);
    trials_end(&trials, rc == 0, NULL);
    TRY(rc);
    return trials.list.n_rows > 0 ? 0 : no_best(study, study, err);
}

static int show_best(const struct options *options, struct err *err)
{
    OWN(session) struct session session = {0};
    json_auto_t *study = NULL;
    json_auto_t *best = NULL;

    TRY(session_open_study(options, &session, "/best?recommended=true", &study, err));
    if (study == NULL) {
        return 0;
    }
    if (study_metric(study) == NULL) {
        return print_front(&session, study, err);
    }
    TRY(best_get(&session, &best, err));
    return print_best(&session, study, best, err);
}

int verb_study_best(int argc, char **argv)
{
    struct options options;
    struct err err = {0};

    options_read(&usage_study_best, argc, argv, NULL, &options);
    return exit_after(show_best(&options, &err), &err);
}
