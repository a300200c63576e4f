#include "server/api/sheet.h"

#include "common/step.h"

#define SHEET_MAX ((size_t)16 << 20)

void sheet_init(struct sheet *sheet, enum sheet_style style)
{
    static const struct table_format formats[] = {
        [SHEET_CSV] = {.style = TABLE_CSV, .text = TABLE_AS_IS, .quotes_space = true},
        [SHEET_LINES] = {.style = TABLE_LINES, .text = TABLE_ESCAPED},
        [SHEET_TABLE] = {.style = TABLE_ALIGNED, .text = TABLE_ESCAPED, .cell_max = 60},
    };

    sheet->style = style;
    table_init(&sheet->table, &formats[style], SHEET_MAX);
}

void sheet_finish(struct sheet *sheet)
{
    table_finish(&sheet->table);
}

void sheet_text(struct sheet *sheet, const char *text)
{
    table_text(&sheet->table, text);
}

void sheet_column(struct sheet *sheet, const char *name)
{
    table_column(&sheet->table, name, false);
}

void sheet_int(struct sheet *sheet, int64_t value)
{
    table_int(&sheet->table, value);
}

void sheet_step(struct sheet *sheet, int64_t step, int digits)
{
    char text[STEP_BYTES];

    table_text(&sheet->table, step_format(step, digits, text));
}

void sheet_number(struct sheet *sheet, double value)
{
    table_number(&sheet->table, value);
}

void sheet_moment(struct sheet *sheet, int64_t wall_ms)
{
    table_moment(&sheet->table, wall_ms);
}

void sheet_write_rows(const struct sheet *sheet, struct buf *out)
{
    table_write_rows(&sheet->table, out);
}

void sheet_write(const struct sheet *sheet, struct buf *out)
{
    table_write(&sheet->table, out);
}

void sheet_write_lines(const struct sheet *sheet, struct buf *out)
{
    table_write_fields(&sheet->table, out);
}
