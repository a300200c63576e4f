#include "worker/cli/import/nni.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/json.h"
#include "worker/cli/define/lines.h"
#include "worker/cli/define/span.h"
#include "worker/cli/define/text_file.h"
#include "worker/cli/define/yaml.h"
#include "worker/cli/import/space.h"
#include "worker/cli/import/words.h"

enum { SPACE_BYTES = 8 << 20 };
static const struct json_limits limits = {.bytes = SPACE_BYTES, .depth = 32, .values = 1000000};

/* Version 2 writes camelCase, its files also snake_case; version 1 has other words. */
static struct node get(struct keys *keys, const char *a, const char *b, const char *c)
{
    const char *const names[] = {a, b, c};
    struct node found = {0};

    for (size_t i = 0; i < 3; i++) {
        if (names[i] != NULL) {
            struct node node = keys_get(keys, names[i]);
            found = node_is_given(node) ? node : found;
        }
    }
    return found;
}

bool nni_is(struct node root)
{
    static const char *const marks[] = {"searchSpace",  "searchSpaceFile",   "searchSpacePath",
                                        "search_space", "search_space_file", "trialConcurrency",
                                        "trialCommand", "trial_command"};

    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (node_is_given(node_member(root, marks[i]))) {
            return true;
        }
    }
    return nni_is_space(root);
}

/* ---- the space ------------------------------------------------------------------------------ */

/* Beside the experiment's file, unless its path is a whole one. */
static int space_path(const struct import *import, const char *name, char path[PATH_MAX],
                      struct err *err)
{
    const char *slash = strrchr(import->path, '/');
    int folder = name[0] == '/' || slash == NULL ? 0 : (int)(slash + 1 - import->path);
    int len = snprintf(path, PATH_MAX, "%.*s%s", folder, import->path, name);
    struct stat status;

    if (len >= PATH_MAX || stat(path, &status) != 0 || !S_ISREG(status.st_mode)) {
        return err_set(err, ERR_INVALID,
                       "%.120s: the file of its search space, %.120s, cannot be read", import->path,
                       name);
    }
    return 0;
}

static int read_space_file(struct import *import, struct node file, struct err *err)
{
    OWN(buf) struct buf text = {0};
    json_auto_t *value = NULL;
    json_auto_t *lines = NULL;
    char path[PATH_MAX];
    const char *own = import->remarks.file;

    if (node_text(file) == NULL) {
        return refuse_node(&import->remarks, file, err, "the search space's file must be a path");
    }
    TRY(space_path(import, node_text(file), path, err));
    buf_init(&text, SPACE_BYTES);
    TRY(text_file_read(path, &text, err));
    const char *first = buf_text(&text) + strspn(buf_text(&text), " \t\r\n");
    int rc = *first == '{' ? json_parse(buf_text(&text), text.len, &limits, &value, err)
                           : yaml_to_json_lines(buf_text(&text), text.len, &value, &lines, err);
    if (rc != 0) {
        return err->code == ERR_NOMEM ? -1 : err_wrap(err, "%.120s, %.60s", path, err->where);
    }
    if (lines == NULL) {
        lines = json_lines(buf_text(&text), value);
    }
    struct node space = {value, lines};
    remarks_begin_file(&import->remarks, path);
    rc = nni_read_space(import, space, err);
    remarks_begin_file(&import->remarks, own);
    return rc;
}

static int read_space(struct import *import, struct node inside, struct node file, struct err *err)
{
    if (node_is_given(inside)) {
        return nni_read_space(import, inside, err);
    }
    if (node_is_given(file)) {
        return read_space_file(import, file, err);
    }
    return err_set(err, ERR_INVALID, "%.120s: the experiment has no search space",
                   import->remarks.file);
}

/* ---- the tuner ------------------------------------------------------------------------------ */

