#include "worker/cli/define/configurations.h"

#include <stdbool.h>
#include <string.h>

#include "common/json.h"
#include "worker/cli/define/csv.h"
#include "worker/cli/define/scalar.h"

#define PREFIX "parameters."

/* The names of the columns, null for those that are not read. */
static int read_titles(struct csv *csv, json_t *titles, struct err *err)
{
    bool more;
    bool is_export = false;

    TRY(csv_next(csv, &more, err));
    for (size_t i = 0; i < csv->n_cells; i++) {
        is_export = is_export || strncmp(csv_cell(csv, i), PREFIX, strlen(PREFIX)) == 0;
    }
    for (size_t i = 0; i < csv->n_cells; i++) {
        const char *title = csv_cell(csv, i);
        bool is_prefixed = strncmp(title, PREFIX, strlen(PREFIX)) == 0;
        const char *name = is_prefixed ? title + strlen(PREFIX) : title;
        (void)json_array_append_new(titles,
                                    is_export && !is_prefixed ? json_null() : json_string(name));
    }
    return csv->n_cells > 0
               ? 0
               : err_set(err, ERR_INVALID, "the first line names the parameters, and is missing");
}

/* As exports write it: what would be read as something else is JSON. */
static json_t *cell_value(const char *cell)
{
    json_t *value = NULL;
    struct err ignored;

    if (strchr("\"[{", *cell) != NULL
        && json_parse(cell, strlen(cell), &json_limits_default, &value, &ignored) == 0) {
        return value;
    }
    return scalar_value(cell);
}

static int add_row(const struct csv *csv, const json_t *titles, json_t *list, struct err *err)
{
    json_t *parameters = json_object();

    (void)json_array_append_new(list, json_pack("{s:o}", "parameters", parameters));
    if (csv->n_cells != json_array_size(titles)) {
        return err_set(err, ERR_INVALID, "line %u: it has %zu cells, and the first line has %zu",
                       csv->row, csv->n_cells, json_array_size(titles));
    }
    for (size_t i = 0; i < csv->n_cells; i++) {
        const char *name = json_string_value(json_array_get(titles, i));
        const char *cell = csv_cell(csv, i);
        if (name == NULL || *cell == '\0') {
            continue;
        }
        if (json_object_get(parameters, name) != NULL) {
            return err_set(err, ERR_INVALID, "two columns are called '%s'", name);
        }
        (void)json_object_set_new(parameters, name, cell_value(cell));
    }
    return 0;
}

int configurations_from_csv(const char *text, json_t *list, struct err *err)
{
    OWN(csv) struct csv csv;
    json_auto_t *titles = json_array();
    bool more = true;

    csv_init(&csv, text);
    TRY(read_titles(&csv, titles, err));
    while (more) {
        TRY(csv_next(&csv, &more, err));
        if (more) {
            TRY(add_row(&csv, titles, list, err));
        }
    }
    return 0;
}
