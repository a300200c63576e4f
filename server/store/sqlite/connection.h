/* The connection behind store.h, for the files of this folder: its errors, its statements and the
 * group that they run in. One thread at a time for each connection. */
#ifndef SERVER_STORE_SQLITE_CONNECTION_H
#define SERVER_STORE_SQLITE_CONNECTION_H

#include "server/store/hwm.h"
#include "server/store/sqlite/statements.h"
#include "server/store/store.h"

struct store {
    sqlite3 *db;
    sqlite3_stmt *statements[STMT_COUNT];
    char *path;                                         /* of the database file or its URI */
    char *directory;                                    /* NULL in memory */
    void (*on_damage)(void *context, const char *text); /* or NULL */
    void *context;
    bool is_reader;
    bool (*is_wanted)(void *context); /* store_read_while(); NULL: always */
    void *wanted_context;
    bool was_clean;
    bool has_written;     /* a group of this run is on disk */
    struct hwm mark;      /* as of the last commit; a reader's is that of its opening */
    int64_t known_commit; /* the number in the database, unless another one writes it, too */
    int64_t last_attempt; /* of earlier epochs */
    char *accepted_loss;  /* what store_settings.accept_loss gave up; NULL: nothing */
    int64_t purged_study, purged_event; /* whose events are removed, and up to where */
    /* the group: what was announced and what was really sent */
    bool in_group;
    bool begun;
    bool wants_savepoint;
    bool in_savepoint;
};

/* The named statement, ready to bind; OWN(stmt). A reader that lacks it is our own mistake. */
struct stmt stmt_use(struct store *store, enum stmt_name name);
/* One step of a reading statement: 1 a row, 0 the end, -1 an error. */
MUST_USE int stmt_step(struct store *store, struct stmt *s, struct err *err);
/* Runs a writing statement to its end, inside the group (BEGIN and SAVEPOINT are sent first). */
MUST_USE int stmt_run(struct store *store, struct stmt *s, struct err *err);
/* Runs SQL that returns no rows. The errors of store_failed(). */
MUST_USE int store_exec(struct store *store, const char *sql, struct err *err);
/* Where a failure changes nothing: the end of a read, a rollback. */
void store_exec_anyway(struct store *store, const char *sql);
/* The database is damaged: tells who wants to know, and fills *err; always -1. */
int store_damaged(const struct store *store, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Turns an SQLite result into *err; always -1. */
int store_failed(const struct store *store, int rc, const char *doing, struct err *err);

#endif
