#include "worker/cli/define/params_when.h"

#include <stddef.h>
#include <string.h>

#include "worker/cli/define/params_list.h"

/* Ends `text` in front of the first `word` outside quotes; returns what is behind it. */
static char *cut_at(char *text, const char *word)
{
    char quote = '\0';

    for (char *at = text; *at != '\0'; at++) {
        if (quote == '\0' && strncmp(at, word, strlen(word)) == 0) {
            *at = '\0';
            return at + strlen(word);
        }
        if (quote != '\0' ? *at == quote : *at == '"' || *at == '\'') {
            quote = quote == '\0' ? *at : '\0';
        }
    }
    return NULL;
}

char *domain_cut_condition(char *domain)
{
    return cut_at(domain, " if ");
}

/* "kernel=poly,rbf" */
static int read_parent(const struct domain_reader *reader, char *text, json_t *when)
{
    char *values = cut_at(text, "=");
    json_t *items = NULL;

    text += strspn(text, " ");
    if (values == NULL || *values == '\0' || *text == '\0') {
        return domain_refuse(
            reader, "write the condition as PARENT=VALUE, such as 'degree=int:2..5 if "
                    "kernel=poly'; several values as kernel=poly,rbf, several parents with "
                    "'and'");
    }
    if (json_object_get(when, text) != NULL) {
        return domain_refuse(reader,
                             "the condition names '%.40s' twice; write its values as %.40s="
                             "A,B",
                             text, text);
    }
    TRY(domain_read_items(reader, values, &items));
    return json_object_set_new(when, text, items) == 0
               ? 0
               : domain_refuse(reader, "'%.40s' is no UTF-8", text);
}

int domain_read_condition(const struct domain_reader *reader, char *condition)
{
    json_auto_t *when = json_object();

    for (char *next; condition != NULL; condition = next) {
        next = cut_at(condition, " and ");
        TRY(read_parent(reader, condition, when));
    }
    return domain_put(reader, "when", json_incref(when));
}
