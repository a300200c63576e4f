#include "server/domain/study_axes.h"
#include "common/suggest.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/step.h"
#include "server/domain/study_resource.h"

#define COUNT_MAX INT64_C(1000000000000)
#define SENTENCES_MAX 32
#define SENTENCE_BYTES 1000

/* ---- objectives ---- */

/* Reads the metric and where it shall go; the pointer of `f` is the objective's. */
static void read_objective(struct fields *f, struct objective *objective)
{
    const char *metric = fields_string(f, "metric", NULL);
    const char *direction = fields_string(f, "direction", NULL);
    const char *fold = fields_string(f, "fold", "last");

    if (metric == NULL && !fields_has(f, "metric")) {
        fields_fault(f, "metric", "is missing; name the metric that jobs report");
    } else if (metric != NULL && !name_is_metric(metric)) {
        fields_fault(f, "metric", "\"%.80s\" is no metric name: it has " NAME_METRIC_RULE, metric);
    } else if (metric != NULL) {
        (void)snprintf(objective->metric, sizeof objective->metric, "%s", metric);
    }
    if (direction != NULL && strcmp(direction, "maximize") == 0) {
        objective->direction = DIRECTION_MAXIMIZE;
    } else if ((direction == NULL && !fields_has(f, "direction"))
               || (direction != NULL && strcmp(direction, "minimize") != 0)) {
        fields_fault(f, "direction", "must be \"minimize\" or \"maximize\"");
    }
    if (strcmp(fold, "best") == 0) {
        objective->fold = FOLD_BEST;
    } else if (strcmp(fold, "last") != 0) {
        fields_fault(f, "fold", "must be \"last\" or \"best\"");
    }
}

/* Of one among several; after the list's length is known. */
static void read_goal(struct fields *f, size_t n_objectives, struct objective *objective)
{
    if (fields_has(f, "goal") && n_objectives == 1) {
        fields_fault(f, "goal",
                     "is for one of several objectives; a single one may end the study with "
                     "limits.target, or be bounded with subject_to");
    }
    objective->goal = fields_real(f, "goal", (double)NAN);
    objective->has_goal = isfinite(objective->goal);
}

static void read_objective_list(struct fields *f, const json_t *list, struct study_def *def)
{
    size_t n = json_array_size(list);

    if (n == 0 || n > OBJECTIVES_MAX) {
        fields_fault(f, "objectives", "must list 1 to %d objectives", OBJECTIVES_MAX);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct fields one;
        char pointer[32];
        (void)snprintf(pointer, sizeof pointer, "/objectives/%zu", i);
        if (!json_is_object(json_array_get(list, i))) {
            faults_add(f->faults, pointer, "must be an object with metric and direction");
            continue;
        }
        fields_begin(&one, json_array_get(list, i), pointer, f->faults);
        read_objective(&one, &def->objectives[i]);
        read_goal(&one, n, &def->objectives[i]);
        fields_end(&one);
        for (size_t j = 0; j < i && def->objectives[i].metric[0] != '\0'; j++) {
            if (strcmp(def->objectives[i].metric, def->objectives[j].metric) == 0) {
                fields_fault(&one, "metric", "\"%s\" is an objective already",
                             def->objectives[i].metric);
                break;
            }
        }
    }
    def->n_objectives = n;
}

void study_read_objectives(struct fields *f, struct study_def *def)
{
    const json_t *list = fields_array(f, "objectives");
    bool is_short = fields_has(f, "metric") || fields_has(f, "direction");

    if (is_short && fields_has(f, "objectives")) {
        fields_fault(f, "metric", "is the short form of one objective; leave out one of the two");
    }
    if (list != NULL) {
        read_objective_list(f, list, def);
        (void)fields_any(f, "metric");
        (void)fields_any(f, "direction");
        (void)(is_short ? fields_any(f, "fold") : NULL);
    } else if (is_short) {
        read_objective(f, &def->objectives[0]);
        def->n_objectives = 1;
    } else if (!fields_has(f, "objectives")) {
        fields_fault(f, "objectives",
                     "is missing; say [{\"metric\": \"loss\", \"direction\": \"minimize\"}]");
    }
}

