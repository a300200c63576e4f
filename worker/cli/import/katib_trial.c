/* What a Katib trial runs, and how its metrics are found. */
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/shell.h"
#include "worker/cli/import/katib.h"
#include "worker/cli/import/words.h"

#define PARAMETER "${trialParameters."
#define NUMBER "([+-]?\\d*(?:\\.\\d+)?(?:[Ee][+-]?\\d+)?)"
enum { DEPTH_MAX = 32 };

/* ---- the command ---------------------------------------------------------------------------- */

/* The first list of containers below `at` that has this one; without a name the first container.
 */
static struct node find_container(struct node at, const char *name, size_t depth)
{
    struct node list = node_member(at, "containers");
    const char *key;
    json_t *value;

    for (size_t i = 0; i < node_size(list); i++) {
        struct node one = node_item(list, i);
        if (name == NULL || node_says(node_member(one, "name"), name)) {
            return one;
        }
    }
    json_object_foreach (json_unconst(at.value), key, value) {
        struct node inner = node_member(at, key);
        struct node found = depth > 0 && json_is_object(value)
                                ? find_container(inner, name, depth - 1)
                                : (struct node){0};
        for (size_t i = 0; found.value == NULL && depth > 0 && i < node_size(inner); i++) {
            found = find_container(node_item(inner, i), name, depth - 1);
        }
        if (found.value != NULL) {
            return found;
        }
    }
    return (struct node){0};
}

struct trial_parameters {
    struct import *import;
    struct node list;
    const char *resource;
};

/* Appends what stands for one of the trial's parameters; false: there is no such one. */
static bool add_reference(const struct trial_parameters *known, const char *name, size_t len,
                          struct word *word, struct node at)
{
    for (size_t i = 0; i < node_size(known->list); i++) {
        struct node one = node_item(known->list, i);
        const char *called = node_text(node_member(one, "name"));
        const char *reference = node_text(node_member(one, "reference"));
        if (called == NULL || reference == NULL || strlen(called) != len
            || strncmp(called, name, len) != 0) {
            continue;
        }
        if (known->resource != NULL && strcmp(reference, known->resource) == 0) {
            word_template(word, "{resource.to}");
        } else if (strcmp(reference, "${trialSpec.Name}") == 0) {
            word_template(word, "{trial}");
        } else if (strncmp(reference, "${", 2) == 0) {
            remark(&known->import->remarks, at,
                   "%.80s is of the cluster, and has no counterpart; it stays as it is", reference);
            word_literal(word, reference, strlen(reference));
        } else {
            word_parameter(word, reference);
        }
        return true;
    }
    return false;
}

static void add_word(const struct trial_parameters *known, struct node item, struct buf *words)
{
    struct word word;
    const char *text = node_text(item) != NULL ? node_text(item) : node_show(item);

    word_begin(&word);
    while (*text != '\0') {
        const char *begin = strstr(text, PARAMETER);
        const char *name = begin == NULL ? NULL : begin + strlen(PARAMETER);
        const char *end = name == NULL ? NULL : strchr(name, '}');
        if (end == NULL) {
            word_literal(&word, text, strlen(text));
            break;
        }
        word_literal(&word, text, (size_t)(begin - text));
        if (!add_reference(known, name, (size_t)(end - name), &word, item)) {
            remark(&known->import->remarks, item,
                   "trialParameters has no %.*s; the text stays as it is", (int)(end - name), name);
            word_literal(&word, begin, (size_t)(end + 1 - begin));
        }
        text = end + 1;
    }
    word_end(&word, words);
}

static void warn_of_container(struct import *import, struct node container)
{
    struct keys keys;
    const char *key;
    json_t *value;

    keys_begin(&keys, container);
    keys_skip(&keys, "name");
    keys_skip(&keys, "command");
    keys_skip(&keys, "args");
    struct node image = keys_get(&keys, "image");
    if (node_is_given(image)) {
        remark(&import->remarks, image,
               "the image is not part of a study: start hone worker within %s "
               "(deploy/kubernetes shows how)",
               node_show(image));
    }
    json_object_foreach (json_unconst(container.value), key, value) {
        if (!keys_was_read(&keys, key)) {
            remark(&import->remarks, node_member(container, key),
                   "'%.60s' of the container is not part of a study; set it where the worker runs",
                   key);
        }
    }
}

static void warn_of_kind(struct import *import, struct node spec)
{
    struct node kind = node_member(spec, "kind");

    if (node_is_given(kind) && !node_says(kind, "Job") && !node_says(kind, "Pod")) {
        remark(&import->remarks, kind,
               "a trial is one command of one worker, not a %s; if it needs several pods, let the "
               "command start them",
               node_show(kind));
    }
}

static void add_command(const struct trial_parameters *known, struct node container)
{
    static const char *const lists[] = {"command", "args"};

    for (size_t k = 0; k < 2; k++) {
        struct node list = node_member(container, lists[k]);
        for (size_t i = 0; i < node_size(list); i++) {
            add_word(known, node_item(list, i), &known->import->command);
        }
    }
    if (known->import->command.len == 0) {
        remark(&known->import->remarks, container,
               "the container names no command, its image does; put it where COMMAND stands");
    }
}

