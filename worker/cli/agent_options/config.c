#include "worker/cli/agent_options/config.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/settings_file.h"
#include "common/suggest.h"

enum { NAME_MAX_BYTES = 64 };

/* ---- which options there are ---- */

static const struct argp_option server_options[] = {
    {"server", 0, "URL", 0, NULL, 0},
    {"token-file", 0, "FILE", 0, NULL, 0},
    {"ca-file", 0, "FILE", 0, NULL, 0},
    {0},
};

/* The i-th list of options: the verb's own, those of its groups, the server's; NULL behind the last
 * one. */
static const struct argp_option *list_at(const struct usage *usage, size_t i)
{
    size_t n_groups = 0;

    while (usage->groups != NULL && usage->groups[n_groups].argp != NULL) {
        n_groups++;
    }
    if (i == 0) {
        return usage->own;
    }
    if (i <= n_groups) {
        return usage->groups[i - 1].argp->options;
    }
    return i == n_groups + 1 ? server_options : NULL;
}

/* These say what is to be done once, not how. */
static bool is_setting(const struct argp_option *option)
{
    static const char *const others[] = {"config", "print-config", "try", "bundle", "results"};

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (option->name == NULL || strcmp(option->name, others[i]) == 0) {
            return false;
        }
    }
    return true;
}

static const struct argp_option *find(const struct usage *usage, const char *name, size_t len,
                                      struct suggestion_for *meant)
{
    const struct argp_option *option;

    for (size_t i = 0; (option = list_at(usage, i)) != NULL; i++) {
        for (; option->name != NULL; option++) {
            if (!is_setting(option)) {
                continue;
            }
            if (meant != NULL) {
                suggest_offer(meant, option->name);
            }
            if (strlen(option->name) == len && strncmp(option->name, name, len) == 0) {
                return option;
            }
        }
    }
    return NULL;
}

/* ---- one setting ---- */

/* `value` NULL: only the name was given. */
static int add_setting(struct config *config, const struct argp_option *option, const char *value,
                       struct err *err)
{
    if (option->arg != NULL && value == NULL) {
        return err_set(err, ERR_INVALID, "write '%s = %s'", option->name, option->arg);
    }
    if (option->arg != NULL) {
        argv_list_printf(&config->argv, "--%s=%s", option->name, value);
        return 0;
    }
    bool holds = true;
    if (value != NULL) {
        TRY(setting_truth(option->name, value, &holds, err));
    }
    if (holds) {
        argv_list_printf(&config->argv, "--%s", option->name);
    }
    return 0;
}

/* ---- the file ---- */

static int take_line(void *context, const char *name, const char *value, struct err *err)
{
    struct config *config = context;
    struct suggestion_for meant = {.word = name};
    const struct argp_option *option = find(config->usage, name, strlen(name), &meant);

    if (option == NULL) {
        return err_set(err, ERR_INVALID, "there is no setting '%.60s'%s%s%s", name,
                       meant.best == NULL ? "" : "; did you mean '",
                       meant.best == NULL ? "" : meant.best, meant.best == NULL ? "" : "'?");
    }
    return add_setting(config, option, value, err);
}

/* Of "--config FILE" or "--config=FILE"; the last one counts. */
static const char *find_file(int argc, char *const argv[])
{
    const char *file = NULL;

    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strncmp(argv[i], "--config=", 9) == 0) {
            file = argv[i] + 9;
        } else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
            file = argv[++i];
        }
    }
    return file;
}

/* ---- variables ---- */

/* The server and its token have had names of their own for longer. */
static void variable_of(const char *name, char variable[NAME_MAX_BYTES])
{
    (void)snprintf(variable, NAME_MAX_BYTES, "HONE_%s", strcmp(name, "server") == 0 ? "url" : name);
    for (char *at = variable; *at != '\0'; at++) {
        *at = *at == '-' ? '_' : (char)toupper((unsigned char)*at);
    }
}

static int take_variables(struct config *config, const struct argp_option *option, struct err *err)
{
    for (; option->name != NULL; option++) {
        char variable[NAME_MAX_BYTES];
        variable_of(option->name, variable);
        const char *value = getenv(variable);
        if (value != NULL && *value != '\0' && add_setting(config, option, value, err) != 0) {
            return err_wrap(err, "%s", variable);
        }
    }
    return 0;
}

