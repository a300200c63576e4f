/* All trials of a study as CSV or NDJSON, streamed in slices of a thousand. */
#include <stdlib.h>
#include <string.h>

#include "server/api/resources.h"
#include "server/api/slices.h"
#include "server/api/trial_rows.h"

#define TRIALS_A_SLICE 1000

struct exporter {
    struct live_view *view; /* held: the definition and the columns stay as they were */
    const struct live_study_view *study;
    enum format format;
    int64_t after_number;
    bool begun;
    /* of the slice at hand */
    struct sheet sheet;
    struct buf *out;
    int n;
};

static int export_row(void *context, struct trial_row *row, struct err *err)
{
    struct exporter *exporter = context;
    struct json_writer w;

    (void)err;
    exporter->n++;
    exporter->after_number = trial_id_number(row->id);
    if (exporter->format == FORMAT_CSV) {
        trial_cells(&exporter->sheet, exporter->study, row);
        return 0;
    }
    json_writer_init(&w, exporter->out);
    trial_write(exporter->study->def->def, row, &w);
    buf_putc(exporter->out, '\n');
    return 0;
}

static int read_slice(void *context, struct store *store, struct buf *out, bool *more,
                      struct err *err)
{
    struct exporter *exporter = context;
    const struct trial_query query = {.study = exporter->study->id,
                                      .after_number = exporter->after_number,
                                      .limit = TRIALS_A_SLICE};

    exporter->out = out;
    exporter->n = 0;
    sheet_init(&exporter->sheet, SHEET_CSV);
    trial_columns(&exporter->sheet, exporter->study);
    int result = store_each_trial(store, &query, export_row, exporter, err);
    if (result == 0 && exporter->format == FORMAT_CSV) {
        (exporter->begun ? sheet_write_rows : sheet_write)(&exporter->sheet, out);
    }
    sheet_finish(&exporter->sheet);
    exporter->begun = true;
    *more = exporter->n == TRIALS_A_SLICE;
    return result;
}

static void exporter_destroy(void *context)
{
    struct exporter *exporter = context;

    live_view_release(exporter->view);
    free(exporter);
}

static int read_request(struct http_request *request, struct exporter *exporter, struct err *err)
{
    const char *name = http_param(request, "study");

    TRY(query_check(request, NULL, err));
    TRY(request_format(request, FORMAT_BIT(FORMAT_CSV) | FORMAT_BIT(FORMAT_NDJSON),
                       &exporter->format, err));
    if (exporter->format == FORMAT_JSON) { /* nothing was asked for */
        exporter->format = FORMAT_CSV;
    }
    exporter->study = live_view_study(exporter->view, name);
    if (exporter->study == NULL) {
        return err_set(err, ERR_NOT_FOUND,
                       "there is no study \"%.70s\"; GET /v1/studies lists them", name);
    }
    if (!http_may_stream(request)) {
        return err_set(err, ERR_OVERLOADED, "too many streams are open; try again later");
    }
    return 0;
}

static void start(struct api *api, struct http_request *request, struct exporter *exporter)
{
    struct http_response response;
    const struct slices_source source = {
        .context = exporter, .slice = read_slice, .destroy = exporter_destroy};

    http_response_init(&response, 200, format_content_type(exporter->format));
    http_response_header(&response, "Content-Disposition", "attachment; filename=\"%s.%s\"",
                         exporter->study->name, exporter->format == FORMAT_CSV ? "csv" : "ndjson");
    slices_reply(api, request, &response, &source);
}

void get_export(void *context, struct http_request *request)
{
    struct api *api = context;
    struct exporter *exporter = calloc(1, sizeof *exporter);
    struct err err = {0};

    if (exporter == NULL) {
        (void)err_set(&err, ERR_NOMEM, "the server is out of memory; repeat in a moment");
        reply_problem(request, &err, NULL);
        return;
    }
    exporter->view = engine_view(api->engine);
    if (read_request(request, exporter, &err) != 0) {
        exporter_destroy(exporter);
        reply_problem(request, &err, NULL);
        return;
    }
    start(api, request, exporter);
}
