#include "tests/sim/again.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int write_next(struct replay *replay, bool *more, bool *told, struct err *err)
{
    OWN(buf) struct buf line;

    buf_init(&line, 4 << 20);
    TRY(replay_write(replay, NULL, &line, more, err));
    if (!*told && strstr(buf_text(&line), "\"result\":\"same\"") != buf_text(&line)
        && (strstr(buf_text(&line), "\"different\"") != NULL
            || strstr(buf_text(&line), "\"not_recorded\"") != NULL)
        && strstr(buf_text(&line), "\"result\"") != NULL) {
        (void)printf("%s", buf_text(&line));
        *told = true;
    }
    return 0;
}

static int run(struct store *store, int64_t study, struct replay_counts *counts, struct err *err)
{
    OWN(replay) struct replay *replay = NULL;
    bool more = true;
    bool told = false;

    TRY(replay_create(study, 0, &replay, err));
    while (more) {
        TRY(replay_read(replay, store, &more, err));
    }
    for (more = true; more;) {
        TRY(write_next(replay, &more, &told, err));
    }
    *counts = replay_counts(replay);
    return 0;
}

bool decide_again(struct store *store, int64_t study, struct replay_counts *counts)
{
    struct err err = {0};

    if (run(store, study, counts, &err) != 0) {
        (void)printf("the decisions of study %" PRId64 " cannot be made again: %s\n", study,
                     err.text);
        return false;
    }
    return true;
}

struct all {
    struct store *store;
    int64_t ids[64];
    size_t n;
};

static int note_study(void *context, struct study_row *row, struct err *err)
{
    struct all *all = context;

    (void)err;
    if (all->n < sizeof all->ids / sizeof all->ids[0]) {
        all->ids[all->n++] = row->id;
    }
    return 0;
}

bool decide_all_again(struct store *store, int64_t *n)
{
    struct all all = {.store = store};
    struct err err = {0};
    bool good = store_each_study(store, note_study, &all, &err) == 0;

    *n = 0;
    for (size_t i = 0; i < all.n; i++) {
        struct replay_counts counts = {0};
        good = decide_again(store, all.ids[i], &counts) && good;
        *n += counts.decisions;
        if (counts.same != counts.decisions) {
            (void)printf("study %" PRId64 ": of %" PRId64 " decisions %" PRId64
                         " came out otherwise, the first one number %" PRId64 ", and %" PRId64
                         " were not recorded\n",
                         all.ids[i], counts.decisions, counts.different, counts.first_difference,
                         counts.not_recorded);
            good = false;
        }
    }
    return good;
}
