#include "worker/cli/import/wandb.h"

#include <math.h>
#include <string.h>

#include "common/json.h"
#include "worker/cli/import/space.h"

/* method may be missing where a scheduler of W&B's is named. */
bool wandb_is(struct node root)
{
    static const char *const marks[] = {"method", "program", "command", "scheduler",
                                        "early_terminate"};

    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (node_is_given(node_member(root, marks[i]))) {
            return json_is_object(node_member(root, "parameters").value);
        }
    }
    return false;
}

/* ---- what is improved ----------------------------------------------------------------------- */

static int read_metric(struct import *import, struct node metric, struct err *err)
{
    struct keys keys;
    double target;

    if (!node_is_given(metric)) {
        return 0; /* whoever imports it must say one */
    }
    keys_begin(&keys, metric);
    const char *name = node_text(keys_get(&keys, "name"));
    struct node goal = keys_get(&keys, "goal");
    struct node limit = keys_get(&keys, "target");
    if (name == NULL) {
        return refuse_node(&import->remarks, metric, err, "the metric has no name: write name: …");
    }
    if (node_is_given(goal) && !node_says(goal, "minimize") && !node_says(goal, "maximize")) {
        remark(&import->remarks, goal,
               "the goal %s is neither minimize nor maximize; W&B minimizes then", node_show(goal));
    }
    space_add_objective(import, name, node_says(goal, "maximize"), NULL);
    if (node_number(limit, &target)) {
        study_put(import, "limits", "target", space_number(target));
    } else if (node_is_given(limit)) {
        remark(&import->remarks, limit, "the target %s is no number; it is left out",
               node_show(limit));
    }
    struct node impute = keys_get(&keys, "impute");
    if (node_is_given(impute)) {
        remark(&import->remarks, impute,
               "impute has no counterpart: a failed trial has no value here, and the model learns "
               "where trials fail");
    }
    struct node running = keys_get(&keys, "impute_while_running");
    if (node_is_given(running) && !node_says(running, "false")) {
        remark(&import->remarks, running,
               "impute_while_running has no counterpart: running trials count as pending");
    }
    keys_end(&keys, &import->remarks, "a sweep's metric");
    return 0;
}

/* Several, with `method: custom`. */
static int read_metrics(struct import *import, struct node metrics, struct err *err)
{
    for (size_t i = 0; i < node_size(metrics); i++) {
        TRY(read_metric(import, node_item(metrics, i), err));
    }
    return 0;
}

/* ---- how ------------------------------------------------------------------------------------ */

static const char *strategy_of(struct import *import, struct node method)
{
    if (node_says(method, "grid")) {
        return "grid";
    }
    if (node_says(method, "random")) {
        return "random";
    }
    if (node_says(method, "bayes")) {
        return "bayesian";
    }
    remark(&import->remarks, method,
           "the method %s has no counterpart; the server chooses a strategy", node_show(method));
    return "auto";
}

/* How many steps a trial has, if a parameter says it: a constant called epochs or the like. */
static double said_steps(const struct import *import)
{
    static const char *const words[] = {"epochs",    "num_epochs", "n_epochs",  "max_epochs",
                                        "nb_epochs", "epoch",      "max_steps", "num_train_epochs"};
    size_t i;
    json_t *parameter;

    json_array_foreach (json_object_get(import->study, "parameters"), i, parameter) {
        const char *name = json_string_value(json_object_get(parameter, "name"));
        double value = json_number_value(json_object_get(parameter, "value"));
        for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
            if (name != NULL && strcmp(name, words[k]) == 0 && value >= 1
                && floor(value) == value) {
                return value;
            }
        }
    }
    return 0;
}

struct bands {
    double min, max, eta, s;
    bool has_min, has_max, has_s;
};

/* The first step at which trials are stopped, and the last one that any is trained to. */
static int place_bands(struct import *import, struct node stop, struct bands *bands,
                       struct err *err)
{
    if (bands->has_max && !bands->has_s) {
        bands->s = 1;
        remark(&import->remarks, stop, "max_iter stands without s; it is taken as s: 1");
    }
    if (bands->has_max) {
        bands->min = bands->max;
        for (double k = 0; k < bands->s && bands->min / bands->eta >= 1; k++) {
            bands->min /= bands->eta;
        }
        bands->min = floor(bands->min);
        return bands->min < bands->max
                   ? 0
                   : refuse_node(&import->remarks, stop, err,
                                 "max_iter must be above eta, and s above 0, for trials to be "
                                 "stopped");
    }
    if (!bands->has_min) {
        return refuse_node(&import->remarks, stop, err,
                           "hyperband needs min_iter, or max_iter with s");
    }
    bands->max = said_steps(import);
    if (bands->max > bands->min) {
        remark(&import->remarks, stop,
               "the sweep has no last step; %.15g is taken, as a parameter says, and --resource "
               "steps=%.15g..N says another",
               bands->max, bands->min);
        return 0;
    }
    bands->max = floor(bands->min * bands->eta * bands->eta * bands->eta);
    remark(&import->remarks, stop,
           "the sweep has no last step; %.15g is taken, and --resource steps=%.15g..N says another",
           bands->max, bands->min);
    return 0;
}

