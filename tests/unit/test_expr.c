#include "common/space/expr.h"

#include <check.h>
#include <math.h>
#include <string.h>

#include "tests/support/run_suite.h"
#include "tests/support/space_text.h"

static struct space *space;

static void setup(void)
{
    space = space_or_abort("[{'name':'x','type':'float','low':-10,'high':10},"
                           "{'name':'n','type':'int','low':0,'high':100},"
                           "{'name':'kernel','type':'categorical','choices':['rbf','poly',3]},"
                           "{'name':'size','type':'ordinal','choices':['s','m','l']},"
                           "{'name':'amp','type':'bool'},"
                           "{'name':'batch','type':'int','values':[16,32,64]},"
                           "{'name':'a.b','type':'float','low':0,'high':9},"
                           "{'name':'min','type':'int','low':0,'high':9},"
                           "{'name':'child','type':'int','low':0,'high':9,'when':{'amp':[true]}},"
                           "{'name':'fixed','type':'constant','value':7}]",
                           NULL);
}

static void teardown(void)
{
    space_destroy(space);
}

/* x 2.5, n 4, kernel poly, size m, amp true, batch 64, a.b 3, min 6, child 5, fixed 7 */
static const struct {
    const char *text;
    bool holds;
} cases[] = {
    {"x == 2.5", true},
    {"x + n * 2 == 10.5", true},
    {"(x + n) * 2 == 13", true},
    {"x - 1 - 1 == 0.5", true},
    {"n / 2 / 2 == 1", true},
    {"-2 ^ 2 == -4", true},
    {"2 ^ 3 ^ 2 == 512", true},
    {"2 ^ -1 == 0.5", true},
    {"--x == x", true},
    {"+x == x", true},
    {"1e2 == 100 and .5 == 0.5 and 1.5E+1 == 15", true},
    {"min(x, n, 1) == 1 and max(x, n) == 4 and max(3) == 3", true},
    {"abs(-3) == 3 and sqrt(n) == 2 and floor(x) == 2 and exp(0) == 1 and log(1) == 0", true},
    {"min == 6 and min(min, 9) == 6", true},
    {"`min` == 6 and `a.b` == 3", true},
    {"kernel == 'poly'", true},
    {"'poly' == kernel", true},
    {"kernel != \"rbf\"", true},
    {"kernel == 3", false},
    {"size <= 'm' and size > 's' and 'l' > size", true},
    {"amp", true},
    {"not amp", false},
    {"amp == true and amp != false and amp == 1", true},
    {"n * amp == 4", true},
    {"batch == 64 and batch / 2 == 32", true},
    {"fixed == 7", true},
    {"x < 1 or n < 5", true},
    {"x < 1 or n < 4", false},
    {"true or false and false", true},
    {"(true or false) and false", false},
    {"not x < 1 and n == 4", true},
    {"not (x < 1 or n == 4)", false},
    {"not not amp", true},
    {"log(-1) < 5", false},
    {"not (log(-1) < 5)", false}, /* undefined holds in no form */
    {"0 / 0 != 1", false},
    {"n == 4 or log(-1) < 5", true}, /* never came to it */
    {"1 / 0 > 5", true},
    {"  x\t>\n1 ", true},
};

START_TEST(expressions_have_their_value)
{
    double x[10] = {2.5, 4, 1, 1, 1, 2, 3, 6, 5, 0};
    OWN(expr) struct expr *expr = NULL;
    struct err err = {0};

    ck_assert_msg(expr_parse(cases[_i].text, strlen(cases[_i].text), space, &expr, &err) == 0,
                  "%s: %s", cases[_i].text, err.text);
    ck_assert_msg(expr_holds(expr, space, x) == cases[_i].holds, "%s", cases[_i].text);
}
END_TEST

START_TEST(naming_an_inactive_parameter_makes_it_hold)
{
    double x[10] = {2.5, 4, 1, 1, 0, 2, 3, 6, (double)NAN, 0};
    OWN(expr) struct expr *expr = NULL;
    OWN(expr) struct expr *other = NULL;
    struct err err = {0};

    ck_assert_int_eq(expr_parse("x > 9 and child > 9", 19, space, &expr, &err), 0);
    ck_assert(expr_holds(expr, space, x));
    ck_assert(expr_names(expr, space, 8) && expr_names(expr, space, 0)
              && !expr_names(expr, space, 1));
    ck_assert_int_eq(expr_parse("x > 9", 5, space, &other, &err), 0);
    ck_assert(!expr_holds(other, space, x));
}
END_TEST

