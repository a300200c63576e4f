/* Which database is open, how far it has come, and whether that is as far as its mark says. */
#ifndef SERVER_STORE_SQLITE_IDENTITY_H
#define SERVER_STORE_SQLITE_IDENTITY_H

#include "server/store/hwm.h"
#include "server/store/store.h"

/* What is missing of what the mark says. */
struct loss {
    bool found;
    struct hwm mark;
    char text[400]; /* a sentence: what was seen */
};

/* Before anything is opened: a mark without a database, an empty one or one that cannot be read is
 * a loss. The mark is kept in *loss for identity_compare(); ERR_IO with what to do where there is a
 * loss, unless store_settings.accept_loss. */
MUST_USE int identity_expect(const struct store_settings *settings, struct loss *loss,
                             struct err *err);
/* The same with what is in the database. Before it is migrated; writes nothing. */
MUST_USE int identity_compare(struct store *store, const struct store_settings *settings,
                              struct loss *loss, struct err *err);
/* Reads the row; after the migration. */
MUST_USE int identity_load(struct store *store, struct err *err);
/* Begins an epoch that goes on after the mark: the leases of the earlier ones hold no more. In a
 * group. */
MUST_USE int identity_begin_epoch(struct store *store, const struct hwm *mark, struct err *err);
/* Counts the group that is about to be committed; identity_counted() once it is. ERR_WRONG_STATE:
 * another connection has committed since. */
MUST_USE int identity_count(struct store *store, struct err *err);
void identity_counted(struct store *store);

#endif
