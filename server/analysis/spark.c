#include "server/analysis/spark.h"

/* Keeps the first and the last one. */
static void thin_out(struct spark *spark)
{
    size_t kept = 0;

    for (size_t i = 0; i < spark->n; i++) {
        if (i % 2 == 0 || i + 1 == spark->n) {
            spark->kept[kept++] = spark->kept[i];
        }
    }
    spark->n = kept;
}

void spark_extend(struct spark *spark, struct trace *ended)
{
    int64_t before = spark->n_ended;

    spark->n_ended += (int64_t)ended->n;
    trace_keep_improvements(ended);
    for (size_t i = 0; i < ended->n; i++) {
        const struct trace_point *point = &ended->points[i];
        if (spark->n > 0
            && !study_is_better(ended->def, point->value, spark->kept[spark->n - 1].value)) {
            continue;
        }
        if (spark->n == SPARK_KEPT) {
            thin_out(spark);
        }
        spark->kept[spark->n].n_ended = before + point->n_ended;
        spark->kept[spark->n++].value = point->value;
    }
    ended->n = 0;
}

size_t spark_points(const struct spark *spark, double points[SPARK_POINTS])
{
    size_t n = spark->n_ended < SPARK_POINTS ? (size_t)spark->n_ended : SPARK_POINTS;
    size_t n_points = 0;
    size_t at = 0;

    for (size_t i = 0; i < n && spark->n > 0; i++) {
        int64_t after = spark->n_ended * (int64_t)(i + 1) / (int64_t)n;
        while (at + 1 < spark->n && spark->kept[at + 1].n_ended <= after) {
            at++;
        }
        if (spark->kept[at].n_ended <= after) {
            points[n_points++] = spark->kept[at].value;
        }
    }
    return n_points;
}
