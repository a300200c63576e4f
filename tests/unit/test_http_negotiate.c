/* What a client says in Accept, Accept-Encoding and If-None-Match. */
#include <check.h>

#include "server/http/negotiate.h"
#include "tests/support/run_suite.h"

static const struct {
    const char *list;
    const char *item;
    bool named;
} lists[] = {
    {NULL, "gzip", false},
    {"", "gzip", false},
    {"gzip", "gzip", true},
    {"br, GZIP ;q=0.5", "gzip", true},
    {"gzip;q=0", "gzip", false},
    {"gzip; q=0.000", "gzip", false},
    {"gzip;q=0.001", "gzip", true},
    {"gzip;x=q=0", "gzip", true},
    {"*", "gzip", false},
    {"xgzip, gzipx", "gzip", false},
    {", ,\t,gzip", "gzip", true},
    {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html", true},
    {"*/*", "text/html", false},
    {"text/*", "text/html", false},
    {"text/html;level=1;q=0, text/plain", "text/html", false},
    {"text/plain;q=0, text/html", "text/html", true},
};

START_TEST(lists_name_what_is_wanted)
{
    ck_assert_msg(list_names(lists[_i].list, lists[_i].item) == lists[_i].named, "%s in %s",
                  lists[_i].item, lists[_i].list == NULL ? "nothing" : lists[_i].list);
}
END_TEST

static const struct {
    const char *list;
    bool matches;
} tags[] = {
    {NULL, false},
    {"", false},
    {"\"abc\"", true},
    {"W/\"abc\"", true},
    {"\"x\", \"abc\"", true},
    {"*", true},
    {"abc", false},
    {"\"abcd\"", false},
    {"\"ab\"", false},
    {"W/abc", false},
    {"\"x\",*", true},
    {"\"abc\"  ,", true},
};

START_TEST(tags_are_found)
{
    ck_assert_msg(list_has_tag(tags[_i].list, "abc") == tags[_i].matches, "%s",
                  tags[_i].list == NULL ? "nothing" : tags[_i].list);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_negotiate");
    TCase *tcase = tcase_create("headers");

    tcase_add_loop_test(tcase, lists_name_what_is_wanted, 0, (int)(sizeof lists / sizeof lists[0]));
    tcase_add_loop_test(tcase, tags_are_found, 0, (int)(sizeof tags / sizeof tags[0]));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
