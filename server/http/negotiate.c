#include "server/http/negotiate.h"

#include <string.h>
#include <strings.h>

#define BLANKS " \t"

/* The first part of `at` up to one of `ends`, without blanks around it. */
static size_t part(const char **at, const char *ends)
{
    *at += strspn(*at, BLANKS);
    size_t len = strcspn(*at, ends);
    while (len > 0 && strchr(BLANKS, (*at)[len - 1]) != NULL) {
        len--;
    }
    return len;
}

/* Is there a "q=0", "q=0.0" … among the parameters that begin here? */
static bool is_refused(const char *parameters)
{
    for (const char *at = parameters; *at == ';'; at += strcspn(at, ";,")) {
        at++;
        size_t len = part(&at, ";,");
        if (len >= 3 && strncasecmp(at, "q=0", 3) == 0 && strspn(at + 3, ".0") == len - 3) {
            return true;
        }
    }
    return false;
}

bool list_names(const char *list, const char *item)
{
    size_t wanted = strlen(item);

    for (const char *at = list == NULL ? "" : list; *at != '\0';) {
        size_t len = part(&at, ",;");
        bool found = len == wanted && strncasecmp(at, item, len) == 0;
        at += strcspn(at, ",;");
        if (found && !is_refused(at)) {
            return true;
        }
        at += strcspn(at, ",");
        at += *at == ',' ? 1 : 0;
    }
    return false;
}

bool list_has_tag(const char *list, const char *tag)
{
    size_t wanted = strlen(tag);

    for (const char *at = list == NULL ? "" : list; *at != '\0';) {
        size_t len = part(&at, ",");
        if (len == 1 && *at == '*') {
            return true;
        }
        size_t skip = len >= 2 && strncmp(at, "W/", 2) == 0 ? 2 : 0;
        if (len == wanted + 2 + skip && at[skip] == '"' && at[len - 1] == '"'
            && strncmp(at + skip + 1, tag, wanted) == 0) {
            return true;
        }
        at += strcspn(at, ",");
        at += *at == ',' ? 1 : 0;
    }
    return false;
}
