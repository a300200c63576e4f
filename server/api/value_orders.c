#include "server/api/value_orders.h"

struct kept_order {
    struct kept_order *next;
    pthread_mutex_t lock; /* of the order */
    struct value_order *order;
    /* under the lock of the set */
    int users;
    size_t bytes;
    uint64_t used; /* larger: later */
};

static void kept_order_destroy(struct kept_order *kept)
{
    if (kept != NULL) {
        value_order_destroy(kept->order);
        (void)pthread_mutex_destroy(&kept->lock);
        free(kept);
    }
}

void value_orders_finish(struct value_orders *orders)
{
    while (orders->first != NULL) {
        struct kept_order *kept = orders->first;
        orders->first = kept->next;
        kept_order_destroy(kept);
    }
    orders->n = 0;
    orders->bytes = 0;
}

static struct kept_order *kept_order_create(const struct value_order_kind *kind)
{
    struct kept_order *kept = calloc(1, sizeof *kept);

    if (kept != NULL) {
        (void)pthread_mutex_init(&kept->lock, NULL);
        kept->order = value_order_create(kind);
        if (kept->order == NULL) {
            kept_order_destroy(kept);
            return NULL;
        }
    }
    return kept;
}

/* Under the lock of the set. */
static struct kept_order *find_or_add(struct value_orders *orders,
                                      const struct value_order_kind *kind)
{
    struct kept_order *kept = orders->first;

    while (kept != NULL && !value_order_is(kept->order, kind)) {
        kept = kept->next;
    }
    if (kept == NULL) {
        kept = kept_order_create(kind);
        if (kept == NULL) {
            return NULL;
        }
        kept->next = orders->first;
        orders->first = kept;
        orders->n++;
    }
    kept->users++;
    kept->used = ++orders->uses;
    return kept;
}

/* The least recently used order without users, or NULL. Caller holds the lock of the set. */
static struct kept_order **oldest(struct value_orders *orders)
{
    struct kept_order **found = NULL;

    for (struct kept_order **at = &orders->first; *at != NULL; at = &(*at)->next) {
        if ((*at)->users == 0 && (found == NULL || (*at)->used < (*found)->used)) {
            found = at;
        }
    }
    return found;
}

static struct kept_order *take(struct value_orders *orders, const struct value_order_kind *kind)
{
    (void)pthread_mutex_lock(&orders->lock);
    struct kept_order *kept = find_or_add(orders, kind);
    (void)pthread_mutex_unlock(&orders->lock);
    if (kept != NULL) {
        (void)pthread_mutex_lock(&kept->lock);
    }
    return kept;
}

static void give_back(struct value_orders *orders, struct kept_order *kept)
{
    struct kept_order **at;

    (void)pthread_mutex_lock(&orders->lock);
    size_t bytes = sizeof *kept + value_order_bytes(kept->order);
    orders->bytes += bytes - kept->bytes;
    kept->bytes = bytes;
    kept->users--;
    (void)pthread_mutex_unlock(&kept->lock);
    while ((orders->n > VALUE_ORDERS_MAX || orders->bytes > VALUE_ORDERS_BYTES)
           && (at = oldest(orders)) != NULL) {
        struct kept_order *gone = *at;
        *at = gone->next;
        orders->n--;
        orders->bytes -= gone->bytes;
        kept_order_destroy(gone);
    }
    (void)pthread_mutex_unlock(&orders->lock);
}

/* The transaction begins when the order is taken: no other reader has brought it to a later moment
 * than this one sees. */
static int find(struct value_order *order, struct store *reader,
                const struct live_study_view *study, struct value_filter *filter, size_t limit,
                struct sort_key keys[], size_t *n, struct err *err)
{
    int64_t seq;

    TRY(store_read_begin(reader, err));
    TRY(value_order_update(order, reader, study, &seq, err));
    if (filter->until_seq == 0) {
        filter->until_seq = seq;
    }
    *n = value_order_find(order, filter, limit, keys);
    return 0;
}

int value_orders_find(struct value_orders *orders, struct store *reader,
                      const struct value_order_kind *kind, const struct live_study_view *study,
                      struct value_filter *filter, size_t limit, struct sort_key keys[], size_t *n,
                      struct err *err)
{
    struct kept_order *kept = take(orders, kind);

    if (kept == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    int result = find(kept->order, reader, study, filter, limit, keys, n, err);
    give_back(orders, kept);
    return result;
}
