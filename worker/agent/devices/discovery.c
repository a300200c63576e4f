#include "worker/agent/devices/discovery.h"

#include <stdio.h>
#include <string.h>

#include "common/integer.h"

static bool says(const struct discovery_facts *facts, const char *word)
{
    return facts->gpus != NULL && strcmp(facts->gpus, word) == 0;
}

bool discovery_needs_tool(const struct discovery_facts *facts)
{
    return !says(facts, "none") && (facts->gpus != NULL || !facts->wants_slots);
}

/* Whose GPUs they are: by the tool that has answered, else by the variable that is set. */
static enum vendor vendor_of(const struct discovery_facts *facts)
{
    if (facts->list != NULL && facts->list->n > 0) {
        return facts->list->vendor;
    }
    bool is_amd = facts->cuda == NULL && (facts->rocr != NULL || facts->hip != NULL);
    return is_amd ? VENDOR_AMD : VENDOR_NVIDIA;
}

/* HIP counts within what ROCR shows. */
static int narrow(const char *hip, struct argv_list *tokens, struct err *err)
{
    OWN(argv_list) struct argv_list wanted = {0};
    OWN(argv_list) struct argv_list kept = {0};

    TRY(tokens_read_inherited(hip, &wanted, err));
    for (size_t i = 0; i < wanted.n; i++) {
        int64_t at = 0;
        if (!integer_from_text(wanted.items[i], 0, (int64_t)tokens->n - 1, &at)) {
            return err_set(err, ERR_INVALID, "%.40s is none of the %zu GPUs", wanted.items[i],
                           tokens->n);
        }
        argv_list_add(&kept, tokens->items[at]);
    }
    TRY(argv_list_check(&kept, err));
    argv_list_finish(tokens);
    *tokens = kept;
    kept = (struct argv_list){0};
    return 0;
}

static int read_variable(const char *name, const char *value, struct argv_list *tokens,
                         struct err *err)
{
    if (tokens_read_inherited(value, tokens, err) != 0) {
        return err_wrap(err, "the inherited %s=%.80s cannot be used (--gpus none leaves it alone)",
                        name, value);
    }
    return 0;
}

/* *is_set: a variable of this vendor is inherited, and tokens are what it shows. */
static int read_inherited(const struct discovery_facts *facts, enum vendor vendor, bool *is_set,
                          struct argv_list *tokens, struct err *err)
{
    *is_set = true;
    if (vendor == VENDOR_AMD && facts->rocr != NULL) {
        TRY(read_variable("ROCR_VISIBLE_DEVICES", facts->rocr, tokens, err));
        if (facts->hip != NULL && narrow(facts->hip, tokens, err) != 0) {
            return err_wrap(err, "the inherited HIP_VISIBLE_DEVICES=%.80s cannot be used",
                            facts->hip);
        }
        return 0;
    }
    if (vendor == VENDOR_AMD && facts->hip != NULL) {
        return read_variable("HIP_VISIBLE_DEVICES", facts->hip, tokens, err);
    }
    if (facts->cuda != NULL) {
        return read_variable("CUDA_VISIBLE_DEVICES", facts->cuda, tokens, err);
    }
    *is_set = false;
    return 0;
}

static bool is_divided(const struct vendor_list *list, const struct vendor_gpu *gpu)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->gpus[i].parent[0] != '\0' && strcmp(list->gpus[i].parent, gpu->uuid) == 0) {
            return true;
        }
    }
    return false;
}

/* By uuid where there is one: the same device whatever orders the indexes. */
static void take_listed(const struct vendor_list *list, struct argv_list *tokens)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct vendor_gpu *gpu = &list->gpus[i];
        if (gpu->uuid[0] == '\0') {
            argv_list_printf(tokens, "%lld", (long long)gpu->index);
        } else if (!is_divided(list, gpu)) {
            argv_list_add(tokens, gpu->uuid);
        }
    }
}

static void name_gpu(const char *token, const struct vendor_gpu *row,
                     char name[DISCOVERED_NAME_BYTES])
{
    bool is_uuid = strncmp(token, "GPU-", 4) == 0 || strncmp(token, "MIG-", 4) == 0;

    if (row != NULL && row->parent[0] == '\0') {
        (void)snprintf(name, DISCOVERED_NAME_BYTES, "GPU %d", (int)row->index);
    } else {
        (void)snprintf(name, DISCOVERED_NAME_BYTES, "%s%s", is_uuid ? "" : "GPU ", token);
    }
}

static int fill(const struct discovery_facts *facts, const struct argv_list *tokens,
                struct discovery *discovery, struct err *err)
{
    TRY(argv_list_check(tokens, err));
    if (tokens->n > DISCOVERED_MAX) {
        return err_set(err, ERR_INVALID, "%zu GPUs are more than %d; start several workers",
                       tokens->n, DISCOVERED_MAX);
    }
    for (size_t i = 0; i < tokens->n; i++) {
        struct discovered_gpu *gpu = &discovery->gpus[discovery->n++];
        const struct vendor_gpu *row =
            facts->list == NULL ? NULL : vendor_find(facts->list, tokens->items[i]);
        *gpu = (struct discovered_gpu){.memory_mib = row == NULL ? 0 : row->memory_mib,
                                       .index =
                                           row == NULL || row->parent[0] != '\0' ? -1 : row->index};
        (void)snprintf(gpu->uuid, sizeof gpu->uuid, "%s", row == NULL ? "" : row->uuid);
        (void)snprintf(gpu->token, sizeof gpu->token, "%s", tokens->items[i]);
        (void)snprintf(gpu->model, sizeof gpu->model, "%s", row == NULL ? "" : row->model);
        name_gpu(tokens->items[i], row, gpu->name);
    }
    return 0;
}

/* Fills tokens and where they come from. */
static int choose(const struct discovery_facts *facts, struct discovery *discovery,
                  struct argv_list *tokens, struct err *err)
{
    bool is_set = false;

    if (!discovery_needs_tool(facts)) {
        return 0;
    }
    discovery->vendor = vendor_of(facts);
    if (facts->gpus != NULL && !says(facts, "all")) {
        discovery->source = DISCOVERY_SAID;
        discovery->by_bus = discovery->vendor == VENDOR_NVIDIA && facts->list != NULL;
        return tokens_read(facts->gpus, tokens, err);
    }
    TRY(read_inherited(facts, discovery->vendor, &is_set, tokens, err));
    if (is_set) {
        discovery->source = DISCOVERY_INHERITED;
    } else if (facts->list != NULL && facts->list->n > 0) {
        discovery->source = DISCOVERY_LISTED;
        take_listed(facts->list, tokens);
    }
    return 0;
}

int discovery_decide(const struct discovery_facts *facts, struct discovery *discovery,
                     struct err *err)
{
    OWN(argv_list) struct argv_list tokens = {0};

    *discovery = (struct discovery){.source = DISCOVERY_NOTHING};
    TRY(choose(facts, discovery, &tokens, err));
    if (says(facts, "all") && tokens.n == 0) {
        return err_set(err, ERR_INVALID, "--gpus all: no GPU was found%s%s; list them, as in 0,1",
                       facts->trouble[0] == '\0' ? "" : ": ", facts->trouble);
    }
    return fill(facts, &tokens, discovery, err);
}
