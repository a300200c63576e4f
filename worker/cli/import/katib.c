#include "worker/cli/import/katib.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/json.h"
#include "worker/cli/import/space.h"

bool katib_is(struct node root)
{
    const char *version = node_text(node_member(root, "apiVersion"));

    return node_says(node_member(root, "kind"), "Experiment") && version != NULL
           && strncmp(version, "kubeflow.org/", strlen("kubeflow.org/")) == 0;
}

/* ---- the objective -------------------------------------------------------------------------- */

/* What counts of a metric's values: Katib's default is the best one. */
static const char *strategy_of_metric(struct node strategies, const char *metric, struct node *at)
{
    for (size_t i = 0; i < node_size(strategies); i++) {
        *at = node_item(strategies, i);
        if (node_says(node_member(*at, "name"), metric)) {
            return node_text(node_member(*at, "value"));
        }
    }
    return NULL;
}

static void warn_of_strategies(struct import *import, struct node strategies, const char *metric)
{
    for (size_t i = 0; i < node_size(strategies); i++) {
        struct node one = node_item(strategies, i);
        if (!node_says(node_member(one, "name"), metric)
            && !node_says(node_member(one, "value"), "latest")) {
            remark(&import->remarks, one,
                   "of %s the last value is kept, not its %s: a study folds its objectives only",
                   node_show(node_member(one, "name")),
                   node_says(node_member(one, "value"), "min") ? "min" : "max");
        }
    }
}

static int read_objective(struct import *import, struct node objective, struct err *err)
{
    struct keys keys;
    struct node at = {0};
    double goal;

    keys_begin(&keys, objective);
    const char *metric = node_text(keys_get(&keys, "objectiveMetricName"));
    struct node type = keys_get(&keys, "type");
    struct node limit = keys_get(&keys, "goal");
    struct node strategies = keys_get(&keys, "metricStrategies");
    keys_skip(&keys, "additionalMetricNames"); /* every metric that is reported is kept */
    bool maximizes = node_says(type, "maximize");
    if (metric == NULL || (!maximizes && !node_says(type, "minimize"))) {
        return refuse_node(
            &import->remarks, objective, err,
            "the objective needs objectiveMetricName, and type minimize or maximize");
    }
    const char *strategy = strategy_of_metric(strategies, metric, &at);
    bool is_latest = strategy != NULL && strcasecmp(strategy, "latest") == 0;
    if (strategy != NULL && !is_latest && strcasecmp(strategy, maximizes ? "max" : "min") != 0) {
        remark(&import->remarks, at,
               "the worst value of a trial cannot count: the best one of '%.60s' does", metric);
    }
    space_add_objective(import, metric, maximizes, is_latest ? NULL : "best");
    warn_of_strategies(import, strategies, metric);
    if (node_number(limit, &goal)) {
        study_put(import, "limits", "target", space_number(goal));
    } else if (node_is_given(limit)) {
        remark(&import->remarks, limit, "the goal %s is no number; it is left out",
               node_show(limit));
    }
    keys_end(&keys, &import->remarks, "an objective");
    return 0;
}

/* ---- the algorithm -------------------------------------------------------------------------- */

static const struct algorithm {
    const char *name, *strategy;
    const char *why; /* what the sentence says where it is another one; NULL: it is the same */
} algorithms[] = {
    {"random", "random", NULL},
    {"grid", "grid", NULL},
    {"sobol", "quasirandom", NULL},
    {"bayesianoptimization", "bayesian", NULL},
    {"skopt", "bayesian", NULL},
    {"tpe", "tpe", NULL},
    {"multivariate-tpe", "tpe", NULL},
    {"hyperband", "hyperband", NULL},
    {"cmaes", "bayesian", "CMA-ES has no counterpart; 'bayesian' takes its place"},
    {"pbt", "auto",
     "training with a population (PBT) has no counterpart; the server chooses a strategy"},
};

static struct node setting_of(struct node settings, const char *name)
{
    for (size_t i = 0; i < node_size(settings); i++) {
        struct node setting = node_item(settings, i);
        if (node_says(node_member(setting, "name"), name)) {
            return node_member(setting, "value");
        }
    }
    return (struct node){0};
}

