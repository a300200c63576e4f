#include "worker/agent/inherited.h"

#include <ctype.h>
#include <string.h>

static const char *const never[] = {
    "HONE_*",       "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET",
    "WATCHDOG_PID", "WATCHDOG_USEC",         "LISTEN_PID",
    "LISTEN_FDS",   "LISTEN_FDNAMES",
};

/* With a clean environment: the account, the language, the devices and the job of the batch
 * system. */
static const char *const basic[] = {
    "PATH", "HOME", "USER",   "LOGNAME", "SHELL",  "TERM",  "LANG",     "LANGUAGE",
    "LC_*", "TZ",   "TMPDIR", "CUDA_*",  "ROCR_*", "HIP_*", "NVIDIA_*", "SLURM_*",
};

/* "HONE_*" is any name that begins so. `name_len` characters are the variable's name. */
static bool is_name(const char *pattern, const char *variable, size_t name_len)
{
    size_t len = strlen(pattern);

    if (pattern[len - 1] == '*') {
        return name_len >= len - 1 && strncmp(pattern, variable, len - 1) == 0;
    }
    return name_len == len && strncmp(pattern, variable, len) == 0;
}

static bool is_any(const char *const patterns[], size_t n, const char *variable, size_t name_len)
{
    for (size_t i = 0; i < n; i++) {
        if (is_name(patterns[i], variable, name_len)) {
            return true;
        }
    }
    return false;
}

static size_t name_length(const char *variable)
{
    return strcspn(variable, "=");
}

int inherited_check(const char *given, struct err *err)
{
    size_t len = name_length(given);

    if (isalpha((unsigned char)given[0]) == 0 && given[0] != '_') {
        return err_set(err, ERR_INVALID, "--env %.80s: write NAME or NAME=VALUE", given);
    }
    if (is_name("HONE_*", given, len)) {
        return err_set(err, ERR_INVALID, "--env %.80s: the variables HONE_… are set by the worker",
                       given);
    }
    return 0;
}

/* By an option: 1 passed, 0 not (it is set to something else), -1 nothing is said. */
static int is_given(const struct inherited_choice *choice, const char *variable, size_t len)
{
    for (size_t i = 0; i < choice->n_given; i++) {
        const char *given = choice->given[i];
        if (is_name(given, variable, len)) {
            return 1;
        }
        if (strchr(given, '=') != NULL && name_length(given) == len
            && strncmp(given, variable, len) == 0) {
            return 0;
        }
    }
    return -1;
}

bool inherited_is_passed(const struct inherited_choice *choice, const char *variable)
{
    size_t len = name_length(variable);

    if (is_name("HONE_*", variable, len)) {
        return is_name("HONE_URL", variable, len);
    }
    int given = is_given(choice, variable, len);
    if (given >= 0) {
        return given == 1;
    }
    if (is_any(never, sizeof never / sizeof never[0], variable, len)) {
        return false;
    }
    return !choice->clean || is_any(basic, sizeof basic / sizeof basic[0], variable, len);
}

void inherited_append_set(const struct inherited_choice *choice, struct argv_list *out)
{
    for (size_t i = 0; i < choice->n_given; i++) {
        if (strchr(choice->given[i], '=') != NULL) {
            argv_list_add(out, choice->given[i]);
        }
    }
}
