/* One parameter of a study body → struct param. */
#include "common/space_build.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "common/normal.h"
#include "common/wire.h"

static const char *number_text(double x)
{
    static _Thread_local char texts[4][JSON_NUMBER_BYTES];
    static _Thread_local unsigned int next;
    char *text = texts[next++ % 4];

    return json_format_number(x, text);
}

bool json_same_scalar(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b)) {
        return json_integer_value(a) == json_integer_value(b);
    }
    if (json_is_number(a) && json_is_number(b)) {
        return json_number_value(a) == json_number_value(b);
    }
    if (json_is_string(a) && json_is_string(b)) {
        return strcmp(json_string_value(a), json_string_value(b)) == 0;
    }
    return json_typeof(a) == json_typeof(b) && json_is_boolean(a);
}

/* ---- choices ---- */

/* NULL when it can be a choice, else what is wrong with it. */
static const char *choice_trouble(const json_t *choice)
{
    if (json_is_string(choice)) {
        if (json_string_length(choice) > SPACE_CHOICE_BYTES) {
            return "is longer than 4096 bytes; name it by something shorter, such as a path";
        }
        if (strlen(json_string_value(choice)) != json_string_length(choice)) {
            return "contains the character NUL, which no argument or environment can carry";
        }
        return NULL;
    }
    if (json_is_number(choice) || json_is_boolean(choice)) {
        return NULL;
    }
    return "must be a string, a finite number or a boolean";
}

static int compare_numbers(const void *a, const void *b)
{
    double x = json_number_value(*(json_t *const *)a);
    double y = json_number_value(*(json_t *const *)b);

    return (x > y) - (x < y);
}

static int compare_scalars(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a;
    const json_t *y = *(json_t *const *)b;
    int kind_x = json_is_number(x) ? 0 : json_is_string(x) ? 1 : 2;
    int kind_y = json_is_number(y) ? 0 : json_is_string(y) ? 1 : 2;

    if (kind_x != kind_y) {
        return kind_x - kind_y;
    }
    if (kind_x == 0) {
        return json_same_scalar(x, y) ? 0 : json_number_value(x) < json_number_value(y) ? -1 : 1;
    }
    if (kind_x == 1) {
        return strcmp(json_string_value(x), json_string_value(y));
    }
    return (int)json_is_true(x) - (int)json_is_true(y);
}

/* Sorts a copy, so that ten thousand choices do not take fifty million comparisons. */
static void check_distinct(struct fields *f, const char *name, const struct param *param)
{
    OWN(memory) json_t **sorted = malloc(param->n_choices * sizeof(json_t *));

    if (sorted == NULL) {
        fields_fault(f, name, "out of memory");
        return;
    }
    memcpy(sorted, param->choices, param->n_choices * sizeof(json_t *));
    qsort(sorted, param->n_choices, sizeof(json_t *), compare_scalars);
    for (size_t i = 1; i < param->n_choices; i++) {
        if (json_same_scalar(sorted[i - 1], sorted[i])) {
            OWN(memory) char *text = json_dumps(sorted[i], JSON_ENCODE_ANY | JSON_COMPACT);
            fields_fault(f, name, "names %.60s twice; the values must be distinct",
                         text != NULL ? text : "a value");
            return;
        }
    }
}

/* Takes the array's items over as choices; false after a fault. */
static bool take_choices(struct fields *f, const char *name, const json_t *array,
                         struct param *param)
{
    size_t n = json_array_size(array);

    if (n == 0 || n > SPACE_CHOICES_MAX) {
        fields_fault(f, name, n == 0 ? "needs at least one value" : "has more than 10000 values");
        return false;
    }
    param->choices = calloc(n, sizeof *param->choices);
    param->choice_numbers = calloc(n, sizeof *param->choice_numbers);
    if (param->choices == NULL || param->choice_numbers == NULL) {
        fields_fault(f, name, "out of memory");
        return false;
    }
    param->n_choices = n;
    for (size_t i = 0; i < n; i++) {
        param->choices[i] = json_incref(json_array_get(array, i));
    }
    return true;
}

/* Every choice as a number: itself, 0 or 1 for booleans, NaN for texts. */
static void number_choices(struct param *param)
{
    for (size_t i = 0; i < param->n_choices; i++) {
        const json_t *choice = param->choices[i];
        param->choice_numbers[i] = json_is_number(choice)    ? json_number_value(choice)
                                   : json_is_boolean(choice) ? (double)json_is_true(choice)
                                                             : (double)NAN;
    }
    param->n_cells = param->n_choices;
    param->step = 1;
    param->high = (double)(param->n_choices - 1);
}

