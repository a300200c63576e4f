/* A directory for one test, gone with everything in it at the end. */
#ifndef TESTS_SUPPORT_DIRECTORY_H
#define TESTS_SUPPORT_DIRECTORY_H

#define DIRECTORY_BYTES 256

/* Creates an empty directory and writes its path. Aborts when that is impossible. */
void directory_create(char path[DIRECTORY_BYTES]);
/* Removes it with everything in it. */
void directory_remove(const char *path);
/* Removes everything in it, except directories. */
void directory_clear(const char *path);

/* Copies a file of one directory into another; a file of that name is replaced. */
void directory_copy(const char *from, const char *to, const char *name);

#endif
