#include "server/api/report.h"

#include <stdlib.h>

#include "server/api/json.h"
#include "server/api/recommend.h"
#include "server/api/report_data.h"
#include "server/api/think.h"
#include "server/report/page.h"
#include "server/report/paper.h"

/* ---- the page: its recommendation needs a model, which an optimiser thread makes ---- */

struct report_page {
    struct study_row row;
    struct study_report report;        /* borrows the row */
    struct recommending *recommending; /* NULL: there is nothing to recommend */
};

static void report_page_destroy(struct report_page *page)
{
    if (page != NULL) {
        recommending_destroy(page->recommending);
        study_report_finish(&page->report);
        study_row_finish(&page->row);
        free(page);
    }
}
OWN_POINTER(report_page)

static void destroy_page(void *state)
{
    report_page_destroy(state);
}

static int step_page(void *state, const atomic_bool *stop, bool *more, struct err *err)
{
    struct report_page *page = state;

    *more = false;
    return recommend_think(page->recommending, stop, err);
}

static int set_advice(struct report_page *page, struct err *err)
{
    OWN(buf) struct buf text;

    buf_init(&text, RESPONSE_MAX);
    if (page->recommending != NULL) {
        recommend_append_advice(page->recommending, &text);
    }
    TRY(buf_check(&text, err));
    page->report.advice = text.len > 0 ? buf_steal(&text) : NULL;
    return 0;
}

static int write_page(struct read_request *read, void *state, struct err *err)
{
    struct report_page *page = state;

    TRY(set_advice(page, err));
    read->response.content_type = format_content_type(FORMAT_HTML);
    http_response_header(&read->response, "Content-Disposition", "inline; filename=\"%s.html\"",
                         read->study->name);
    http_response_header(&read->response, "Content-Security-Policy",
                         "default-src 'none'; style-src 'unsafe-inline'; sandbox");
    return study_report_write(&page->report, &read->response.body, err);
}

static const struct read_thought page_thought = {
    .step = step_page,
    .write = write_page,
    .destroy = destroy_page,
    .advice = "repeat when the server has less to do",
};

static int read_recommending(struct read_request *read, struct report_page *page, struct err *err)
{
    if (page->report.def->n_objectives != 1 || page->row.best_trial == 0) {
        return 0;
    }
    TRY(store_read_begin(read->store, err));
    int result = recommend_read(read, page->row.best_trial, &page->recommending, err);
    store_read_end(read->store);
    return result;
}

/* Where too many requests wait for a model, the page is written without one. */
static int read_report(struct read_request *read, struct err *err)
{
    OWN(report_page) struct report_page *page = calloc(1, sizeof *page);
    struct err why = {0};

    if (page == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory for a report");
    }
    TRY(report_data_gather(read, &page->row, &page->report, err));
    TRY(read_recommending(read, page, err));
    if (page->recommending != NULL
        && read_think(read, &page_thought, page, recommending_bytes(page->recommending), &why)
               == 0) {
        page = NULL;
        return 0;
    }
    return write_page(read, page, err);
}

READ_HANDLER(get_report, FORMAT_BIT(FORMAT_HTML), NULL, read_report)

/* ---- for a paper ---- */

static int read_paper(struct read_request *read, struct err *err)
{
    OWN(study_row) struct study_row row = {0};
    OWN(study_report) struct study_report report = {0};
    bool is_latex = read->format == FORMAT_LATEX;

    TRY(report_data_gather(read, &row, &report, err));
    read->response.content_type = format_content_type(is_latex ? FORMAT_LATEX : FORMAT_TEXT);
    return study_paper_write(&report, is_latex, &read->response.body, err);
}

READ_HANDLER(get_paper, FORMAT_BIT(FORMAT_TEXT) | FORMAT_BIT(FORMAT_LATEX), NULL, read_paper)
