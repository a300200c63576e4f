/* Answers as text for a model: short, and with what comes from studies and programs marked as such.
 *
 * What a study is called, what a program printed and what a worker said may be chosen by anyone. A
 * model reads it beside what the server says, so each line of it begins with "| ", no line of the
 * server's own does, and what is not seen is left out: control characters, those that turn the
 * direction of writing or take no room, and the invisible copies of letters (Unicode tags,
 * variation selectors). That is all that can be done here: what the lines say is up to whoever
 * wrote them.
 *
 * No allocation but the buffer's; any thread. */
#ifndef SERVER_MCP_TEXT_H
#define SERVER_MCP_TEXT_H

#include "common/buf.h"

#define TEXT_BYTES_MAX 2000 /* of an answer */

enum text_end { TEXT_KEEPS_BEGIN, TEXT_KEEPS_END };

/* Appends the lines of `text`, of any bytes, each with "| " before it, as far as `bytes` allow: the
 * first ones or the last ones. A line that is longer than all of it is cut. Returns how many lines
 * were left out. */
size_t text_add_data(struct buf *out, const char *text, size_t len, size_t bytes,
                     enum text_end end);
/* Takes `n` lines away from the text: the first ones, or the last ones if its end is kept. */
void text_skip(const char **text, size_t *len, size_t n, enum text_end end);
/* Appends `text` as one line, without the marks, of at most `bytes` bytes, and ends it. */
void text_add_sentence(struct buf *out, const char *text, size_t bytes);

#endif
