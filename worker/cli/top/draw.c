#include "worker/cli/top/draw.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/cell.h"
#include "common/wrap.h"
#include "worker/cli/session.h"
#include "worker/cli/show/study.h"
#include "worker/cli/show/view.h"
#include "worker/cli/text.h"
#include "worker/cli/top/pages.h"

enum { PAGE_BYTES = 8 << 20, LINE_BYTES = 1 << 16, FRAME_LINES = 3 };

/* Where lines go, as many as there is room for. */
struct sheet_of_lines {
    struct buf *out;
    size_t width, left;
};

/* One line, cut to the width. */
static void put(struct sheet_of_lines *lines, enum top_style style, const char *text, size_t len)
{
    OWN(buf) struct buf line = {0};

    if (lines->left == 0) {
        return;
    }
    buf_init(&line, LINE_BYTES);
    cell_append_clean_n(&line, text, len);
    buf_putc(lines->out, (char)style);
    if (cell_columns(buf_text(&line)) > lines->width) {
        cell_append_fitted(lines->out, buf_text(&line), lines->width, false);
    } else {
        buf_puts(lines->out, buf_text(&line));
    }
    buf_putc(lines->out, '\n');
    lines->left--;
}

static void put_text(struct sheet_of_lines *lines, enum top_style style, const char *text)
{
    put(lines, style, text, strlen(text));
}

/* ---- the frame ------------------------------------------------------------------------------ */

/* "1 study", "2 studies" */
static void put_count(size_t n, const char *one, const char *several, struct buf *line)
{
    buf_printf(line, "%zu %s", n, n == 1 ? one : several);
}

static void append_what(const struct top *top, struct buf *line)
{
    const struct top_place *place = top_shown(top);

    switch (place->page) {
    case TOP_STUDY:
        buf_printf(line, "%s, %s", place->study,
                   (const char *const[]){"what runs", "the best", "the newest",
                                         "what failed"}[top->trials]);
        break;
    case TOP_BRACKETS:
        buf_printf(line, "%s, brackets", place->study);
        break;
    case TOP_TRIAL:
        buf_printf(line, "%s, trial %" PRId64, place->study, place->trial);
        break;
    case TOP_WORKER:
        buf_printf(line, "worker %s", place->worker);
        break;
    case TOP_HELP:
        buf_puts(line, "keys");
        break;
    case TOP_OVERVIEW:
    default:
        put_count(json_array_size(top->answers[TOP_STUDIES_ANSWER]), "study", "studies", line);
        buf_puts(line, ", ");
        put_count(json_array_size(top->answers[TOP_WORKERS_ANSWER]), "worker", "workers", line);
        break;
    }
}

/* What is shown; at the right end the server, where there is room for it. */
static void draw_head(const struct top *top, struct sheet_of_lines *lines)
{
    OWN(buf) struct buf line = {0};
    OWN(buf) struct buf clean = {0};

    buf_init(&line, LINE_BYTES);
    buf_init(&clean, LINE_BYTES);
    buf_puts(&line, "hone  ");
    append_what(top, &line);
    cell_append_clean(&clean, buf_text(&line));
    if (top->paused) {
        buf_puts(&clean, "  (held still)");
    }
    size_t used = cell_columns(buf_text(&clean)) + cell_columns(top->url);
    if (used + 2 <= lines->width) {
        buf_printf(&clean, "%*s%s", (int)(lines->width - used), "", top->url);
    }
    put_text(lines, TOP_HEAD, buf_text(&clean));
    if (top->trouble[0] != '\0') {
        OWN(buf) struct buf wrapped = {0};
        buf_init(&wrapped, LINE_BYTES);
        wrap_append(&wrapped, top->trouble, lines->width, 0);
        for (const char *at = buf_text(&wrapped); *at != '\0'; at += strcspn(at, "\n") + 1) {
            put(lines, TOP_BAD, at, strcspn(at, "\n"));
        }
    }
}

/* The keys that mean something here, those first that everybody needs. */
static const char *const *keys_of(enum top_page page)
{
    static const char *const overview[] = {"q quit",      "? keys",     "Enter open", "s sort",
                                           "Tab workers", "p pause",    "x stop",     "d drain",
                                           "r reverse",   "space hold", NULL};
    static const char *const study[] = {"q quit",   "? keys",     "Enter open", "← back",
                                        "s which",  "b brackets", "p pause",    "x stop",
                                        "c cancel", "t retry",    "space hold", NULL};
    static const char *const worker[] = {"q quit", "? keys",  "Enter its trial",
                                         "← back", "d drain", NULL};
    static const char *const trial[] = {"q quit",     "? keys",   "← back",  "↑↓ scroll",
                                        "b brackets", "c cancel", "t retry", NULL};
    static const char *const text[] = {"q quit", "← back", "↑↓ scroll", NULL};

    return page == TOP_OVERVIEW ? overview
           : page == TOP_STUDY  ? study
           : page == TOP_WORKER ? worker
           : page == TOP_TRIAL  ? trial
                                : text;
}

