#include "worker/agent/devices/finding.h"

#include <stdlib.h>

#include "common/buf.h"
#include "common/log.h"
#include "worker/agent/devices/fitness.h"

#define TOKENS_BYTES ((size_t)64 * 1024)

/* Waits for the vendor's tool: nothing else is to be done yet. */
static void look_and_wait(struct devices *devices)
{
    query_begin(&devices->query);
    while (devices->query.step != QUERY_OVER) {
        query_tick(&devices->query);
        if (devices->query.step != QUERY_OVER) {
            loop_turn(devices->loop, query_deadline(&devices->query));
        }
    }
}

static void tell(const struct discovery *found)
{
    static const char *const sources[] = {[DISCOVERY_SAID] = "by --gpus",
                                          [DISCOVERY_INHERITED] = "as inherited",
                                          [DISCOVERY_LISTED] = "as listed",
                                          [DISCOVERY_NOTHING] = ""};
    OWN(buf) struct buf text;

    buf_init(&text, TOKENS_BYTES);
    for (size_t i = 0; i < found->n; i++) {
        buf_printf(&text, "%s%s", i > 0 ? "," : "", found->gpus[i].token);
    }
    if (found->n > 0) {
        log_info("%zu GPU%s %s: %s", found->n, found->n == 1 ? "" : "s", sources[found->source],
                 buf_text(&text));
    }
}

int finding_run(struct devices *devices, struct err *err)
{
    const struct devices_settings *settings = &devices->settings;
    struct discovery_facts facts = {.gpus = settings->gpus,
                                    .wants_slots = settings->n_slots > 0,
                                    .cuda = getenv("CUDA_VISIBLE_DEVICES"),
                                    .rocr = getenv("ROCR_VISIBLE_DEVICES"),
                                    .hip = getenv("HIP_VISIBLE_DEVICES"),
                                    .trouble = ""};

    if (discovery_needs_tool(&facts) && query_has_tool(&devices->query)) {
        look_and_wait(devices);
        bool answered = devices->query.trouble.code == ERR_NONE;
        facts.list = answered ? devices->query.list : NULL;
        facts.trouble = devices->query.trouble.text;
    }
    TRY(discovery_decide(&facts, &devices->found, err));
    if (facts.list != NULL) {
        devices->answered_ms = loop_now(devices->loop);
    } else if (facts.trouble[0] != '\0' && devices->found.n > 0) {
        fitness_note_trouble(devices, facts.trouble);
    } else if (facts.trouble[0] != '\0') {
        log_warning("%s; no GPU is assigned to a slot, --gpus lists them", facts.trouble);
    }
    tell(&devices->found);
    return 0;
}