static void warn_of_settings(struct import *import, struct node settings, const char *const read[],
                             size_t n_read)
{
    for (size_t i = 0; i < node_size(settings); i++) {
        struct node setting = node_item(settings, i);
        bool is_read = false;
        for (size_t k = 0; k < n_read; k++) {
            is_read = is_read || node_says(node_member(setting, "name"), read[k]);
        }
        if (!is_read) {
            remark(
                &import->remarks, setting, "the setting %s = %s has no counterpart; it is left out",
                node_show(node_member(setting, "name")), node_show(node_member(setting, "value")));
        }
    }
}

/* hyperband: r_l of the parameter resource_name. *resource ← that name. */
static int read_hyperband(struct import *import, struct node settings, const char **resource,
                          struct err *err)
{
    OWN(buf) struct buf name = {0};
    double most;
    double eta = 3;
    struct node eta_node = setting_of(settings, "eta");

    *resource = node_text(setting_of(settings, "resource_name"));
    if (*resource == NULL || !node_number(setting_of(settings, "r_l"), &most) || most <= 0) {
        return refuse_node(&import->remarks, settings, err,
                           "hyperband needs the settings resource_name and r_l, a number above 0");
    }
    if (node_is_given(eta_node) && (!node_number(eta_node, &eta) || !(eta > 1))) {
        return refuse_node(&import->remarks, eta_node, err, "eta must be a number above 1");
    }
    buf_init(&name, 256);
    for (const char *at = *resource; *at != '\0'; at++) {
        buf_putc(&name,
                 strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-", *at)
                         != NULL
                     ? *at
                     : '_');
    }
    if (most <= 1) {
        remark(&import->remarks, settings,
               "r_l = %.6g leaves no rung; a resource from 1 to 27 is taken, and --resource "
               "%.60s=1..N says another",
               most, buf_text(&name));
        most = 27;
    }
    study_set(import, "strategy",
              json_pack("{s:s, s:o}", "name", "hyperband", "eta", space_number(eta)));
    study_set(import, "resource",
              json_pack("{s:s, s:i, s:o}", "name", buf_text(&name), "min", 1, "max",
                        space_number(floor(most))));
    return 0;
}

static int read_algorithm(struct import *import, struct node algorithm, const char **resource,
                          struct err *err)
{
    static const char *const read[] = {"resource_name", "r_l", "eta", "random_state", "seed"};
    struct keys keys;
    double seed;

    keys_begin(&keys, algorithm);
    struct node name = keys_get(&keys, "algorithmName");
    struct node settings = keys_get(&keys, "algorithmSettings");
    keys_end(&keys, &import->remarks, "an algorithm");
    bool is_hyperband = node_says(name, "hyperband");
    const struct algorithm *known = NULL;
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
        known = node_says(name, algorithms[i].name) ? &algorithms[i] : known;
    }
    if (known == NULL) {
        remark(&import->remarks, node_is_given(name) ? name : algorithm,
               "the algorithm %s is not known; the server chooses a strategy", node_show(name));
    } else if (known->why != NULL) {
        remark(&import->remarks, name, "%s", known->why);
    }
    study_set(import, "strategy", json_string(known == NULL ? "auto" : known->strategy));
    if (is_hyperband) {
        TRY(read_hyperband(import, settings, resource, err));
    }
    struct node state = setting_of(settings, "random_state");
    if (node_whole(state, &seed) && seed >= 0) {
        study_set(import, "seed", space_number(seed));
    }
    warn_of_settings(import, settings, is_hyperband ? read : read + 3, is_hyperband ? 5 : 2);
    return 0;
}

/* Katib's defaults: 3 trials, from their 4th report on. */
static void read_stopping(struct import *import, struct node stopping)
{
    static const char *const read[] = {"min_trials_required", "start_step"};
    double after = 3;
    double warmup = 4;

    if (!node_is_given(stopping)) {
        return;
    }
    struct node name = node_member(stopping, "algorithmName");
    struct node settings = node_member(stopping, "algorithmSettings");
    if (!node_says(name, "medianstop")) {
        remark(&import->remarks, stopping, "the rule %s is not known; no trial is stopped early",
               node_show(name));
        return;
    }
    (void)node_whole(setting_of(settings, read[0]), &after);
    (void)node_whole(setting_of(settings, read[1]), &warmup);
    study_set(import, "stopping",
              json_pack("{s:s, s:o, s:o}", "rule", "median", "after", space_number(after), "warmup",
                        space_number(warmup)));
    warn_of_settings(import, settings, read, 2);
}