/* ---- all of it ---- */

int config_expand(const struct usage *usage, size_t n_groups, int argc, char *const argv[],
                  struct config *config, struct err *err)
{
    *config = (struct config){.usage = usage, .file = find_file(argc, argv)};
    argv_list_add(&config->argv, argv[0]);
    if (config->file != NULL) {
        TRY(settings_file_read(config->file, take_line, config, err));
    }
    config->file_end = config->argv.n;
    for (size_t i = 0; i < n_groups; i++) {
        TRY(take_variables(config, usage->groups[i].argp->options, err));
    }
    TRY(take_variables(config, server_options, err));
    config->environment_end = config->argv.n;
    for (int i = 1; i < argc; i++) {
        argv_list_add(&config->argv, argv[i]);
    }
    return argv_list_check(&config->argv, err);
}

void config_finish(struct config *config)
{
    argv_list_finish(&config->argv);
    *config = (struct config){0};
}

/* ---- shown ---- */

static void print_origin(const struct config *config, size_t at, const char *name, FILE *out)
{
    char variable[NAME_MAX_BYTES];

    variable_of(name, variable);
    if (at < config->file_end) {
        (void)fprintf(out, "  # %s\n", config->file);
    } else if (at < config->environment_end) {
        (void)fprintf(out, "  # %s\n", variable);
    } else {
        (void)fputs("  # command line\n", out);
    }
}

/* Is the word this option? An option of the command line may be cut short, and have its value in
 * the next word. */
static bool is_option(const struct config *config, size_t at, const struct argp_option *option,
                      const char **value)
{
    const char *word = config->argv.items[at];
    size_t len = strcspn(word, "=");

    if (len < 3 || strncmp(word, "--", 2) != 0 || strncmp(word + 2, option->name, len - 2) != 0) {
        return false;
    }
    const struct argp_option *exact = find(config->usage, word + 2, len - 2, NULL);
    if (exact != NULL && exact != option) {
        return false;
    }
    const char *next = at + 1 < config->argv.n ? config->argv.items[at + 1] : "";
    *value = option->arg == NULL ? "true" : word[len] == '=' ? word + len + 1 : next;
    return true;
}

/* What may be a secret is not shown: the value of a variable, and who logs in to a server. */
static void print_value(const char *name, const char *value, FILE *out)
{
    size_t shown = strlen(value);

    if (strcmp(name, "env") == 0 && strchr(value, '=') != NULL) {
        shown = strcspn(value, "=") + 1;
    } else if (strcmp(name, "server") == 0 && strchr(value, '@') != NULL) {
        shown = 0;
    }
    (void)fprintf(out, "%s = %.*s%s", name, (int)shown, value, value[shown] == '\0' ? "" : "***");
}

static bool is_list(const struct argp_option *option)
{
    static const char *const lists[] = {"runner", "label", "env", "metric", "metric-regex"};

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (strcmp(option->name, lists[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* The last one counts, unless each does. */
static void print_option(const struct config *config, const struct argp_option *option, FILE *out)
{
    const char *value = "";
    const char *last = "";
    size_t at = 0;

    for (size_t i = 1; i < config->argv.n && strcmp(config->argv.items[i], "--") != 0; i++) {
        if (!is_option(config, i, option, &value)) {
            continue;
        }
        if (at > 0 && is_list(option)) {
            print_value(option->name, last, out);
            print_origin(config, at, option->name, out);
        }
        at = i;
        last = value;
    }
    print_value(option->name, last, out);
    if (at > 0) {
        print_origin(config, at, option->name, out);
    } else {
        (void)fputs("  # default\n", out);
    }
}

void config_print(const struct config *config, FILE *out)
{
    const struct argp_option *option;

    for (size_t i = 0; (option = list_at(config->usage, i)) != NULL; i++) {
        for (; option->name != NULL; option++) {
            if (is_setting(option)) {
                print_option(config, option, out);
            }
        }
    }
}
