#include "worker/cli/find_honed.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void find_honed(char path[PATH_MAX])
{
    static const char *const beside[] = {"honed", "../server/honed"};
    char self[PATH_MAX - 32];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);

    self[len > 0 ? len : 0] = '\0';
    char *slash = strrchr(self, '/');
    for (size_t i = 0; slash != NULL && i < sizeof beside / sizeof beside[0]; i++) {
        slash[1] = '\0';
        (void)snprintf(path, PATH_MAX, "%s%s", self, beside[i]);
        if (access(path, X_OK) == 0) {
            return;
        }
    }
    (void)snprintf(path, PATH_MAX, "honed");
}
