#include "worker/cli/show/best.h"

#include "common/bounds_text.h"
#include "common/cell.h"
#include "common/json.h"
#include "worker/cli/show/study.h"
#include "worker/cli/text.h"

/* An older server does not know the parameter; a busy one may have no time for it. */
int best_get(struct session *session, json_t **best, struct err *err)
{
    if (session_get_part(session, "/best?recommended=true", best, err) == 0) {
        return 0;
    }
    return err->code == ERR_MALFORMED || err->code == ERR_OVERLOADED
               ? session_get_part(session, "/best", best, err)
               : -1;
}

static void print_pair(FILE *out, const char *name, const json_t *value,
                       void (*append)(struct buf *out, const json_t *value, int digits))
{
    OWN(buf) struct buf line = {0};
    OWN(buf) struct buf clean = {0};

    buf_init(&line, 1 << 16);
    buf_init(&clean, 1 << 16);
    cell_append_clean(&clean, name);
    size_t width = cell_columns(buf_text(&clean));
    cell_append_fitted(&line, buf_text(&clean), width < 12 ? 12 : width, false);
    buf_putc(&line, ' ');
    append(&line, value, 17);
    text_print(out, buf_text(&line));
}

/* The metrics that the study bounds, and how many trials are feasible. */
static void print_bounded(FILE *out, const json_t *study, const json_t *best)
{
    const json_t *metrics = json_object_get(json_object_get(best, "trial"), "metrics");
    struct metric_bound bounds[BOUNDS_MAX];
    size_t n = bounds_metrics(study, bounds);
    OWN(buf) struct buf text = {0};

    for (size_t i = 0; i < n; i++) {
        print_pair(out, bounds[i].metric, json_object_get(metrics, bounds[i].metric), value_append);
    }
    buf_init(&text, 1 << 12);
    bounds_append_count(&text, best);
    if (text.len > 0) {
        json_auto_t *sentence = json_string(buf_text(&text));
        print_pair(out, "feasible", sentence, value_append);
    }
}

void best_print(FILE *out, const json_t *study, const json_t *best)
{
    const json_t *trial = json_object_get(best, "trial");
    const json_t *resource = json_object_get(best, "resource");
    const json_t *recommended = json_object_get(best, "recommended");
    const char *name;
    json_t *value;

    print_pair(out, "trial", json_object_get(trial, "number"), value_append);
    print_pair(out, study_metric(study) == NULL ? "value" : study_metric(study),
               json_object_get(trial, "value"), value_append);
    print_bounded(out, study, best);
    if (json_is_number(resource)) {
        print_pair(out, text_at(json_object_get(study, "resource"), "name"), resource,
                   value_append);
    }
    json_object_foreach (json_object_get(trial, "parameters"), name, value) {
        print_pair(out, name, value, parameter_append_value);
    }
    if (json_is_true(json_object_get(recommended, "matters"))) {
        print_pair(out, "recommended", json_object_get(recommended, "text"), value_append);
    }
}
