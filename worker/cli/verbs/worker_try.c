#include "worker/cli/verbs/worker_try.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/bounds_text.h"
#include "common/rng.h"
#include "common/space/space.h"
#include "common/step.h"
#include "common/utf8.h"
#include "worker/agent/folder.h"
#include "worker/agent/tree_remove.h"
#include "worker/agent/try.h"
#include "worker/cli/define/study_file.h"
#include "worker/cli/session.h"
#include "worker/cli/status.h"
#include "worker/cli/verbs/worker_try_hint.h"

#define NO_SERVER "http://127.0.0.1:1" /* never called */
#define LINE_BYTES 160                 /* shown of a line of output */

/* ---- the study ---- */

static int study_load(const struct options *options, const char *name, json_t **study,
                      struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(buf) struct buf path = {0};
    struct stat info;

    if (name == NULL) {
        *study = json_object();
        return *study == NULL ? err_set(err, ERR_NOMEM, "out of memory") : 0;
    }
    if (stat(name, &info) == 0 && S_ISREG(info.st_mode)) {
        return study_file_read(name, study, err);
    }
    TRY(session_open(options, &session, err));
    return session_get(&session, study_path(&path, name, ""), study, err);
}

/* Its objectives as a lease has them: a body may name the one there is in short. */
static json_t *objectives_of(const json_t *study)
{
    json_t *list = json_object_get(study, "objectives");
    const char *metric = json_string_value(json_object_get(study, "metric"));

    if (json_is_array(list)) {
        return json_incref(list);
    }
    if (metric == NULL) {
        return json_array();
    }
    const char *direction = text_at(study, "direction");
    return json_pack("[{s:s, s:s}]", "metric", metric, "direction", direction);
}

/* The defaults, and the middle of the other parameters, where that is legal; else a point of the
 * space that always is the same. */
static int choose_point(const struct space *space, double x[], struct err *err)
{
    struct rng rng = rng_for(1, 1);

    for (size_t i = 0; i < space->n_params; i++) {
        const struct param *param = &space->params[i];
        x[i] = param->has_default ? param->default_value : param_decode(param, 0.5);
    }
    (void)space_activate(space, x);
    return space_is_legal(space, x) ? 0 : space_sample(space, &rng, x, err);
}

/* *value ← what `write` writes of a configuration. ERR_NOMEM. */
static int as_value(const struct space *space, const double x[],
                    void (*write)(const struct space *, const double[], struct json_writer *),
                    json_t **value, struct err *err)
{
    OWN(buf) struct buf text;
    struct json_writer w;

    buf_init(&text, (size_t)1 << 22);
    json_writer_init(&w, &text);
    write(space, x, &w);
    TRY(buf_check(&text, err));
    return json_parse_own(buf_text(&text), value, err);
}

static int fill_parameters(const json_t *study, struct lease_grant *grant, struct err *err)
{
    OWN(space) struct space *space = NULL;
    struct faults faults = {0};
    double x[SPACE_PARAMS_MAX];

    if (space_from_json(json_object_get(study, "parameters"), json_object_get(study, "constraints"),
                        &space, &faults)
        != 0) {
        int rc = faults_result(&faults, err);
        faults_finish(&faults);
        return rc;
    }
    TRY(choose_point(space, x, err));
    TRY(as_value(space, x, space_config_write, &grant->values.parameters, err));
    return as_value(space, x, space_config_write_inactive, &grant->values.inactive, err);
}

/* A lease like the study's first one. */
static int make_grant(const json_t *study, struct lease_grant *grant, struct err *err)
{
    const json_t *resource = json_object_get(study, "resource");

    (void)snprintf(grant->study, sizeof grant->study, "try");
    grant->trial = 1;
    grant->attempt = 1;
    grant->seed = 1;
    grant->has_resource = json_is_object(resource);
    if (grant->has_resource) {
        (void)snprintf(grant->resource_name, sizeof grant->resource_name, "%.60s",
                       text_at(resource, "name"));
        grant->digits = step_resource_digits(resource);
        if (json_object_get(resource, "min") == NULL
            || !step_from_number(number_at(resource, "min"), grant->digits, &grant->to)) {
            grant->to = step_whole(grant->digits);
        }
    }
    grant->values.objectives = objectives_of(study);
    if (json_is_array(json_object_get(study, "parameters"))) {
        return fill_parameters(study, grant, err);
    }
    grant->values.parameters = json_object();
    grant->values.inactive = json_array();
    return 0;
}

/* ---- what happens, printed ---- */

static void print_line(const struct agent_event *event)
{
    char text[LINE_BYTES];
    size_t len = event->line_len < sizeof text ? event->line_len : sizeof text;

    memcpy(text, event->line, len);
    (void)printf("    %.*s%s\n", (int)utf8_clean(text, len), text,
                 len < event->line_len ? "…" : "");
}

static void print_event(void *context, const struct agent_event *event)
{
    char number[JSON_NUMBER_BYTES];
    char step[STEP_BYTES];

    (void)context;
    if (event->kind == AGENT_REPORTED) {
        (void)printf("step %s:", step_format(event->step, event->grant->digits, step));
        for (size_t i = 0; i < event->n_metrics; i++) {
            (void)printf(" %s=%s", event->metrics[i].metric,
                         json_format_number(event->metrics[i].value, number));
        }
        (void)printf("\n");
        print_line(event);
    } else if (event->kind == AGENT_UNREADABLE) {
        (void)printf("not understood: %s\n", event->detail);
        print_line(event);
    }
}

