/* hone study diff: what differs between two studies, or two trials of one. */
#include <stdbool.h>
#include <stdio.h>

#include "common/json.h"
#include "worker/cli/session.h"
#include "worker/cli/show/flat.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/show/study.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"
#include "worker/cli/verbs.h"

const struct usage usage_study_diff = {
    .arguments = "NAME NAME\nNAME TRIAL TRIAL",
    .doc = "Compares two studies, or two trials of one: only what differs is listed.\v"
           "Of studies that is their definition, their limits, how many trials are in which state "
           "and the best value; of trials their parameters, value, step and how they ended. With "
           "-o wide numbers are shown in full.",
    .flags = USAGE_SERVER | USAGE_OUTPUT,
    .n_min = 2,
    .n_max = 3,
    .missing = "name two studies, or a study and the numbers of two of its trials",
};

/* What is never the same, or says nothing. */
static const char *const of_study[] = {"name", "created_at", "revision", "slots_wanted", NULL};
static const char *const of_trial[] = {"number",     "ordinal",  "seed", "created_at",
                                       "started_at", "ended_at", "live", NULL};

/* A study with its best trial as members. */
static int ask_study(struct session *session, const char *name, json_t **found, struct err *err)
{
    OWN(buf) struct buf path = {0};
    OWN(buf) struct buf best_path = {0};
    json_auto_t *study = NULL;
    json_auto_t *best = NULL;

    if (session_previews(session, "GET", study_path(&path, name, ""), NULL)) {
        return 0;
    }
    TRY(session_get(session, buf_text(&path), &study, err));
    if (study_metric(study) != NULL) {
        TRY(session_get(session, study_path(&best_path, name, "/best"), &best, err));
        const json_t *trial = json_object_get(best, "trial");
        json_t *known = json_object();
        (void)json_object_set(known, "value", json_object_get(trial, "value"));
        (void)json_object_set(known, "parameters", json_object_get(trial, "parameters"));
        (void)json_object_set_new(study, "best", known);
    }
    *found = json_incref(study);
    return 0;
}

static int ask_trial(struct session *session, const char *name, const char *number, json_t **found,
                     struct err *err)
{
    OWN(buf) struct buf path = {0};

    (void)study_path(&path, name, "/trials/");
    http_escape(&path, number);
    if (session_previews(session, "GET", buf_text(&path), NULL)) {
        return 0;
    }
    return session_get(session, buf_text(&path), found, err);
}

static void cell(struct buf *out, const json_t *value, bool wide)
{
    if (value != NULL) {
        value_append(out, value, wide ? 17 : 6);
    }
}

static void row(struct printed_list *list, const char *name, const json_t *a, const json_t *b)
{
    OWN(buf) struct buf left = {0};
    OWN(buf) struct buf right = {0};
    bool full = list->output != OUTPUT_TABLE;
    json_auto_t *item = json_pack("{s:s, s:O?, s:O?}", "name", name, "a", a, "b", b);

    if (json_equal(a, b)) {
        return;
    }
    buf_init(&left, 1 << 20);
    buf_init(&right, 1 << 20);
    cell(&left, a, full);
    cell(&right, b, full);
    const char *const cells[] = {name, buf_text(&left), buf_text(&right)};
    printed_list_row(list, item, cells);
}

static void list_differences(const struct options *options, const char *title_a,
                             const char *title_b, const json_t *a, const json_t *b)
{
    const struct column columns[] = {
        {"name", false, false}, {title_a, false, false}, {title_b, false, false}};
    struct printed_list list;
    const char *name;
    json_t *value;

    printed_list_begin(&list, options, columns, sizeof columns / sizeof columns[0]);
    json_object_foreach (json_unconst(a), name, value) {
        row(&list, name, value, json_object_get(b, name));
    }
    json_object_foreach (json_unconst(b), name, value) {
        if (json_object_get(a, name) == NULL) {
            row(&list, name, NULL, value);
        }
    }
    printed_list_end(&list, true, "they do not differ");
}

static int diff(const struct options *options, struct err *err)
{
    OWN(session) struct session session = {0};
    json_auto_t *a = NULL;
    json_auto_t *b = NULL;
    bool of_trials = options->n_arguments == 3;
    char *const *names = options->arguments;

    TRY(session_open(options, &session, err));
    if (of_trials) {
        TRY(ask_trial(&session, names[0], names[1], &a, err));
        TRY(ask_trial(&session, names[0], names[2], &b, err));
    } else {
        TRY(ask_study(&session, names[0], &a, err));
        TRY(ask_study(&session, names[1], &b, err));
    }
    if (a == NULL || b == NULL) {
        return 0; /* only the requests are shown */
    }
    json_auto_t *flat_a = flat_object(a, of_trials ? of_trial : of_study);
    json_auto_t *flat_b = flat_object(b, of_trials ? of_trial : of_study);
    list_differences(options, names[of_trials ? 1 : 0], names[of_trials ? 2 : 1], flat_a, flat_b);
    return 0;
}

int verb_study_diff(int argc, char **argv)
{
    struct options options;
    struct err err = {0};

    options_read(&usage_study_diff, argc, argv, NULL, &options);
    return exit_after(diff(&options, &err), &err);
}
