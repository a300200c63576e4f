/* A disk that loses its power: it records every change of a file, and makes the files as they may
 * be found after a power cut at any moment of the record.
 *
 * What was synced is there. Of what was not, each file has nothing (lost), some of the changes in
 * any order (reordered), or the first few and a part of the next, whose other part may be garbage
 * (torn). A file that was removed may be there again until its directory was synced, which SQLite
 * does with the first sync of a log or a journal. Changes of different files
 * have no order among one another, and a write harms no byte beside it.
 *
 * One thread. Aborts when memory ends. */
#ifndef TESTS_SUPPORT_POWER_LOSS_H
#define TESTS_SUPPORT_POWER_LOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum power_damage { DAMAGE_LOST, DAMAGE_REORDERED, DAMAGE_TORN, DAMAGE_COUNT };

struct power_cut {
    size_t at; /* before this step of the record: a sync there is not done */
    enum power_damage damage;
    uint64_t seed;     /* of what is drawn */
    bool lies;         /* the disk has acknowledged syncs without doing anything */
    const char *image; /* the directory that gets the files: an empty one */
};

/* Once, before the first database is opened. */
void power_loss_start(void);
/* Begins a record; what `directory` holds by then is on disk, in the record's first steps. NULL: an
 * empty one. One record may be made while another, which is stopped, is kept. */
void power_loss_record(const char *directory);
/* Ends it; what happens to files from here on is not recorded. */
void power_loss_stop(void);
/* Notes that something has been acknowledged. */
void power_loss_mark(int64_t mark);

size_t power_loss_steps(void);
bool power_loss_is_sync(size_t at);
/* The last mark before a step; -1: none. */
int64_t power_loss_mark_before(size_t at);
void power_loss_write_image(const struct power_cut *cut);
/* Forgets the record; the one that was kept is the record again. */
void power_loss_finish(void);

#endif
