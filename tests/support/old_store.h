/* A database of the first version, for tests of its migration. */
#ifndef TESTS_SUPPORT_OLD_STORE_H
#define TESTS_SUPPORT_OLD_STORE_H

/* Creates hone.db of version 1 in the directory, with one study and one trial that has a value. */
void old_store_create(const char *directory);
/* Demands that the database has not lost its version, and that a whole copy of version 1 lies
 * beside it unless nothing was changed yet. `place` says in a failure what was done. */
void old_store_expect_copy(const char *directory, const char *place);

#endif
