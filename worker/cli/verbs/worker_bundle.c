#include "worker/cli/verbs/worker_bundle.h"

#include <stdio.h>

#include "common/buf.h"
#include "common/log.h"
#include "worker/bundle/belongs.h"
#include "worker/bundle/bundle.h"
#include "worker/bundle/offline.h"
#include "worker/bundle/results.h"

static void tell_state(const struct results *results, size_t n_leases)
{
    struct results_count count = results_count(results, n_leases);

    log_info(
        "%zu of %zu trials have ended, %zu run elsewhere, %zu are open; 'hone absorb %s' brings "
        "the results home",
        count.ended, n_leases, count.busy, count.open, results->folder);
}

static int serve_bundle(struct agent_settings *settings, const struct bundle *bundle,
                        const struct results *results,
                        int (*serve)(struct agent_settings *settings, struct err *err),
                        struct err *err)
{
    OWN(offline) struct offline *offline = NULL;
    char name[BUNDLE_NAME_BYTES];

    TRY(offline_create(bundle, results, &offline, err));
    bundle_name(bundle, name);
    settings->url = bundle->server;
    settings->server_name = name;
    settings->study = bundle->study;
    settings->exit_when_finished = true;
    settings->responder = offline_responder(offline);
    int rc = serve(settings, err);
    settings->server_name = NULL;
    return rc;
}

int worker_bundle(struct agent_settings *settings, const struct worker_bundle_options *options,
                  int (*serve)(struct agent_settings *settings, struct err *err), struct err *err)
{
    OWN(bundle) struct bundle bundle = {0};
    OWN(buf) struct buf folder;
    struct results results = {0};

    buf_init(&folder, 4000);
    if (options->results != NULL) {
        buf_puts(&folder, options->results);
    } else {
        buf_printf(&folder, "%s.results", options->file);
    }
    TRY(buf_check(&folder, err));
    TRY(bundle_read(options->file, &bundle, err));
    TRY(results_open(buf_text(&folder), &results, err));
    int rc = results_check_bundle(&results, &bundle, err);
    rc = rc == 0 ? serve_bundle(settings, &bundle, &results, serve, err) : rc;
    if (rc == 0) {
        tell_state(&results, bundle.n);
    }
    results_close(&results);
    return rc;
}
