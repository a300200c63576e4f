/* Why the trials of a study go on, wait or stop. The records of its schedule are replayed, so that
 * the writer is not asked. */
#include "server/api/brackets.h"

#include "server/api/json.h"
#include "server/api/schedule_records.h"

static int replay(const struct read_request *read, const struct schedule_records *records,
                  struct schedule **schedule, struct err *err)
{
    OWN(schedule) struct schedule *made = NULL;

    TRY(schedule_create(read->study->def->def, &made, err));
    for (size_t i = 0; i < records->n; i++) {
        TRY(schedule_load(made, &records->items[i], err));
    }
    for (size_t i = 0; i < read->view->n_leases; i++) {
        const struct live_lease_view *lease = &read->view->leases[i];
        if (lease->study == read->study->id) {
            schedule_hold(made, lease->trial, 0);
        }
    }
    *schedule = made;
    made = NULL;
    return 0;
}

static int write_brackets(const struct read_request *read, struct buf *out, struct err *err)
{
    const struct clock *clock = read->api->clock;
    OWN(schedule_records) struct schedule_records records = {0};
    OWN(schedule) struct schedule *schedule = NULL;
    struct json_writer w;

    TRY(schedule_records_load(read, &records, err));
    TRY(replay(read, &records, &schedule, err));
    json_writer_init(&w, out);
    json_object_begin(&w);
    json_put_string(&w, "study", read->study->name);
    schedule_write_brackets(schedule, clock->wall_ms(clock), &w);
    json_object_end(&w);
    return 0;
}

int brackets_load(const struct read_request *read, json_t **brackets, struct err *err)
{
    OWN(buf) struct buf text;

    buf_init(&text, RESPONSE_MAX);
    TRY(write_brackets(read, &text, err));
    TRY(buf_check(&text, err));
    return json_parse_own(buf_text(&text), brackets, err);
}

static int read_brackets(struct read_request *read, struct err *err)
{
    return write_brackets(read, &read->response.body, err);
}

READ_HANDLER(get_brackets, FORMAT_BIT(FORMAT_JSON), NULL, read_brackets)
