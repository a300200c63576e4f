/* Text of a paper in its two forms: plain, and LaTeX. Whatever comes from a study is a word here,
 * and cannot become a command. Any thread. */
#ifndef SERVER_REPORT_PROSE_H
#define SERVER_REPORT_PROSE_H

#include <stdbool.h>

#include "common/buf.h"

struct prose {
    struct buf *out;
    bool is_latex;
    const char *cited[16]; /* keys so far, each once; static texts */
    size_t n_cited;
};

/* Our own words: without a character that LaTeX takes for a command. */
void prose_say(struct prose *prose, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A name or value of the study, at most `max` characters of it: unseen characters are left out,
 * line ends become blanks, and in LaTeX its special characters are escaped. */
void prose_word(struct prose *prose, const char *text, size_t max);
/* A number in four digits; in LaTeX in mathematics, 1.5e-5 as 1.5 times a power of ten. */
void prose_number(struct prose *prose, double value);
/* A reference, behind a word. `key`: static text. */
void prose_cite(struct prose *prose, const char *key);

#endif
