#include "server/api/report.h"

#include "server/api/report_data.h"
#include "server/report/page.h"

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
