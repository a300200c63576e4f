#include "server/advice/measured.h"

#include <math.h>

enum { N_BUDGETS = 3 };
static const double budgets[N_BUDGETS] = {MEASURED_LEAST, 50, MEASURED_MOST};

/* Rows that are left out are zeros: not measured. */
/* [one worker, sixteen workers][budget]. Grid has no figures of its own: handed out in a shuffled
 * order, it is taken for random search. */
static const double regrets[TECHNIQUE_COUNT][KIND_COUNT][2][N_BUDGETS] =
    {
        [TECHNIQUE_PREDICTIVE] =
            {
                [KIND_CURVES] = {{.221, .109, .073}, {.340, .127, .083}},
            },
        [TECHNIQUE_BAYESIAN] =
            {
                [KIND_NUMBERS] = {{.187, .033, .011}, {.335, .175, .043}},
                [KIND_MIXED] = {{.303, .133, .030}, {.366, .176, .075}},
                [KIND_NOISY] = {{.163, .122, .074}, {.183, .128, .083}},
                [KIND_CURVES] = {{.332, .201, .123}, {.448, .251, .145}},
            },
        [TECHNIQUE_ASHA_BAYESIAN] =
            {
                [KIND_CURVES] = {{0}, {.356, .276, .239}},
            },
        [TECHNIQUE_BOHB] =
            {
                [KIND_CURVES] = {{0}, {.493, .305, .182}},
            },
        [TECHNIQUE_TPE] =
            {
                [KIND_NUMBERS] = {{.270, .160, .096}, {.343, .192, .138}},
                [KIND_MIXED] = {{.323, .244, .186}, {.414, .300, .201}},
                [KIND_NOISY] = {{.210, .135, .109}, {.183, .173, .123}},
                [KIND_CURVES] = {{.412, .257, .185}, {.402, .268, .194}},
            },
        [TECHNIQUE_ASHA_STOPPING] =
            {
                [KIND_CURVES] = {{.411, .284, .236}, {.511, .320, .239}},
            },
        [TECHNIQUE_ASHA_PROMOTION] =
            {
                [KIND_CURVES] = {{.374, .301, .234}, {.545, .299, .236}},
            },
        [TECHNIQUE_HYPERBAND] =
            {
                [KIND_CURVES] = {{.356, .301, .262}, {.663, .354, .269}},
            },
        [TECHNIQUE_QUASIRANDOM] =
            {
                [KIND_NUMBERS] = {{.319, .257, .228}, {.319, .257, .228}},
                [KIND_MIXED] = {{.370, .307, .245}, {.370, .307, .245}},
                [KIND_NOISY] = {{.202, .179, .190}, {.202, .179, .190}},
                [KIND_CURVES] = {{.442, .347, .282}, {.443, .336, .304}},
            },
        [TECHNIQUE_RANDOM] =
            {
                [KIND_NUMBERS] = {{.382, .309, .266}, {.367, .303, .262}},
                [KIND_MIXED] = {{.406, .314, .275}, {.434, .320, .282}},
                [KIND_NOISY] = {{.222, .195, .147}, {.236, .199, .147}},
                [KIND_CURVES] = {{.422, .347, .313}, {.514, .364, .313}},
            },
};

/* Whose figures stand where a technique has none. */
static enum technique relative(enum technique technique)
{
    if (technique == TECHNIQUE_HALVING) {
        return TECHNIQUE_HYPERBAND;
    }
    return technique == TECHNIQUE_GRID ? TECHNIQUE_RANDOM : technique;
}

static bool has_figures(const double row[N_BUDGETS])
{
    return row[0] > 0.0;
}

/* Between the two budgets around it, in their logarithms. */
static double at_budget(const double row[N_BUDGETS], double evaluations)
{
    if (evaluations <= budgets[0]) {
        return row[0];
    }
    for (size_t i = 1; i < N_BUDGETS; i++) {
        if (evaluations < budgets[i]) {
            double share = log(evaluations / budgets[i - 1]) / log(budgets[i] / budgets[i - 1]);
            return row[i - 1] + share * (row[i] - row[i - 1]);
        }
    }
    return row[N_BUDGETS - 1];
}

double measured_regret(enum technique technique, enum problem_kind kind, double workers,
                       double evaluations, bool *is_measured)
{
    const double(*rows)[N_BUDGETS] = regrets[relative(technique)][kind];
    double share = log(fmin(fmax(workers, 1.0), MEASURED_WORKERS)) / log(MEASURED_WORKERS);
    bool one = has_figures(rows[0]);
    bool many = has_figures(rows[1]);

    if (is_measured != NULL) {
        *is_measured = relative(technique) == technique && (one || share == 1.0)
                       && (many || share == 0.0) && evaluations >= MEASURED_LEAST
                       && evaluations <= MEASURED_MOST && workers <= MEASURED_WORKERS;
    }
    if (!one && !many) {
        return 1.0;
    }
    double first = at_budget(rows[one ? 0 : 1], evaluations);
    double second = at_budget(rows[many ? 1 : 0], evaluations);
    return first + share * (second - first);
}

/* ---- thinking -------------------------------------------------------------------------------- */

struct pace {
    double n, seconds;
};

static const struct pace gaussian[] = {{0, 0}, {100, 0.014}, {500, 0.072}, {1000, 0.147}};
static const struct pace densities[] = {{0, 0}, {1000, 0.001}, {5000, 0.004}};

static size_t paces(enum technique technique, const struct pace **table)
{
    switch (technique) {
    case TECHNIQUE_PREDICTIVE:
    case TECHNIQUE_BAYESIAN:
    case TECHNIQUE_ASHA_BAYESIAN:
        *table = gaussian;
        return sizeof gaussian / sizeof gaussian[0];
    case TECHNIQUE_BOHB:
    case TECHNIQUE_TPE:
        *table = densities;
        return sizeof densities / sizeof densities[0];
    case TECHNIQUE_ASHA_STOPPING:
    case TECHNIQUE_ASHA_PROMOTION:
    case TECHNIQUE_HYPERBAND:
    case TECHNIQUE_HALVING:
    case TECHNIQUE_QUASIRANDOM:
    case TECHNIQUE_RANDOM:
    case TECHNIQUE_GRID:
    case TECHNIQUE_COUNT:
        break;
    }
    return 0;
}

/* Seconds at n, and summed from 0 to n; straight lines between the figures, flat behind them. */
static double walk(enum technique technique, double n, double *total)
{
    const struct pace *table;
    size_t n_table = paces(technique, &table);
    double sum = 0.0;

    for (size_t i = 1; i < n_table; i++) {
        const struct pace *a = &table[i - 1];
        const struct pace *b = &table[i];
        if (n < b->n) {
            double here = a->seconds + (n - a->n) / (b->n - a->n) * (b->seconds - a->seconds);
            *total = sum + (n - a->n) * (a->seconds + here) / 2.0;
            return here;
        }
        sum += (b->n - a->n) * (a->seconds + b->seconds) / 2.0;
    }
    if (n_table == 0) {
        *total = 0.0;
        return 0.0;
    }
    const struct pace *last = &table[n_table - 1];
    *total = sum + (n - last->n) * last->seconds;
    return last->seconds;
}

double measured_think_seconds(enum technique technique, double n)
{
    double total;

    return walk(technique, n, &total);
}

double measured_think_total(enum technique technique, double n)
{
    double total;

    (void)walk(technique, n, &total);
    return total;
}
