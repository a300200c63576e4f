#include "worker/cli/define/difference.h"

#include <string.h>

#include "common/json.h"
#include "worker/cli/session.h"
#include "worker/cli/show/study.h"

enum { TEXT_BYTES = 1 << 16 };

static void append_line(struct buf *out, const char *group, const char *name, const char *there,
                        const char *here)
{
    if (strcmp(there, here) != 0) {
        buf_printf(out, "  %s%s%s: %s there, %s here\n", group, *group == '\0' ? "" : ".", name,
                   *there == '\0' ? "nothing" : there, *here == '\0' ? "nothing" : here);
    }
}

static void compare_values(struct buf *out, const char *group, const char *name,
                           const json_t *there, const json_t *here)
{
    OWN(buf) struct buf left = {0};
    OWN(buf) struct buf right = {0};

    buf_init(&left, TEXT_BYTES);
    buf_init(&right, TEXT_BYTES);
    value_append(&left, there, 17);
    value_append(&right, here, 17);
    append_line(out, group, name, buf_text(&left), buf_text(&right));
}

/* Members that only one side has may be defaults that the server filled in: only those that were
 * asked for count, and those that were not asked for though they had been once are left to the
 * server's sentence. */
static void compare_members(struct buf *out, const char *group, const json_t *there,
                            const json_t *here)
{
    const char *name;
    json_t *value;

    json_object_foreach (json_unconst(here), name, value) {
        compare_values(out, group, name, json_object_get(there, name), value);
    }
}

static const json_t *find_parameter(const json_t *parameters, const char *name)
{
    size_t i;
    json_t *parameter;

    json_array_foreach (json_unconst(parameters), i, parameter) {
        if (strcmp(text_at(parameter, "name"), name) == 0) {
            return parameter;
        }
    }
    return NULL;
}

static void compare_domains(struct buf *out, const char *name, const json_t *there,
                            const json_t *here)
{
    OWN(buf) struct buf left = {0};
    OWN(buf) struct buf right = {0};

    buf_init(&left, TEXT_BYTES);
    buf_init(&right, TEXT_BYTES);
    if (there != NULL) {
        parameter_append_domain(&left, there);
    }
    if (here != NULL) {
        parameter_append_domain(&right, here);
    }
    append_line(out, "parameters", name, buf_text(&left), buf_text(&right));
}

static void compare_parameters(struct buf *out, const json_t *there, const json_t *here)
{
    size_t i;
    json_t *parameter;

    json_array_foreach (json_unconst(here), i, parameter) {
        const char *name = text_at(parameter, "name");
        compare_domains(out, name, find_parameter(there, name), parameter);
    }
    json_array_foreach (json_unconst(there), i, parameter) {
        const char *name = text_at(parameter, "name");
        if (find_parameter(here, name) == NULL) {
            compare_domains(out, name, parameter, NULL);
        }
    }
}

void difference_append(struct buf *out, const json_t *there, const json_t *here, const char *named)
{
    const char *key;
    json_t *value;

    json_object_foreach (json_unconst(here), key, value) {
        const json_t *other = json_object_get(there, key);
        if (strstr(named, key) == NULL || json_equal(other, value)) {
            continue;
        }
        if (strcmp(key, "parameters") == 0) {
            compare_parameters(out, other, value);
        } else if (json_is_object(value) && json_is_object(other)) {
            compare_members(out, key, other, value);
        } else {
            compare_values(out, "", key, other, value);
        }
    }
}