/* ---- the space ------------------------------------------------------------------------------ */

static int read_range(struct import *import, const char *name, struct node at, struct node space,
                      bool is_int, struct err *err)
{
    struct range range = {.is_int = is_int, .has_low = true, .has_high = true};
    struct node distribution = node_member(space, "distribution");
    struct node step = node_member(space, "step");
    bool is_log = node_says(distribution, "logUniform");
    bool is_bell = node_says(distribution, "normal") || node_says(distribution, "logNormal");

    if (!node_number(node_member(space, "min"), &range.low)
        || !node_number(node_member(space, "max"), &range.high) || range.low > range.high
        || (node_is_given(step) && !(node_number(step, &range.step) && range.step > 0))) {
        return refuse_node(
            &import->remarks, at, err,
            "the feasibleSpace of '%.60s' needs numbers min <= max, and a step above "
            "0 if there is one",
            name);
    }
    if ((is_log || node_says(distribution, "logNormal")) && !(range.low > 0)) {
        return refuse_node(&import->remarks, distribution, err,
                           "'%.60s' lies on a log scale, so its min must be above 0", name);
    }
    if (node_is_given(distribution) && !is_log && !is_bell && !node_says(distribution, "uniform")) {
        remark(&import->remarks, distribution,
               "the distribution %s of '%.60s' is not known; uniform", node_show(distribution),
               name);
    }
    range.scale = is_log ? "log" : NULL;
    if (is_bell) { /* its ends are three deviations away, as Katib takes them */
        bool of_log = node_says(distribution, "logNormal");
        double low = of_log ? log(range.low) : range.low;
        double high = of_log ? log(range.high) : range.high;
        range.distribution = of_log ? "lognormal" : "normal";
        range.mean = (low + high) / 2;
        range.sd = (high - low) / 6;
    }
    space_add(import, space_range(name, &range), at);
    return 0;
}

/* Texts; those of a discrete parameter are numbers. */
static int read_list(struct import *import, const char *name, struct node at, struct node list,
                     bool are_numbers, struct err *err)
{
    json_auto_t *values = json_array();

    for (size_t i = 0; i < node_size(list); i++) {
        struct node item = node_item(list, i);
        double x;
        if (are_numbers && !node_number(item, &x)) {
            return refuse_node(&import->remarks, item, err, "%s of '%.60s' is no number",
                               node_show(item), name);
        }
        (void)(are_numbers ? json_array_append_new(values, space_number(x))
                           : json_array_append(values, json_unconst(item.value)));
    }
    struct node items = {values, list.lines};
    json_t *made = space_choices(import, name, items, (struct node){0}, err);
    if (made == NULL) {
        return -1;
    }
    space_add(import, made, at);
    return 0;
}

static int read_parameter(struct import *import, struct node at, struct err *err)
{
    struct keys keys;

    keys_begin(&keys, at);
    const char *name = node_text(keys_get(&keys, "name"));
    struct node type = keys_get(&keys, "parameterType");
    struct node space = keys_get(&keys, "feasibleSpace");
    struct node list = node_member(space, "list");
    keys_end(&keys, &import->remarks, "a parameter");
    if (name == NULL) {
        return refuse_node(&import->remarks, at, err, "a parameter has no name");
    }
    if (node_says(type, "int") || node_says(type, "double")) {
        return read_range(import, name, at, space, node_says(type, "int"), err);
    }
    if (node_says(type, "discrete") || node_says(type, "categorical")) {
        return read_list(import, name, at, list, node_says(type, "discrete"), err);
    }
    return refuse_node(&import->remarks, at, err,
                       "'%.60s' has the type %s; int, double, discrete and categorical are read",
                       name, node_show(type));
}

