#include "worker/cli/define/condition.h"

#include <string.h>

#include "common/json.h"
#include "common/suggest.h"
#include "worker/cli/define/scalar.h"
#include "worker/cli/session.h"
#include "worker/cli/show/study.h"

static const struct {
    const char *word;
    enum condition_of of;
} quantities[] = {{"best", CONDITION_BEST},       {"trials", CONDITION_TRIALS},
                  {"completed", CONDITION_STATE}, {"pruned", CONDITION_STATE},
                  {"failed", CONDITION_STATE},    {"running", CONDITION_STATE},
                  {"infeasible", CONDITION_STATE}};

/* Those of two characters first. */
static const struct {
    const char *text;
    enum condition_sign sign;
} signs[] = {{"<=", SIGN_AT_MOST}, {">=", SIGN_AT_LEAST}, {"==", SIGN_EQUAL},
             {"<", SIGN_LESS},     {">", SIGN_MORE},      {"=", SIGN_EQUAL}};

static int read_quantity(const char *text, size_t len, struct wait_condition *condition,
                         struct err *err)
{
    char word[32] = "";
    struct suggestion_for meant = {.word = word};

    memcpy(word, text, len < sizeof word ? len : sizeof word - 1);
    suggest_offer(&meant, "finished");
    for (size_t i = 0; i < sizeof quantities / sizeof quantities[0]; i++) {
        if (strcmp(quantities[i].word, word) == 0) {
            condition->of = quantities[i].of;
            condition->state = quantities[i].word;
            return 0;
        }
        suggest_offer(&meant, quantities[i].word);
    }
    if (meant.best != NULL) {
        return err_set(err, ERR_INVALID, "--until %s: did you mean '%s'?", text, meant.best);
    }
    return err_set(err, ERR_INVALID,
                   "--until %s: write finished, or a comparison such as best<0.2, trials>=50, "
                   "failed>3; also completed, pruned, running and infeasible can be counted",
                   text);
}

static int read_sign(const char *at, size_t *len, struct wait_condition *condition)
{
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        *len = strlen(signs[i].text);
        if (strncmp(at, signs[i].text, *len) == 0) {
            condition->sign = signs[i].sign;
            return 0;
        }
    }
    return -1;
}

int condition_read(const char *text, struct wait_condition *condition, struct err *err)
{
    size_t n_word = strcspn(text, "<>= ");
    size_t n_sign = 0;

    *condition = (struct wait_condition){0};
    if (strcmp(text, "finished") == 0) {
        return 0;
    }
    TRY(read_quantity(text, n_word, condition, err));
    const char *at = text + n_word + strspn(text + n_word, " ");
    bool has_sign = read_sign(at, &n_sign, condition) == 0;
    json_auto_t *number = has_sign ? scalar_number(at + n_sign + strspn(at + n_sign, " ")) : NULL;
    if (number == NULL) {
        return err_set(err, ERR_INVALID, "--until %s: write a comparison, such as %s>=50", text,
                       condition->state);
    }
    condition->number = json_number_value(number);
    return 0;
}

static bool compares(const struct wait_condition *condition, double x)
{
    switch (condition->sign) {
    case SIGN_LESS:
        return x < condition->number;
    case SIGN_AT_MOST:
        return x <= condition->number;
    case SIGN_MORE:
        return x > condition->number;
    case SIGN_AT_LEAST:
        return x >= condition->number;
    case SIGN_EQUAL:
    default:
        return x == condition->number;
    }
}

bool condition_holds(const struct wait_condition *condition, const json_t *study,
                     const json_t *best)
{
    switch (condition->of) {
    case CONDITION_BEST: /* NaN, where there is none, compares with nothing */
        return compares(condition, number_at(json_object_get(best, "trial"), "value"));
    case CONDITION_TRIALS:
        return compares(condition, (double)study_count_done(study));
    case CONDITION_STATE:
        return compares(condition, (double)study_count(study, condition->state));
    case CONDITION_FINISHED:
    default:
        return strcmp(text_at(study, "state"), "finished") == 0
               && study_count(study, "running") == 0;
    }
}