static void print_end(const struct try_result *result)
{
    int status = result->wait_status;

    if (result->spawn_errno != 0) {
        (void)printf("the command cannot be started: %s\n", strerror(result->spawn_errno));
    } else if (WIFSIGNALED(status)) {
        (void)printf("the command was ended by signal %d\n", WTERMSIG(status));
    } else {
        (void)printf("the command ended with status %d\n", WEXITSTATUS(status));
    }
    if (status != 0 && result->tail.len > 0) {
        (void)printf("its last lines:\n%s\n", buf_text(&result->tail));
    }
}

/* The value that an objective would give its trial. */
static void print_objective(const struct pending *measured, size_t i)
{
    char number[JSON_NUMBER_BYTES];
    char step[STEP_BYTES];
    const struct pending_objective *objective = &measured->objectives[i];
    bool best;
    struct reported_value decisive = pending_decisive(objective, &best);

    if (decisive.step < 0) {
        (void)printf("%s, the objective, was not reported\n", measured->names[i].metric);
        return;
    }
    (void)printf("value: %s=%s, the %s, at step %s\n", measured->names[i].metric,
                 json_format_number(decisive.value, number), best ? "best" : "last",
                 step_format(decisive.step, measured->digits, step));
}

/* Without a study each metric may be the objective. */
static void print_metrics(const struct pending *measured)
{
    for (size_t name = 0; name < measured->n_names; name++) {
        const struct pending_item *last = NULL;
        char number[JSON_NUMBER_BYTES];
        char step[STEP_BYTES];
        for (size_t i = 0; i < measured->n; i++) {
            const struct pending_item *item = &measured->items[i];
            if (item->name == name && (last == NULL || item->step >= last->step)) {
                last = item;
            }
        }
        if (last != NULL) {
            (void)printf("value, if %s is the objective: %s, the last, at step %s\n",
                         measured->names[name].metric, json_format_number(last->value, number),
                         step_format(last->step, measured->digits, step));
        }
    }
    if (measured->n == 0) {
        (void)printf("no metric was reported\n");
    }
}

/* Where nothing was reported: what would have read it. */
static void print_hint(const struct try_result *result)
{
    const struct pending *measured = &result->measured;
    OWN(buf) struct buf hint = {0};

    buf_init(&hint, 8000);
    worker_try_hint(buf_text(&result->head),
                    measured->n_objectives == 0 ? NULL : measured->names[0].metric, &hint);
    (void)fputs(buf_text(&hint), stdout);
}

/* Of the metrics that the study bounds, those that were not reported; returns whether all were. */
static bool print_bounded(const json_t *study, const struct pending *measured)
{
    struct metric_bound bounds[BOUNDS_MAX];
    size_t n = bounds_metrics(study, bounds);
    bool all = true;

    for (size_t i = 0; i < n; i++) {
        bool found = false;
        for (size_t k = 0; k < measured->n_names; k++) {
            found = found || strcmp(measured->names[k].metric, bounds[i].metric) == 0;
        }
        if (!found) {
            (void)printf("%s, which subject_to names, was not reported\n", bounds[i].metric);
        }
        all = all && found;
    }
    return all;
}

static bool print_result(const json_t *study, const struct try_result *result)
{
    const struct pending *measured = &result->measured;

    print_end(result);
    for (size_t i = 0; i < measured->n_objectives; i++) {
        print_objective(measured, i);
    }
    if (measured->n_objectives == 0) {
        print_metrics(measured);
    }
    bool is_bounded = print_bounded(study, measured);
    if (measured->n == 0) {
        print_hint(result);
    }
    bool is_measured =
        measured->n_objectives == 0 ? measured->n > 0 : pending_is_measured(measured);
    return is_measured && is_bounded && result->wait_status == 0 && result->spawn_errno == 0;
}

/* ---- the run ---- */

static int run_in(const char *folder, const struct agent_settings *settings,
                  struct lease_grant *grant, void (*on_agent)(struct agent *agent),
                  struct try_result *result, struct err *err)
{
    OWN(agent) struct agent *agent = NULL;
    struct agent_settings whole = *settings;

    whole.url = NO_SERVER;
    whole.token = NULL;
    whole.study = "try";
    whole.workdir = folder;
    whole.passthrough_fd = -1;
    whole.on_event = print_event;
    TRY(agent_create(&whole, &agent, err));
    on_agent(agent);
    int rc = agent_try(agent, grant, result, err);
    on_agent(NULL);
    return rc;
}

int worker_try(const struct agent_settings *settings, const struct options *options,
               const char *study, void (*on_agent)(struct agent *agent), bool *measured,
               struct err *err)
{
    json_auto_t *definition = NULL;
    OWN(lease_grant) struct lease_grant grant = {0};
    OWN(try_result) struct try_result result = {0};
    const char *base = getenv("TMPDIR");
    char folder[4096];
    struct err cleared;

    if (options->n_arguments == 0) {
        return err_set(err, ERR_INVALID, "--try: write the command behind ' -- '");
    }
    TRY(study_load(options, study, &definition, err));
    TRY(make_grant(definition, &grant, err));
    (void)snprintf(folder, sizeof folder, "%.4000s/hone-try-XXXXXX",
                   base != NULL && base[0] == '/' ? base : "/tmp");
    if (mkdtemp(folder) == NULL) {
        return err_set(err, ERR_IO, "no folder for the run can be made: %s", folder);
    }
    int rc = run_in(folder, settings, &grant, on_agent, &result, err);
    if (tree_remove_below(folder, &cleared) != 0) {
        say("%s", cleared.text);
    } else if (rmdir(folder) != 0) {
        say("the folder %s cannot be removed: %s", folder, strerror(errno));
    }
    if (rc == 0) {
        *measured = print_result(definition, &result);
    }
    return rc;
}
