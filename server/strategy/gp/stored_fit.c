#include "server/strategy/gp/stored_fit.h"

#include <stdlib.h>
#include <string.h>

static const char magic[4] = {'g', 'p', '0', '2'};

struct stored_fit_header {
    char magic[4];
    uint32_t n_theta;
    uint32_t has_feasibility;
    uint32_t n_more; /* metrics after the first one */
};

size_t fit_shape_count(const struct fit_shape *shape)
{
    return (shape->n_metrics + (shape->has_feasibility ? 1 : 0)) * shape->n_theta;
}

void *stored_fit_bytes(const struct fit_shape *shape, const double theta[], size_t *bytes)
{
    struct stored_fit_header header = {.n_theta = (uint32_t)shape->n_theta,
                                       .has_feasibility = shape->has_feasibility,
                                       .n_more = (uint32_t)shape->n_metrics - 1};
    size_t theta_bytes = fit_shape_count(shape) * sizeof(double);
    char *data = malloc(sizeof header + theta_bytes);

    if (data == NULL) {
        return NULL;
    }
    memcpy(header.magic, magic, sizeof magic);
    *bytes = sizeof header + theta_bytes;
    memcpy(data, &header, sizeof header);
    memcpy(data + sizeof header, theta, theta_bytes);
    return data;
}

bool stored_fit_read(const struct fit *fit, struct fit_shape *shape, double theta[])
{
    struct stored_fit_header header;

    if (fit->bytes < sizeof header) {
        return false;
    }
    memcpy(&header, fit->data, sizeof header);
    const struct fit_shape found = {.n_theta = header.n_theta,
                                    .n_metrics = (size_t)header.n_more + 1,
                                    .has_feasibility = header.has_feasibility != 0};
    if (memcmp(header.magic, magic, sizeof magic) != 0 || found.n_theta != shape->n_theta
        || found.n_metrics != shape->n_metrics
        || fit->bytes != sizeof header + fit_shape_count(&found) * sizeof(double)) {
        return false;
    }
    *shape = found;
    memcpy(theta, (const char *)fit->data + sizeof header, fit->bytes - sizeof header);
    return true;
}

const struct fit *stored_fit_newest(const struct history *seen, uint64_t n_finished,
                                    struct fit_shape *shape, double theta[])
{
    for (size_t i = seen->n_fits; i-- > 0;) {
        const struct fit *fit = &seen->fits[i];
        if (fit->n_seen <= n_finished && stored_fit_read(fit, shape, theta)) {
            return fit;
        }
    }
    return NULL;
}

bool stored_fit_is_due(uint64_t n, uint64_t fitted_at)
{
    return n <= 30 ? fitted_at < n : n - fitted_at >= (n + 19) / 20;
}

uint64_t stored_fit_due(uint64_t n)
{
    uint64_t due = n < 30 ? n : 30;

    for (uint64_t i = due + 1; i <= n; i++) {
        due = stored_fit_is_due(i, due) ? i : due;
    }
    return due;
}
