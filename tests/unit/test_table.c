/* common/array.h and common/table.h: growing arrays, and the formats of a table. */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/array.h"
#include "common/table.h"
#include "tests/support/run_suite.h"

START_TEST(an_array_grows_and_keeps_its_items)
{
    OWN(memory) int64_t *items = NULL;
    size_t cap = 0;
    struct err err;

    for (int64_t i = 0; i < 1000; i++) {
        ck_assert_int_eq(array_reserve(&items, (size_t)i, &cap, sizeof *items, &err), 0);
        ck_assert_uint_gt(cap, (size_t)i);
        items[i] = i;
    }
    for (int64_t i = 0; i < 1000; i++) {
        ck_assert_int_eq(items[i], i);
    }
    ck_assert_uint_lt(cap, 2001);
}
END_TEST

START_TEST(an_array_that_cannot_grow_stays_as_it_is)
{
    char *items = malloc(1);
    OWN(memory) char *before = items;
    size_t cap = SIZE_MAX / 2 + 1;
    struct err err;

    ck_assert_int_eq(array_reserve(&items, cap, &cap, 1, &err), -1);
    ck_assert_int_eq(err.code, ERR_NOMEM);
    cap = SIZE_MAX / 8;
    ck_assert_int_eq(array_reserve(&items, cap, &cap, 16, NULL), -1);
    ck_assert_uint_eq(cap, SIZE_MAX / 8);
    ck_assert_ptr_eq(items, before);
}
END_TEST

static const struct {
    struct table_format format;
    const char *text;
} formats[] = {
    {{.style = TABLE_CSV}, "name,,note\n a,1,\"x, \"\"y\"\"\"\n学习率xy,,\"1\n2\"\n"},
    {{.style = TABLE_CSV, .text = TABLE_CLEAN, .quotes_space = true},
     "name,,note\n\" a\",1,\"x, \"\"y\"\"\"\n学习率xy,,1 2\n"},
    {{.style = TABLE_LINES, .text = TABLE_ESCAPED}, " a\t1\tx, \"y\"\n学习率xy\t\t1\\x0a2\n"},
    {{.style = TABLE_ALIGNED, .text = TABLE_ESCAPED},
     "name         note\n a        1  x, \"y\"\n学习率xy     1\\x0a2\n"},
    {{.style = TABLE_ALIGNED, .text = TABLE_ESCAPED, .cell_max = 4},
     "name     note\n a    1  x, \"y\"\n学习率xy     1\\x0a2\n"},
    {{.style = TABLE_ALIGNED,
      .text = TABLE_CLEAN,
      .cell_max = 7,
      .cuts_cells = true,
      .trims = true,
      .upper_titles = true,
      .absent = "-"},
     "NAME        NOTE\n a       1  x, \"y\"\n学习率…  -  1 2\n"},
    {{.style = TABLE_ALIGNED,
      .text = TABLE_CLEAN,
      .cuts_cells = true,
      .trims = true,
      .bold_titles = true,
      .line_max = 12},
     "\033[1mname      …\033[0m\n a        …\n学习率xy  …\n"}, /* no part of a number */
    {{.style = TABLE_ALIGNED, .text = TABLE_CLEAN, .cuts_cells = true, .line_max = 5},
     "name…\n a  …\n学习…\n"},
};

START_TEST(a_table_has_several_formats)
{
    OWN(table) struct table table;
    OWN(buf) struct buf whole;
    OWN(buf) struct buf pieces;

    buf_init(&whole, 1000);
    buf_init(&pieces, 1000);
    table_init(&table, &formats[_i].format, 1000);
    table_column(&table, "name", false);
    table_column(&table, "", true);
    table_column(&table, "note", false);
    table_write(&table, &pieces);
    for (int piece = 0; piece < 2; piece++) {
        table_clear_rows(&table);
        table_text(&table, " a");
        table_int(&table, 1);
        table_text(&table, "x, \"y\"");
        table_text(&table, "学习率xy");
        table_text(&table, NULL);
        table_text(&table, "1\n2");
        if (piece == 0) {
            table_write(&table, &whole);
        }
    }
    ck_assert_str_eq(buf_text(&whole), formats[_i].text);
    table_write_rows(&table, &pieces);
    if (formats[_i].format.style != TABLE_ALIGNED) { /* whose columns are aligned by piece */
        ck_assert_str_eq(buf_text(&pieces), formats[_i].text);
    }
}
END_TEST

START_TEST(fields_leave_out_what_is_empty)
{
    OWN(table) struct table table;
    OWN(buf) struct buf out;

    buf_init(&out, 1000);
    table_init(&table, &(struct table_format){.text = TABLE_ESCAPED}, 1000);
    table_column(&table, "name", false);
    table_column(&table, "note", false);
    table_column(&table, "n", false);
    table_text(&table, "a");
    table_text(&table, "");
    table_number(&table, 0.5);
    table_write_fields(&table, &out);
    ck_assert_str_eq(buf_text(&out), "name: a\nn: 0.5\n");
}
END_TEST

START_TEST(a_table_over_its_limit_fails_where_it_is_written)
{
    OWN(table) struct table table;
    OWN(buf) struct buf out;

    buf_init(&out, 1000);
    table_init(&table, &(struct table_format){.style = TABLE_CSV}, 10);
    table_column(&table, "name", false);
    table_text(&table, "0123456789");
    table_write(&table, &out);
    ck_assert(out.failed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("table");
    TCase *tcase = tcase_create("table");

    tcase_add_test(tcase, an_array_grows_and_keeps_its_items);
    tcase_add_test(tcase, an_array_that_cannot_grow_stays_as_it_is);
    tcase_add_loop_test(tcase, a_table_has_several_formats, 0,
                        (int)(sizeof formats / sizeof formats[0]));
    tcase_add_test(tcase, fields_leave_out_what_is_empty);
    tcase_add_test(tcase, a_table_over_its_limit_fails_where_it_is_written);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