static void append_order(const struct top *top, struct buf *line)
{
    static const char *const studies[] = {"state", "name", "failures"};
    static const char *const workers[] = {"name", "slowest", "silence"};

    if (top_shown(top)->page == TOP_OVERVIEW) {
        buf_printf(line, "  studies by %s, workers by %s%s", studies[top->studies],
                   workers[top->workers], top->reverse ? ", reversed" : "");
    }
}

/* The question before an order, or what became of the last one; false: there is neither. */
static bool draw_order(const struct top *top, struct sheet_of_lines *lines)
{
    OWN(buf) struct buf line = {0};
    const struct top_order *order = &top->order;

    buf_init(&line, LINE_BYTES);
    if (order->question[0] != '\0') {
        buf_printf(&line, "%s%s",
                   order->is_sent ? "… " : "y yes, other keys no: ", order->question);
    } else {
        buf_puts(&line, top->said);
    }
    if (line.len > 0) {
        put_text(lines, order->question[0] != '\0' || top->said_is_bad ? TOP_BAD : TOP_GOOD,
                 buf_text(&line));
    }
    return line.len > 0;
}

static void draw_keys(const struct top *top, struct sheet_of_lines *lines)
{
    const char *const *keys = keys_of(top_shown(top)->page);
    OWN(buf) struct buf line = {0};
    OWN(buf) struct buf order = {0};
    size_t used = 0;

    buf_init(&line, LINE_BYTES);
    buf_init(&order, LINE_BYTES);
    for (; *keys != NULL && used + 2 + cell_columns(*keys) <= lines->width; keys++) {
        buf_printf(&line, "%s%s", used > 0 ? "  " : "", *keys);
        used += cell_columns(*keys) + (used > 0 ? 2 : 0);
    }
    append_order(top, &order);
    if (used + order.len <= lines->width) {
        buf_puts(&line, buf_text(&order));
    }
    put_text(lines, TOP_KEYS, buf_text(&line));
}

/* ---- lists ---------------------------------------------------------------------------------- */

/* The titles, and as many rows as `height` has room for, among them the chosen one. `chosen` is its
 * row in the grid; none where it is larger. */
static void draw_grid(struct grid *grid, size_t chosen, size_t height, struct sheet_of_lines *lines)
{
    size_t n = grid_rows(grid);
    size_t shown = height > 1 ? height - 1 : 0;
    size_t from = chosen < n && chosen >= shown ? chosen + 1 - shown : 0;

    grid_fit(grid, lines->width);
    for (size_t i = 0; i <= shown && i <= n; i++) {
        OWN(buf) struct buf line = {0};
        buf_init(&line, LINE_BYTES);
        if (i == 0) {
            grid_append_titles(grid, &line);
        } else if (from + i - 1 < n) {
            grid_append_row(grid, from + i - 1, &line);
        }
        put_text(lines,
                 i == 0                   ? TOP_TITLE
                 : from + i - 1 == chosen ? TOP_CHOSEN
                                          : TOP_PLAIN,
                 buf_text(&line));
    }
}

/* The studies above, the workers below; where both do not fit, each has at least its half. */
static void draw_overview(const struct top *top, struct sheet_of_lines *lines)
{
    OWN(top_rows) struct top_rows rows = {0};
    OWN(grid) struct grid studies = {0};
    OWN(grid) struct grid workers = {0};
    size_t height = lines->left;

    top_rows(top, &rows);
    size_t chosen = top_row_at(top, &rows);
    size_t below = rows.n - rows.n_studies + 2; /* an empty line and the titles */
    size_t above = rows.n_studies + 1;
    if (above + below > height) {
        size_t half = height / 2;
        above = above <= half ? above : below <= height - half ? height - below : half;
    }
    page_studies(&rows, 0, rows.n_studies, &studies);
    page_workers(top, &rows, rows.n_studies, rows.n, &workers);
    draw_grid(&studies, chosen, above, lines);
    if (rows.n_studies == 0 && top->answers[TOP_STUDIES_ANSWER] != NULL) {
        put_text(lines, TOP_PLAIN,
                 "there are no studies; 'hone run' or 'hone study create' makes one");
    }
    put_text(lines, TOP_PLAIN, "");
    draw_grid(&workers, chosen >= rows.n_studies ? chosen - rows.n_studies : SIZE_MAX, lines->left,
              lines);
}

