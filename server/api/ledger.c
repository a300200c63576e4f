#include "server/api/ledger.h"

#include <math.h>

#include "server/analysis/ledger.h"
#include "server/api/json.h"
#include "server/api/read.h"
#include "server/api/sheet.h"

static int best_at_ms(struct read_request *read, int64_t *at_ms, struct err *err)
{
    OWN(study_row) struct study_row study = {0};
    OWN(trial_row) struct trial_row trial = {0};

    *at_ms = 0;
    TRY(read_study_row(read, &study, err));
    if (study.best_trial != 0) {
        TRY(store_trial_load(read->store, trial_id(study.id, study.best_trial), &trial, err));
        *at_ms = trial.ended_at_ms;
    }
    return 0;
}

static int add_all(struct read_request *read, struct ledger *ledger, struct err *err)
{
    const struct clock *clock = read->api->clock;
    int64_t at_ms;

    TRY(best_at_ms(read, &at_ms, err));
    ledger_init(ledger, read->study->def->def, clock->wall_ms(clock), at_ms);
    TRY(store_each_span(read->store, read->study->id, ledger_add, ledger, err));
    ledger_finish(ledger);
    return 0;
}

/* ---- the answer ---- */

static void write_json(const struct ledger *ledger, struct buf *out)
{
    double share = ledger_best_after_share(ledger);
    struct json_writer w;

    json_writer_init(&w, out);
    json_object_begin(&w);
    json_put_string(&w, "unit", "seconds");
    json_put_number(&w, "kept", ledger->kept);
    json_put_number(&w, "wasted", ledger->wasted);
    json_put_number(&w, "saved", ledger->saved);
    json_put_number(&w, "running", ledger->running);
    json_write_key(&w, "by_reason");
    json_object_begin(&w);
    for (int end = 0; end < ATTEMPT_END_COUNT; end++) {
        if (ledger->by_end[end] > 0) {
            json_put_number(&w, attempt_end_name((enum attempt_end)end), ledger->by_end[end]);
        }
    }
    json_object_end(&w);
    json_put_string(&w, "formula", LEDGER_FORMULA);
    if (isnan(share)) {
        json_put_null(&w, "best_after_share");
    } else {
        json_put_number(&w, "best_after_share", share);
    }
    json_object_end(&w);
    buf_putc(out, '\n');
}

static void add_cells(struct sheet *sheet, const char *part, double seconds)
{
    sheet_text(sheet, part);
    sheet_number(sheet, seconds);
}

static void write_sheet(const struct ledger *ledger, enum sheet_style style, struct buf *out)
{
    OWN(sheet) struct sheet sheet;

    sheet_init(&sheet, style);
    sheet_column(&sheet, "time");
    sheet_column(&sheet, "seconds");
    add_cells(&sheet, "kept", ledger->kept);
    add_cells(&sheet, "wasted", ledger->wasted);
    add_cells(&sheet, "saved", ledger->saved);
    add_cells(&sheet, "running", ledger->running);
    sheet_write(&sheet, out);
}

static int read_ledger(struct read_request *read, struct err *err)
{
    struct ledger ledger;

    TRY(store_read_begin(read->store, err));
    int result = add_all(read, &ledger, err);
    store_read_end(read->store);
    TRY(result);
    if (read->format == FORMAT_JSON) {
        write_json(&ledger, &read->response.body);
    } else {
        write_sheet(&ledger,
                    read->format == FORMAT_CSV    ? SHEET_CSV
                    : read->format == FORMAT_TEXT ? SHEET_LINES
                                                  : SHEET_TABLE,
                    &read->response.body);
    }
    return 0;
}

READ_HANDLER(get_ledger, FORMATS_ONE | FORMAT_BIT(FORMAT_CSV), NULL, read_ledger)
