#include "worker/cli/define/domain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"

int domain_refuse(const struct domain_reader *reader, const char *fmt, ...)
{
    char why[400];
    va_list args;

    TRY(json_check(reader->failures, reader->err)); /* the text may be right */
    va_start(args, fmt);
    (void)vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    return err_set(reader->err, ERR_INVALID, "-P %.80s: %s", reader->text, why);
}

int domain_put(const struct domain_reader *reader, const char *key, json_t *value)
{
    return json_object_set_new(reader->out, key, value) == 0
               ? 0
               : err_set(reader->err, ERR_NOMEM, "out of memory");
}

char *domain_cut(char *text, const char *mark)
{
    char *at = strstr(text, mark);

    if (at != NULL) {
        *at = '\0';
        return at + strlen(mark);
    }
    return NULL;
}
