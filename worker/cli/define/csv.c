#include "worker/cli/define/csv.h"

#include <string.h>

enum { ROW_BYTES = 8 << 20 };

void csv_init(struct csv *csv, const char *text)
{
    static const char mark[] = "\xef\xbb\xbf"; /* spreadsheets begin their files so */

    *csv = (struct csv){.at = text, .line = 1};
    if (strncmp(text, mark, 3) == 0) {
        csv->at += 3;
    }
    buf_init(&csv->cells, ROW_BYTES);
}

void csv_finish(struct csv *csv)
{
    buf_finish(&csv->cells);
    *csv = (struct csv){0};
}

static int read_quoted(struct csv *csv, struct err *err)
{
    unsigned begin = csv->line;

    for (csv->at++; *csv->at != '\0'; csv->at++) {
        if (csv->at[0] == '"' && csv->at[1] != '"') {
            csv->at++;
            return 0;
        }
        csv->at += csv->at[0] == '"';
        csv->line += *csv->at == '\n';
        buf_putc(&csv->cells, *csv->at);
    }
    return err_set(err, ERR_INVALID, "line %u: the quotes do not end", begin);
}

static int read_cell(struct csv *csv, struct err *err)
{
    if (*csv->at == '"') {
        TRY(read_quoted(csv, err));
    } else {
        size_t len = strcspn(csv->at, ",\r\n");
        buf_append(&csv->cells, csv->at, len);
        csv->at += len;
    }
    buf_putc(&csv->cells, '\0');
    csv->n_cells++;
    if (*csv->at != '\0' && strchr(",\r\n", *csv->at) == NULL) {
        return err_set(err, ERR_INVALID, "line %u: text stands behind the quotes of a cell",
                       csv->line);
    }
    return buf_check(&csv->cells, err);
}

int csv_next(struct csv *csv, bool *more, struct err *err)
{
    for (; *csv->at == '\n' || *csv->at == '\r'; csv->at++) {
        csv->line += *csv->at == '\n';
    }
    buf_clear(&csv->cells);
    csv->n_cells = 0;
    csv->row = csv->line;
    *more = *csv->at != '\0';
    if (!*more) {
        return 0;
    }
    TRY(read_cell(csv, err));
    while (*csv->at == ',') {
        csv->at++;
        TRY(read_cell(csv, err));
    }
    return 0;
}

const char *csv_cell(const struct csv *csv, size_t i)
{
    const char *at = buf_text(&csv->cells);

    while (i-- > 0) {
        at += strlen(at) + 1;
    }
    return at;
}
