#include "worker/agent/devices/tokens.h"

#include <stdlib.h>
#include <string.h>

bool token_is_plain(const char *token)
{
    size_t len =
        strspn(token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/:.");

    return len > 0 && token[len] == '\0' && len < TOKEN_BYTES;
}

static int add_token(struct argv_list *tokens, const char *token, struct err *err)
{
    if (!token_is_plain(token)) {
        return err_set(err, ERR_INVALID,
                       "\"%.60s\" names no GPU; list indexes or UUIDs, as in 0,1,2", token);
    }
    for (size_t i = 0; i < tokens->n; i++) {
        if (strcmp(tokens->items[i], token) == 0) {
            return err_set(err, ERR_INVALID, "GPU %s is listed twice; name each once", token);
        }
    }
    argv_list_add(tokens, token);
    return argv_list_check(tokens, err);
}

int tokens_read(const char *text, struct argv_list *tokens, struct err *err)
{
    OWN(memory) char *copy = strdup(text);
    char *rest = copy;

    if (copy == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    while (rest != NULL) {
        TRY(add_token(tokens, strsep(&rest, ","), err));
    }
    return 0;
}

int tokens_read_inherited(const char *text, struct argv_list *tokens, struct err *err)
{
    OWN(memory) char *copy = strdup(text);
    char *rest = copy;

    if (copy == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    while (rest != NULL) {
        const char *token = strsep(&rest, ",");
        token += strspn(token, " ");
        if (token[0] == '\0' || token[0] == '-' || strcmp(token, "NoDevFiles") == 0) {
            return 0;
        }
        TRY(add_token(tokens, token, err));
    }
    return 0;
}
