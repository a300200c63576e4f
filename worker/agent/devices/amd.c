#include "worker/agent/devices/amd.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/integer.h"
#include "common/json.h"
#include "common/utf8.h"

#define CARDS_MAX 1024 /* numbers of cards that are tried */
#define MIB (INT64_C(1) << 20)

static int64_t mib_at(const json_t *card, const char *key, int64_t unsaid)
{
    const char *text = json_string_value(json_object_get(card, key));
    int64_t bytes = 0;

    return text != NULL && integer_from_text(text, 0, INT64_MAX, &bytes) ? bytes / MIB : unsaid;
}

static int percent_at(const json_t *card, const char *key)
{
    const char *text = json_string_value(json_object_get(card, key));
    int64_t percent = -1;

    return text != NULL && integer_from_text(text, 0, 100, &percent) ? (int)percent : -1;
}

static void copy_model(const json_t *card, char model[VENDOR_MODEL_BYTES])
{
    static const char *const keys[] = {"Card Series", "Card series", "Device Name", "Card Model",
                                       "Card model"};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && model[0] == '\0'; i++) {
        const char *text = json_string_value(json_object_get(card, keys[i]));
        (void)snprintf(model, VENDOR_MODEL_BYTES, "%s", text == NULL ? "" : text);
    }
    model[utf8_clean(model, strlen(model))] = '\0';
}

/* "0x9246a1b2" is GPU-9246a1b2 to the runtime; a consumer's card has none, and is named by index.
 */
static void copy_uuid(const json_t *card, char uuid[VENDOR_UUID_BYTES])
{
    const char *id = json_string_value(json_object_get(card, "Unique ID"));

    if (id == NULL || strncmp(id, "0x", 2) != 0 || strlen(id) > 2 + 16
        || strspn(id + 2, "0123456789abcdefABCDEF") != strlen(id + 2)
        || strspn(id + 2, "0") == strlen(id + 2)) {
        return;
    }
    (void)snprintf(uuid, VENDOR_UUID_BYTES, "GPU-%s", id + 2);
}

static void take_card(const json_t *card, struct vendor_list *list)
{
    struct vendor_gpu *gpu = &list->gpus[list->n];

    *gpu = (struct vendor_gpu){.index = (int64_t)list->n,
                               .memory_mib = mib_at(card, "VRAM Total Memory (B)", 0),
                               .used_mib = mib_at(card, "VRAM Total Used Memory (B)", -1),
                               .busy_percent = percent_at(card, "GPU use (%)")};
    copy_model(card, gpu->model);
    copy_uuid(card, gpu->uuid);
    list->n++;
}

int amd_read_gpus(const char *text, struct vendor_list *list, struct err *err)
{
    json_auto_t *cards = NULL;
    char key[24];

    /* warnings may stand before the object */
    const char *brace = strchr(text, '{');
    if (brace == NULL || json_parse(brace, strlen(brace), &json_limits_default, &cards, err) != 0
        || !json_is_object(cards)) {
        return err_set(err, ERR_MALFORMED, "it printed something else than a list of GPUs");
    }
    list->vendor = VENDOR_AMD;
    for (int i = 0; i < CARDS_MAX && list->n < VENDOR_GPUS_MAX; i++) {
        (void)snprintf(key, sizeof key, "card%d", i);
        const json_t *card = json_object_get(cards, key);
        if (json_is_object(card)) {
            take_card(card, list);
        }
    }
    return 0;
}
