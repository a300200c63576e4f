#include "worker/cli/show/watch.h"

#include <math.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/cell.h"
#include "common/json.h"
#include "worker/cli/options.h"
#include "worker/cli/show/study.h"
#include "worker/cli/text.h"

enum { DISPLAY_BYTES = 1 << 20, SILENCE_MAX_MS = 60000, LINE_EVERY_MS = 60000, LISTED_MAX = 50 };

void watch_begin(struct watch *watch, struct session *session, const char *study, FILE *out,
                 bool color)
{
    *watch = (struct watch){.session = session,
                            .study_name = study,
                            .clock = clock_system(),
                            .out = out,
                            .terminal = terminal_width(fileno(out)) > 0,
                            .color = color,
                            .first_start_ms = -1,
                            .silent_since_ms = -1,
                            .last_line_ms = -1};
}

static void forget(struct watch *watch)
{
    json_decref(watch->study);
    json_decref(watch->best);
    json_decref(watch->running);
    json_decref(watch->history);
    watch->study = watch->best = watch->running = watch->history = NULL;
}

void watch_finish(struct watch *watch)
{
    forget(watch);
}

/* ---- asking --------------------------------------------------------------------------------- */

static int ask(struct watch *watch, const char *rest, json_t **reply, struct err *err)
{
    OWN(buf) struct buf path = {0};

    return session_get(watch->session, study_path(&path, watch->study_name, rest), reply, err);
}

static int ask_first_start(struct watch *watch, struct err *err)
{
    json_auto_t *page = NULL;

    if (watch->first_start_ms < 0) {
        TRY(ask(watch, "/trials?limit=1", &page, err));
        const json_t *first = json_array_get(json_object_get(page, "items"), 0);
        watch->first_start_ms = text_moment_ms(text_at(first, "started_at"));
    }
    return 0;
}

/* *trace ← the items of the history; those known where the best trial is still the same. */
static int ask_trace(struct watch *watch, const json_t *best, json_t **trace, struct err *err)
{
    json_auto_t *answer = NULL;

    if (!watch->terminal || watch->quiet) {
        return 0;
    }
    if (watch->history != NULL && json_equal(best, watch->best)) {
        *trace = json_incref(watch->history);
        return 0;
    }
    TRY(ask(watch, "/history", &answer, err));
    *trace = json_incref(json_object_get(answer, "items"));
    return 0;
}

static int ask_all(struct watch *watch, struct err *err)
{
    json_auto_t *study = NULL;
    json_auto_t *best = NULL;
    json_auto_t *page = NULL;
    json_auto_t *trace = NULL;

    TRY(ask(watch, "", &study, err));
    if (study_metric(study) != NULL) {
        TRY(ask(watch, "/best", &best, err));
        TRY(ask_trace(watch, best, &trace, err));
    }
    TRY(ask(watch, "/trials?state=running&limit=50", &page, err));
    TRY(ask_first_start(watch, err));
    forget(watch);
    watch->study = json_incref(study);
    watch->best = best == NULL ? NULL : json_incref(best);
    watch->running = json_incref(json_object_get(page, "items"));
    watch->history = trace == NULL ? NULL : json_incref(trace);
    return 0;
}

/* ---- drawing -------------------------------------------------------------------------------- */

static size_t terminal_rows(int fd)
{
    struct winsize size;

    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 5 ? size.ws_row : 24;
}

/* Goes up over the last display; what follows overwrites it. */
static void rewind_display(struct watch *watch)
{
    if (watch->n_lines > 0) {
        (void)fprintf(watch->out, "\033[%zuA\r\033[J", watch->n_lines);
        watch->n_lines = 0;
    }
}

