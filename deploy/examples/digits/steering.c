#include "deploy/examples/digits/steering.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The file is one flat object of ours, {"action": "continue", "until": 27}: looking for its words
 * is all the parsing that it needs. */
enum action steering_read(const char *path, int *until)
{
    char text[1024];
    size_t len;
    const char *found;
    FILE *file = path != NULL ? fopen(path, "r") : NULL;

    if (file == NULL) {
        return ACTION_CONTINUE;
    }
    len = fread(text, 1, sizeof text - 1, file);
    text[len] = '\0';
    (void)fclose(file);

    if (strstr(text, "\"pause\"") != NULL) {
        return ACTION_PAUSE;
    }
    if (strstr(text, "\"stop\"") != NULL || strstr(text, "\"abort\"") != NULL) {
        return ACTION_STOP;
    }
    found = strstr(text, "\"until\"");
    if (found != NULL && (found = strchr(found, ':')) != NULL) {
        long epoch = strtol(found + 1, NULL, 10);

        *until = epoch > 0 && epoch <= INT_MAX ? (int)epoch : *until;
    }
    return ACTION_CONTINUE;
}