static void leave_out(struct import *import, struct keys *keys)
{
    static const char *const conditions[] = {"successCondition", "failureCondition"};

    keys_skip(keys, "retain"); /* logs and results are kept */
    keys_skip(keys, "primaryPodLabels");
    for (size_t i = 0; i < 2; i++) {
        struct node condition = keys_get(keys, conditions[i]);
        if (node_is_given(condition)) {
            remark(&import->remarks, condition,
                   "%s has no counterpart: a trial succeeds when its command ends with status 0",
                   conditions[i]);
        }
    }
}

int katib_read_template(struct import *import, struct node template, const char *resource,
                        struct err *err)
{
    struct keys keys;

    if (!node_is_given(template)) {
        return 0;
    }
    keys_begin(&keys, template);
    struct trial_parameters known = {import, keys_get(&keys, "trialParameters"), resource};
    struct node spec = keys_get(&keys, "trialSpec");
    struct node map = keys_get(&keys, "configMap");
    const char *name = node_text(keys_get(&keys, "primaryContainerName"));
    leave_out(import, &keys);
    keys_end(&keys, &import->remarks, "a trialTemplate");
    if (node_is_given(map)) {
        remark(&import->remarks, map,
               "the template lies in a ConfigMap of the cluster; put its command where COMMAND "
               "stands");
        return 0;
    }
    if (!json_is_object(spec.value)) {
        return refuse_node(&import->remarks, template, err, "the trialTemplate has no trialSpec");
    }
    warn_of_kind(import, spec);
    struct node container = find_container(spec, name, DEPTH_MAX);
    if (container.value == NULL) {
        remark(&import->remarks, spec,
               "no container %.60s is in the trialSpec; put its command where COMMAND stands",
               name == NULL ? "" : name);
        return 0;
    }
    warn_of_container(import, container);
    add_command(&known, container);
    return 0;
}

/* ---- the metrics ---------------------------------------------------------------------------- */

/* Appends the metric's name as an expression finds it. */
static void append_escaped(struct buf *out, const char *name)
{
    for (; *name != '\0'; name++) {
        if (strchr("\\^$.|?*+()[]{}", *name) != NULL) {
            buf_putc(out, '\\');
        }
        buf_putc(out, *name);
    }
}

/* The end of the group that begins at `at`, behind its parenthesis; NULL: it has none. */
static const char *end_of_group(const char *at)
{
    size_t open = 0;
    bool in_set = false;

    for (; *at != '\0'; at++) {
        if (*at == '\\' && at[1] != '\0') {
            at++;
        } else if (in_set || *at == '[') {
            in_set = *at != ']';
        } else if (*at == '(') {
            open++;
        } else if (*at == ')' && --open == 0) {
            return at + 1;
        }
    }
    return NULL;
}

/* The first group that is one: not "\(", not "(?:". */
static const char *first_group(const char *at)
{
    for (; *at != '\0'; at++) {
        if (*at == '\\' && at[1] != '\0') {
            at++;
        } else if (*at == '(' && at[1] != '?') {
            return at;
        }
    }
    return NULL;
}

/* Katib's expression finds a name and a number; Hone's finds the number of one name. */
static void add_option(struct import *import, const char *format, const char *metric)
{
    OWN(buf) struct buf text = {0};
    const char *group = first_group(format);
    const char *end = group == NULL ? NULL : end_of_group(group);

    if (end == NULL) {
        return;
    }
    buf_init(&text, 1 << 14);
    buf_printf(&text, "%s=%.*s", metric, (int)(group - format), format);
    append_escaped(&text, metric);
    buf_puts(&text, end);
    shell_append_word(&import->options, "--metric");
    shell_append_word(&import->options, buf_text(&text));
}

static void add_formats(struct import *import, struct node formats, const char *metric)
{
    if (node_size(formats) == 0) {
        add_option(import, "([\\w|-]+)\\s*=\\s*" NUMBER, metric);
    }
    for (size_t i = 0; i < node_size(formats); i++) {
        const char *format = node_text(node_item(formats, i));
        if (format != NULL) {
            add_option(import, format, metric);
        }
    }
}

void katib_read_collector(struct import *import, struct node collector, struct node objective)
{
    struct node kind = node_member(node_member(collector, "collector"), "kind");
    struct node source = node_member(collector, "source");
    struct node formats = node_member(node_member(source, "filter"), "metricsFormat");
    struct node others = node_member(objective, "additionalMetricNames");
    struct node path = node_member(source, "fileSystemPath");

    if (node_says(kind, "None")) {
        return;
    }
    if (node_is_given(kind) && !node_says(kind, "StdOut") && !node_says(kind, "File")) {
        remark(&import->remarks, kind,
               "metrics of the collector %s are not read: let the program print lines such as "
               "'hone: step=1 %.60s=0.5'",
               node_show(kind), node_text(node_member(objective, "objectiveMetricName")));
        return;
    }
    if (node_says(kind, "File") || node_is_given(path)) {
        remark(&import->remarks, node_is_given(path) ? path : kind,
               "hone worker reads what the command prints, not the file %s: print it too, as with "
               "tee",
               node_show(node_member(path, "path")));
    }
    if (node_says(node_member(path, "format"), "JSON")) {
        return; /* objects of JSON are understood as they are */
    }
    add_formats(import, formats, node_text(node_member(objective, "objectiveMetricName")));
    for (size_t i = 0; i < node_size(others); i++) {
        const char *metric = node_text(node_item(others, i));
        if (metric != NULL) {
            add_formats(import, formats, metric);
        }
    }
}
