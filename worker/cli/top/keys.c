#include "worker/cli/top/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/cli/session.h"
#include "worker/cli/show/study.h"
#include "worker/cli/top/orders.h"

/* ---- moving --------------------------------------------------------------------------------- */

static bool is_list(const struct top *top)
{
    enum top_page page = top_shown(top)->page;

    return page == TOP_OVERVIEW || page == TOP_STUDY;
}

static size_t moved(size_t at, int key, size_t page_lines, size_t last)
{
    size_t step = key == TOP_KEY_PAGE_UP || key == TOP_KEY_PAGE_DOWN ? page_lines : 1;

    switch (key) {
    case TOP_KEY_HOME:
        return 0;
    case TOP_KEY_END:
        return last;
    case TOP_KEY_UP:
    case TOP_KEY_PAGE_UP:
        return at > step ? at - step : 0;
    default:
        return at + step < last ? at + step : last;
    }
}

static enum top_action move(struct top *top, int key, size_t page_lines)
{
    OWN(top_rows) struct top_rows rows = {0};
    struct top_place *place = top_place(top);

    if (!is_list(top)) { /* the end of a text is found when it is drawn */
        place->scroll = moved(place->scroll, key, page_lines, 1U << 20);
        return TOP_REDRAW;
    }
    top_rows(top, &rows);
    if (rows.n == 0) {
        return TOP_NOTHING;
    }
    place->at = moved(top_row_at(top, &rows), key, page_lines, rows.n - 1);
    (void)snprintf(place->row, sizeof place->row, "%s", rows.keys[place->at]);
    return TOP_REDRAW;
}

/* ---- opening -------------------------------------------------------------------------------- */

static enum top_action open_page(struct top *top, enum top_page page)
{
    struct top_place place = *top_shown(top);

    if (place.page == page) {
        return TOP_NOTHING;
    }
    place.page = page;
    place.row[0] = '\0';
    place.at = place.scroll = 0;
    top_open(top, &place);
    return TOP_ASK;
}

static enum top_action open_row(struct top *top)
{
    OWN(top_rows) struct top_rows rows = {0};
    struct top_place place = *top_shown(top);

    top_rows(top, &rows);
    if (rows.n == 0) {
        return TOP_NOTHING;
    }
    size_t at = top_row_at(top, &rows);
    const char *name = strchr(rows.keys[at], ':') + 1;
    (void)snprintf(top_place(top)->row, sizeof place.row, "%s", rows.keys[at]);
    top_place(top)->at = at;
    if (strncmp(rows.keys[at], "study:", 6) == 0) {
        place.page = TOP_STUDY;
        (void)snprintf(place.study, sizeof place.study, "%s", text_at(rows.items[at], "name"));
        top->trials = study_count(rows.items[at], "running") > 0 ? TOP_RUNNING : TOP_BEST;
    } else if (strncmp(rows.keys[at], "worker:", 7) == 0) {
        place.page = TOP_WORKER;
        (void)snprintf(place.worker, sizeof place.worker, "%s", text_at(rows.items[at], "name"));
    } else {
        place.page = TOP_TRIAL;
        place.trial = strtoll(name, NULL, 10);
    }
    place.row[0] = '\0';
    place.at = place.scroll = 0;
    top_open(top, &place);
    return TOP_ASK;
}

/* The trial that the worker runs, if it runs one. */
static enum top_action open_lease(struct top *top)
{
    const json_t *workers = top->answers[TOP_WORKERS_ANSWER];
    struct top_place place = *top_shown(top);

    for (size_t i = 0; i < json_array_size(workers); i++) {
        const json_t *worker = json_array_get(workers, i);
        const json_t *lease = json_array_get(json_object_get(worker, "leases"), 0);
        if (strcmp(text_at(worker, "name"), place.worker) == 0 && lease != NULL) {
            place.page = TOP_TRIAL;
            place.scroll = 0;
            place.trial = int_at(lease, "trial", 0);
            (void)snprintf(place.study, sizeof place.study, "%s", text_at(lease, "study"));
            top_open(top, &place);
            return TOP_ASK;
        }
    }
    return TOP_NOTHING;
}

