#include "worker/cli/define/params_range.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/own.h"
#include "worker/cli/define/scalar.h"

static int number(const struct domain_reader *reader, const char *what, const char *text,
                  json_t **value)
{
    json_auto_t *number = scalar_number(text);

    if (number == NULL) {
        return domain_refuse(reader, "the %s '%.40s' is no number", what, text);
    }
    if (!json_is_finite(number)) {
        return domain_refuse(reader, "the %s '%.40s' is no number that a double holds", what, text);
    }
    *value =
        json_big_number(number) == NULL ? json_incref(number) : json_real(json_number_like(number));
    return *value != NULL ? 0 : err_set(reader->err, ERR_NOMEM, "out of memory");
}

struct domain_range {
    json_t *low, *high, *step; /* step NULL: none */
    json_t *points;            /* for a grid; NULL: none */
};

static void domain_range_finish(struct domain_range *range)
{
    json_decref(range->low);
    json_decref(range->high);
    json_decref(range->step);
    json_decref(range->points);
}
OWN_VALUE(domain_range)

static int domain_range_read(const struct domain_reader *reader, const char *domain,
                             struct domain_range *range)
{
    char text[DOMAIN_BYTES];

    (void)snprintf(text, sizeof text, "%s", domain);
    char *points = domain_cut(text, "/");
    char *step = domain_cut(text, ":");
    char *high = domain_cut(text, "..");
    if (high == NULL) {
        return domain_refuse(reader, "write LOW..HIGH, such as 0.1..0.9");
    }
    TRY(number(reader, "low end", text, &range->low));
    TRY(number(reader, "high end", high, &range->high));
    if (step != NULL) {
        TRY(number(reader, "step", step, &range->step));
    }
    if (points != NULL) {
        TRY(number(reader, "number of grid points", points, &range->points));
        if (!json_is_integer(range->points) || json_integer_value(range->points) < 1) {
            return domain_refuse(reader, "/%s must be a whole number of grid points", points);
        }
    }
    if (json_number_value(range->low) >= json_number_value(range->high)) {
        return domain_refuse(reader, "the low end must be below the high end");
    }
    if (range->step != NULL && json_number_value(range->step) <= 0) {
        return domain_refuse(reader, "the step must be above 0");
    }
    return 0;
}

static int domain_range_put(const struct domain_reader *reader, struct domain_range *range)
{
    TRY(domain_put(reader, "low", json_incref(range->low)));
    TRY(domain_put(reader, "high", json_incref(range->high)));
    if (range->step != NULL) {
        TRY(domain_put(reader, "step", json_incref(range->step)));
    }
    if (range->points != NULL) {
        TRY(domain_put(reader, "grid", json_incref(range->points)));
    }
    return 0;
}

int domain_read_float(const struct domain_reader *reader, const char *domain)
{
    OWN(domain_range) struct domain_range range = {0};

    TRY(domain_range_read(reader, domain, &range));
    TRY(domain_put(reader, "type", json_string("float")));
    return domain_range_put(reader, &range);
}

int domain_read_log(const struct domain_reader *reader, const char *domain)
{
    OWN(domain_range) struct domain_range range = {0};

    TRY(domain_range_read(reader, domain, &range));
    if (json_number_value(range.low) <= 0) {
        return domain_refuse(reader, "a logarithm needs a low end above 0");
    }
    TRY(domain_put(reader, "type", json_string("float")));
    TRY(domain_put(reader, "scale", json_string("log")));
    return domain_range_put(reader, &range);
}

static int whole(const struct domain_reader *reader, const char *what, json_t **value)
{
    double x = json_number_value(*value);

    if (json_is_integer(*value)) {
        return 0;
    }
    if (x != floor(x) || fabs(x) > 0x1p53) { /* 1e3 is whole */
        return domain_refuse(reader, "the %s of an integer must be whole, at most 2^53", what);
    }
    json_decref(*value);
    *value = json_integer((json_int_t)x);
    return 0;
}

int domain_read_int(const struct domain_reader *reader, const char *domain)
{
    OWN(domain_range) struct domain_range range = {0};

    TRY(domain_range_read(reader, domain, &range));
    TRY(whole(reader, "low end", &range.low));
    TRY(whole(reader, "high end", &range.high));
    if (range.step != NULL) {
        TRY(whole(reader, "step", &range.step));
    }
    TRY(domain_put(reader, "type", json_string("int")));
    return domain_range_put(reader, &range);
}

int domain_read_log_int(const struct domain_reader *reader, const char *domain)
{
    TRY(domain_read_int(reader, domain));
    if (json_integer_value(json_object_get(reader->out, "low")) < 1) {
        return domain_refuse(reader, "a logarithm needs a low end above 0");
    }
    return domain_put(reader, "scale", json_string("log"));
}

/* Without a kind: a float, unless it could as well be an integer. */
int domain_read_plain_range(const struct domain_reader *reader, const char *domain)
{
    OWN(domain_range) struct domain_range range = {0};

    TRY(domain_range_read(reader, domain, &range));
    if (json_is_integer(range.low) && json_is_integer(range.high)
        && (range.step == NULL || json_is_integer(range.step))) {
        return domain_refuse(reader, "an integer or a float? write int:%s or float:%s", domain,
                             domain);
    }
    TRY(domain_put(reader, "type", json_string("float")));
    return domain_range_put(reader, &range);
}

/* MEAN,SD[:LOW..HIGH] */
static int read_bell(const struct domain_reader *reader, const char *domain,
                     const char *distribution)
{
    char text[DOMAIN_BYTES];
    json_t *value;

    (void)snprintf(text, sizeof text, "%s", domain);
    char *bounds = domain_cut(text, ":");
    char *sd = domain_cut(text, ",");
    if (sd == NULL) {
        return domain_refuse(reader, "write %s:MEAN,DEVIATION, and :LOW..HIGH to cut it off",
                             distribution);
    }
    TRY(domain_put(reader, "type", json_string("float")));
    TRY(domain_put(reader, "distribution", json_string(distribution)));
    TRY(number(reader, "mean", text, &value));
    TRY(domain_put(reader, "mean", value));
    TRY(number(reader, "deviation", sd, &value));
    TRY(domain_put(reader, "sd", value));
    if (bounds != NULL) {
        OWN(domain_range) struct domain_range range = {0};
        TRY(domain_range_read(reader, bounds, &range));
        return domain_range_put(reader, &range);
    }
    return 0;
}

int domain_read_normal(const struct domain_reader *reader, const char *domain)
{
    return read_bell(reader, domain, "normal");
}

int domain_read_lognormal(const struct domain_reader *reader, const char *domain)
{
    return read_bell(reader, domain, "lognormal");
}
