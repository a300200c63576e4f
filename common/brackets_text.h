/* Brackets and rungs as text, one bar a rung; pure; the tests compare whole pictures.
 *
 *   digits  hyperband, eta 3: 3 brackets, 1 open; trained 412 of 1701 epochs, 76 % saved
 *
 *   bracket 2  open: rung 1 waits for 3 running trials
 *        1 epoch   ███████████████████████████  27 of 27, 9 promoted, best 0.91 (trial 12)
 *        3 epochs  ██████▒▒▒                    9 of 9, 3 running, best 0.93 (trial 12)
 *                  waits for trial 15 (0:12) on gpu07:0, trial 18 (0:40) on gpu08:1, silent 0:35
 *        9 epochs  ···                          0 of 3
 *
 * █ has reported, ▒ is running, · is a free slot. */
#ifndef COMMON_BRACKETS_TEXT_H
#define COMMON_BRACKETS_TEXT_H

#include <jansson.h>

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"

struct brackets_look {
    bool all;       /* brackets that are done are drawn in full, too */
    bool open_last; /* below those that are done: a terminal shows the last lines of what is printed
                     */
    bool ascii;     /* # = . for █ ▒ ·, and a line that says what they mean */
    size_t width;   /* lines are wrapped there, bars give way, and on a narrow terminal a rung's
                       numbers stand below its bar; 0: no line is too wide */
};
/* `answer` is that of GET …/brackets. */
void brackets_draw(const json_t *answer, const struct brackets_look *look, struct buf *out);

#endif