static void draw_display(struct watch *watch, const struct view *view)
{
    OWN(buf) struct buf display = {0};

    buf_init(&display, DISPLAY_BYTES);
    view_draw(view, terminal_width(fileno(watch->out)), terminal_rows(fileno(watch->out)) - 1,
              watch->color, &display);
    rewind_display(watch);
    (void)fputs(buf_text(&display), watch->out);
    for (size_t i = 0; i < display.len; i++) {
        watch->n_lines += display.data[i] == '\n';
    }
}

/* In a pipe: a line when something worth telling happened, and one a minute as a sign of life. */
static void draw_line(struct watch *watch, const struct view *view, int64_t now_ms)
{
    OWN(buf) struct buf line = {0};
    const char *state = view->trouble != NULL ? "silent" : text_at(view->study, "state");
    int64_t best = int_at(json_object_get(view->best, "trial"), "number", -1);
    bool over = view->trouble == NULL && view_is_over(view);
    bool is_missing = json_array_size(json_object_get(view->study, "never_reported")) > 0;
    bool news = strcmp(state, watch->last_state) != 0 || best != watch->last_best
                || over != watch->told_over || is_missing != watch->told_missing;

    if (watch->last_line_ms >= 0 && !news && now_ms - watch->last_line_ms < LINE_EVERY_MS) {
        return;
    }
    buf_init(&line, DISPLAY_BYTES);
    view_line(view, &line);
    (void)fputs(buf_text(&line), watch->out);
    (void)snprintf(watch->last_state, sizeof watch->last_state, "%s", state);
    watch->last_best = best;
    watch->told_over = over;
    watch->told_missing = is_missing;
    watch->last_line_ms = now_ms;
}

static void draw(struct watch *watch, const char *trouble, bool *over)
{
    int64_t now_ms = watch->clock->monotonic_ms(watch->clock);
    int64_t wall_ms = watch->clock->wall_ms(watch->clock);
    int64_t done = study_count_done(watch->study);
    struct view view = {.study = watch->study,
                        .best = watch->best,
                        .running = watch->running,
                        .history = watch->history,
                        .elapsed_ms = watch->first_start_ms < 0 || watch->first_start_ms > wall_ms
                                          ? -1
                                          : wall_ms - watch->first_start_ms,
                        .now_ms = wall_ms,
                        .trouble = trouble};

    *over = trouble == NULL && view_is_over(&view);
    if (trouble == NULL) {
        rate_add(&watch->rate, now_ms, done);
    }
    view.per_minute = rate_per_minute(&watch->rate);
    if (isnan(view.per_minute) && view.elapsed_ms > 0 && done > 0) { /* its whole life, then */
        view.per_minute = 60000.0 * (double)done / (double)view.elapsed_ms;
    }
    if (*over) { /* the time goes on, the study does not */
        view.elapsed_ms = -1;
        view.per_minute = (double)NAN;
    }
    if (!watch->quiet && watch->terminal) {
        draw_display(watch, &view);
    } else if (!watch->quiet) {
        draw_line(watch, &view, now_ms);
    }
    (void)fflush(watch->out);
}

int watch_look(struct watch *watch, bool *over, struct err *err)
{
    int64_t now_ms = watch->clock->monotonic_ms(watch->clock);

    if (ask_all(watch, err) == 0) {
        watch->silent_since_ms = -1;
        draw(watch, NULL, over);
        return 0;
    }
    if (watch->study == NULL || !err_may_pass(err->code)) {
        return -1;
    }
    if (watch->silent_since_ms < 0) {
        watch->silent_since_ms = now_ms;
    }
    if (now_ms - watch->silent_since_ms > SILENCE_MAX_MS) {
        return -1;
    }
    draw(watch, "the server does not answer; trying again", over);
    return 0;
}

void watch_note(struct watch *watch, const char *line, size_t len)
{
    OWN(buf) struct buf clean = {0};

    buf_init(&clean, DISPLAY_BYTES);
    cell_append_clean_n(&clean, line, len);
    rewind_display(watch);
    (void)fprintf(watch->out, "%s\n", buf_text(&clean));
    (void)fflush(watch->out);
}
