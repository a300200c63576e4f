/* Ranges and bells: LOW..HIGH[:STEP][/POINTS], MEAN,SD[:LOW..HIGH]. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/own.h"
#include "worker/cli/define/params_parts.h"
#include "worker/cli/define/scalar.h"

static int number(const struct reading *reading, const char *what, const char *text, json_t **value)
{
    *value = scalar_number(text);
    return *value != NULL ? 0 : reading_refuse(reading, "the %s '%.40s' is no number", what, text);
}

struct range {
    json_t *low, *high, *step; /* step NULL: none */
    json_t *points;            /* for a grid; NULL: none */
};

static void range_finish(struct range *range)
{
    json_decref(range->low);
    json_decref(range->high);
    json_decref(range->step);
    json_decref(range->points);
}
OWN_VALUE(range)

static int range_read(const struct reading *reading, const char *domain, struct range *range)
{
    char text[DOMAIN_BYTES];

    (void)snprintf(text, sizeof text, "%s", domain);
    char *points = domain_cut(text, "/");
    char *step = domain_cut(text, ":");
    char *high = domain_cut(text, "..");
    if (high == NULL) {
        return reading_refuse(reading, "write LOW..HIGH, such as 0.1..0.9");
    }
    TRY(number(reading, "low end", text, &range->low));
    TRY(number(reading, "high end", high, &range->high));
    if (step != NULL) {
        TRY(number(reading, "step", step, &range->step));
    }
    if (points != NULL) {
        TRY(number(reading, "number of grid points", points, &range->points));
        if (!json_is_integer(range->points) || json_integer_value(range->points) < 1) {
            return reading_refuse(reading, "/%s must be a whole number of grid points", points);
        }
    }
    if (json_number_value(range->low) >= json_number_value(range->high)) {
        return reading_refuse(reading, "the low end must be below the high end");
    }
    if (range->step != NULL && json_number_value(range->step) <= 0) {
        return reading_refuse(reading, "the step must be above 0");
    }
    return 0;
}

static int range_put(const struct reading *reading, struct range *range)
{
    TRY(reading_put(reading, "low", json_incref(range->low)));
    TRY(reading_put(reading, "high", json_incref(range->high)));
    if (range->step != NULL) {
        TRY(reading_put(reading, "step", json_incref(range->step)));
    }
    if (range->points != NULL) {
        TRY(reading_put(reading, "grid", json_incref(range->points)));
    }
    return 0;
}

int domain_read_float(const struct reading *reading, const char *domain)
{
    OWN(range) struct range range = {0};

    TRY(range_read(reading, domain, &range));
    TRY(reading_put(reading, "type", json_string("float")));
    return range_put(reading, &range);
}

int domain_read_log(const struct reading *reading, const char *domain)
{
    OWN(range) struct range range = {0};

    TRY(range_read(reading, domain, &range));
    if (json_number_value(range.low) <= 0) {
        return reading_refuse(reading, "a logarithm needs a low end above 0");
    }
    TRY(reading_put(reading, "type", json_string("float")));
    TRY(reading_put(reading, "scale", json_string("log")));
    return range_put(reading, &range);
}

static int whole(const struct reading *reading, const char *what, json_t **value)
{
    double x = json_number_value(*value);

    if (json_is_integer(*value)) {
        return 0;
    }
    if (x != floor(x) || fabs(x) > 0x1p53) { /* 1e3 is whole */
        return reading_refuse(reading, "the %s of an integer must be whole", what);
    }
    json_decref(*value);
    *value = json_integer((json_int_t)x);
    return 0;
}

int domain_read_int(const struct reading *reading, const char *domain)
{
    OWN(range) struct range range = {0};

    TRY(range_read(reading, domain, &range));
    TRY(whole(reading, "low end", &range.low));
    TRY(whole(reading, "high end", &range.high));
    if (range.step != NULL) {
        TRY(whole(reading, "step", &range.step));
    }
    TRY(reading_put(reading, "type", json_string("int")));
    return range_put(reading, &range);
}

int domain_read_log_int(const struct reading *reading, const char *domain)
{
    TRY(domain_read_int(reading, domain));
    if (json_integer_value(json_object_get(reading->out, "low")) < 1) {
        return reading_refuse(reading, "a logarithm needs a low end above 0");
    }
    return reading_put(reading, "scale", json_string("log"));
}

/* No kind said: a float, unless nothing tells it from an integer. */
int domain_read_plain_range(const struct reading *reading, const char *domain)
{
    OWN(range) struct range range = {0};

    TRY(range_read(reading, domain, &range));
    if (json_is_integer(range.low) && json_is_integer(range.high)
        && (range.step == NULL || json_is_integer(range.step))) {
        return reading_refuse(reading, "an integer or a float? write int:%s or float:%s", domain,
                              domain);
    }
    TRY(reading_put(reading, "type", json_string("float")));
    return range_put(reading, &range);
}

/* MEAN,SD[:LOW..HIGH] */
static int read_bell(const struct reading *reading, const char *domain, const char *distribution)
{
    char text[DOMAIN_BYTES];
    json_t *value;

    (void)snprintf(text, sizeof text, "%s", domain);
    char *bounds = domain_cut(text, ":");
    char *sd = domain_cut(text, ",");
    if (sd == NULL) {
        return reading_refuse(reading, "write %s:MEAN,DEVIATION, and :LOW..HIGH to cut it off",
                              distribution);
    }
    TRY(reading_put(reading, "type", json_string("float")));
    TRY(reading_put(reading, "distribution", json_string(distribution)));
    TRY(number(reading, "mean", text, &value));
    TRY(reading_put(reading, "mean", value));
    TRY(number(reading, "deviation", sd, &value));
    TRY(reading_put(reading, "sd", value));
    if (bounds != NULL) {
        OWN(range) struct range range = {0};
        TRY(range_read(reading, bounds, &range));
        return range_put(reading, &range);
    }
    return 0;
}

int domain_read_normal(const struct reading *reading, const char *domain)
{
    return read_bell(reading, domain, "normal");
}

int domain_read_lognormal(const struct reading *reading, const char *domain)
{
    return read_bell(reading, domain, "lognormal");
}
