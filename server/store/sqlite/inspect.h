/* Looks at a data directory as a start would, and changes nothing in it: rights, file system,
 * space, lock, schema, every page and reference, and whether the database is as far as its mark
 * says. */
#ifndef SERVER_STORE_SQLITE_INSPECT_H
#define SERVER_STORE_SQLITE_INSPECT_H

#include <stdbool.h>

#include "common/findings.h"
#include "server/store/tokens.h"

struct store_token_reader {
    int (*each)(void *context, const struct token_row *row, struct err *err);
    void *context;
    bool done; /* all tokens were read; false: the database cannot tell */
};

/* Tells what it finds. Where no server runs, none can start until this returns; where one runs, the
 * database is seen as of one moment, beside its writes. Reads the whole database. */
void store_inspect(const char *directory, struct store_token_reader *tokens,
                   struct findings *findings);

#endif
