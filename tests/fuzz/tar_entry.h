/* Tar files with whatever entries, right or wrong. */
#ifndef TESTS_FUZZ_TAR_ENTRY_H
#define TESTS_FUZZ_TAR_ENTRY_H

#include "common/buf.h"

/* Appends an entry of this type, as tar writes it ('0' a file, '2' a link, '5' a folder, …). `rest`
 * is a link's target, or the content, in which | stands for a new line. */
void tar_entry(struct buf *tar, char type, const char *name, const char *rest);
/* Nothing comes behind. */
void tar_end(struct buf *tar);

#endif
