#include "worker/cli/define/params.h"

#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/suggest.h"
#include "common/wire/wire.h"
#include "worker/cli/define/domain.h"
#include "worker/cli/define/params_list.h"
#include "worker/cli/define/params_range.h"
#include "worker/cli/define/params_when.h"
#include "worker/cli/define/scalar.h"

enum { KIND_BYTES = 16 };

/* ---- NAME=KIND:DOMAIN ----------------------------------------------------------------------- */

static const struct {
    const char *name;
    int (*read)(const struct domain_reader *reader, const char *domain);
} kinds[] = {
    {"log", domain_read_log},         {"int", domain_read_int},
    {"log-int", domain_read_log_int}, {"float", domain_read_float},
    {"normal", domain_read_normal},   {"lognormal", domain_read_lognormal},
    {"ordinal", domain_read_ordinal}, {"choice", domain_read_choice},
    {"const", domain_read_const},     {"bool", domain_read_bool},
};
static const size_t n_kinds = sizeof kinds / sizeof kinds[0];

/* "itn:1..5" is a slip and no word of a list. */
static int unknown_kind(const struct domain_reader *reader, const char *kind, const char *domain)
{
    struct suggestion_for meant = {.word = kind};

    for (size_t i = 0; i < n_kinds; i++) {
        suggest_offer(&meant, kinds[i].name);
    }
    if (meant.best != NULL) {
        return domain_refuse(reader, "there is no kind '%s'; did you mean '%s:%s'?", kind,
                             meant.best, domain);
    }
    return domain_refuse(reader,
                         "there is no kind '%s'; the kinds are log, int, log-int, float, normal, "
                         "lognormal, ordinal, choice, const, bool",
                         kind);
}

static int read_domain(const struct domain_reader *reader, const char *domain)
{
    size_t len = strspn(domain, "abcdefghijklmnopqrstuvwxyz-");
    char kind[KIND_BYTES];

    (void)snprintf(kind, sizeof kind, "%.*s", (int)len, domain);
    if (strcmp(domain, "bool") == 0) {
        return domain_read_bool(reader, "");
    }
    if (domain[len] == ':' && len > 0 && len < KIND_BYTES) {
        for (size_t i = 0; i < n_kinds; i++) {
            if (strcmp(kinds[i].name, kind) == 0) {
                return kinds[i].read(reader, domain + len + 1);
            }
        }
        if (strchr("+-.0123456789", domain[len + 1]) != NULL && strstr(domain, "..") != NULL) {
            return unknown_kind(reader, kind, domain + len + 1);
        }
    }
    return strchr("+-.0123456789", *domain) != NULL && strstr(domain, "..") != NULL
               ? domain_read_plain_range(reader, domain)
               : domain_read_list(reader, domain);
}

static int read_json(const struct domain_reader *reader, const char *domain)
{
    json_auto_t *object = NULL;
    struct err why = {0};

    if (json_parse(domain, strlen(domain), &json_limits_default, &object, &why) != 0) {
        return domain_refuse(reader, "%s", why.text);
    }
    if (json_object_get(object, "name") != NULL) {
        return domain_refuse(reader, "the name stands before the '='; take it out of the object");
    }
    return json_object_update(reader->out, object) == 0
               ? 0
               : err_set(reader->err, ERR_NOMEM, "out of memory");
}

int param_from_argument(const char *argument, json_t **parameter, struct err *err)
{
    const char *equals = strchr(argument, '=');
    size_t failures = json_failures();
    json_auto_t *object = json_object();
    struct domain_reader reader = {argument, object, err, failures};
    char name[PRINTABLE_NAME_BYTES + 1];
    char domain[DOMAIN_BYTES];

    if (strlen(argument) >= DOMAIN_BYTES) {
        return domain_refuse(&reader, "this is longer than %d bytes; use a study file",
                             DOMAIN_BYTES);
    }
    if (equals == NULL || equals[1] == '\0') {
        return domain_refuse(&reader,
                             "write NAME=DOMAIN, such as lr=log:1e-5..1e-1 or units=int:16..512");
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)(equals - argument), argument);
    if ((size_t)(equals - argument) >= sizeof name || !name_is_parameter(name)) {
        return domain_refuse(&reader,
                             "a name has 1 to %d characters that can be seen, no blank at an end",
                             PRINTABLE_NAME_CHARACTERS);
    }
    TRY(domain_put(&reader, "name", json_string(name)));
    (void)snprintf(domain, sizeof domain, "%s", equals + 1);
    char *condition = domain_cut_condition(domain);
    TRY(domain[0] == '{' ? read_json(&reader, domain) : read_domain(&reader, domain));
    if (condition != NULL) {
        TRY(domain_read_condition(&reader, condition));
    }
    TRY(json_check(failures, err)); /* a number may have been taken for a text */
    *parameter = json_incref(object);
    return 0;
}

int resource_from_argument(const char *argument, json_t **resource, struct err *err)
{
    char text[DOMAIN_BYTES];

    (void)snprintf(text, sizeof text, "%s", argument);
    size_t failures = json_failures();
    char *low = domain_cut(text, "=");
    char *high = low == NULL ? NULL : domain_cut(low, "..");
    char *step_text = high == NULL ? NULL : domain_cut(high, ":");
    json_auto_t *min = high == NULL ? NULL : scalar_number(low);
    json_auto_t *max = high == NULL ? NULL : scalar_number(high);
    json_auto_t *step = step_text == NULL ? NULL : scalar_number(step_text);

    TRY(json_check(failures, err));
    if (!json_is_number(min) || !json_is_number(max)
        || (step_text != NULL && !json_is_number(step))) {
        return err_set(err, ERR_INVALID,
                       "--resource %.80s: write NAME=MIN..MAX or NAME=MIN..MAX:STEP in numbers, "
                       "such as epochs=1..81 or epochs=0.25..16:0.25",
                       argument);
    }
    if (json_number_value(min) <= 0 || json_number_value(max) < json_number_value(min)
        || (step != NULL && json_number_value(step) <= 0)) {
        return err_set(err, ERR_INVALID,
                       "--resource %.80s: MIN and STEP must be above 0, MAX no less than MIN",
                       argument);
    }
    *resource =
        json_pack("{s:s, s:O, s:O, s:O*}", "name", text, "min", min, "max", max, "step", step);
    return *resource != NULL ? 0 : err_set(err, ERR_NOMEM, "out of memory");
}

int choice_from_argument(const char *argument, const char *name_key, json_t **choice,
                         struct err *err)
{
    char text[DOMAIN_BYTES];
    char *rest = NULL;
    size_t failures = json_failures();
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
        char *value = domain_cut(option, "=");
        if (value == NULL || *option == '\0') {
            return err_set(err, ERR_INVALID, "'%.80s': after the name come OPTION=VALUE, not '%s'",
                           argument, option);
        }
        failed |= json_object_set_new(object, option, scalar_value(value));
    }
    TRY(json_check(failures, err));
    if (failed != 0) {
        return err_set(err, ERR_INVALID, "'%.80s' is no UTF-8", argument);
    }
    *choice = json_incref(object);
    return 0;
}