static const struct tuner {
    const char *name, *strategy, *why;
} tuners[] = {
    {"TPE", "tpe", NULL},
    {"Random", "random", NULL},
    {"GridSearch", "grid", NULL},
    {"Grid", "grid", NULL},
    {"GP", "bayesian", NULL},
    {"GPTuner", "bayesian", NULL},
    {"SMAC", "bayesian", "SMAC's forest has no counterpart; 'bayesian' takes its place"},
    {"Metis", "bayesian", NULL},
    {"MetisTuner", "bayesian", NULL},
    {"DNGO", "bayesian", "DNGO has no counterpart; 'bayesian' takes its place"},
    {"DNGOTuner", "bayesian", "DNGO has no counterpart; 'bayesian' takes its place"},
    {"Anneal", "bayesian", "annealing has no counterpart; 'bayesian' takes its place"},
    {"Evolution", "bayesian", "evolution has no counterpart; 'bayesian' takes its place"},
    {"Hyperband", "hyperband", NULL},
    {"BOHB", "bohb", NULL},
    {"PBT", "auto", "training with a population (PBT) has no counterpart; the server chooses"},
    {"PBTTuner", "auto", "training with a population (PBT) has no counterpart; the server chooses"},
    {"BatchTuner", "grid", NULL},
    {"Batch", "grid", NULL},
};

/* R, or max_budget and min_budget. */
static void read_budget(struct import *import, struct keys *args, const char *strategy,
                        struct node at)
{
    double most = 0;
    double least = 1;
    double eta = 3;

    bool is_said = node_number(get(args, "R", "max_budget", NULL), &most) && most > 1;
    (void)node_number(keys_get(args, "min_budget"), &least);
    (void)node_number(keys_get(args, "eta"), &eta);
    if (!is_said || !(least > 0 && least < most)) {
        most = strcmp(strategy, "bohb") == 0 ? 3 : 60; /* NNI's defaults */
        least = 1;
    }
    study_set(import, "strategy",
              json_pack("{s:s, s:o}", "name", strategy, "eta", space_number(eta > 1 ? eta : 3)));
    study_set(import, "resource",
              json_pack("{s:s, s:o, s:o}", "name", "budget", "min", space_number(least), "max",
                        space_number(most)));
    remark(&import->remarks, at,
           "the budget of a trial (TRIAL_BUDGET) is {resource.to} in the command, or "
           "HONE_RESOURCE_TO");
}

static const struct tuner *find_tuner(struct node name)
{
    for (size_t i = 0; i < sizeof tuners / sizeof tuners[0]; i++) {
        if (node_says(name, tuners[i].name)) {
            return &tuners[i];
        }
    }
    return NULL;
}

/* *maximizes ← what the tuner improves; NNI's own default is to maximize. */
static void read_tuner(struct import *import, struct node tuner, bool *maximizes)
{
    struct keys keys;
    struct keys args;
    double seed;

    *maximizes = true;
    if (!node_is_given(tuner)) {
        return;
    }
    keys_begin(&keys, tuner);
    struct node name = get(&keys, "name", "builtinTunerName", "builtinAdvisorName");
    keys_begin(&args, get(&keys, "classArgs", "class_args", NULL));
    keys_end(&keys, &import->remarks, "a tuner");
    *maximizes = !node_says(get(&args, "optimize_mode", NULL, NULL), "minimize");
    const struct tuner *known = find_tuner(name);
    if (known == NULL) {
        remark(&import->remarks, tuner, "the tuner %s is not known; the server chooses a strategy",
               node_show(name));
    } else if (known->why != NULL) {
        remark(&import->remarks, name, "%s", known->why);
    }
    const char *strategy = known == NULL ? "auto" : known->strategy;
    study_set(import, "strategy", json_string(strategy));
    if (strcmp(strategy, "hyperband") == 0 || strcmp(strategy, "bohb") == 0) {
        read_budget(import, &args, strategy, tuner);
    }
    if (node_whole(keys_get(&args, "seed"), &seed) && seed >= 0) {
        study_set(import, "seed", space_number(seed));
    }
    keys_end(&args, &import->remarks, "a tuner's classArgs");
}

