/* What `hone top` shows, apart from the terminal and the server: which page, which row, and the
 * last answers. Keys change it (keys.h), pages are drawn from it (draw.h), the feed puts answers
 * into it (feed.h). Nothing here asks, waits or prints, so every picture can be made in a test. */
#ifndef WORKER_CLI_TOP_MODEL_H
#define WORKER_CLI_TOP_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/own.h"
#include "worker/cli/show/rate.h"

enum top_page {
    TOP_OVERVIEW, /* studies, and the workers below */
    TOP_STUDY,    /* a study and its trials */
    TOP_BRACKETS, /* of that study */
    TOP_TRIAL,
    TOP_WORKER,
    TOP_HELP
};

/* Which trials of a study, and in which order. */
enum top_trials { TOP_RUNNING, TOP_BEST, TOP_NEWEST, TOP_FAILED, TOP_TRIALS_COUNT };
enum top_studies { TOP_BY_STATE, TOP_BY_NAME, TOP_BY_FAILED, TOP_STUDIES_COUNT };
enum top_workers { TOP_BY_WORKER, TOP_BY_SPEED, TOP_BY_REPORT, TOP_WORKERS_COUNT };

/* What the pages are made of, one answer each. */
enum top_answer {
    TOP_STUDIES_ANSWER, /* the items of GET /v1/studies */
    TOP_WORKERS_ANSWER, /* the items of GET /v1/workers */
    TOP_STUDY_ANSWER,
    TOP_BEST_ANSWER,
    TOP_HISTORY_ANSWER, /* the items */
    TOP_TRIALS_ANSWER,  /* the items */
    TOP_BRACKETS_ANSWER,
    TOP_TRIAL_ANSWER,
    TOP_EXPLAIN_ANSWER,
    TOP_ATTEMPTS_ANSWER, /* the items */
    TOP_LOG_ANSWER,      /* a string: the last lines of what its job printed */
    TOP_ANSWER_COUNT
};

#define TOP_NAME_BYTES 192
#define TOP_DEPTH 6

/* A page and where one is on it. */
struct top_place {
    enum top_page page;
    char study[TOP_NAME_BYTES];
    char worker[TOP_NAME_BYTES];
    int64_t trial;
    char row[TOP_NAME_BYTES]; /* the key of the row that is chosen; "": the first one */
    size_t at;                /* its place when it was last seen */
    size_t scroll;            /* the first line of a page of text */
};

/* What a key orders the server to do (orders.h); question "": nothing. */
struct top_order {
    const char *method;
    char path[4 * TOP_NAME_BYTES];
    char body[64];
    char question[2 * TOP_NAME_BYTES]; /* "pause digits? …", before it is sent */
    char done[2 * TOP_NAME_BYTES];     /* what is so afterwards */
    bool is_sent;
};

struct top {
    char url[TOP_NAME_BYTES];
    struct top_place places[TOP_DEPTH]; /* the last one is shown, those before are gone back to */
    size_t depth;                       /* of the last one */
    enum top_trials trials;
    enum top_studies studies;
    enum top_workers workers;
    bool reverse;
    bool paused;                       /* the pictures stand still */
    json_t *answers[TOP_ANSWER_COUNT]; /* owned; NULL: not here yet */
    struct rate rate;                  /* of the study that is shown */
    char trouble[512];                 /* "": the server answers */
    int64_t now_ms;                    /* wall clock of the picture */
    bool color;
    struct top_order order;
    char said[512]; /* what became of the last one, until the next key; "": nothing */
    bool said_is_bad;
};

void top_init(struct top *top, const char *url);
void top_finish(struct top *top);
OWN_VALUE(top)

struct top_place *top_place(struct top *top);
const struct top_place *top_shown(const struct top *top);
/* Goes to a page, from which top_back() leads here again; answers of another study or trial are
 * forgotten. */
void top_open(struct top *top, const struct top_place *place);
/* False: this is the first page. */
bool top_back(struct top *top);
/* Takes the answer, which it owns from then on. */
void top_take(struct top *top, enum top_answer which, json_t *answer_stolen);

/* Whether the page is made of this answer. */
bool top_needs(const struct top *top, enum top_answer which);
/* The rows of the page in their order, as keys: "study:NAME", "worker:NAME", "trial:N". */
struct top_rows {
    char (*keys)[TOP_NAME_BYTES]; /* owned */
    const json_t **items;         /* owned; each borrowed from the answers */
    size_t n;
    size_t n_studies; /* on the overview: so many of them come first */
};
void top_rows(const struct top *top, struct top_rows *rows);
void top_rows_finish(struct top_rows *rows);
OWN_VALUE(top_rows)
/* The place of the chosen row: where its key is now, or else where it was. */
size_t top_row_at(const struct top *top, const struct top_rows *rows);

#endif
