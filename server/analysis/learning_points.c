#include "server/analysis/learning_points.h"

#include <stdlib.h>

#include "common/array.h"

void learning_points_finish(struct learning_points *points)
{
    free(points->items);
    *points = (struct learning_points){0};
}

void learning_points_clear(struct learning_points *points)
{
    points->n = 0;
}

int learning_points_add(void *context, int64_t metric, int64_t attempt, int64_t step, double value,
                        struct err *err)
{
    struct learning_points *points = context;

    (void)metric;
    TRY(array_reserve(&points->items, points->n, &points->cap, sizeof *points->items, err));
    points->items[points->n++] = (struct learning_point){attempt, step, value};
    return 0;
}

/* The newest attempt first, and its last step first. */
static int newest_first(const void *a, const void *b)
{
    const struct learning_point *left = a;
    const struct learning_point *right = b;

    if (left->attempt != right->attempt) {
        return left->attempt > right->attempt ? -1 : 1;
    }
    return (left->step < right->step) - (left->step > right->step);
}

static void reverse(struct learning_points *points)
{
    for (size_t i = 0; i < points->n / 2; i++) {
        struct learning_point item = points->items[i];
        points->items[i] = points->items[points->n - 1 - i];
        points->items[points->n - 1 - i] = item;
    }
}

/* Steps fall within an attempt, and an earlier attempt counts below all that newer ones have. */
static void keep_newest(struct learning_points *points)
{
    size_t kept = 0;

    for (size_t i = 0; i < points->n; i++) {
        if (kept == 0 || points->items[i].step < points->items[kept - 1].step) {
            points->items[kept++] = points->items[i];
        }
    }
    points->n = kept;
}

static void thin_out(struct learning_points *points, size_t most)
{
    size_t n = points->n;

    if (n <= most) {
        return;
    }
    for (size_t i = 0; i < most; i++) {
        points->items[i] = points->items[i * (n - 1) / (most - 1)];
    }
    points->n = most;
}

void learning_points_settle(struct learning_points *points, size_t most)
{
    if (points->n > 0) {
        qsort(points->items, points->n, sizeof *points->items, newest_first);
    }
    keep_newest(points);
    reverse(points);
    thin_out(points, most);
}