static void read_assessor(struct import *import, struct node assessor)
{
    struct keys args;
    double warmup = 0;
    struct node name = node_member(assessor, "name");

    if (!node_is_given(assessor)) {
        return;
    }
    name = node_is_given(name) ? name : node_member(assessor, "builtinAssessorName");
    struct node arguments = node_member(assessor, "classArgs");
    keys_begin(&args, node_is_given(arguments) ? arguments : node_member(assessor, "class_args"));
    keys_skip(&args, "optimize_mode");
    if (!node_says(name, "Medianstop")) {
        remark(
            &import->remarks, assessor,
            node_says(name, "Curvefitting")
                ? "Curvefitting has no counterpart as a rule; --strategy asha,mode=predictive with "
                  "--resource STEPS=1..N also predicts curves"
                : "the assessor is not known; no trial is stopped early");
        return;
    }
    (void)node_whole(keys_get(&args, "start_step"), &warmup);
    study_set(import, "stopping",
              json_pack("{s:s, s:o}", "rule", "median", "warmup", space_number(warmup)));
    keys_end(&args, &import->remarks, "Medianstop");
}

/* ---- the trials ----------------------------------------------------------------------------- */

/* NNI gives the line to a shell; where it needs none, its words are the command. */
static void read_command(struct import *import, struct node command)
{
    const char *text = node_text(command);
    OWN(memory) char *copy = text == NULL ? NULL : strdup(text);
    char *rest = NULL;

    if (copy == NULL) {
        return;
    }
    if (strpbrk(text, "\"'\\$`&|;<>()*?[]#~{}!\n") != NULL) {
        words_add(&import->command, "bash");
        words_add(&import->command, "-c");
        words_add(&import->command, text);
        remark(&import->remarks, command,
               "nni.get_next_parameter() and nni.report_…() have no counterpart: the program finds "
               "its parameters in HONE_PARAM_…, or in the file HONE_PARAMS_FILE, and prints 'hone: "
               "step=1 default=0.5'");
        return;
    }
    for (char *word = strtok_r(copy, " \t", &rest); word != NULL;
         word = strtok_r(NULL, " \t", &rest)) {
        words_add(&import->command, word);
    }
    words_add_template(&import->command, "{args}");
    remark(&import->remarks, command,
           "nni.get_next_parameter() and nni.report_…() have no counterpart: the program gets its "
           "parameters as --name=value (or from HONE_PARAMS_FILE) and prints 'hone: step=1 "
           "default=0.5'");
}

static int read_limit(struct import *import, struct node at, const char *limit, struct err *err)
{
    double n;

    if (!node_is_given(at)) {
        return 0;
    }
    if (!node_whole(at, &n) || n < 1) {
        return refuse_node(&import->remarks, at, err,
                           "%s is no whole number above 0, and it limits the experiment",
                           node_show(at));
    }
    study_put(import, "limits", limit, space_number(n));
    return 0;
}

/* "24h", or a number of seconds. */
static int read_span(struct import *import, struct node at, const char *limit, struct err *err)
{
    double seconds = -1;

    if (!node_is_given(at)) {
        return 0;
    }
    if (json_is_number(at.value)) {
        (void)node_number(at, &seconds);
    } else if (node_text(at) != NULL) {
        seconds = span_seconds(node_text(at));
    }
    if (!(seconds > 0)) {
        return refuse_node(&import->remarks, at, err, "%s is no span such as 30m, 24h or 2d",
                           node_show(at));
    }
    study_put(import, "limits", limit, space_number(seconds));
    return 0;
}

static void leave_out(struct import *import, struct keys *keys)
{
    static const struct {
        const char *key, *why;
    } left[] = {
        {"trainingService", "where trials run is where workers are started: hone worker, hone "
                            "submit slurm, deploy/kubernetes"},
        {"training_service", "where trials run is where workers are started: hone worker, hone "
                             "submit slurm, deploy/kubernetes"},
        {"trainingServicePlatform", "where trials run is where workers are started: hone worker, "
                                    "hone submit slurm, deploy/kubernetes"},
        {"machineList", "start a worker on each of these machines"},
        {"localConfig", "GPUs are chosen by hone worker --gpus"},
        {"sharedStorage", "has no counterpart; hone worker --workdir and --checkpoints say where "
                          "files lie"},
        {"tunerGpuIndices", "is not needed: the server uses no GPU"},
        {"nniManagerIp", "is not needed: workers call the server by its URL"},
        {"experimentWorkingDirectory", "has no counterpart; hone worker --workdir says where jobs "
                                       "run"},
    };
    static const char *const silent[] = {"debug",         "logLevel",     "authorName",
                                         "useAnnotation", "versionCheck", "logDir",
                                         "logCollection", "description"};

    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        struct node found = keys_get(keys, left[i].key);
        if (node_is_given(found)) {
            remark(&import->remarks, found, "%s: %s", left[i].key, left[i].why);
        }
    }
    for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++) {
        struct node found = keys_get(keys, silent[i]);
        if (node_is_given(found)) {
            remark(&import->remarks, found, "%s is of NNI itself; it is left out", silent[i]);
        }
    }
}