/* ---- outcome constraints ---- */

/* Is there another bound on the metric that this one repeats, or that leaves no value between? */
static void check_bound(struct fields *f, const char *at, size_t i, const struct study_def *def)
{
    const struct metric_bound *bound = &def->bounds[i];

    for (size_t k = 0; k < i; k++) {
        const struct metric_bound *other = &def->bounds[k];
        char text[METRIC_BOUND_BYTES];
        if (strcmp(bound->metric, other->metric) != 0) {
            continue;
        }
        if (bound->is_lower == other->is_lower) {
            fields_fault(f, at, "bounds \"%.80s\" on the same side as \"%.200s\"; leave one out",
                         bound->metric, metric_bound_text(other, text));
        } else if (bound->is_lower ? bound->limit > other->limit : bound->limit < other->limit) {
            fields_fault(f, at, "no value satisfies this and \"%.200s\"; mend one of the two",
                         metric_bound_text(other, text));
        }
    }
}

void study_read_bounds(struct fields *f, struct study_def *def)
{
    const json_t *list = fields_array(f, "subject_to");
    size_t n = json_array_size(list);

    if (n > BOUNDS_MAX) {
        fields_fault(f, "subject_to", "must list at most %d constraints", BOUNDS_MAX);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i);
        const char *text = json_string_value(item);
        struct err err = {0};
        char at[32];
        (void)snprintf(at, sizeof at, "subject_to/%zu", i);
        if (text == NULL || strlen(text) != json_string_length(item)) {
            fields_fault(f, at, "must be a string such as \"p99_ms <= 500\"");
        } else if (metric_bound_parse(text, &def->bounds[i], &err) != 0) {
            fields_fault(f, at, "%s", err.text);
        } else {
            check_bound(f, at, i, def);
        }
    }
    def->n_bounds = n;
}

/* ---- strategy, stopping, resource ---- */

static bool is_among(const char *name, const char *const names[])
{
    for (size_t i = 0; names[i] != NULL; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* A copy without the named members and without nulls; an option that is null is one not given. */
static json_t *copy_options(struct fields *f, const json_t *object, const char *const without[])
{
    json_auto_t *copy = json_object();
    const char *key;
    json_t *value;

    json_object_foreach (json_unconst(object), key, value) {
        if (!is_among(key, without) && !json_is_null(value)
            && json_object_set(copy, key, value) != 0) {
            faults_no_memory(f->faults);
            return NULL;
        }
    }
    if (copy == NULL) {
        faults_no_memory(f->faults);
    }
    return json_incref(copy);
}

static bool are_sentences(const json_t *list)
{
    size_t n = json_array_size(list);

    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i);
        if (!json_is_string(item) || json_string_length(item) > SENTENCE_BYTES) {
            return false;
        }
    }
    return n <= SENTENCES_MAX;
}

/* What was chosen for `auto`, as study_def_write() wrote it. */
static void read_chosen(struct fields *f, struct chosen *chosen)
{
    static const char *const ours[] = {"name", "because", NULL};
    const json_t *given = fields_object(f, "chosen");
    struct fields one;

    if (given == NULL) {
        return;
    }
    fields_begin(&one, given, "/strategy/chosen", f->faults);
    const char *name = fields_string(&one, "name", NULL);
    const json_t *because = fields_array(&one, "because");
    if (name == NULL || name[0] == '\0' || strlen(name) >= sizeof chosen->name) {
        fields_fault(&one, "name", "must be the name of a strategy");
    } else if (!are_sentences(because)) {
        fields_fault(&one, "because", "must be at most %d sentences of at most %d bytes",
                     SENTENCES_MAX, SENTENCE_BYTES);
    } else {
        (void)snprintf(chosen->name, sizeof chosen->name, "%s", name);
        chosen->options = copy_options(&one, given, ours);
        chosen->because = because == NULL ? json_array() : fields_copy(&one, because);
        if (chosen->because == NULL) {
            faults_no_memory(f->faults);
        }
    }
}