static void read_choices(struct fields *f, struct param *param)
{
    const json_t *array = fields_array(f, "choices");

    if (array == NULL) {
        if (!fields_has(f, "choices")) {
            fields_fault(f, "choices", "is missing; list the values, such as [\"a\", \"b\"]");
        }
        return;
    }
    size_t before = f->faults->total;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *trouble = choice_trouble(json_array_get(array, i));
        if (trouble != NULL) {
            char at[32];
            (void)snprintf(at, sizeof at, "choices/%zu", i);
            fields_fault(f, at, "%s", trouble);
        }
    }
    if (f->faults->total == before && take_choices(f, "choices", array, param)) {
        check_distinct(f, "choices", param);
        number_choices(param);
    }
}

static void read_constant(struct fields *f, struct param *param)
{
    const json_t *value = fields_any(f, "value");

    if (value == NULL) {
        fields_fault(f, "value", "is missing; a constant needs its value");
        return;
    }
    const char *trouble = choice_trouble(value);
    if (trouble != NULL) {
        fields_fault(f, "value", "%s", trouble);
        return;
    }
    json_auto_t *array = json_array();
    if (json_array_append(array, json_unconst(value)) == 0
        && take_choices(f, "value", array, param)) {
        number_choices(param);
    }
}

static void read_bool(struct fields *f, struct param *param)
{
    json_auto_t *array = json_array();

    if (json_array_append_new(array, json_false()) == 0
        && json_array_append_new(array, json_true()) == 0
        && take_choices(f, "type", array, param)) {
        number_choices(param);
    }
}

/* ---- numerics ---- */

/* A number in the parameter's own type; NaN when missing or wrong. */
static double read_number(struct fields *f, const struct param *param, const char *name)
{
    size_t before = f->faults->total;
    double number = (double)NAN;

    if (param->type != PARAM_INT) {
        number = fields_real(f, name, (double)NAN);
    } else if (fields_has(f, name)) {
        number = (double)fields_int(f, name, 0, -SPACE_INT_MAX, SPACE_INT_MAX);
    } else {
        (void)fields_any(f, name);
    }
    return f->faults->total == before ? number : (double)NAN;
}

/* One of `names`, or 0 when missing or wrong. */
static int read_word(struct fields *f, const char *name, const char *const names[], int n)
{
    const char *word = fields_string(f, name, NULL);

    for (int i = 0; word != NULL && i < n; i++) {
        if (strcmp(word, names[i]) == 0) {
            return i;
        }
    }
    if (word != NULL) {
        fields_fault(f, name, "\"%.40s\" is none of %s%s%s%s%s", word, names[0], ", ", names[1],
                     n > 2 ? ", " : "", n > 2 ? names[2] : "");
    }
    return 0;
}

static void read_listed(struct fields *f, struct param *param)
{
    static const char *const excluded[] = {"low",          "high", "step", "grid",
                                           "distribution", "mean", "sd"};
    const json_t *array = fields_array(f, "values");
    size_t before = f->faults->total;

    for (size_t i = 0; i < sizeof excluded / sizeof excluded[0]; i++) {
        if (fields_any(f, excluded[i]) != NULL) {
            fields_fault(f, excluded[i], "says nothing beside \"values\"; leave one of them out");
        }
    }
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *value = json_array_get(array, i);
        char at[32];
        (void)snprintf(at, sizeof at, "values/%zu", i);
        double x = json_number_value(value);
        if (!json_is_number(value)) {
            fields_fault(f, at, "must be a finite number");
        } else if (param->type == PARAM_INT && (x != floor(x) || fabs(x) > 0x1p53)) {
            fields_fault(f, at, "must be an integer between -2^53 and 2^53");
        } else if (param->scale == SCALE_LOG && x <= 0) {
            fields_fault(f, at, "must be greater than 0 with a log scale");
        }
    }
    param->listed = true;
    if (array != NULL && f->faults->total == before && take_choices(f, "values", array, param)) {
        qsort(param->choices, param->n_choices, sizeof(json_t *), compare_numbers);
        check_distinct(f, "values", param);
        number_choices(param);
    }
}

/* Finds the power of ten that makes low and step integers, if their decimals are short. */
static void find_decimal(struct param *param)
{
    double p = 1;

    for (int q = 0; q <= 15; q++, p *= 10) {
        double low = nearbyint(param->low * p);
        double step = nearbyint(param->step * p);
        if (fabs(low) > 0x1p52 || fabs(param->high * p) > 0x1p52) {
            return;
        }
        if (low / p == param->low && step / p == param->step) {
            param->decimal = p;
            param->low_units = low;
            param->step_units = step;
            return;
        }
    }
}

