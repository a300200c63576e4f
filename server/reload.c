#include "server/reload.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"

static void swap_text(char **a, char **b)
{
    char *kept = *a;

    *a = *b;
    *b = kept;
}

/* TLS cannot begin or end while connections are served. */
static void take_certificate(struct reload *reload, struct settings *fresh)
{
    struct settings *running = reload->running;

    if (running->tls_cert == NULL || fresh->tls_cert == NULL || fresh->tls_key == NULL) {
        return;
    }
    swap_text(&running->tls_cert, &fresh->tls_cert);
    swap_text(&running->tls_key, &fresh->tls_key);
    http_server_set_certificate(reload->api->http, running->tls_cert, running->tls_key);
}

static void take_limits(struct reload *reload, const struct settings *fresh)
{
    struct settings *running = reload->running;

    running->log_bytes = fresh->log_bytes;
    running->logs_bytes = fresh->logs_bytes;
    running->checkpoint_bytes = fresh->checkpoint_bytes;
    if (reload->api->logs != NULL) {
        logs_set_limits(reload->api->logs, fresh->log_bytes, fresh->logs_bytes);
        uploads_set_limit(reload->api->uploads, fresh->checkpoint_bytes);
    }
}

static void tell_differences(const struct settings *running, const struct settings *fresh)
{
    char names[400] = "";
    const char *name;

    for (size_t i = 0; (name = settings_difference(running, fresh, &i)) != NULL;) {
        size_t used = strlen(names);
        (void)snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? ", " : "", name);
    }
    if (names[0] == '\0') {
        log_info("the settings were read again");
    } else {
        log_warning("the settings were read again; these take effect at the next start: %s", names);
    }
}

void reload_settings(void *context)
{
    struct reload *reload = context;
    struct settings fresh;
    struct err err = {0};

    if (settings_read(reload->argc, reload->argv, &fresh, &err) != 0) {
        log_error("%s; the settings stay as they are", err.text);
    } else {
        take_certificate(reload, &fresh);
        take_limits(reload, &fresh);
        tell_differences(reload->running, &fresh);
    }
    settings_finish(&fresh);
}
