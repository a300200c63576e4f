#include <check.h>
#include <stdbool.h>
#include <string.h>

#include "common/brackets_text.h"
#include "tests/support/run_suite.h"

static const char answer[] =
    "{\"study\": \"digits\", \"schedule\": \"hyperband\", \"eta\": 3, \"resource\": \"epochs\","
    " \"trials\": 36, \"full_training\": 1701, \"trained\": 412, \"opened\": 3, \"open\": 1,"
    " \"brackets\": ["
    "  {\"bracket\": 1, \"state\": \"done\", \"sealed\": true, \"next\": \"done\", \"rungs\": ["
    "   {\"rung\": 0, \"resource\": 9, \"size\": 5, \"entered\": 5, \"running\": 0,"
    "    \"reported\": 5, \"failed\": 0, \"waiting\": 0, \"promoted\": 1, \"waits_for\": [],"
    "    \"entries\": []},"
    "   {\"rung\": 1, \"resource\": 27, \"size\": 1, \"entered\": 1, \"running\": 0,"
    "    \"reported\": 1, \"failed\": 0, \"waiting\": 0, \"promoted\": 0, \"waits_for\": [],"
    "    \"entries\": [{\"trial\": 3, \"value\": 0.951234, \"state\": \"completed\"}]}]},"
    "  {\"bracket\": 2, \"state\": \"open\", \"sealed\": false,"
    "   \"next\": \"rung 1 waits for 5 running\\u001b[2J trials\", \"rungs\": ["
    "   {\"rung\": 0, \"resource\": 1, \"size\": 27, \"entered\": 27, \"running\": 0,"
    "    \"reported\": 26, \"failed\": 1, \"waiting\": 17, \"promoted\": 9, \"waits_for\": [],"
    "    \"entries\": [{\"trial\": 12, \"value\": 0.91, \"state\": \"promoted\"}]},"
    "   {\"rung\": 1, \"resource\": 3, \"size\": 9, \"entered\": 8, \"running\": 5,"
    "    \"reported\": 3, \"failed\": 0, \"waiting\": 3, \"promoted\": 0, \"waits_for\":"
    "    [{\"trial\": 15, \"seconds\": 12.2, \"worker\": \"a:0\", \"step\": 2,"
    "      \"silent_seconds\": 35},"
    "     {\"trial\": 18, \"seconds\": 40, \"worker\": \"b:0\"},"
    "     {\"trial\": 19, \"seconds\": 1, \"missing\": [\"acc\"]}, {\"trial\": 20, \"seconds\": 1},"
    "     {\"trial\": 21, \"seconds\": 3700}], \"entries\": []},"
    "   {\"rung\": 2, \"resource\": 9, \"size\": 3, \"entered\": 0, \"running\": 0,"
    "    \"reported\": 0, \"failed\": 0, \"waiting\": 0, \"promoted\": 0, \"waits_for\": [],"
    "    \"entries\": []},"
    "   {\"rung\": 3, \"resource\": 27, \"size\": null, \"entered\": 0, \"running\": 0,"
    "    \"reported\": 0, \"failed\": 0, \"waiting\": 0, \"promoted\": 0, \"waits_for\": [],"
    "    \"entries\": []}]}]}";

static void check_picture(const char *json, bool all, const char *picture)
{
    json_auto_t *value = json_loads(json, 0, NULL);
    OWN(buf) struct buf out = {0};

    ck_assert_ptr_nonnull(value);
    buf_init(&out, 1 << 16);
    brackets_draw(value, &(struct brackets_look){.all = all}, &out);
    ck_assert_str_eq(buf_text(&out), picture);
}

START_TEST(open_brackets_show_who_waits_for_whom)
{
    check_picture(answer, false,
                  "digits  hyperband, eta 3: 3 brackets, 1 open; trained 412 of 1701 epochs, 76 % "
                  "saved\n"
                  "\n"
                  "bracket 1  done\n"
                  "      27 epochs  ███████████████████████████  1 of 1, best 0.9512 (trial 3)\n"
                  "\n"
                  "bracket 2  open: rung 1 waits for 5 running[2J trials\n"
                  "       1 epoch   ███████████████████████████  27 of 27, 17 waiting, 1 failed, 9 "
                  "promoted, best 0.91 (trial 12)\n"
                  "       3 epochs  ███▒▒▒▒▒·                    8 of 9, 5 running, 3 waiting\n"
                  "                 waits for trial 15 (0:12) on a:0, silent 0:35, trial 18 (0:40) "
                  "on b:0, no report yet, trial 19 (0:01) without acc at its step, "
                  "trial 20 (0:01) and 1 more\n"
                  "       9 epochs  ···                          0 of 3\n"
                  "      27 epochs                               0\n");
}
END_TEST