static void count_cells(struct fields *f, struct param *param)
{
    if (param->type == PARAM_INT) {
        int64_t span = (int64_t)param->high - (int64_t)param->low;
        param->n_cells = (uint64_t)(span / (int64_t)param->step) + 1;
    } else {
        double n = floor((param->high - param->low) / param->step * (1 + 1e-14) + 1e-9);
        if (n >= 0x1p53) {
            fields_fault(f, "step", "makes more than 2^53 steps; leave it out or make it larger");
            return;
        }
        find_decimal(param);
        param->n_cells = (uint64_t)n + 1;
    }
    param->high = param_cell_value(param, param->n_cells - 1);
}

/* The probability that falls into low..high, counted from the side where digits are kept. */
static void find_normal_edges(struct fields *f, struct param *param, double margin)
{
    double low = param->low - margin;
    double high = param->high + margin;

    if (param->distribution == DISTRIBUTION_LOGNORMAL) {
        low = low > 0 ? log(low) : -(double)INFINITY;
        high = log(high);
    }
    double a = (low - param->mean) / param->sd;
    double b = (high - param->mean) / param->sd;
    param->mirrored = a > 0;
    param->edge_from = normal_cdf(param->mirrored ? -a : a);
    param->edge_span = normal_cdf(param->mirrored ? -b : b) - param->edge_from;
    if (!(fabs(param->edge_span) > 1e-280)) {
        fields_fault(f, "mean", "lies so far outside low..high that nothing could be drawn");
    }
}

static void find_edges(struct fields *f, struct param *param)
{
    double margin = param->n_cells > 0 ? param->step / 2 : 0;

    if (param->distribution != DISTRIBUTION_UNIFORM) {
        find_normal_edges(f, param, margin);
        return;
    }
    double low = param->low - margin;
    double high = param->high + margin;
    if (param->scale == SCALE_LOG && low <= 0) {
        fields_fault(f, "low",
                     margin > 0 && param->low > 0
                         ? "must be more than half the step with a log scale"
                         : "must be greater than 0 with a log scale");
        return;
    }
    param->edge_from = param->scale == SCALE_LOG ? log(low) : low;
    param->edge_span = (param->scale == SCALE_LOG ? log(high) : high) - param->edge_from;
    if (!(param->edge_span > 0)) {
        fields_fault(f, "high", "is too close to low to tell values apart");
    }
}

/* low, high: required unless a normal distribution stands in for them. */
static void read_bounds(struct fields *f, struct param *param, bool must)
{
    double low = read_number(f, param, "low");
    double high = read_number(f, param, "high");

    if (must && !fields_has(f, "low")) {
        fields_fault(f, "low", "is missing; give the lowest value, or list \"values\"");
    }
    if (must && !fields_has(f, "high")) {
        fields_fault(f, "high", "is missing; give the highest value, or list \"values\"");
    }
    if (low >= high) {
        fields_fault(f, "high", "must be greater than low (%s); use a constant for a single value",
                     number_text(low));
    } else if (!isfinite(high - low) && !isnan(high - low)) {
        fields_fault(f, "high", "lies further from low than a double can tell");
    }
    bool lognormal = param->distribution == DISTRIBUTION_LOGNORMAL;
    if (lognormal && low < 0) {
        fields_fault(f, "low", "must not be negative with a lognormal distribution");
    }
    param->low = isnan(low) ? (lognormal ? 0 : -(double)INFINITY) : low;
    param->high = isnan(high) ? (double)INFINITY : high;
}

static void read_moments(struct fields *f, struct param *param)
{
    param->mean = fields_real(f, "mean", (double)NAN);
    param->sd = fields_real(f, "sd", (double)NAN);
    if (!fields_has(f, "mean")) {
        fields_fault(f, "mean", "is missing; a normal distribution needs mean and sd");
    }
    if (!fields_has(f, "sd")) {
        fields_fault(f, "sd", "is missing; a normal distribution needs mean and sd");
    } else if (param->sd <= 0) {
        fields_fault(f, "sd", "must be greater than 0");
    }
    if (param->distribution == DISTRIBUTION_LOGNORMAL && isinf(param->high)
        && param->mean + 9 * param->sd > 700) {
        fields_fault(f, "sd", "reaches beyond the largest double; give a high");
    }
    if (param->distribution == DISTRIBUTION_NORMAL && !isfinite(param->mean + 9 * param->sd)
        && !isnan(param->mean + param->sd)) {
        fields_fault(f, "sd", "reaches beyond the largest double");
    }
}

static void read_step(struct fields *f, struct param *param)
{
    double step = read_number(f, param, "step");

    if (step <= 0) {
        fields_fault(f, "step", "must be greater than 0");
    } else if (step > param->high - param->low) {
        fields_fault(f, "step", "is larger than high - low (%s); only low would be left",
                     number_text(param->high - param->low));
    }
    param->step = isnan(step) ? (param->type == PARAM_INT ? 1 : 0) : step;
}

