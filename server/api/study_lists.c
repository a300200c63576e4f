/* Studies as they stand: one, or a page of them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/integer.h"
#include "server/api/resources.h"
#include "server/api/selection.h"

static void study_columns(struct sheet *sheet)
{
    static const char *const columns[] = {
        "name",      "state",  "reason", "strategy",   "queued",    "running", "paused",
        "completed", "pruned", "failed", "infeasible", "cancelled", "best",    "created_at"};

    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        sheet_column(sheet, columns[i]);
    }
}

static void study_cells(struct sheet *sheet, const struct study_def *def,
                        const struct study_row *row)
{
    sheet_text(sheet, row->name);
    sheet_text(sheet, study_state_name(row->state));
    sheet_text(sheet, study_reason_name(row->reason));
    sheet_text(sheet, def->strategy);
    for (int state = 0; state < TRIAL_STATE_COUNT; state++) {
        sheet_int(sheet, row->counts[state]);
    }
    if (row->best_trial > 0) {
        sheet_number(sheet, row->best_value);
    } else {
        sheet_text(sheet, NULL);
    }
    sheet_moment(sheet, row->created_at_ms);
}

/* ---- the list: in order of id, which is the order of creation ---- */

struct page {
    struct reading *reading;
    struct listing listing;
    int64_t limit;
    int64_t after; /* id */
    int state;     /* -1: any */
    int64_t last;  /* id of the last one on this page */
    bool more;
};

static int read_page(struct reading *reading, struct page *page, struct err *err)
{
    const char *state = http_query(reading->request, "state");
    const char *cursor = http_query(reading->request, "cursor");

    *page = (struct page){.reading = reading, .state = -1};
    TRY(query_int(reading->request, "limit", PAGE_DEFAULT, 1, PAGE_MAX, &page->limit, err));
    if (state != NULL && (page->state = study_state_from_name(state)) < 0) {
        return err_set(err, ERR_MALFORMED,
                       "state=%.24s: a study is running, paused, stopped or finished", state);
    }
    if (cursor != NULL
        && (cursor[0] != 's' || !integer_from_text(cursor + 1, 1, INT64_MAX, &page->after))) {
        return cursor_refused(err);
    }
    return 0;
}

static int list_study(void *context, struct study_row *row, struct err *err)
{
    struct page *page = context;
    const struct live_study_view *study = live_view_study(page->reading->view, row->name);

    (void)err;
    if (study == NULL || study->id != row->id) {
        return 0; /* made or deleted since the view was */
    }
    if ((int64_t)page->listing.n == page->limit) {
        page->more = true; /* one row more was asked for than the page holds */
        return 0;
    }
    page->last = row->id;
    if (page->listing.is_sheet) {
        study_cells(&page->listing.sheet, study->def->def, row);
        page->listing.n++;
    } else {
        study_write(study->def->def, row, listing_item(&page->listing));
        listing_item_end(&page->listing);
    }
    return 0;
}

static int read_studies(struct reading *reading, struct err *err)
{
    struct page page;
    char cursor[32];

    TRY(read_page(reading, &page, err));
    listing_begin(&page.listing, reading);
    study_columns(&page.listing.sheet);
    const struct study_query query = {
        .after_id = page.after, .state = page.state, .limit = page.limit + 1};
    int result = store_each_study_of(reading->store, &query, list_study, &page, err);
    if (result == 0) {
        (void)snprintf(cursor, sizeof cursor, "s%" PRId64, page.last);
        listing_end(&page.listing, page.more ? cursor : NULL);
    }
    listing_finish(&page.listing);
    return result;
}

/* ---- one ---- */

static int read_study(struct reading *reading, struct err *err)
{
    OWN(study_row) struct study_row row = {0};
    struct json_writer w;

    TRY(reading_study_row(reading, &row, err));
    http_response_header(&reading->response, "ETag", "\"%" PRId64 "\"", row.revision);
    if (reading->format == FORMAT_JSON) {
        json_writer_init(&w, &reading->response.body);
        study_write(reading->study->def->def, &row, &w);
        buf_putc(&reading->response.body, '\n');
        return 0;
    }
    OWN(sheet) struct sheet sheet = {0};
    sheet_init(&sheet, reading->format == FORMAT_TEXT ? SHEET_LINES : SHEET_TABLE);
    study_columns(&sheet);
    study_cells(&sheet, reading->study->def->def, &row);
    if (reading->format == FORMAT_TEXT) {
        sheet_write_lines(&sheet, &reading->response.body);
    } else {
        sheet_write(&sheet, &reading->response.body);
    }
    return 0;
}

static const char *const studies_query[] = {"limit", "cursor", "state", NULL};

READING_HANDLER(get_studies, FORMATS_LIST, studies_query, read_studies)
READING_HANDLER(get_study, FORMATS_ONE, NULL, read_study)
