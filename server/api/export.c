/* All trials of a study as CSV or NDJSON, streamed in chunks of a thousand. */
#include "server/api/export.h"

#include <stdlib.h>

#include "server/api/json.h"
#include "server/api/stream.h"
#include "server/api/trial_representation.h"

#define TRIALS_PER_CHUNK 1000

struct exporter {
    struct live_view *view; /* held: the definition and the columns stay as they were */
    const struct live_study_view *study;
    enum format format;
    int64_t after_number;
    struct representation_rows rows; /* of CSV */
    struct buf item;                 /* of CSV: the JSON of a trial */
    /* of the present chunk */
    struct buf *out;
    int n;
};

static int show_row(struct exporter *exporter, struct err *err)
{
    json_auto_t *trial = NULL;

    TRY(buf_check(&exporter->item, err));
    TRY(json_parse_own(buf_text(&exporter->item), &trial, err));
    representation_rows_add(&exporter->rows, trial);
    return 0;
}

static int export_row(void *context, struct trial_row *row, struct err *err)
{
    struct exporter *exporter = context;
    bool is_csv = exporter->format == FORMAT_CSV;
    struct json_writer w;

    exporter->n++;
    exporter->after_number = trial_id_number(row->id);
    buf_clear(&exporter->item);
    json_writer_init(&w, is_csv ? &exporter->item : exporter->out);
    trial_write(exporter->study->def->def, row, &w);
    if (is_csv) {
        return show_row(exporter, err);
    }
    buf_putc(exporter->out, '\n');
    return 0;
}

static int read_chunk(void *context, struct store *store, struct buf *out, bool *more,
                      struct err *err)
{
    struct exporter *exporter = context;
    const struct trial_query query = {.study = exporter->study->id,
                                      .after_number = exporter->after_number,
                                      .limit = TRIALS_PER_CHUNK};

    exporter->out = out;
    exporter->n = 0;
    TRY(store_each_trial(store, &query, export_row, exporter, err));
    if (exporter->format == FORMAT_CSV) {
        TRY(representation_rows_write(&exporter->rows, out, err));
    }
    *more = exporter->n == TRIALS_PER_CHUNK;
    return 0;
}

static void exporter_destroy(void *context)
{
    struct exporter *exporter = context;

    representation_rows_finish(&exporter->rows);
    buf_finish(&exporter->item);
    live_view_release(exporter->view);
    free(exporter);
}

static int start_export(struct read_request *read, struct err *err)
{
    if (!http_may_stream(read->request)) {
        return err_set(err, ERR_OVERLOADED, "too many streams are open; try again later");
    }
    struct exporter *exporter = calloc(1, sizeof *exporter);
    if (exporter == NULL) {
        return err_set(err, ERR_NOMEM, "the server is out of memory; repeat in a moment");
    }
    exporter->view = live_view_hold(read->view);
    exporter->study = read->study;
    exporter->format = read->format;
    buf_init(&exporter->item, RESPONSE_MAX);
    if (representation_rows_begin(&exporter->rows, &trials_representation, FORMAT_CSV, &read->query,
                                  read->study, err)
        != 0) {
        exporter_destroy(exporter);
        return -1;
    }
    const struct stream_source source = {.context = exporter,
                                         .read_chunk = read_chunk,
                                         .destroy = exporter_destroy,
                                         .is_large = true};
    http_response_header(&read->response, "Content-Disposition", "attachment; filename=\"%s.%s\"",
                         read->study->name, read->format == FORMAT_CSV ? "csv" : "ndjson");
    read->is_answered = true;
    stream_reply(read->api, read->request, &read->response, &source);
    return 0;
}

STREAM_HANDLER(get_export, FORMAT_BIT(FORMAT_CSV) | FORMAT_BIT(FORMAT_NDJSON), FORMAT_CSV, NULL,
               start_export)
