#include "server/api/reading.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool path_has(const struct http_request *request, const char *name)
{
    return strstr(http_matched(request)->path, name) != NULL;
}

static int read_path(struct reading *reading, struct err *err)
{
    if (!path_has(reading->request, "{study}")) {
        return 0;
    }
    const char *name = http_param(reading->request, "study");
    reading->study = live_view_study(reading->view, name);
    if (reading->study == NULL) {
        return err_set(err, ERR_NOT_FOUND,
                       "there is no study \"%.70s\"; GET /v1/studies lists them", name);
    }
    return request_trial(reading->request, &reading->trial, err);
}

static int run(struct reading *reading, const struct reading_kind *kind, struct err *err)
{
    TRY(query_check(reading->request, kind->query, err));
    TRY(request_format(reading->request, kind->formats, &reading->format, err));
    TRY(read_path(reading, err));
    reading->response.content_type = format_content_type(reading->format);
    TRY(kind->read(reading, err));
    return buf_check(&reading->response.body, err);
}

void reading_run(struct http_request *request, struct store *store, const struct reading_kind *kind)
{
    struct api *api = http_context(request);
    struct reading reading = {.api = api, .request = request, .store = store};
    struct err err = {0};

    http_response_init(&reading.response, 200, NULL);
    reading.response.body.max = RESPONSE_MAX;
    reading.view = engine_view(api->engine);
    int result = run(&reading, kind, &err);
    live_view_release(reading.view);
    if (result == 0) {
        http_reply(request, &reading.response);
    } else {
        http_response_finish(&reading.response);
        reply_problem(request, &err, NULL);
    }
}

int reading_study_row(const struct reading *reading, struct study_row *row, struct err *err)
{
    int result = store_study_load(reading->store, reading->study->id, row, err);

    if (result != 0 && err->code == ERR_NOT_FOUND) {
        return err_set(err, ERR_NOT_FOUND, "the study \"%s\" was deleted", reading->study->name);
    }
    return result;
}

/* ---- lists ---- */

static enum sheet_style style_of(enum format format)
{
    return format == FORMAT_CSV ? SHEET_CSV : format == FORMAT_TEXT ? SHEET_LINES : SHEET_TABLE;
}

void listing_begin(struct listing *listing, struct reading *reading)
{
    enum format format = reading->format;

    *listing = (struct listing){.reading = reading};
    listing->is_sheet = format != FORMAT_JSON && format != FORMAT_NDJSON;
    sheet_init(&listing->sheet, style_of(format));
    json_writer_init(&listing->w, &reading->response.body);
    if (format == FORMAT_JSON) {
        json_object_begin(&listing->w);
        json_write_key(&listing->w, "items");
        json_array_begin(&listing->w);
    }
}

void listing_finish(struct listing *listing)
{
    sheet_finish(&listing->sheet);
}

struct json_writer *listing_item(struct listing *listing)
{
    if (listing->reading->format == FORMAT_NDJSON) {
        json_writer_init(&listing->w, &listing->reading->response.body);
    }
    return &listing->w;
}

void listing_item_end(struct listing *listing)
{
    listing->n++;
    if (listing->reading->format == FORMAT_NDJSON) {
        buf_putc(&listing->reading->response.body, '\n');
    }
}

/* The same URL with another cursor. */
static void add_link(struct reading *reading, const char *cursor)
{
    OWN(buf) struct buf url;
    const char *name;
    const char *value;
    size_t at = 0;

    buf_init(&url, 390);
    buf_printf(&url, "<%s?cursor=%s", http_path(reading->request), cursor);
    while (http_query_next(reading->request, &at, &name, &value)) {
        if (strcmp(name, "cursor") == 0) {
            continue;
        }
        buf_printf(&url, "&%s=", name);
        for (; *value != '\0'; value++) {
            unsigned char c = (unsigned char)*value;
            bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
                         || strchr("-._~:,", c) != NULL;
            buf_printf(&url, plain ? "%c" : "%%%02X", c);
        }
    }
    buf_puts(&url, ">; rel=\"next\"");
    if (!url.failed) {
        http_response_header(&reading->response, "Link", "%s", buf_text(&url));
    }
}

void listing_end(struct listing *listing, const char *next_cursor)
{
    struct reading *reading = listing->reading;

    if (next_cursor != NULL) {
        add_link(reading, next_cursor);
    }
    if (listing->is_sheet) {
        sheet_write(&listing->sheet, &reading->response.body);
    } else if (reading->format == FORMAT_JSON) {
        json_array_end(&listing->w);
        json_put_string(&listing->w, "next_cursor", next_cursor);
        json_object_end(&listing->w);
        buf_putc(&reading->response.body, '\n');
    }
}
