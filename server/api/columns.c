/* Trials column by column. All are read in one transaction, into one text a column, which are then
 * joined: so an answer holds at most ANSWER_BYTES, and says where the next one begins. */
#include "server/api/columns.h"

#include <math.h>
#include <stdlib.h>

#include "server/api/column_set.h"
#include "server/api/json.h"
#include "server/api/list.h"
#include "server/api/request.h"

#define ANSWER_BYTES ((size_t)16 << 20)

struct column_text {
    struct buf text;
    struct json_writer w;
};

struct columns_read {
    struct read_request *read;
    struct column_set set;
    int64_t from, limit;
    size_t n_numbers;
    int64_t *numbers; /* owned; NULL: all */
    /* what has been read */
    int64_t seq;
    int64_t n;
    int64_t next_from;         /* 0: nothing is left */
    struct column_text *texts; /* of set.n columns, for JSON; owned */
    struct item_list rows;     /* for the other formats, and its representation */
    char (*names)[COLUMN_NAME_BYTES];
    struct representation_column *shown;
    struct representation representation;
};

static void columns_read_finish(struct columns_read *columns)
{
    for (size_t i = 0; columns->texts != NULL && i < columns->set.n; i++) {
        buf_finish(&columns->texts[i].text);
    }
    free(columns->texts);
    free(columns->numbers);
    free(columns->names);
    free(columns->shown);
    item_list_finish(&columns->rows);
    column_set_finish(&columns->set);
}
OWN_VALUE(columns_read)

/* ---- the request ---- */

static int read_query(struct columns_read *columns, struct err *err)
{
    const struct http_request *request = columns->read->request;
    const char *fields = http_query(request, "fields");
    int64_t digits;

    TRY(query_int(request, "digits", COLUMN_DIGITS_MAX, 1, COLUMN_DIGITS_MAX, &digits, err));
    TRY(query_int(request, "from", 1, 1, TRIAL_NUMBER_MAX, &columns->from, err));
    TRY(query_int(request, "limit", INT32_MAX - 1, 1, INT32_MAX - 1, &columns->limit, err));
    TRY(query_numbers(request, &columns->numbers, &columns->n_numbers, err));
    return column_set_parse(fields == NULL ? COLUMN_FIELDS_DEFAULT : fields, (int)digits,
                            columns->read->study, &columns->set, err);
}

/* ---- the rows ---- */

static int begin_texts(struct columns_read *columns, struct err *err)
{
    columns->texts = calloc(columns->set.n, sizeof *columns->texts);
    if (columns->texts == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory for %zu columns", columns->set.n);
    }
    for (size_t i = 0; i < columns->set.n; i++) {
        struct column_text *text = &columns->texts[i];
        buf_init(&text->text, RESPONSE_MAX);
        json_writer_init(&text->w, &text->text);
        json_array_begin(&text->w);
    }
    return 0;
}

/* A representation with the columns that were asked for. */
static int make_representation(struct columns_read *columns, struct err *err)
{
    columns->names = calloc(columns->set.n, sizeof *columns->names);
    columns->shown = calloc(columns->set.n + 1, sizeof *columns->shown);
    if (columns->names == NULL || columns->shown == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory for %zu columns", columns->set.n);
    }
    for (size_t i = 0; i < columns->set.n; i++) {
        column_name(&columns->set.items[i], columns->names[i]);
        columns->shown[i] = (struct representation_column){
            .key = columns->names[i],
            .null_is_nothing = true,
            .is_parameter = column_is_parameter(&columns->set.items[i])};
    }
    columns->representation =
        (struct representation){.formats = FORMATS_LIST, .columns = columns->shown};
    columns->read->representation = &columns->representation;
    return 0;
}

static int begin_rows(struct columns_read *columns, struct err *err)
{
    TRY(make_representation(columns, err));
    return item_list_begin(&columns->rows, columns->read, err);
}

static size_t bytes_held(const struct columns_read *columns)
{
    size_t bytes = columns->read->response.body.len + columns->rows.rows.table.cells.len;

    for (size_t i = 0; columns->texts != NULL && i < columns->set.n; i++) {
        bytes += columns->texts[i].text.len;
    }
    return bytes;
}

/* An object: {"number": 7, …}. */
static void add_item(struct columns_read *columns, const struct trial_row *row,
                     const json_t *metrics)
{
    const struct column_set *set = &columns->set;
    char name[COLUMN_NAME_BYTES];

    struct json_writer *w = item_list_item(&columns->rows);
    json_object_begin(w);
    for (size_t i = 0; i < set->n; i++) {
        column_name(&set->items[i], name);
        json_write_key(w, name);
        column_write(set, &set->items[i], row, metrics, w);
    }
    json_object_end(w);
    item_list_item_end(&columns->rows);
}

