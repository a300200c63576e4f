#include "server/api/report.h"

#include "server/api/report_data.h"
#include "server/report/page.h"
#include "server/report/paper.h"

static int read_report(struct read_request *read, struct err *err)
{
    OWN(study_row) struct study_row row = {0};
    OWN(study_report) struct study_report report = {0};

    TRY(report_data_gather(read, &row, &report, err));
    read->response.content_type = format_content_type(FORMAT_HTML);
    http_response_header(&read->response, "Content-Disposition", "inline; filename=\"%s.html\"",
                         read->study->name);
    http_response_header(&read->response, "Content-Security-Policy",
                         "default-src 'none'; style-src 'unsafe-inline'; sandbox");
    return study_report_write(&report, &read->response.body, err);
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
