#include "worker/cli/define/configuration.h"

#include <string.h>

#include "common/json.h"
#include "common/own.h"
#include "worker/cli/define/scalar.h"

bool configuration_add(json_t *values, const char *text, size_t len)
{
    OWN(memory) char *name = strndup(text, len);
    char *equals = name == NULL ? NULL : strchr(name, '=');

    if (equals == NULL || equals == name) {
        return false;
    }
    *equals = '\0';
    if (json_object_get(values, name) != NULL) {
        return false;
    }
    return json_object_set_new(values, name, scalar_value(equals + 1)) == 0;
}

json_t *configuration_read(const char *text)
{
    json_auto_t *values = NULL;
    struct err err;

    if (text[0] == '{') {
        return json_parse(text, strlen(text), &json_limits_default, &values, &err) != 0
                   ? NULL
                   : json_incref(values);
    }
    values = json_object();
    for (const char *at = text;; at++) {
        size_t len = strcspn(at, ",");
        if (!configuration_add(values, at, len)) {
            return NULL;
        }
        at += len;
        if (*at == '\0') {
            return json_incref(values);
        }
    }
}