static void read_strategy_object(struct fields *f, const json_t *given, struct study_def *def)
{
    static const char *const ours[] = {"name", "serving", "chosen", NULL};
    static const char *const all[] = {"name", "serving", NULL};
    struct fields one;

    fields_begin(&one, given, "/strategy", f->faults);
    const char *name = fields_string(&one, "name", NULL);
    const char *serving = fields_string(&one, "serving", "prepared");
    if (name == NULL && !fields_has(&one, "name")) {
        fields_fault(&one, "name", "is missing; say which strategy, such as \"random\"");
    } else if (name != NULL) {
        (void)snprintf(def->strategy, sizeof def->strategy, "%s", name);
    }
    if (strcmp(serving, "exact") == 0) {
        def->serving = SERVING_EXACT;
    } else if (strcmp(serving, "prepared") != 0) {
        fields_fault(&one, "serving", "must be \"prepared\" or \"exact\"");
    }
    bool is_auto = strcmp(def->strategy, "auto") == 0;
    if (is_auto) {
        read_chosen(&one, &def->chosen);
    }
    def->strategy_options = copy_options(&one, given, is_auto ? ours : all);
}

void study_read_strategy(struct fields *f, struct study_def *def)
{
    const json_t *given = fields_any(f, "strategy");

    def->serving = SERVING_PREPARED;
    (void)snprintf(def->strategy, sizeof def->strategy, "auto");
    if (json_is_object(given)) {
        read_strategy_object(f, given, def);
    } else if (given != NULL && !json_is_string(given)) {
        fields_fault(f, "strategy", "must be a name, or an object with name and options");
    } else if (given != NULL) {
        (void)snprintf(def->strategy, sizeof def->strategy, "%s", json_string_value(given));
    }
    if (def->strategy_options == NULL) {
        def->strategy_options = json_object();
    }
    if (json_is_string(given) && strlen(json_string_value(given)) >= sizeof def->strategy) {
        fields_fault(f, "strategy", "no strategy has a name this long");
    }
}

/* NULL: it is no text, or is missing. */
static void refuse_rule(struct fields *stopping, const char *rule)
{
    struct suggestion_for meant = {.word = rule};
    char question[SUGGEST_QUESTION_BYTES];

    if (rule == NULL) {
        if (!fields_has(stopping, "rule")) {
            fields_fault(stopping, "rule", "must be \"median\" or \"threshold\"");
        }
        return;
    }
    suggest_offer(&meant, "median");
    suggest_offer(&meant, "threshold");
    fields_fault(stopping, "rule", "there is no rule \"%.60s\"; %suse median or threshold", rule,
                 suggest_question(&meant, question));
}

void study_read_stopping(struct fields *f, struct study_def *def)
{
    static const char *const ours[] = {"rule", NULL};
    const json_t *given = fields_object(f, "stopping");
    int digits = def->resource_digits;
    int64_t most = study_step_most(digits);
    struct fields one;

    if (given == NULL) {
        return;
    }
    fields_begin(&one, given, "/stopping", f->faults);
    const char *rule = fields_string(&one, "rule", NULL);
    if (rule != NULL && strcmp(rule, "median") == 0) {
        def->stopping = STOPPING_MEDIAN;
        (void)fields_int(&one, "after", 5, 1, COUNT_MAX);
        (void)fields_step(&one, "warmup", digits, 1, 0, most);
    } else if (rule != NULL && strcmp(rule, "threshold") == 0) {
        def->stopping = STOPPING_THRESHOLD;
        (void)fields_step(&one, "step", digits, 0, 0, most);
        (void)fields_real(&one, "value", 0);
        if (!fields_has(&one, "step")) {
            fields_fault(&one, "step", "is missing; say from which step on the value must hold");
        }
        if (!fields_has(&one, "value")) {
            fields_fault(&one, "value", "is missing; a trial worse than it is stopped");
        }
    } else {
        refuse_rule(&one, rule);
        return;
    }
    fields_end(&one);
    def->stopping_options = copy_options(&one, given, ours);
}