static struct view view_of(const struct top *top)
{
    const json_t *study = top->answers[TOP_STUDY_ANSWER];
    int64_t created_ms = text_moment_ms(text_at(study, "created_at"));
    struct view view = {.study = study,
                        .best = top->answers[TOP_BEST_ANSWER],
                        .history = top->answers[TOP_HISTORY_ANSWER],
                        .per_minute = rate_per_minute(&top->rate),
                        .elapsed_ms = created_ms < 0 ? -1 : top->now_ms - created_ms,
                        .now_ms = top->now_ms};

    if (view_is_over(&view)) {
        view.elapsed_ms = -1;
        view.per_minute = (double)NAN;
    }
    return view;
}

static void draw_study(const struct top *top, struct sheet_of_lines *lines)
{
    OWN(top_rows) struct top_rows rows = {0};
    OWN(grid) struct grid trials = {0};
    OWN(buf) struct buf picture = {0};

    if (top->answers[TOP_STUDY_ANSWER] == NULL) {
        put_text(lines, TOP_PLAIN, "asking …");
        return;
    }
    struct view view = view_of(top);
    buf_init(&picture, PAGE_BYTES);
    view_draw(&view, lines->width, lines->left / 2 + 1, false, &picture);
    for (const char *at = buf_text(&picture); *at != '\0'; at += strcspn(at, "\n") + 1) {
        put(lines, strncmp(at, "best ", 5) == 0 ? TOP_GOOD : TOP_PLAIN, at, strcspn(at, "\n"));
    }
    put_text(lines, TOP_PLAIN, "");
    top_rows(top, &rows);
    page_trials(top, &rows, &trials);
    draw_grid(&trials, top_row_at(top, &rows), lines->left, lines);
    if (rows.n == 0 && top->answers[TOP_TRIALS_ANSWER] != NULL) {
        put_text(lines, TOP_PLAIN,
                 top->trials == TOP_RUNNING  ? "no trial runs now; s shows the best ones"
                 : top->trials == TOP_FAILED ? "no trial has failed"
                                             : "there are no trials yet");
    }
}

/* ---- text ----------------------------------------------------------------------------------- */

static void append_text(const struct top *top, size_t width, struct buf *page)
{
    switch (top_shown(top)->page) {
    case TOP_TRIAL:
        page_trial(top, width, page);
        break;
    case TOP_WORKER:
        page_worker(top, width, page);
        break;
    case TOP_BRACKETS:
        page_brackets(top, width, page);
        break;
    case TOP_HELP:
    case TOP_OVERVIEW:
    case TOP_STUDY:
    default:
        page_help(width, page);
        break;
    }
}

static void draw_text(struct top *top, struct sheet_of_lines *lines)
{
    OWN(buf) struct buf page = {0};
    size_t n = 0;
    struct top_place *place = top_place(top);

    buf_init(&page, PAGE_BYTES);
    append_text(top, lines->width, &page);
    const char *text = buf_text(&page);
    for (const char *at = text; *at != '\0'; at++) {
        n += *at == '\n';
    }
    size_t last = n > lines->left ? n - lines->left : 0;
    place->scroll = place->scroll < last ? place->scroll : last;
    for (size_t i = 0; *text != '\0'; i++) {
        size_t len = strcspn(text, "\n");
        if (i >= place->scroll) {
            put(lines, TOP_PLAIN, text, len);
        }
        text += len + (text[len] == '\n');
    }
}

/* ---- all of it ------------------------------------------------------------------------------ */

size_t top_page_lines(size_t height)
{
    return height > FRAME_LINES + 1 ? height - FRAME_LINES : 1;
}

void top_draw(struct top *top, size_t width, size_t height, struct buf *out)
{
    struct sheet_of_lines lines = {.out = out, .width = width, .left = height > 1 ? height - 1 : 1};

    draw_head(top, &lines);
    switch (top_shown(top)->page) {
    case TOP_OVERVIEW:
        draw_overview(top, &lines);
        break;
    case TOP_STUDY:
        draw_study(top, &lines);
        break;
    case TOP_BRACKETS:
    case TOP_TRIAL:
    case TOP_WORKER:
    case TOP_HELP:
    default:
        draw_text(top, &lines);
        break;
    }
    while (lines.left > 0) {
        put_text(&lines, TOP_PLAIN, "");
    }
    lines.left = height > 1 ? 1 : 0;
    if (!draw_order(top, &lines)) {
        draw_keys(top, &lines);
    }
}
