/* The normalised body. Members of objects that users wrote are sorted by name, so that equal
 * definitions give equal text. */
#include "server/domain/study.h"

#include <string.h>

#include "common/step.h"

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void write_sorted_members(struct json_writer *w, const json_t *object);

static void write_sorted(struct json_writer *w, const json_t *value)
{
    size_t i;
    json_t *item;

    if (json_is_object(value)) {
        json_object_begin(w);
        write_sorted_members(w, value);
        json_object_end(w);
    } else if (json_is_array(value)) {
        json_array_begin(w);
        json_array_foreach (value, i, item) {
            write_sorted(w, item);
        }
        json_array_end(w);
    } else {
        json_write_value(w, value);
    }
}

static void write_sorted_members(struct json_writer *w, const json_t *object)
{
    size_t n = 0;
    OWN(memory) const char **keys = calloc(json_object_size(object) + 1, sizeof *keys);
    const char *key;
    json_t *value;

    if (keys == NULL) {
        buf_lack_memory(w->out);
        return;
    }
    json_object_foreach (json_unconst(object), key, value) {
        keys[n++] = key;
    }
    qsort(keys, n, sizeof *keys, compare_texts);
    for (size_t i = 0; i < n; i++) {
        json_write_key(w, keys[i]);
        write_sorted(w, json_object_get(object, keys[i]));
    }
}

static void put_sorted(struct json_writer *w, const char *key, const json_t *value)
{
    json_write_key(w, key);
    write_sorted(w, value);
}

void study_write_objectives(const struct study_def *def, struct json_writer *w)
{
    json_array_begin(w);
    for (size_t i = 0; i < def->n_objectives; i++) {
        const struct objective *objective = &def->objectives[i];
        json_object_begin(w);
        json_put_string(w, "metric", objective->metric);
        json_put_string(w, "direction",
                        objective->direction == DIRECTION_MAXIMIZE ? "maximize" : "minimize");
        json_put_string(w, "fold", objective->fold == FOLD_BEST ? "best" : "last");
        if (objective->has_goal) {
            json_put_number(w, "goal", objective->goal);
        }
        json_object_end(w);
    }
    json_array_end(w);
}

void study_write_bounds(const struct study_def *def, struct json_writer *w)
{
    char text[METRIC_BOUND_BYTES];

    json_array_begin(w);
    for (size_t i = 0; i < def->n_bounds; i++) {
        json_write_string(w, metric_bound_text(&def->bounds[i], text));
    }
    json_array_end(w);
}

static void write_chosen(const struct chosen *chosen, struct json_writer *w)
{
    json_write_key(w, "chosen");
    json_object_begin(w);
    json_put_string(w, "name", chosen->name);
    write_sorted_members(w, chosen->options);
    json_put_value(w, "because", chosen->because);
    json_object_end(w);
}

static void write_strategy(const struct study_def *def, bool with_chosen, struct json_writer *w)
{
    json_write_key(w, "strategy");
    json_object_begin(w);
    json_put_string(w, "name", def->strategy);
    write_sorted_members(w, def->strategy_options);
    if (def->serving == SERVING_EXACT) {
        json_put_string(w, "serving", "exact");
    }
    if (with_chosen && def->chosen.name[0] != '\0') {
        write_chosen(&def->chosen, w);
    }
    json_object_end(w);
}

static void write_stopping(const struct study_def *def, struct json_writer *w)
{
    if (def->stopping == STOPPING_NONE) {
        return;
    }
    json_write_key(w, "stopping");
    json_object_begin(w);
    json_put_string(w, "rule", def->stopping == STOPPING_MEDIAN ? "median" : "threshold");
    write_sorted_members(w, def->stopping_options);
    json_object_end(w);
}

