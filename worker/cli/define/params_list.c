#include "worker/cli/define/params_list.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/json_value.h"
#include "worker/cli/define/scalar.h"

/* Reads [64,64] or {"a":1} at *at, up to the bracket that closes it. */
static int json_item_read(const struct domain_reader *reader, const char **at, json_t **item)
{
    const char *end = *at;
    size_t depth = 0;
    bool in_string = false;
    struct err why = {0};

    do {
        if (*end == '"') {
            in_string = !in_string;
        } else if (in_string && *end == '\\' && end[1] != '\0') {
            end++;
        } else if (!in_string && (*end == '[' || *end == '{')) {
            depth++;
        } else if (!in_string && (*end == ']' || *end == '}')) {
            depth--;
        }
        end += *end != '\0';
    } while (depth > 0 && *end != '\0');
    if (json_parse(*at, (size_t)(end - *at), &json_limits_default, item, &why) != 0) {
        return domain_refuse(reader, "'%.40s': %s", *at, why.text);
    }
    if (*end != '\0' && *end != ',') {
        json_decref(*item);
        return domain_refuse(reader, "a comma is missing before '%.20s'", end);
    }
    *at = end;
    return 0;
}

static json_t *plain_value(const char *text)
{
    json_t *number_or_null = scalar_number(text);

    return number_or_null != NULL       ? number_or_null
           : strcmp(text, "true") == 0  ? json_true()
           : strcmp(text, "false") == 0 ? json_false()
           : strcmp(text, "null") == 0  ? json_null()
                                        : json_string(text);
}

/* Reads one item at *at: quoted ('' within '…' is a quote), an array or object of JSON, or plain up
 * to the comma. */
static int item_read(const struct domain_reader *reader, const char **at, json_t **item)
{
    if (**at == '[' || **at == '{') {
        return json_item_read(reader, at, item);
    }
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
            return domain_refuse(reader, "the quote %c is not closed", quote);
        }
        from++;
    } else if (n == 0) {
        return domain_refuse(reader,
                             "there is nothing between two commas; write \"\" for an empty word");
    }
    if (*from != '\0' && *from != ',') {
        return domain_refuse(reader, "a comma is missing before '%.20s'", from);
    }
    *item = quote != '\0' ? json_string(text) : plain_value(text);
    *at = from;
    return *item != NULL ? 0 : domain_refuse(reader, "'%.40s' is no UTF-8", text);
}

int domain_read_items(const struct domain_reader *reader, const char *domain, json_t **items)
{
    json_auto_t *list = json_array();
    const char *at = domain;

    for (;;) {
        json_t *item;
        size_t i;
        json_t *other;
        TRY(item_read(reader, &at, &item));
        json_array_foreach (list, i, other) {
            if (json_same(other, item)) {
                json_decref(item);
                return domain_refuse(reader,
                                     "the choices must differ; one is there twice: name it once, "
                                     "with \"weights\" in the JSON form");
            }
        }
        if (json_array_append_new(list, item) != 0) {
            return err_set(reader->err, ERR_NOMEM, "out of memory");
        }
        if (*at == '\0') {
            break;
        }
        at++; /* the comma */
    }
    *items = json_incref(list);
    return 0;
}

static int items_read(const struct domain_reader *reader, const char *domain, json_t **items)
{
    TRY(domain_read_items(reader, domain, items));
    if (json_array_size(*items) < 2) {
        return domain_refuse(reader,
                             "one value is no choice; write a range LOW..HIGH, several values "
                             "A,B,C, or const:VALUE");
    }
    return 0;
}

static int by_number(const void *a, const void *b)
{
    double x = json_number_value(*(json_t *const *)a);
    double y = json_number_value(*(json_t *const *)b);

    return (x > y) - (x < y);
}

/* Numbers have an order of their own, whatever order they were typed in. */
static int put_numbers(const struct domain_reader *reader, json_t *items, bool integers)
{
    size_t n = json_array_size(items);
    json_t **sorted = calloc(n, sizeof *sorted);
    json_auto_t *values = json_array();

    if (sorted == NULL || values == NULL) {
        free(sorted);
        return err_set(reader->err, ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        sorted[i] = json_array_get(items, i);
    }
    qsort(sorted, n, sizeof *sorted, by_number);
    for (size_t i = 0; i < n; i++) {
        (void)json_array_append(values, sorted[i]);
    }
    free(sorted);
    TRY(domain_put(reader, "type", json_string(integers ? "int" : "float")));
    return domain_put(reader, "values", json_incref(values));
}

int domain_read_list(const struct domain_reader *reader, const char *domain)
{
    json_auto_t *items = NULL;
    size_t n_integers = 0, n_reals = 0, n_bools = 0, i;
    json_t *item;

    TRY(items_read(reader, domain, &items));
    json_array_foreach (items, i, item) {
        n_integers += json_is_integer(item);
        n_reals += json_is_real(item);
        n_bools += json_is_boolean(item);
    }
    if (n_bools == 2 && json_array_size(items) == 2) {
        return domain_put(reader, "type", json_string("bool"));
    }
    if (n_integers + n_reals == json_array_size(items)) {
        return put_numbers(reader, items, n_reals == 0);
    }
    TRY(domain_put(reader, "type", json_string("categorical")));
    return domain_put(reader, "choices", json_incref(items));
}

int domain_read_choice(const struct domain_reader *reader, const char *domain)
{
    json_auto_t *items = NULL;

    TRY(items_read(reader, domain, &items));
    TRY(domain_put(reader, "type", json_string("categorical")));
    return domain_put(reader, "choices", json_incref(items));
}

int domain_read_ordinal(const struct domain_reader *reader, const char *domain)
{
    TRY(domain_read_choice(reader, domain));
    return domain_put(reader, "type", json_string("ordinal"));
}

int domain_read_const(const struct domain_reader *reader, const char *domain)
{
    json_t *value;
    const char *at = domain;

    TRY(item_read(reader, &at, &value));
    TRY(domain_put(reader, "value", value)); /* first: it is stolen in any case */
    TRY(domain_put(reader, "type", json_string("constant")));
    return *at == '\0' ? 0 : domain_refuse(reader, "a constant has one value");
}

int domain_read_bool(const struct domain_reader *reader, const char *domain)
{
    if (*domain != '\0') {
        return domain_refuse(reader, "write bool and nothing behind it");
    }
    return domain_put(reader, "type", json_string("bool"));
}
