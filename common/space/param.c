/* One parameter of a study body → struct param. */
#include "common/space/build.h"

#include <string.h>

#include "common/names.h"

static void read_numeric(struct fields *f, struct param *param)
{
    static const char *const scales[] = {"linear", "log", "reverse_log"};

    param->scale = (enum param_scale)param_read_word(f, "scale", scales, 3);
    if (fields_has(f, "values")) {
        param_read_listed(f, param);
    } else {
        param_read_range(f, param);
    }
}

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
                     "\"%.80s\" is no parameter name: give 1 to %d characters that can be seen, "
                     "without a blank at an end",
                     name, PRINTABLE_NAME_CHARACTERS);
        return;
    }
    param->name = strdup(name);
    if (param->name == NULL) {
        faults_no_memory(f->faults);
        return;
    }
    name_in_environment(name, param->env_name);
}

static void read_default(struct fields *f, struct param *param)
{
    const json_t *given = json_object_get(f->object, "default");
    char why[PARAM_WHY_BYTES];

    (void)fields_any(f, "default");
    /* null is a default where it is one of the choices; elsewhere it says nothing */
    if (given == NULL || (json_is_null(given) && param_find_choice(param, given) < 0)) {
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
        param_read_bool(&f, param);
    } else if (type == PARAM_CONSTANT) {
        param_read_constant(&f, param);
    } else {
        param_read_choices(&f, param);
    }
    if (faults->total == before) {
        read_default(&f, param);
    } else {
        (void)fields_any(&f, "default"); /* cannot be checked */
    }
    (void)fields_any(&f, "when");
    fields_end(&f);
}