START_TEST(all_rungs_of_done_brackets_are_drawn_when_asked_for)
{
    json_auto_t *whole = json_loads(answer, 0, NULL);
    OWN(buf) struct buf out = {0};

    buf_init(&out, 1 << 16);
    brackets_draw(whole, &(struct brackets_look){.all = true}, &out);
    ck_assert_ptr_nonnull(
        strstr(buf_text(&out), "bracket 1  done\n"
                               "       9 epochs  ███████████████████████████  5 of 5, 1 promoted\n"
                               "      27 epochs  █████                        1 of 1, best"));
}
END_TEST

START_TEST(open_brackets_are_the_last_lines_where_asked_for)
{
    json_auto_t *whole = json_loads(answer, 0, NULL);
    json_t *list = json_object_get(whole, "brackets");
    OWN(buf) struct buf out = {0};

    /* the bracket that is done comes after the open one now */
    json_array_append(list, json_array_get(list, 0));
    json_array_remove(list, 0);
    buf_init(&out, 1 << 16);
    brackets_draw(whole, &(struct brackets_look){.open_last = true}, &out);
    const char *done = strstr(buf_text(&out), "bracket 1  done");
    const char *open = strstr(buf_text(&out), "bracket 2  open");
    ck_assert(done != NULL && open != NULL && done < open);
    buf_clear(&out);
    brackets_draw(whole, &(struct brackets_look){0}, &out);
    ck_assert(strstr(buf_text(&out), "bracket 1  done") > strstr(buf_text(&out), "bracket 2"));
}
END_TEST

START_TEST(a_narrow_picture_loses_nothing)
{
    json_auto_t *whole = json_loads(answer, 0, NULL);
    OWN(buf) struct buf out = {0};

    buf_init(&out, 1 << 16);
    brackets_draw(whole, &(struct brackets_look){.width = 40}, &out);
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "    3 epochs  ███▒▒▒▒▒·\n"
                                                 "    8 of 9, 5 running, 3 waiting\n"
                                                 "    waits for trial 15 (0:12) on a:0,\n"
                                                 "      silent 0:35, trial 18 (0:40) on\n"
                                                 "      b:0, no report yet, trial 19\n"
                                                 "      (0:01) without acc at its step,\n"
                                                 "      trial 20 (0:01) and 1 more\n"));
}
END_TEST

START_TEST(a_terminal_of_which_nothing_is_known_gets_ascii)
{
    json_auto_t *whole = json_loads(answer, 0, NULL);
    OWN(buf) struct buf out = {0};

    buf_init(&out, 1 << 16);
    brackets_draw(whole, &(struct brackets_look){.ascii = true}, &out);
    ck_assert_ptr_nonnull(
        strstr(buf_text(&out), "epochs  ###=====.                    8 of 9, 5 running"));
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "\n# reported  = running  . not yet begun\n"));
    for (size_t i = 0; i < out.len; i++) {
        ck_assert_int_gt(out.data[i], 0);
    }
}
END_TEST

START_TEST(a_study_without_a_schedule_has_a_head_alone)
{
    check_picture("{\"study\": \"s\", \"schedule\": \"none\", \"trials\": 3, \"opened\": 0, "
                  "\"open\": 0, \"brackets\": []}",
                  false, "s  none: 0 brackets, 0 open\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli_brackets");
    TCase *tcase = tcase_create("brackets");

    tcase_add_test(tcase, open_brackets_show_who_waits_for_whom);
    tcase_add_test(tcase, all_rungs_of_done_brackets_are_drawn_when_asked_for);
    tcase_add_test(tcase, open_brackets_are_the_last_lines_where_asked_for);
    tcase_add_test(tcase, a_narrow_picture_loses_nothing);
    tcase_add_test(tcase, a_terminal_of_which_nothing_is_known_gets_ascii);
    tcase_add_test(tcase, a_study_without_a_schedule_has_a_head_alone);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