/* Step and value of a running trial are those of its newest report, as a chart shows them; what was
 * decided upon at its last rung is older. */
static void take_newest_report(const struct columns_read *columns, struct trial_row *row)
{
    const struct live_lease_view *lease =
        row->state == TRIAL_RUNNING ? live_view_lease(columns->read->view, columns->read->study->id,
                                                      trial_id_number(row->id))
                                    : NULL;

    if (lease == NULL || lease->last_step < 0) {
        return;
    }
    row->has_step = true;
    row->step = lease->last_step;
    if (!isnan(lease->value)) {
        row->n_values = 1;
        row->values[0] = lease->value;
    }
}

static int add_row(void *context, struct trial_row *row, struct err *err)
{
    struct columns_read *columns = context;
    const struct column_set *set = &columns->set;
    json_auto_t *metrics = NULL;

    take_newest_report(columns, row);
    if (columns->n == columns->limit || bytes_held(columns) >= ANSWER_BYTES) {
        columns->next_from = trial_id_number(row->id);
        return 1;
    }
    if (column_set_needs_metrics(set, row)) {
        TRY(json_parse_own(row->metrics, &metrics, err));
    }
    columns->n++;
    if (columns->texts == NULL) {
        add_item(columns, row, metrics);
        return 0;
    }
    for (size_t i = 0; i < set->n; i++) {
        column_write(set, &set->items[i], row, metrics, &columns->texts[i].w);
    }
    return 0;
}

static int add_numbered(struct columns_read *columns, struct err *err)
{
    for (size_t i = 0; i < columns->n_numbers && columns->next_from == 0; i++) {
        OWN(trial_row) struct trial_row row = {0};
        int64_t number = columns->numbers[i];
        if (number < columns->from) {
            continue;
        }
        int64_t id = trial_id(columns->read->study->id, number);
        int result = store_trial_load(columns->read->store, id, &row, err);
        if (result != 0 && err->code == ERR_NOT_FOUND) {
            continue;
        }
        TRY(result);
        TRY(add_row(columns, &row, err) < 0);
    }
    return 0;
}

static int add_all(struct columns_read *columns, struct err *err)
{
    const struct trial_query query = {.study = columns->read->study->id,
                                      .after_number = columns->from - 1,
                                      .limit = (int)columns->limit + 1};

    return store_each_trial(columns->read->store, &query, add_row, columns, err) < 0 ? -1 : 0;
}

static int add_trials(struct columns_read *columns, struct err *err)
{
    TRY(store_last_seq(columns->read->store, &columns->seq, err));
    return columns->numbers != NULL ? add_numbered(columns, err) : add_all(columns, err);
}

/* ---- the answer ---- */

static void write_texts(struct columns_read *columns)
{
    struct buf *out = &columns->read->response.body;
    char name[COLUMN_NAME_BYTES];
    struct json_writer w;

    json_writer_init(&w, out);
    json_object_begin(&w);
    json_put_int(&w, "seq", columns->seq);
    json_put_int(&w, "n", columns->n);
    json_write_key(&w, "columns");
    json_object_begin(&w);
    for (size_t i = 0; i < columns->set.n; i++) {
        struct column_text *text = &columns->texts[i];
        json_array_end(&text->w);
        column_name(&columns->set.items[i], name);
        json_put_raw(&w, name, buf_text(&text->text), text->text.len);
        buf_check_part(out, &text->text);
        buf_finish(&text->text);
    }
    json_object_end(&w);
    if (columns->next_from > 0) {
        json_put_int(&w, "next_from", columns->next_from);
    } else {
        json_put_null(&w, "next_from");
    }
    json_object_end(&w);
}

/* Formats without a place for it say in a header where the next answer begins. */
static int write_rows(struct columns_read *columns, struct err *err)
{
    struct http_response *response = &columns->read->response;

    if (columns->next_from > 0) {
        http_response_header(response, "Next-From", "%lld", (long long)columns->next_from);
    }
    return item_list_end(&columns->rows, NULL, err);
}

static int read_columns(struct read_request *read, struct err *err)
{
    OWN(columns_read) struct columns_read columns = {.read = read};

    TRY(read_query(&columns, err));
    if (read->format == FORMAT_JSON) {
        TRY(begin_texts(&columns, err));
    } else {
        TRY(begin_rows(&columns, err));
    }
    TRY(store_read_begin(read->store, err));
    int result = add_trials(&columns, err);
    store_read_end(read->store);
    TRY(result);
    http_response_header(&read->response, "Server-Seq", "%lld", (long long)columns.seq);
    if (read->format != FORMAT_JSON) {
        return write_rows(&columns, err);
    }
    write_texts(&columns);
    return 0;
}

static const char *const columns_query[] = {"fields", "digits", "from", "numbers", "limit", NULL};

READ_HANDLER(get_columns, FORMATS_LIST, columns_query, read_columns)