static void write_resource(const struct study_def *def, struct json_writer *w)
{
    int digits = def->resource_digits;

    if (!def->has_resource) {
        return;
    }
    json_write_key(w, "resource");
    json_object_begin(w);
    json_put_string(w, "name", def->resource_name);
    json_put_step(w, "min", def->resource_min, digits);
    json_put_step(w, "max", def->resource_max, digits);
    if (digits > 0 || def->resource_step != 1) {
        json_put_step(w, "step", def->resource_step, digits);
    }
    if (digits > 0) {
        json_put_step(w, "unit", 1, digits);
    }
    json_object_end(w);
}

static void put_count(struct json_writer *w, const char *key, int64_t count)
{
    if (count >= 0) {
        json_put_int(w, key, count);
    }
}

static void put_seconds(struct json_writer *w, const char *key, double seconds)
{
    if (seconds > 0) {
        json_put_number(w, key, seconds);
    }
}

static void write_limits(const struct study_def *def, struct json_writer *w)
{
    const struct limits *limits = &def->limits;

    json_object_begin(w);
    put_count(w, "trials", limits->trials);
    put_count(w, "parallel", limits->parallel);
    put_seconds(w, "seconds", limits->seconds);
    if (limits->resource >= 0) {
        json_put_step(w, "resource", limits->resource, def->resource_digits);
    }
    if (limits->has_target) {
        json_put_number(w, "target", limits->target);
    }
    put_count(w, "failures", limits->failures);
    json_put_int(w, "attempts", limits->attempts);
    json_put_int(w, "retries", limits->retries);
    put_seconds(w, "trial_seconds", limits->trial_seconds);
    put_seconds(w, "stall_seconds", limits->stall_seconds);
    if (limits->guest_share >= 0) {
        json_put_number(w, "guest_share", limits->guest_share);
    }
    json_object_end(w);
}

static void write_requires(const struct study_def *def, struct json_writer *w)
{
    json_write_key(w, "requires");
    json_object_begin(w);
    json_put_int(w, "gpus", def->requires_gpus);
    json_put_int(w, "gpu_memory_mib", def->requires_gpu_memory_mib);
    json_write_key(w, "labels");
    json_object_begin(w);
    write_sorted_members(w, def->requires_labels);
    json_object_end(w);
    json_object_end(w);
}

static void write_labels(const struct study_def *def, struct json_writer *w)
{
    json_write_key(w, "labels");
    json_object_begin(w);
    write_sorted_members(w, def->labels);
    json_object_end(w);
}

static void write_members(const struct study_def *def, bool with_chosen, struct json_writer *w)
{
    json_put_string(w, "name", def->name);
    json_put_string(w, "description", def->description);
    write_labels(def, w);
    json_write_key(w, "objectives");
    study_write_objectives(def, w);
    if (def->n_bounds > 0) { /* a study without any is written as before there were any */
        json_write_key(w, "subject_to");
        study_write_bounds(def, w);
    }
    json_write_key(w, "parameters");
    space_write_parameters(def->space, w);
    json_write_key(w, "constraints");
    space_write_constraints(def->space, w);
    write_strategy(def, with_chosen, w);
    write_resource(def, w);
    write_stopping(def, w);
    json_write_key(w, "limits");
    write_limits(def, w);
    json_write_key(w, "lease");
    json_object_begin(w);
    json_put_number(w, "ttl_seconds", (double)def->ttl_ms / 1000);
    json_object_end(w);
    if (def->job != NULL) {
        put_sorted(w, "job", def->job);
    }
    json_put_int(w, "priority", def->priority);
    json_put_number(w, "share", def->share);
    write_requires(def, w);
    if (def->after != NULL) {
        put_sorted(w, "after", def->after);
    }
    if (def->recounted) {
        json_put_bool(w, "recounted", true);
    }
    json_put_int(w, "seed", (int64_t)def->seed);
}

void study_def_write(const struct study_def *def, struct json_writer *w)
{
    write_members(def, true, w);
}

void study_def_write_asked(const struct study_def *def, struct json_writer *w)
{
    write_members(def, false, w);
}