static int read_stop(struct import *import, struct node stop, const char *search, struct err *err)
{
    struct keys keys;
    struct bands bands = {.eta = 3};

    if (!node_is_given(stop)) {
        return 0;
    }
    keys_begin(&keys, stop);
    struct node type = keys_get(&keys, "type");
    bands.has_min = node_number(keys_get(&keys, "min_iter"), &bands.min);
    bands.has_max = node_number(keys_get(&keys, "max_iter"), &bands.max);
    bands.has_s = node_number(keys_get(&keys, "s"), &bands.s);
    bool is_eta = node_number(keys_get(&keys, "eta"), &bands.eta);
    struct node strict = keys_get(&keys, "strict");
    keys_end(&keys, &import->remarks, "early_terminate");
    if (!node_says(type, "hyperband")) {
        remark(&import->remarks, stop,
               "early_terminate of type %s has no counterpart; no trial is stopped early",
               node_show(type));
        return 0;
    }
    if ((is_eta && !(bands.eta > 1)) || (bands.has_min && bands.min < 1)) {
        return refuse_node(&import->remarks, stop, err,
                           "eta must be above 1, and min_iter above 0");
    }
    TRY(place_bands(import, stop, &bands, err));
    if (json_is_false(strict.value)) {
        remark(&import->remarks, strict,
               "strict: false has no counterpart: at a rung a trial's value there is compared, not "
               "the best that it had before");
    }
    study_set(import, "strategy",
              json_pack("{s:s, s:s, s:o, s:s}", "name", "asha", "mode", "stopping", "eta",
                        space_number(bands.eta), "search", search));
    study_set(import, "resource",
              json_pack("{s:s, s:o, s:o}", "name", "steps", "min", space_number(bands.min), "max",
                        space_number(bands.max)));
    return 0;
}

/* ---- the rest ------------------------------------------------------------------------------- */

/* For people: kept where they can be seen. */
static void keep_label(struct import *import, struct keys *keys, const char *key)
{
    const char *text = node_text(keys_get(keys, key));

    if (text != NULL) {
        study_put(import, "labels", key, json_string(text));
    }
}

static void keep_words(struct import *import, struct keys *keys)
{
    OWN(buf) struct buf name = {0};
    struct node given = keys_get(keys, "name");
    const char *description = node_text(keys_get(keys, "description"));

    buf_init(&name, 256);
    if (node_text(given) != NULL) {
        import_append_name(&name, node_text(given));
    }
    if (name.len > 0) {
        study_set(import, "name", json_string(buf_text(&name)));
    }
    if (description != NULL) {
        study_set(import, "description", json_string(description));
    } else if (node_text(given) != NULL && strcmp(node_text(given), buf_text(&name)) != 0) {
        study_set(import, "description", json_string(node_text(given)));
    }
    keep_label(import, keys, "project");
    keep_label(import, keys, "entity");
}

static void leave_out(struct import *import, struct keys *keys)
{
    static const struct {
        const char *key, *why;
    } left[] = {
        {"controller", "is not needed: the server of Hone steers the study"},
        {"job", "belongs to W&B Launch: start workers where the program is, with hone worker or "
                "hone submit slurm"},
        {"image_uri", "belongs to W&B Launch: run hone worker within that image"},
        {"scheduler", "has no counterpart: the strategies of Hone are in the server"},
        {"launch", "belongs to W&B Launch: start workers where the program is"},
        {"settings", "are of W&B's agent, and have no counterpart"},
    };

    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        struct node found = keys_get(keys, left[i].key);
        if (node_is_given(found)) {
            remark(&import->remarks, found, "'%s' %s", left[i].key, left[i].why);
        }
    }
    keys_skip(keys, "apiVersion");
    keys_skip(keys, "kind");
}

static int read_run_cap(struct import *import, struct node cap, struct err *err)
{
    double n;

    if (!node_is_given(cap)) {
        return 0;
    }
    if (!node_whole(cap, &n) || n < 1) {
        return refuse_node(&import->remarks, cap, err, "run_cap must be a whole number above 0");
    }
    study_put(import, "limits", "trials", space_number(n));
    return 0;
}

int wandb_read(struct import *import, struct node root, struct err *err)
{
    struct keys keys;

    import->program = "W&B sweep";
    keys_begin(&keys, root);
    struct node method = keys_get(&keys, "method");
    struct node command = keys_get(&keys, "command");
    keep_words(import, &keys);
    TRY(read_metric(import, keys_get(&keys, "metric"), err));
    TRY(read_metrics(import, keys_get(&keys, "metrics"), err));
    TRY(wandb_read_parameters(import, keys_get(&keys, "parameters"), err));
    const char *strategy = strategy_of(import, method);
    study_set(import, "strategy", json_string(strategy));
    TRY(read_stop(import, keys_get(&keys, "early_terminate"),
                  strcmp(strategy, "auto") == 0 ? "random" : strategy, err));
    TRY(read_run_cap(import, keys_get(&keys, "run_cap"), err));
    TRY(wandb_read_command(import, command, keys_get(&keys, "program"), err));
    leave_out(import, &keys);
    keys_end(&keys, &import->remarks, "a sweep");
    return 0;
}
