#include "server/api/metric_workers.h"

#include <math.h>
#include <string.h>

#include "server/api/metric_lines.h"

static void write_states(struct buf *out, const struct live_view *view)
{
    static const char *const states[] = {"active", "draining", "quarantined", "gone"};

    metric_head(out, "workers", "gauge", "Workers seen since the start, by state.");
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        const struct metric_labels labels = {{"state"}, {states[i]}};
        size_t n = 0;
        for (size_t k = 0; k < view->n_workers; k++) {
            n += strcmp(view->workers[k].state, states[i]) == 0;
        }
        metric_line(out, "workers", &labels, (double)n);
    }
}

static void write_utilization(struct buf *out, const struct live_view *view)
{
    static const char name[] = "worker_gpu_utilization_ratio";
    double sum = 0;
    size_t n = 0, n_others = 0;

    metric_head(out, name, "gauge",
                "How busy the GPUs of a worker's trial are, by their vendor's tool.");
    for (size_t i = 0; i < view->n_workers; i++) {
        const struct live_worker_view *worker = &view->workers[i];
        const struct metric_labels labels = {{"worker"}, {worker->name}};
        if (isnan(worker->gpu_utilization)) {
            continue;
        }
        if (n < METRIC_WORKERS_MAX) {
            metric_line(out, name, &labels, worker->gpu_utilization);
            n++;
        } else {
            sum += worker->gpu_utilization;
            n_others++;
        }
    }
    if (n_others > 0) {
        const struct metric_labels others = {{"worker"}, {"_other"}};
        metric_line(out, name, &others, sum / (double)n_others);
    }
}

void metric_workers(struct buf *out, const struct live_view *view)
{
    write_states(out, view);
    write_utilization(out, view);
}
