#include "server/api/ledger.h"

#include <math.h>

#include "server/analysis/ledger.h"
#include "server/api/json.h"
#include "server/api/read.h"
#include "server/store/spans.h"

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
}

static int read_ledger(struct read_request *read, struct err *err)
{
    struct ledger ledger;

    TRY(store_read_begin(read->store, err));
    int result = add_all(read, &ledger, err);
    store_read_end(read->store);
    TRY(result);
    write_json(&ledger, &read->response.body);
    return 0;
}

/* A row for each part of the time. */
static int each_part(json_t *answer, representation_row *row, void *context, struct err *err)
{
    static const char *const parts[] = {"kept", "wasted", "saved", "running"};
    size_t failures = json_failures();

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        json_auto_t *part =
            json_pack("{s:s, s:O}", "time", parts[i], "seconds", json_object_get(answer, parts[i]));
        row(context, part);
    }
    return json_check(failures, err);
}

static const struct representation_column columns[] = {
    {.key = "time"}, {.key = "seconds", .is_right = true}, {0}};
static const struct representation representation = {
    .formats = FORMATS_LIST, .columns = columns, .each_row = each_part};

REPRESENTATION_HANDLER(get_ledger, &representation, NULL, read_ledger)
