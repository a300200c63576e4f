/* Values one by one: a,b,c and const:x. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/cli/define/params_parts.h"
#include "worker/cli/define/scalar.h"

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
            return reading_refuse(reading, "the quote %c is not closed", quote);
        }
        from++;
    } else if (n == 0) {
        return reading_refuse(reading,
                              "there is nothing between two commas; write \"\" for an empty word");
    }
    if (*from != '\0' && *from != ',') {
        return reading_refuse(reading, "a comma is missing before '%.20s'", from);
    }
    json_t *number_or_null = quote != '\0' ? NULL : scalar_number(text);
    *item = number_or_null != NULL                        ? number_or_null
            : quote == '\0' && strcmp(text, "true") == 0  ? json_true()
            : quote == '\0' && strcmp(text, "false") == 0 ? json_false()
                                                          : json_string(text);
    *at = from;
    return *item != NULL ? 0 : reading_refuse(reading, "'%.40s' is no UTF-8", text);
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
                return reading_refuse(reading, "the choices must differ; one is there twice");
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
        return reading_refuse(reading,
                              "one value is no choice; write a range LOW..HIGH, several values "
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
    TRY(reading_put(reading, "type", json_string(integers ? "int" : "float")));
    return reading_put(reading, "values", json_incref(values));
}

int domain_read_list(const struct reading *reading, const char *domain)
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
        return reading_put(reading, "type", json_string("bool"));
    }
    if (n_integers + n_reals == json_array_size(items)) {
        return put_numbers(reading, items, n_reals == 0);
    }
    TRY(reading_put(reading, "type", json_string("categorical")));
    return reading_put(reading, "choices", json_incref(items));
}

int domain_read_choice(const struct reading *reading, const char *domain)
{
    json_auto_t *items = NULL;

    TRY(items_read(reading, domain, &items));
    TRY(reading_put(reading, "type", json_string("categorical")));
    return reading_put(reading, "choices", json_incref(items));
}

int domain_read_ordinal(const struct reading *reading, const char *domain)
{
    TRY(domain_read_choice(reading, domain));
    return reading_put(reading, "type", json_string("ordinal"));
}

int domain_read_const(const struct reading *reading, const char *domain)
{
    json_t *value;
    const char *at = domain;

    TRY(item_read(reading, &at, &value));
    TRY(reading_put(reading, "type", json_string("constant")));
    TRY(reading_put(reading, "value", value));
    return *at == '\0' ? 0 : reading_refuse(reading, "a constant has one value");
}

int domain_read_bool(const struct reading *reading, const char *domain)
{
    if (*domain != '\0') {
        return reading_refuse(reading, "write bool and nothing behind it");
    }
    return reading_put(reading, "type", json_string("bool"));
}
