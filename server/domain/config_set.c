#include "server/domain/config_set.h"

#include <stdlib.h>

struct config_entry {
    struct config_entry *next;
    uint64_t second; /* the other half of the key */
    size_t n;
};

void config_set_finish(struct config_set *set)
{
    size_t at = 0;
    struct config_entry *entry;

    while ((entry = map_next(&set->by_key, &at)) != NULL) {
        while (entry != NULL) {
            struct config_entry *next = entry->next;
            free(entry);
            entry = next;
        }
    }
    map_finish(&set->by_key);
    *set = (struct config_set){0};
}

static struct config_entry *find(const struct config_set *set, struct space_key key)
{
    struct config_entry *entry = map_get(&set->by_key, key.a);

    while (entry != NULL && entry->second != key.b) {
        entry = entry->next;
    }
    return entry;
}

int config_set_add(struct config_set *set, const struct space *space, const double config[],
                   struct err *err)
{
    struct space_key key = space_config_key(space, config);
    struct config_entry *entry = find(set, key);

    if (entry != NULL) {
        entry->n++;
        return 0;
    }
    entry = malloc(sizeof *entry);
    if (entry == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    *entry = (struct config_entry){.next = map_get(&set->by_key, key.a), .second = key.b, .n = 1};
    if (map_put(&set->by_key, key.a, entry, err) != 0) {
        free(entry);
        return -1;
    }
    set->n++;
    return 0;
}

/* Removes an entry that counts nothing any more. */
static void drop(struct config_set *set, uint64_t key, struct config_entry *entry)
{
    struct config_entry *before = map_get(&set->by_key, key);
    struct config_entry *next = entry->next;

    set->n--;
    if (before == entry && next == NULL) {
        (void)map_take(&set->by_key, key);
        free(entry);
    } else if (before == entry) { /* the map keeps pointing here */
        *entry = *next;
        free(next);
    } else {
        while (before->next != entry) {
            before = before->next;
        }
        before->next = next;
        free(entry);
    }
}

void config_set_remove(struct config_set *set, const struct space *space, const double config[])
{
    struct space_key key = space_config_key(space, config);
    struct config_entry *entry = find(set, key);

    if (entry != NULL && --entry->n == 0) {
        drop(set, key.a, entry);
    }
}

bool config_set_contains(const struct config_set *set, const struct space *space,
                         const double config[])
{
    return set->n > 0 && find(set, space_config_key(space, config)) != NULL;
}