static int read_parameters(struct import *import, struct node parameters, const char *resource,
                           struct err *err)
{
    for (size_t i = 0; i < node_size(parameters); i++) {
        struct node at = node_item(parameters, i);
        if (resource != NULL && node_says(node_member(at, "name"), resource)) {
            continue; /* it is the study's resource */
        }
        TRY(read_parameter(import, at, err));
    }
    return json_array_size(json_object_get(import->study, "parameters")) > 0
               ? 0
               : refuse_node(&import->remarks, parameters, err,
                             "the experiment has no parameters to search");
}

/* ---- the rest ------------------------------------------------------------------------------- */

static int read_limit(struct import *import, struct keys *keys, const char *key, const char *limit,
                      struct err *err)
{
    struct node at = keys_get(keys, key);
    double n;

    if (!node_is_given(at)) {
        return 0;
    }
    if (!node_whole(at, &n) || n < 0) {
        return refuse_node(&import->remarks, at, err, "%s must be a whole number", key);
    }
    if (n > 0) {
        study_put(import, "limits", limit, space_number(n));
    } else {
        remark(&import->remarks, at, "%s: 0 sets no limit", key);
    }
    return 0;
}

static void read_metadata(struct import *import, struct node metadata)
{
    struct keys keys;
    OWN(buf) struct buf name = {0};
    const char *key;
    json_t *value;

    keys_begin(&keys, metadata);
    const char *own = node_text(keys_get(&keys, "name"));
    const char *prefix = node_text(keys_get(&keys, "generateName"));
    struct node labels = keys_get(&keys, "labels");
    const char *namespace = node_text(keys_get(&keys, "namespace"));
    keys_end(&keys, &import->remarks, "metadata");
    buf_init(&name, 256);
    import_append_name(&name, own != NULL ? own : (prefix != NULL ? prefix : ""));
    if (name.len > 0) {
        study_set(import, "name", json_string(buf_text(&name)));
    }
    if (namespace != NULL) {
        study_put(import, "labels", "namespace", json_string(namespace));
    }
    json_object_foreach (json_unconst(labels.value), key, value) {
        if (json_is_string(value)) {
            study_put(import, "labels", key, json_incref(value));
        }
    }
}

static int read_spec(struct import *import, struct node spec, struct err *err)
{
    struct keys keys;
    const char *resource = NULL;

    keys_begin(&keys, spec);
    struct node objective = keys_get(&keys, "objective");
    struct node parameters = keys_get(&keys, "parameters");
    struct node nas = keys_get(&keys, "nasConfig");
    if (node_is_given(nas)) {
        return refuse_node(&import->remarks, nas, err,
                           "a search for network structures (nasConfig) cannot be imported; write "
                           "the structure as parameters");
    }
    TRY(read_objective(import, objective, err));
    TRY(read_algorithm(import, keys_get(&keys, "algorithm"), &resource, err));
    read_stopping(import, keys_get(&keys, "earlyStopping"));
    TRY(read_parameters(import, parameters, resource, err));
    TRY(read_limit(import, &keys, "parallelTrialCount", "parallel", err));
    TRY(read_limit(import, &keys, "maxTrialCount", "trials", err));
    TRY(read_limit(import, &keys, "maxFailedTrialCount", "failures", err));
    keys_skip(&keys, "resumePolicy"); /* a study is kept, and goes on when a limit is raised */
    TRY(katib_read_template(import, keys_get(&keys, "trialTemplate"), resource, err));
    katib_read_collector(import, keys_get(&keys, "metricsCollectorSpec"), objective);
    keys_end(&keys, &import->remarks, "an experiment");
    return 0;
}

int katib_read(struct import *import, struct node root, struct err *err)
{
    struct keys keys;

    import->program = "Katib experiment";
    keys_begin(&keys, root);
    keys_skip(&keys, "apiVersion");
    keys_skip(&keys, "kind");
    keys_skip(&keys, "status"); /* of the cluster, not of the experiment's definition */
    read_metadata(import, keys_get(&keys, "metadata"));
    struct node spec = keys_get(&keys, "spec");
    if (!json_is_object(spec.value)) {
        return refuse_node(&import->remarks, root, err, "the experiment has no spec");
    }
    TRY(read_spec(import, spec, err));
    keys_end(&keys, &import->remarks, "an experiment");
    return 0;
}