static enum top_action enter(struct top *top)
{
    switch (top_shown(top)->page) {
    case TOP_OVERVIEW:
    case TOP_STUDY:
        return open_row(top);
    case TOP_WORKER:
        return open_lease(top);
    case TOP_HELP:
    case TOP_BRACKETS:
    case TOP_TRIAL:
    default:
        return TOP_NOTHING;
    }
}

static enum top_action back(struct top *top)
{
    if (top_back(top)) {
        return TOP_ASK;
    }
    return TOP_NOTHING;
}

/* ---- order ---------------------------------------------------------------------------------- */

static enum top_action sort(struct top *top)
{
    OWN(top_rows) struct top_rows rows = {0};
    struct top_place *place = top_place(top);

    if (place->page == TOP_STUDY) {
        top->trials = (top->trials + 1) % TOP_TRIALS_COUNT;
        place->row[0] = '\0';
        place->at = 0;
        json_decref(top->answers[TOP_TRIALS_ANSWER]);
        top->answers[TOP_TRIALS_ANSWER] = NULL;
        return TOP_ASK;
    }
    if (place->page != TOP_OVERVIEW) {
        return TOP_NOTHING;
    }
    top_rows(top, &rows);
    if (top_row_at(top, &rows) < rows.n_studies) {
        top->studies = (top->studies + 1) % TOP_STUDIES_COUNT;
    } else {
        top->workers = (top->workers + 1) % TOP_WORKERS_COUNT;
    }
    return TOP_REDRAW;
}

/* From the studies to the workers and back. */
static enum top_action other_list(struct top *top)
{
    OWN(top_rows) struct top_rows rows = {0};
    struct top_place *place = top_place(top);

    if (place->page != TOP_OVERVIEW) {
        return TOP_NOTHING;
    }
    top_rows(top, &rows);
    place->at = top_row_at(top, &rows) < rows.n_studies ? rows.n_studies : 0;
    place->at = place->at < rows.n ? place->at : 0;
    (void)snprintf(place->row, sizeof place->row, "%s", rows.n == 0 ? "" : rows.keys[place->at]);
    return TOP_REDRAW;
}

/* The answer to a question; only `y` is a yes. */
static enum top_action answer(struct top *top, int key)
{
    if (key == 'y') {
        top->order.is_sent = true;
        return TOP_SEND;
    }
    top_order_failed(top, "it is left as it was");
    return TOP_REDRAW;
}

enum top_action top_press(struct top *top, int key, size_t page_lines)
{
    if (top->order.question[0] != '\0' && !top->order.is_sent) {
        return answer(top, key);
    }
    top->said[0] = '\0';
    switch (key) {
    case 'p':
    case 'x':
    case 'd':
    case 'c':
    case 't':
        return !top->order.is_sent && top_order_make(top, key) ? TOP_REDRAW : TOP_NOTHING;
    case 'q':
        return TOP_QUIT;
    case TOP_KEY_BACK:
        return back(top);
    case 'k':
        return move(top, TOP_KEY_UP, page_lines);
    case 'j':
        return move(top, TOP_KEY_DOWN, page_lines);
    case 'g':
        return move(top, TOP_KEY_HOME, page_lines);
    case 'G':
        return move(top, TOP_KEY_END, page_lines);
    case TOP_KEY_UP:
    case TOP_KEY_DOWN:
    case TOP_KEY_PAGE_UP:
    case TOP_KEY_PAGE_DOWN:
    case TOP_KEY_HOME:
    case TOP_KEY_END:
        return move(top, key, page_lines);
    case TOP_KEY_ENTER:
        return enter(top);
    case '\t':
        return other_list(top);
    case 's':
        return sort(top);
    case 'r':
        top->reverse = !top->reverse;
        return top_shown(top)->page == TOP_OVERVIEW ? TOP_REDRAW : TOP_NOTHING;
    case 'b':
        return top_shown(top)->page == TOP_STUDY || top_shown(top)->page == TOP_TRIAL
                   ? open_page(top, TOP_BRACKETS)
                   : TOP_NOTHING;
    case ' ':
        top->paused = !top->paused;
        return TOP_REDRAW;
    case '?':
    case 'h':
        return open_page(top, TOP_HELP);
    default:
        return TOP_NOTHING;
    }
}
