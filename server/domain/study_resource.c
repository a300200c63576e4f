#include "server/domain/study_resource.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/step.h"

#define COUNT_MAX INT64_C(1000000000000)

int64_t study_step_most(int digits)
{
    int64_t whole = step_whole(digits);

    return COUNT_MAX <= step_most(digits) / whole ? COUNT_MAX * whole : step_most(digits);
}

/* The numbers as they are said; NaN: not said, or no finite number, which is a fault. */
struct said {
    double min, max, step, unit;
};

static struct said read_said(struct fields *one)
{
    return (struct said){.min = fields_real(one, "min", 1),
                         .max = fields_real(one, "max", (double)NAN),
                         .step = fields_real(one, "step", (double)NAN),
                         .unit = fields_real(one, "unit", (double)NAN)};
}

static bool is_fraction(double x)
{
    return isfinite(x) && x != floor(x);
}

/* Studies that count whole steps: those of which nothing says otherwise. */
static bool is_whole(const struct said *said)
{
    return !is_fraction(said->min) && !is_fraction(said->max) && !is_fraction(said->step)
           && (isnan(said->unit) || said->unit == 1);
}

static void read_whole(struct fields *one, struct study_def *def)
{
    def->resource_min = fields_int(one, "min", 1, 1, COUNT_MAX);
    def->resource_max = fields_int(one, "max", 0, 1, COUNT_MAX);
    def->resource_step = fields_int(one, "step", 1, 1, COUNT_MAX);
}

/* ---- fractions ------------------------------------------------------------------------------- */

static const char *most_decimals(const struct said *said)
{
    int min = step_decimals(said->min);
    int max = step_decimals(said->max);
    int step = step_decimals(said->step);

    return step > min && step > max ? "step" : max > min ? "max" : "min";
}

/* The digits of the unit, as said or chosen; -1: a fault. */
static int read_digits(struct fields *one, const struct said *said)
{
    int chosen = step_default_digits(said->min, said->max, said->step);
    int digits = isnan(said->unit) ? chosen : step_unit_digits(said->unit);
    double max = isnan(said->max) ? 0 : said->max;

    if (chosen < 0) {
        fields_fault(one, most_decimals(said),
                     "has too many decimals: min, max and step may have %d, and max with as many "
                     "decimals 15 digits in all",
                     STEP_DIGITS_MAX);
    } else if (digits < 0 || max * (double)step_whole(digits) > (double)step_most(digits)) {
        fields_fault(one, "unit",
                     "must be 1, 0.1, 0.01, … down to 1e-12, and max have at most 15 digits in it");
        return -1;
    }
    return chosen < 0 ? -1 : digits;
}

static double eta_of(const struct study_def *def)
{
    const json_t *eta = json_object_get(def->strategy_options, "eta");

    return json_is_number(eta) ? json_number_value(eta) : 3;
}

/* The default of `step`: the coarsest power of ten in which min and max are whole (1 where they
 * are) and that keeps rungs apart, whose levels are by a factor of eta from one another. */
static int64_t default_step(const struct said *said, double eta, int digits)
{
    int at = step_decimals(said->min) > step_decimals(said->max) ? step_decimals(said->min)
                                                                 : step_decimals(said->max);

    while (at > 0 && at < digits && (eta - 1) * said->min < step_number(1, at)) {
        at++;
    }
    return step_whole(digits - at);
}

static void read_fractions(struct fields *one, const struct said *said, struct study_def *def)
{
    int digits = read_digits(one, said);

    if (digits < 0) {
        return;
    }
    int64_t most = study_step_most(digits);
    def->resource_digits = digits;
    def->resource_min = fields_step(one, "min", digits, step_whole(digits), 1, most);
    def->resource_max = fields_step(one, "max", digits, 0, 1, most);
    def->resource_step =
        fields_step(one, "step", digits, default_step(said, eta_of(def), digits), 1, most);
}

/* ---- both ------------------------------------------------------------------------------------ */

static void check_order(struct fields *one, const struct study_def *def)
{
    char max[STEP_BYTES];

    (void)step_format(def->resource_max, def->resource_digits, max);
    if (!fields_has(one, "max")) {
        fields_fault(one, "max", "is missing; say how long a full training is");
    } else if (def->resource_max > 0 && def->resource_min > def->resource_max) {
        fields_fault(one, "min", "must not be greater than max (%s)", max);
    } else if (def->resource_max > 0 && def->resource_step > def->resource_max) {
        fields_fault(one, "step", "must not be greater than max (%s)", max);
    }
}

void study_read_resource(struct fields *f, struct study_def *def)
{
    const json_t *given = fields_object(f, "resource");
    struct faults unsaid = {0};
    struct fields one;
    struct fields numbers;

    def->resource_step = 1;
    if (given == NULL) {
        return;
    }
    fields_begin(&one, given, "/resource", f->faults);
    const char *name = fields_string(&one, "name", "steps");
    def->has_resource = true;
    fields_begin(&numbers, given, "/resource", &unsaid); /* faults of type are added below */
    struct said said = read_said(&numbers);
    faults_finish(&unsaid);
    if (is_whole(&said)) {
        read_whole(&one, def);
        (void)fields_real(&one, "unit", 1);
    } else {
        read_fractions(&one, &said, def);
        (void)fields_any(&one, "min");
        (void)fields_any(&one, "max");
        (void)fields_any(&one, "step");
        (void)fields_real(&one, "unit", 1);
    }
    if (!name_is_resource(name)) {
        fields_fault(&one, "name", "must be a name of letters, digits, _ . and -, such as epochs");
    } else {
        (void)snprintf(def->resource_name, sizeof def->resource_name, "%s", name);
    }
    check_order(&one, def);
    fields_end(&one);
}
