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

void spark_extend(struct spark *spark, struct trace *ended, const struct study_def *def)
{
    int64_t before = spark->n_ended;

    spark->n_ended += (int64_t)ended->n;
    trace_keep_improvements(ended, def);
    for (size_t i = 0; i < ended->n; i++) {
        const struct trace_point *point = &ended->points[i];
        if (spark->n > 0 && !study_is_better(def, point->value, spark->kept[spark->n - 1].value)) {
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
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        int64_t after = spark->n_ended * (int64_t)(i + 1) / (int64_t)n;
        while (at + 1 < spark->n && spark->kept[at + 1].n_ended <= after) {
            at++;
        }
        points[i] = spark->kept[at].value;
    }
    return n;
}
