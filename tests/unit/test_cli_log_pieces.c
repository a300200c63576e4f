/* A log in pieces, however its bytes are cut. */
#include <check.h>
#include <string.h>

#include "tests/support/run_suite.h"
#include "worker/cli/log_pieces.h"

static bool keep(void *context, const char *bytes, size_t len)
{
    buf_append(context, bytes, len);
    return true;
}

static bool refuse(void *context, const char *bytes, size_t len)
{
    (void)context;
    (void)bytes;
    (void)len;
    return false;
}

/* Takes the answer in parts of so many bytes. */
static bool take(struct log_pieces *pieces, const char *answer, size_t part, struct buf *shown)
{
    size_t len = strlen(answer);

    for (size_t at = 0; at < len; at += part) {
        if (!log_pieces_take(pieces, answer + at, part < len - at ? part : len - at, keep, shown)) {
            return false;
        }
    }
    return true;
}

START_TEST(pieces_come_out_whole_however_they_are_cut)
{
    static const char answer[] = "piece 2 5 0\npiece 2 9 6\nend\nabpiece 2 99 3\ncdeend\n";

    for (size_t part = 1; part <= sizeof answer; part++) {
        OWN(log_pieces) struct log_pieces pieces;
        OWN(buf) struct buf shown;
        log_pieces_init(&pieces);
        buf_init(&shown, 100);
        ck_assert(take(&pieces, answer, part, &shown));
        ck_assert_str_eq(buf_text(&shown), "end\nabcde");
        ck_assert(pieces.ended);
        ck_assert_int_eq(pieces.attempt, 2);
        ck_assert_int_eq(pieces.next, 99);
    }
}
END_TEST

START_TEST(a_part_of_a_piece_is_asked_for_again)
{
    OWN(log_pieces) struct log_pieces pieces;
    OWN(buf) struct buf shown;

    log_pieces_init(&pieces);
    buf_init(&shown, 100);
    ck_assert(take(&pieces, "piece 1 3 3\nabcpiece 1 6 3\nde", 100, &shown));
    ck_assert_str_eq(buf_text(&shown), "abc");
    ck_assert_int_eq(pieces.next, 3);
    log_pieces_begin(&pieces);
    ck_assert(take(&pieces, "piece 1 6 3\ndefend\n", 100, &shown));
    ck_assert_str_eq(buf_text(&shown), "abcdef");
    ck_assert(pieces.ended);
}
END_TEST

START_TEST(what_is_no_piece_is_refused)
{
    static const char *const damaged[] = {"log text\n",
                                          "piece 1 3\n",
                                          "piece 0 3 3\n",
                                          "piece 1 -3 3\n",
                                          "piece 1 3 3 3\n",
                                          "piece 1 3 99999999999\n",
                                          "\n",
                                          "0123456789012345678901234567890123456789"
                                          "0123456789012345678901234567890123456789"};

    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        OWN(log_pieces) struct log_pieces pieces;
        OWN(buf) struct buf shown;
        log_pieces_init(&pieces);
        buf_init(&shown, 100);
        ck_assert_msg(!take(&pieces, damaged[i], 100, &shown), "%s", damaged[i]);
        ck_assert(pieces.damaged && shown.len == 0);
    }
}
END_TEST

START_TEST(what_cannot_be_printed_is_no_damage)
{
    OWN(log_pieces) struct log_pieces pieces;

    log_pieces_init(&pieces);
    ck_assert(!log_pieces_take(&pieces, "piece 1 3 3\nabc", 15, refuse, NULL));
    ck_assert(!pieces.damaged);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli_log_pieces");
    TCase *tcase = tcase_create("log_pieces");

    tcase_add_test(tcase, pieces_come_out_whole_however_they_are_cut);
    tcase_add_test(tcase, a_part_of_a_piece_is_asked_for_again);
    tcase_add_test(tcase, what_is_no_piece_is_refused);
    tcase_add_test(tcase, what_cannot_be_printed_is_no_damage);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
