/* A directory for one test, gone with everything in it at the end. */
#ifndef TESTS_SUPPORT_DIRECTORY_H
#define TESTS_SUPPORT_DIRECTORY_H

#define DIRECTORY_BYTES 256

/* Creates an empty directory and writes its path. Aborts when that is impossible. */
void directory_create(char path[DIRECTORY_BYTES]);
/* Removes it with everything in it. */
void directory_remove(const char *path);

#endif
