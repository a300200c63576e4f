/* What the keys of `hone top` do. Pure. */
#ifndef WORKER_CLI_TOP_KEYS_H
#define WORKER_CLI_TOP_KEYS_H

#include "worker/cli/top/model.h"

/* A key as the terminal tells it: a character, or one of these. */
enum top_key {
    TOP_KEY_UP = 0x100,
    TOP_KEY_DOWN,
    TOP_KEY_PAGE_UP,
    TOP_KEY_PAGE_DOWN,
    TOP_KEY_HOME,
    TOP_KEY_END,
    TOP_KEY_ENTER,
    TOP_KEY_BACK
};

enum top_action {
    TOP_NOTHING,
    TOP_REDRAW,
    TOP_SEND, /* the order was confirmed: send it */
    TOP_ASK,  /* the page is another one, or wants other rows: ask at once */
    TOP_QUIT
};

/* `page_lines`: how many lines one page has. */
enum top_action top_press(struct top *top, int key, size_t page_lines);

#endif
