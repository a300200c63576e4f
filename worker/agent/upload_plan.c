#include "worker/agent/upload_plan.h"

#define GATHER_MS 2000
#define PACE_MS 500

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Where the next piece begins. */
static int64_t next_offset(const struct upload_facts *facts)
{
    int64_t behind = facts->size - facts->sent;
    int64_t half = facts->limit / 2;

    if (facts->size <= facts->limit || facts->sent < half) {
        return facts->sent; /* it may be kept whole, or the beginning is not there yet */
    }
    if (facts->ended) {
        return behind > half ? facts->size - half : facts->sent;
    }
    if (behind > half / 2) {
        return facts->size - least(half / 8, (int64_t)16 * UPLOAD_PIECE_BYTES);
    }
    return facts->sent;
}

static int64_t due_ms(const struct upload_facts *facts, int64_t left)
{
    if (facts->ended) {
        return 0;
    }
    if (left == 0) {
        return INT64_MAX;
    }
    if (left < UPLOAD_PIECE_BYTES) {
        return facts->last_ms + GATHER_MS;
    }
    bool is_long = facts->size > facts->limit && facts->sent >= facts->limit / 2;
    return is_long ? facts->last_ms + PACE_MS : 0;
}

void upload_plan_next(const struct upload_facts *facts, struct upload_plan *plan)
{
    int64_t offset = next_offset(facts);
    int64_t left = facts->size - offset;

    *plan = (struct upload_plan){.done = facts->ended && left == 0
                                         && (facts->told_end || facts->size == 0),
                                 .due_ms = due_ms(facts, left),
                                 .offset = offset,
                                 .len = (size_t)least(left, UPLOAD_PIECE_BYTES),
                                 .skips = offset > facts->sent,
                                 .ends = facts->ended && left <= UPLOAD_PIECE_BYTES};
}