static void read_range(struct fields *f, struct param *param)
{
    static const char *const distributions[] = {"uniform", "normal", "lognormal"};
    size_t before = f->faults->total;

    param->distribution = (enum param_distribution)read_word(f, "distribution", distributions, 3);
    if (f->faults->total != before) {
        static const char *const others[] = {"low", "high", "step", "mean", "sd", "grid"};
        for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
            (void)fields_any(f, others[i]); /* which are wanted hangs on the distribution */
        }
        return;
    }
    bool uniform = param->distribution == DISTRIBUTION_UNIFORM;
    read_bounds(f, param, uniform || param->type == PARAM_INT || fields_has(f, "step"));
    read_step(f, param);
    if (!uniform) {
        read_moments(f, param);
        if (param->scale == SCALE_LOG) {
            fields_fault(f, "scale", "goes with a uniform distribution only; use \"lognormal\"");
        }
    }
    param->grid = (size_t)fields_int(f, "grid", 0, 1, SPACE_GRID_MAX);
    if (f->faults->total == before && param->step > 0) {
        count_cells(f, param);
    }
    if (f->faults->total == before) {
        find_edges(f, param);
    }
    if (param->n_cells > 0 && param->grid >= param->n_cells) {
        param->grid = 0; /* all of them, which is what it means to leave it out */
    }
}

static void read_numeric(struct fields *f, struct param *param)
{
    static const char *const scales[] = {"linear", "log"};

    param->scale = (enum param_scale)read_word(f, "scale", scales, 2);
    if (fields_has(f, "values")) {
        read_listed(f, param);
    } else {
        read_range(f, param);
    }
}

/* ---- the whole parameter ---- */

static void read_name(struct fields *f, struct param *param)
{
    const char *name = fields_string(f, "name", NULL);

    if (name == NULL) {
        if (!fields_has(f, "name")) {
            fields_fault(f, "name", "is missing; every parameter needs a name");
        }
        return;
    }
    if (!name_is_parameter(name)) {
        fields_fault(f, "name",
                     "\"%.80s\" is no parameter name: begin with a letter or _, go on with "
                     "letters, digits, _ . or -, at most 64 in all",
                     name);
        return;
    }
    param->name = strdup(name);
    for (size_t i = 0; name[i] != '\0' && i < sizeof param->env_name - 1; i++) {
        char c = name[i];
        bool plain = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        param->env_name[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : plain ? c : '_';
    }
}

static void read_default(struct fields *f, struct param *param)
{
    const json_t *given = fields_any(f, "default");
    char why[PARAM_WHY_BYTES];

    if (given == NULL) {
        return;
    }
    if (param_value_from_json(param, given, &param->default_value, why) != 0) {
        fields_fault(f, "default", "%s", why);
    } else {
        param->has_default = true;
    }
}

static enum param_type read_type(struct fields *f)
{
    static const char *const names[] = {"float",   "int",  "categorical",
                                        "ordinal", "bool", "constant"};
    const char *type = fields_string(f, "type", NULL);

    for (int i = 0; type != NULL && i < PARAM_TYPE_COUNT; i++) {
        if (strcmp(type, names[i]) == 0) {
            return (enum param_type)i;
        }
    }
    if (type != NULL) {
        fields_fault(f, "type",
                     "\"%.40s\" is none of float, int, categorical, ordinal, bool, constant", type);
    } else if (!fields_has(f, "type")) {
        fields_fault(f, "type",
                     "is missing; one of float, int, categorical, ordinal, bool, constant");
    }
    return PARAM_TYPE_COUNT;
}

void param_from_json(const json_t *json, const char *pointer, struct param *param,
                     struct faults *faults)
{
    struct fields f;
    size_t before = faults->total;

    if (json == NULL || !json_is_object(json)) {
        faults_add(faults, pointer, "must be an object with name and type");
        return;
    }
    fields_begin(&f, json, pointer, faults);
    read_name(&f, param);
    enum param_type type = read_type(&f);
    if (type == PARAM_TYPE_COUNT) {
        return; /* which of the other fields are known hangs on the type */
    }
    param->type = type;
    if (type == PARAM_FLOAT || type == PARAM_INT) {
        read_numeric(&f, param);
    } else if (type == PARAM_BOOL) {
        read_bool(&f, param);
    } else if (type == PARAM_CONSTANT) {
        read_constant(&f, param);
    } else {
        read_choices(&f, param);
    }
    if (faults->total == before) {
        read_default(&f, param);
    } else {
        (void)fields_any(&f, "default"); /* cannot be judged */
    }
    (void)fields_any(&f, "when");
    fields_end(&f);
}