static void read_folder(struct import *import, struct node folder)
{
    if (node_is_given(folder) && !node_says(folder, ".")) {
        remark(&import->remarks, folder,
               "start the worker in %s, where the program lies: jobs run where it was started",
               node_show(folder));
    }
}

/* Version 1 puts it into an object. */
static void read_trial(struct import *import, struct node trial, struct node *command,
                       struct node *gpus)
{
    struct keys keys;

    keys_begin(&keys, trial);
    struct node own = keys_get(&keys, "command");
    struct node number = keys_get(&keys, "gpuNum");
    read_folder(import, keys_get(&keys, "codeDir"));
    keys_end(&keys, &import->remarks, "a trial");
    *command = node_is_given(own) ? own : *command;
    *gpus = node_is_given(number) ? number : *gpus;
}

static int read_trials(struct import *import, struct keys *keys, struct err *err)
{
    struct node command = get(keys, "trialCommand", "trial_command", NULL);
    struct node gpus = get(keys, "trialGpuNumber", "trial_gpu_number", NULL);
    double n;

    read_trial(import, keys_get(keys, "trial"), &command, &gpus);
    read_folder(import, get(keys, "trialCodeDirectory", "trial_code_directory", NULL));
    read_command(import, command);
    if (node_whole(gpus, &n) && n > 0) {
        study_put(import, "requires", "gpus", space_number(n));
    }
    TRY(read_limit(import, get(keys, "trialConcurrency", "trial_concurrency", NULL), "parallel",
                   err));
    TRY(read_limit(import, get(keys, "maxTrialNumber", "maxTrialNum", "max_trial_number"), "trials",
                   err));
    TRY(read_span(import,
                  get(keys, "maxExperimentDuration", "maxExecDuration", "max_experiment_duration"),
                  "seconds", err));
    return read_span(import, get(keys, "maxTrialDuration", "max_trial_duration", NULL),
                     "trial_seconds", err);
}

static void read_name(struct import *import, struct node name)
{
    OWN(buf) struct buf text = {0};

    buf_init(&text, 256);
    if (node_text(name) != NULL) {
        import_append_name(&text, node_text(name));
    }
    if (text.len > 0) {
        study_set(import, "name", json_string(buf_text(&text)));
    }
}

static int read_experiment(struct import *import, struct node root, struct err *err)
{
    struct keys keys;
    bool maximizes;

    keys_begin(&keys, root);
    read_name(import, get(&keys, "experimentName", "experiment_name", NULL));
    struct node tuner = keys_get(&keys, "tuner");
    struct node advisor = keys_get(&keys, "advisor");
    read_tuner(import, node_is_given(tuner) ? tuner : advisor, &maximizes);
    space_add_objective(import, "default", maximizes, NULL);
    struct node inside = get(&keys, "searchSpace", "search_space", NULL);
    struct node file = get(&keys, "searchSpaceFile", "searchSpacePath", "search_space_file");
    TRY(read_space(import, inside, file, err));
    read_assessor(import, keys_get(&keys, "assessor"));
    TRY(read_trials(import, &keys, err));
    leave_out(import, &keys);
    keys_end(&keys, &import->remarks, "an experiment");
    return 0;
}

int nni_read(struct import *import, struct node root, struct err *err)
{
    import->program = "NNI experiment";
    if (!nni_is_space(root)) {
        return read_experiment(import, root, err);
    }
    space_add_objective(import, "default", true, NULL);
    remark_at(
        &import->remarks, 0,
        "a search space names no objective: 'default' is maximized, as NNI calls what a trial "
        "reports; --minimize METRIC says another");
    return nni_read_space(import, root, err);
}