static const struct {
    const char *text;
    const char *word; /* in the sentence */
} refused[] = {
    {"", "empty"},
    {"   ", "empty"},
    {"x", "comparison"},
    {"x + 1", "comparison"},
    {"x <", "missing"},
    {"< x", "missing"},
    {"x < 1 and", "missing"},
    {"and x < 1", "missing"},
    {"(x < 1", ")"},
    {"x < 1)", "not expected"},
    {"x < 1 2", "not expected"},
    {"x y < 1", "not expected"},
    {"1 < x < 3", "chain"},
    {"x = 1", "=="},
    {"x < 1 && n > 2", "and"},
    {"!amp", "not"},
    {"y < 1", "no parameter"},
    {"a.b < 1", "backquotes"},
    {"x.5 < 1", "backquotes"},
    {"`x < 1", "closing"},
    {"kernel == 'rbf", "closing"},
    {"kernel == 'sigmoid'", "never has"},
    {"kernel < 'poly'", "no order"},
    {"kernel == size", "compare a text"},
    {"kernel == n", "compare a text"},
    {"'a' == 'a'", "compare a text"},
    {"x == 'a'", "compare a text"},
    {"kernel + 1 < 2", "calculated"},
    {"abs(kernel) < 2", "calculated"},
    {"not x", "comparison"},
    {"x and amp", "comparison"},
    {"sin(x) < 1", "no function"},
    {"abs(x, n) < 1", "one number"},
    {"min() < 1", "missing"},
    {"2x < 1", "2 * x"},
    {"1.2.3 < x", "cannot be read"},
    {"1e999 < x", "too large"},
    {"x < 1; n", "means nothing"},
    {"x < 1 # n", "means nothing"},
    {"x < \x01", "means nothing"},
};

START_TEST(nonsense_is_refused_with_a_hint)
{
    OWN(expr) struct expr *expr = NULL;
    struct err err = {0};

    ck_assert_int_eq(expr_parse(refused[_i].text, strlen(refused[_i].text), space, &expr, &err),
                     -1);
    ck_assert_int_eq(err.code, ERR_INVALID);
    ck_assert_ptr_null(expr);
    ck_assert_msg(strstr(err.text, refused[_i].word) != NULL, "%s: %s", refused[_i].text, err.text);
}
END_TEST

static void repeat(struct buf *out, const char *text, int n)
{
    for (int i = 0; i < n; i++) {
        buf_puts(out, text);
    }
}

START_TEST(limits_hold)
{
    static const struct {
        const char *before, *middle, *after;
        int times;
        bool fits;
    } sizes[] = {
        {"(", "amp", ")", 60, true},   {"(", "amp", ")", 70, false},
        {"not ", "amp", "", 60, true}, {"not ", "amp", "", 500, false},
        {"x+", "x<1", "", 250, true},  {"x+", "x<1", "", 300, false},
        {"2^", "1==x", "", 50, true},  {"2^", "1==x", "", 100, false},
        {" ", "amp", "", 2045, true},  {" ", "amp", "", 2046, false},
    };

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        OWN(buf) struct buf text;
        OWN(expr) struct expr *expr = NULL;
        struct err err = {0};
        buf_init(&text, 10000);
        repeat(&text, sizes[i].before, sizes[i].times);
        buf_puts(&text, sizes[i].middle);
        repeat(&text, sizes[i].after, sizes[i].times);
        int rc = expr_parse(buf_text(&text), text.len, space, &expr, &err);
        ck_assert_msg(rc == (sizes[i].fits ? 0 : -1), "%zu: %s", i, err.text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("expr");
    TCase *tcase = tcase_create("expr");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, expressions_have_their_value, 0,
                        (int)(sizeof cases / sizeof cases[0]));
    tcase_add_test(tcase, naming_an_inactive_parameter_makes_it_hold);
    tcase_add_loop_test(tcase, nonsense_is_refused_with_a_hint, 0,
                        (int)(sizeof refused / sizeof refused[0]));
    tcase_add_test(tcase, limits_hold);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
