#include "worker/cli/verbs/worker_bundle.h"

#include <stdio.h>

#include "common/buf.h"
#include "common/log.h"
#include "worker/bundle/bundle.h"
#include "worker/bundle/offline.h"
#include "worker/bundle/results.h"

static int tell_state(const struct offline *offline, const struct results *results,
                      const struct bundle *bundle, struct err *err)
{
    struct offline_count count;

    TRY(offline_count(offline, &count, err));
    log_info(
        "%zu of %zu trials have ended, %zu run elsewhere, %zu are open; 'hone absorb %s' brings "
        "the results home",
        count.ended, bundle->n, count.busy, count.open, results->folder);
    return 0;
}

static int serve_bundle(struct agent_settings *settings, const struct bundle *bundle,
                        const struct results *results,
                        int (*serve)(struct agent_settings *settings, struct err *err),
                        struct err *err)
{
    OWN(offline) struct offline *offline = NULL;

    TRY(offline_create(bundle, results, &offline, err));
    settings->url = bundle->server;
    settings->study = bundle->study;
    settings->exit_when_finished = true;
    settings->responder = offline_responder(offline);
    TRY(serve(settings, err));
    return tell_state(offline, results, bundle, err);
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
    int rc = serve_bundle(settings, &bundle, &results, serve, err);
    results_close(&results);
    return rc;
}
