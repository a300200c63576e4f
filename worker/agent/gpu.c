#include "worker/agent/gpu.h"

#include <stdlib.h>
#include <string.h>

#define GPU_BYTES 128

static int gpu_check(const char *gpu, struct err *err)
{
    size_t len = strspn(gpu, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/:.");

    if (len == 0 || gpu[len] != '\0' || len > GPU_BYTES) {
        return err_set(err, ERR_INVALID,
                       "\"%.60s\" names no GPU; list indexes or UUIDs, as in 0,1,2", gpu);
    }
    return 0;
}

static int add_gpu(struct argv_list *gpus, const char *gpu, struct err *err)
{
    TRY(gpu_check(gpu, err));
    for (size_t i = 0; i < gpus->n; i++) {
        if (strcmp(gpus->items[i], gpu) == 0) {
            return err_set(err, ERR_INVALID, "GPU %s is listed twice; each slot needs its own",
                           gpu);
        }
    }
    argv_list_add(gpus, gpu);
    return argv_list_check(gpus, err);
}

int gpu_list_read(const char *text, struct argv_list *gpus, struct err *err)
{
    OWN(memory) char *copy = strdup(text);
    char *rest = copy;

    if (copy == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    while (rest != NULL) {
        TRY(add_gpu(gpus, strsep(&rest, ","), err));
    }
    return 0;
}
