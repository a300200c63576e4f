#include "worker/agent/devices/vendor.h"

#include <string.h>
#include <strings.h>

#include "common/integer.h"

const struct vendor_gpu *vendor_find(const struct vendor_list *list, const char *token)
{
    const struct vendor_gpu *found = NULL;
    int64_t index = -1;
    bool is_index = integer_from_text(token, 0, INT32_MAX, &index);

    for (size_t i = 0; i < list->n; i++) {
        const struct vendor_gpu *gpu = &list->gpus[i];
        bool fits = is_index ? gpu->parent[0] == '\0' && gpu->index == index
                             : strncasecmp(gpu->uuid, token, strlen(token)) == 0;
        if (fits && found != NULL) {
            return NULL;
        }
        found = fits ? gpu : found;
    }
    return found;
}

const char *vendor_tool(enum vendor vendor)
{
    static const char *const tools[] = {
        [VENDOR_NONE] = "", [VENDOR_NVIDIA] = "nvidia-smi", [VENDOR_AMD] = "rocm-smi"};

    return tools[vendor];
}

const char *vendor_variable(enum vendor vendor)
{
    static const char *const variables[] = {[VENDOR_NONE] = "CUDA_VISIBLE_DEVICES",
                                            [VENDOR_NVIDIA] = "CUDA_VISIBLE_DEVICES",
                                            [VENDOR_AMD] = "ROCR_VISIBLE_DEVICES"};

    return variables[vendor];
}
