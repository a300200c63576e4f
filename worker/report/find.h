/* Where in a line a report stands: behind `hone:`, which may itself stand behind a progress bar,
 * the prefix of a launcher or the head of a logger. */
#ifndef WORKER_REPORT_FIND_H
#define WORKER_REPORT_FIND_H

#include <stdbool.h>
#include <stddef.h>

struct found {
    size_t begin, end; /* of the prefix */
    bool is_glued;     /* it follows a digit, perhaps the last one that was printed of a number */
};

/* The first prefix at or behind `from`. One that ends a longer word, as in "phone:", a path or a
 * host's name, is none. `is_cut`: the line had more before its first byte. */
bool find_prefix(const char *line, size_t len, size_t from, bool is_cut, struct found *found);

#endif
