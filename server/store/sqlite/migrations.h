/* The texts of schema/migrations/, embedded by the build in order of their numbers. */
#ifndef SERVER_STORE_SQLITE_MIGRATIONS_H
#define SERVER_STORE_SQLITE_MIGRATIONS_H

extern const char *const migrations[];
extern const int migrations_count;

#endif
