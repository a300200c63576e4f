#include "worker/cli/params.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/own.h"
#include "common/wire.h"
#include "worker/cli/scalar.h"
#include "worker/cli/suggest.h"

enum { DOMAIN_BYTES = 4096, KIND_BYTES = 16 };

/* One argument while it is read; `text` names it in messages. */
struct reading {
    const char *text;
    json_t *out;
    struct err *err;
};

static int refuse(const struct reading *reading, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static int refuse(const struct reading *reading, const char *fmt, ...)
{
    char why[400];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    return err_set(reading->err, ERR_INVALID, "-P %.80s: %s", reading->text, why);
}

static int put(const struct reading *reading, const char *key, json_t *value)
{
    return json_object_set_new(reading->out, key, value) == 0
               ? 0
               : err_set(reading->err, ERR_NOMEM, "out of memory");
}

static int number(const struct reading *reading, const char *what, const char *text, json_t **value)
{
    *value = scalar_number(text);
    return *value != NULL ? 0 : refuse(reading, "the %s '%.40s' is no number", what, text);
}

/* ---- LOW..HIGH[:STEP][/POINTS] ----------------------------------------------------------------
 */

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

/* Cuts `text` at the first `mark` and returns what stood behind it, or NULL. */
static char *cut(char *text, const char *mark)
{
    char *at = strstr(text, mark);

    if (at != NULL) {
        *at = '\0';
        return at + strlen(mark);
    }
    return NULL;
}

static int range_read(const struct reading *reading, const char *domain, struct range *range)
{
    char text[DOMAIN_BYTES];

    (void)snprintf(text, sizeof text, "%s", domain);
    char *points = cut(text, "/");
    char *step = cut(text, ":");
    char *high = cut(text, "..");
    if (high == NULL) {
        return refuse(reading, "write LOW..HIGH, such as 0.1..0.9");
    }
    TRY(number(reading, "low end", text, &range->low));
    TRY(number(reading, "high end", high, &range->high));
    if (step != NULL) {
        TRY(number(reading, "step", step, &range->step));
    }
    if (points != NULL) {
        TRY(number(reading, "number of grid points", points, &range->points));
        if (!json_is_integer(range->points) || json_integer_value(range->points) < 1) {
            return refuse(reading, "/%s must be a whole number of grid points", points);
        }
    }
    if (json_number_value(range->low) >= json_number_value(range->high)) {
        return refuse(reading, "the low end must be below the high end");
    }
    if (range->step != NULL && json_number_value(range->step) <= 0) {
        return refuse(reading, "the step must be above 0");
    }
    return 0;
}

static int range_put(const struct reading *reading, struct range *range)
{
    TRY(put(reading, "low", json_incref(range->low)));
    TRY(put(reading, "high", json_incref(range->high)));
    if (range->step != NULL) {
        TRY(put(reading, "step", json_incref(range->step)));
    }
    if (range->points != NULL) {
        TRY(put(reading, "grid", json_incref(range->points)));
    }
    return 0;
}

static int read_float(const struct reading *reading, const char *domain)
{
    OWN(range) struct range range = {0};

    TRY(range_read(reading, domain, &range));
    TRY(put(reading, "type", json_string("float")));
    return range_put(reading, &range);
}

static int read_log(const struct reading *reading, const char *domain)
{
    OWN(range) struct range range = {0};

    TRY(range_read(reading, domain, &range));
    if (json_number_value(range.low) <= 0) {
        return refuse(reading, "a logarithm needs a low end above 0");
    }
    TRY(put(reading, "type", json_string("float")));
    TRY(put(reading, "scale", json_string("log")));
    return range_put(reading, &range);
}

static int whole(const struct reading *reading, const char *what, json_t **value)
{
    double x = json_number_value(*value);

    if (json_is_integer(*value)) {
        return 0;
    }
    if (x != floor(x) || fabs(x) > 0x1p53) { /* 1e3 is whole */
        return refuse(reading, "the %s of an integer must be whole", what);
    }
    json_decref(*value);
    *value = json_integer((json_int_t)x);
    return 0;
}

static int read_int(const struct reading *reading, const char *domain)
{
    OWN(range) struct range range = {0};

    TRY(range_read(reading, domain, &range));
    TRY(whole(reading, "low end", &range.low));
    TRY(whole(reading, "high end", &range.high));
    if (range.step != NULL) {
        TRY(whole(reading, "step", &range.step));
    }
    TRY(put(reading, "type", json_string("int")));
    return range_put(reading, &range);
}

static int read_log_int(const struct reading *reading, const char *domain)
{
    TRY(read_int(reading, domain));
    if (json_integer_value(json_object_get(reading->out, "low")) < 1) {
        return refuse(reading, "a logarithm needs a low end above 0");
    }
    return put(reading, "scale", json_string("log"));
}

/* No kind said: a float, unless nothing tells it from an integer. */
static int read_plain_range(const struct reading *reading, const char *domain)
{
    OWN(range) struct range range = {0};

    TRY(range_read(reading, domain, &range));
    if (json_is_integer(range.low) && json_is_integer(range.high)
        && (range.step == NULL || json_is_integer(range.step))) {
        return refuse(reading, "an integer or a float? write int:%s or float:%s", domain, domain);
    }
    TRY(put(reading, "type", json_string("float")));
    return range_put(reading, &range);
}

/* MEAN,SD[:LOW..HIGH] */
static int read_bell(const struct reading *reading, const char *domain, const char *distribution)
{
    char text[DOMAIN_BYTES];
    json_t *value;

    (void)snprintf(text, sizeof text, "%s", domain);
    char *bounds = cut(text, ":");
    char *sd = cut(text, ",");
    if (sd == NULL) {
        return refuse(reading, "write %s:MEAN,DEVIATION, and :LOW..HIGH to cut it off",
                      distribution);
    }
    TRY(put(reading, "type", json_string("float")));
    TRY(put(reading, "distribution", json_string(distribution)));
    TRY(number(reading, "mean", text, &value));
    TRY(put(reading, "mean", value));
    TRY(number(reading, "deviation", sd, &value));
    TRY(put(reading, "sd", value));
    if (bounds != NULL) {
        OWN(range) struct range range = {0};
        TRY(range_read(reading, bounds, &range));
        return range_put(reading, &range);
    }
    return 0;
}

static int read_normal(const struct reading *reading, const char *domain)
{
    return read_bell(reading, domain, "normal");
}

static int read_lognormal(const struct reading *reading, const char *domain)
{
    return read_bell(reading, domain, "lognormal");
}

/* ---- a,b,c ------------------------------------------------------------------------------------
 */

/* Reads one item at *at: quoted ('' within '…' is a quote), or plain up to the comma. */
static int item_read(const struct reading *reading, const char **at, json_t **item)
{
    char text[DOMAIN_BYTES];
    size_t n = 0;
    char quote = **at == '"' || **at == '\'' ? **at : '\0';
    const char *from = *at + (quote != '\0');

    for (; *from != '\0'; from++) {
        if (quote != '\0' && *from == quote && from[1] == quote) {
            from++;
        } else if (*from == (quote != '\0' ? quote : ',')) {
            break;
        }
        text[n++] = *from;
    }
    text[n] = '\0';
    if (quote != '\0') {
        if (*from != quote) {
            return refuse(reading, "the quote %c is not closed", quote);
        }
        from++;
    } else if (n == 0) {
        return refuse(reading, "there is nothing between two commas; write \"\" for an empty word");
    }
    if (*from != '\0' && *from != ',') {
        return refuse(reading, "a comma is missing before '%.20s'", from);
    }
    json_t *number_or_null = quote != '\0' ? NULL : scalar_number(text);
    *item = number_or_null != NULL                        ? number_or_null
            : quote == '\0' && strcmp(text, "true") == 0  ? json_true()
            : quote == '\0' && strcmp(text, "false") == 0 ? json_false()
                                                          : json_string(text);
    *at = from;
    return *item != NULL ? 0 : refuse(reading, "'%.40s' is no UTF-8", text);
}

static int items_read(const struct reading *reading, const char *domain, json_t **items)
{
    json_auto_t *list = json_array();
    const char *at = domain;

    for (;;) {
        json_t *item;
        size_t i;
        json_t *other;
        TRY(item_read(reading, &at, &item));
        json_array_foreach (list, i, other) {
            if (json_equal(other, item)) {
                json_decref(item);
                return refuse(reading, "the choices must differ; one is there twice");
            }
        }
        if (json_array_append_new(list, item) != 0) {
            return err_set(reading->err, ERR_NOMEM, "out of memory");
        }
        if (*at == '\0') {
            break;
        }
        at++; /* the comma */
    }
    if (json_array_size(list) < 2) {
        return refuse(reading, "one value is no choice; write a range LOW..HIGH, several values "
                               "A,B,C, or const:VALUE");
    }
    *items = json_incref(list);
    return 0;
}

static int by_number(const void *a, const void *b)
{
    double x = json_number_value(*(json_t *const *)a);
    double y = json_number_value(*(json_t *const *)b);

    return (x > y) - (x < y);
}

/* Numbers have an order of their own, whatever order they were typed in. */
static int put_numbers(const struct reading *reading, json_t *items, bool integers)
{
    size_t n = json_array_size(items);
    json_t **sorted = calloc(n, sizeof *sorted);
    json_auto_t *values = json_array();

    if (sorted == NULL || values == NULL) {
        free(sorted);
        return err_set(reading->err, ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        sorted[i] = json_array_get(items, i);
    }
    qsort(sorted, n, sizeof *sorted, by_number);
    for (size_t i = 0; i < n; i++) {
        (void)json_array_append(values, sorted[i]);
    }
    free(sorted);
    TRY(put(reading, "type", json_string(integers ? "int" : "float")));
    return put(reading, "values", json_incref(values));
}

static int read_list(const struct reading *reading, const char *domain)
{
    json_auto_t *items = NULL;
    size_t n_integers = 0, n_reals = 0, n_bools = 0, i;
    json_t *item;

    TRY(items_read(reading, domain, &items));
    json_array_foreach (items, i, item) {
        n_integers += json_is_integer(item);
        n_reals += json_is_real(item);
        n_bools += json_is_boolean(item);
    }
    if (n_bools == 2 && json_array_size(items) == 2) {
        return put(reading, "type", json_string("bool"));
    }
    if (n_integers + n_reals == json_array_size(items)) {
        return put_numbers(reading, items, n_reals == 0);
    }
    TRY(put(reading, "type", json_string("categorical")));
    return put(reading, "choices", json_incref(items));
}

static int read_choice(const struct reading *reading, const char *domain)
{
    json_auto_t *items = NULL;

    TRY(items_read(reading, domain, &items));
    TRY(put(reading, "type", json_string("categorical")));
    return put(reading, "choices", json_incref(items));
}

static int read_ordinal(const struct reading *reading, const char *domain)
{
    TRY(read_choice(reading, domain));
    return put(reading, "type", json_string("ordinal"));
}

static int read_const(const struct reading *reading, const char *domain)
{
    json_t *value;
    const char *at = domain;

    TRY(item_read(reading, &at, &value));
    TRY(put(reading, "type", json_string("constant")));
    TRY(put(reading, "value", value));
    return *at == '\0' ? 0 : refuse(reading, "a constant has one value");
}

static int read_bool(const struct reading *reading, const char *domain)
{
    if (*domain != '\0') {
        return refuse(reading, "write bool and nothing behind it");
    }
    return put(reading, "type", json_string("bool"));
}

/* ---- NAME=KIND:DOMAIN -------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    int (*read)(const struct reading *reading, const char *domain);
} kinds[] = {
    {"log", read_log},         {"int", read_int},       {"log-int", read_log_int},
    {"float", read_float},     {"normal", read_normal}, {"lognormal", read_lognormal},
    {"ordinal", read_ordinal}, {"choice", read_choice}, {"const", read_const},
    {"bool", read_bool},
};
static const size_t n_kinds = sizeof kinds / sizeof kinds[0];

/* "itn:1..5" is a slip and no word of a list. */
static int unknown_kind(const struct reading *reading, const char *kind, const char *domain)
{
    struct suggestion_for meant = {.word = kind};

    for (size_t i = 0; i < n_kinds; i++) {
        suggest_offer(&meant, kinds[i].name);
    }
    if (meant.best != NULL) {
        return refuse(reading, "there is no kind '%s'; did you mean '%s:%s'?", kind, meant.best,
                      domain);
    }
    return refuse(reading,
                  "there is no kind '%s'; the kinds are log, int, log-int, float, normal, "
                  "lognormal, ordinal, choice, const, bool",
                  kind);
}

static int read_domain(const struct reading *reading, const char *domain)
{
    size_t len = strspn(domain, "abcdefghijklmnopqrstuvwxyz-");
    char kind[KIND_BYTES];

    (void)snprintf(kind, sizeof kind, "%.*s", (int)len, domain);
    if (strcmp(domain, "bool") == 0) {
        return read_bool(reading, "");
    }
    if (domain[len] == ':' && len > 0 && len < KIND_BYTES) {
        for (size_t i = 0; i < n_kinds; i++) {
            if (strcmp(kinds[i].name, kind) == 0) {
                return kinds[i].read(reading, domain + len + 1);
            }
        }
        if (strchr("+-.0123456789", domain[len + 1]) != NULL && strstr(domain, "..") != NULL) {
            return unknown_kind(reading, kind, domain + len + 1);
        }
    }
    return strchr("+-.0123456789", *domain) != NULL && strstr(domain, "..") != NULL
               ? read_plain_range(reading, domain)
               : read_list(reading, domain);
}

static int read_json(const struct reading *reading, const char *domain)
{
    json_auto_t *object = NULL;
    struct err why = {0};

    if (json_parse(domain, strlen(domain), &json_limits_default, &object, &why) != 0) {
        return refuse(reading, "%s", why.text);
    }
    if (json_object_get(object, "name") != NULL) {
        return refuse(reading, "the name stands before the '='; take it out of the object");
    }
    return json_object_update(reading->out, object) == 0
               ? 0
               : err_set(reading->err, ERR_NOMEM, "out of memory");
}

int param_from_argument(const char *argument, json_t **parameter, struct err *err)
{
    const char *equals = strchr(argument, '=');
    json_auto_t *object = json_object();
    struct reading reading = {argument, object, err};
    char name[NAME_BYTES + 1];

    if (strlen(argument) >= DOMAIN_BYTES) {
        return refuse(&reading, "this is longer than %d bytes; use a study file", DOMAIN_BYTES);
    }
    if (equals == NULL || equals[1] == '\0') {
        return refuse(&reading,
                      "write NAME=DOMAIN, such as lr=log:1e-5..1e-1 or units=int:16..512");
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)(equals - argument), argument);
    if ((size_t)(equals - argument) >= sizeof name || !name_is_parameter(name)) {
        return refuse(&reading, "a name is a letter or _, then up to 63 of letters, digits, _ . -");
    }
    TRY(put(&reading, "name", json_string(name)));
    TRY(equals[1] == '{' ? read_json(&reading, equals + 1) : read_domain(&reading, equals + 1));
    *parameter = json_incref(object);
    return 0;
}

int resource_from_argument(const char *argument, json_t **resource, struct err *err)
{
    char text[DOMAIN_BYTES];

    (void)snprintf(text, sizeof text, "%s", argument);
    char *low = cut(text, "=");
    char *high = low == NULL ? NULL : cut(low, "..");
    json_auto_t *min = high == NULL ? NULL : scalar_number(low);
    json_auto_t *max = high == NULL ? NULL : scalar_number(high);

    if (!json_is_integer(min) || !json_is_integer(max)) {
        return err_set(err, ERR_INVALID,
                       "--resource %.80s: write NAME=MIN..MAX in whole numbers, such as "
                       "epochs=1..81",
                       argument);
    }
    if (json_integer_value(min) < 1 || json_integer_value(max) < json_integer_value(min)) {
        return err_set(err, ERR_INVALID, "--resource %.80s: MIN must be 1 or more, MAX no less",
                       argument);
    }
    *resource = json_pack("{s:s, s:O, s:O}", "name", text, "min", min, "max", max);
    return *resource != NULL ? 0 : err_set(err, ERR_NOMEM, "out of memory");
}

int choice_from_argument(const char *argument, const char *name_key, json_t **choice,
                         struct err *err)
{
    char text[DOMAIN_BYTES];
    char *rest = NULL;
    json_auto_t *object = json_object();

    (void)snprintf(text, sizeof text, "%s", argument);
    char *name = strtok_r(text, ",", &rest);
    if (name == NULL || strchr(name, '=') != NULL) {
        return err_set(err, ERR_INVALID, "'%.80s': write NAME,OPTION=VALUE, such as %s", argument,
                       strcmp(name_key, "rule") == 0 ? "median,after=5" : "hyperband,eta=3");
    }
    int failed = json_object_set_new(object, name_key, json_string(name));
    for (char *option = strtok_r(NULL, ",", &rest); option != NULL;
         option = strtok_r(NULL, ",", &rest)) {
        char *value = cut(option, "=");
        if (value == NULL || *option == '\0') {
            return err_set(err, ERR_INVALID, "'%.80s': after the name come OPTION=VALUE, not '%s'",
                           argument, option);
        }
        failed |= json_object_set_new(object, option, scalar_value(value));
    }
    if (failed != 0) {
        return err_set(err, ERR_INVALID, "'%.80s' is no UTF-8", argument);
    }
    *choice = json_incref(object);
    return 0;
}
