#include "worker/report/metric.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/report_text.h"
#include "tests/support/run_suite.h"
#include "worker/report/number.h"
#include "worker/report/reader.h"

/* What a report without its prefix says; "!" for each fault. */
static const struct {
    const char *text;
    const char *told; /* NULL: no report */
} texts[] = {
    {"step=4 loss=0.31", "4 loss=0.31"},
    {"  loss=1e-3\r", "loss=0.001"},
    {"loss=.5,acc=1.", "loss=0.5 acc=1"},
    {"loss=-0.0", "loss=0"},
    {"val/top-1=0.5", "val/top-1=0.5"},
    /* separators and signs */
    {"a=1, b=2;c=3", "a=1 b=2 c=3"},
    {"step=1, loss=0.31, acc=0.9,", "1 loss=0.31 acc=0.9"},
    {"loss: 0.31 acc: 0.9", "loss=0.31 acc=0.9"},
    {"loss = 0.31 ; acc = 0.9", "loss=0.31 acc=0.9"},
    {"loss:0.31 acc:1", "loss=0.31 acc=1"},
    {"loss : 0.31", "loss=0.31"},
    {"loss= 0.31 acc =1", "loss=0.31 acc=1"},
    {"loss=0.31 | acc=0.9 - f1=0.8", "loss=0.31 acc=0.9 f1=0.8"},
    {"loss=0.31\xc2\xa0"
     "acc=1",
     "loss=0.31 acc=1"},
    /* names */
    {"\"val loss\"=0.3 'top 5'=0.9", "val loss=0.3 top 5=0.9"},
    {"\"a=b\": 1", "a=b=1"},
    {"mAP50(B)=0.5 recall@10=0.6 mAP@0.5:0.95=0.3", "mAP50(B)=0.5 recall@10=0.6 mAP@0.5:0.95=0.3"},
    {"gr\xc3\xb6\xc3\x9f"
     "e=1",
     "gr\xc3\xb6\xc3\x9f"
     "e=1"},
    {"{\"val loss\": 0.3, \"a\\u00e9\\\"\": 1}", "val loss=0.3 a\xc3\xa9\"=1"},
    {"los\xe9=1 acc=2", "acc=2 !"},
    {"\"\"=1 acc=2", "acc=2 !"},
    {"\" x\"=1 acc=2", "acc=2 !"},
    /* numbers of many languages */
    {"loss=nan acc=-inf", "loss=NaN acc=-Infinity"},
    {"a=NaN b=+inf c=Infinity d=-Infinity e=-nan", "a=NaN b=Infinity c=Infinity d=-Infinity e=NaN"},
    {"a=1.#INF b=-1.#IND c=1.#QNAN d=-nan(ind) e=1.#INF00",
     "a=Infinity b=NaN c=NaN d=NaN e=Infinity"},
    {"loss=1e999", "loss=Infinity"},
    {"{\"a\": 1e400, \"b\": -1e400}", "a=Infinity b=-Infinity"},
    {"seed=15794028255413092319 a=1", "seed=1.5794028255413092e+19 a=1"},
    {"{\"step\": 1, \"loss\": 0.5, \"seed\": 15794028255413092319}",
     "1 loss=0.5 seed=1.5794028255413092e+19"},
    {"{\"a\": 9223372036854775808, \"b\": -99999999999999999999}",
     "a=9.223372036854776e+18 b=-1e+20"},
    {"loss=0x10", "!"},
    {"{\"loss\": 0x10}", "!"},
    {"loss=1_000 a=1", "a=1 !"},
    {"loss=0,5 a=1", "a=1 !"},
    {"{\"loss\": 0,5}", "!"},
    {"loss=1,234.5 a=1", "a=1 !"},
    {"loss=1 000", "!"},
    {"loss=nan(7)", "!"},
    {"loss=", "!"},
    {"loss= acc=0.5", "!"},
    {"hone: step=1 a=1", "1 a=1"},
    {"epoch: step=1 a=1", "!"},
    {"step=2 a: b=1 c=2", "!"},
    {"loss=tensor(0.31, device='cuda:0') acc=0.5", "acc=0.5 !"},
    {"loss=array([0.31, 0.4]) a=1", "a=1 !"},
    {"loss=np.float64(0.31)", "!"},
    /* a per cent sign: thirty-one, or 0.31? */
    {"loss=31% a=1", "a=1 !"},
    {"loss=31 % a=1", "a=1 !"},
    {"a=1 loss=31 %", "a=1 !"},
    {"loss: 31 %, a: 1", "a=1 !"},
    {"loss=31\xef\xbc\x85 a=1", "a=1 !"},  /* U+FF05 */
    {"loss=31 \xe2\x80\xb0 a=1", "a=1 !"}, /* U+2030 */
    {"loss=31\xe2\x80\xaf% a=1", "a=1 !"}, /* a narrow blank between */
    {"loss=\"31 %\" a=1", "a=1 !"},
    {"{\"loss\": \"31 %\", \"a\": 1}", "a=1 !"},
    {"step=3 % loss=0.5", "!"},
    {"step=1 loss=0.5 50%|###  | 1/2", "1 loss=0.5"},
    {"step=1 loss=0.5 (50 %)", "1 loss=0.5"},
    /* signs that are none of a pair */
    {"loss:=5 a=1", "a=1 !"},
    {"loss<=5 a=1", "a=1 !"},
    {"loss>=5, a=1", "a=1 !"},
    {"loss!=5 a=1", "a=1 !"},
    {"loss~=5 a=1", "a=1 !"},
    {"loss+=5 a=1", "a=1 !"},
    {"a=1 loss-=5", "a=1 !"},
    {"loss:: 5 a=1", "a=1 !"},
    {"loss< =5 a=1", "a=1 !"},
    {"step:=5 a=1", "!"},
    {"step>=5 a=1", "!"},
    {"\"loss<\"=5 a=1", "loss<=5 a=1"},
    {"\"loss:\": 5 a=1", "loss:=5 a=1"},
    {"acc%=31 val/top-1=2", "acc%=31 val/top-1=2"},
    {"loss=0.31ms", "!"},
    {"loss=0.3.1", "!"},
    {"loss=0.31+-0.02", "!"},
    {"loss=1/3", "!"},
    {"loss=1e", "!"},
    {"loss=[0.31", "!"},
    {"loss=\"0.31", "!"},
    {"loss=\"0.31\" acc='1'", "loss=0.31 acc=1"},
    {"loss==1", "!"},
    /* steps */
    {"{\"step\": 4.0, \"a\": 1}", "4 a=1"},
    {"{\"step\": \"4\", \"a\": \"0.5\"}", "4 a=0.5"},
    {"step=1e3 a=1", "1000 a=1"},
    {"step=-1 a=1", "!"},
    {"step=1.5 a=1", "!"},
    {"step=99999999999999999999 a=1", "!"},
    {"step=9007199254740992 a=1", "!"},
    {"step=nan a=1", "!"},
    {"step=x a=1", "!"},
    {"step=1 a=1 step=2", "!"},
    {"step=1 a=1 step=1", "1 a=1"},
    {"step=3", "!"},
    {"{\"step\": true, \"a\": 1}", "!"},
    {"{\"step\": null, \"a\": 1}", "!"},
    /* a name with two values has none */
    {"a=1 a=2 b=3", "b=3 !"},
    {"a=1 a=1", "a=1"},
    {"a=1 a=2 a=1", "!"},
    {"{\"a\": 1, \"a\": 2, \"b\": 3}", "b=3 !"},
    {"{\"a\": NaN, \"a\": NaN}", "a=NaN"},
    /* JSON */
    {"{\"step\": 4, \"loss\": 0.31}", "4 loss=0.31"},
    {"{\"loss\": NaN, \"b\": -Infinity, \"c\": \"Infinity\"}", "loss=NaN b=-Infinity c=Infinity"},
    {"{'step': 4, 'loss': 0.31, 'b': None, 'c': True}", "4 loss=0.31 (b) (c)"},
    {"{\"a\": {\"b\": 1}, \"c\": [1, 2], \"d\": 1}", "d=1 ! !"},
    {"{\"a\": {\"b\": \"}\"}, \"d\": 1}", "d=1 !"},
    {"{\"a\": true, \"b\": null, \"phase\": \"train\", \"d\": 1}", "d=1 (a) (b) (phase)"},
    {"{\"note\": \"NaN \\\" NaN\", \"a\": 1}", "a=1 (note)"},
    {"{\"loss\": \"0,5\", \"a\": 1}", "a=1 !"},
    {"{\"loss\": 0.31", "!"},
    {"{\"loss\": 0.31,}", "!"},
    {"{\"loss\" 0.31}", "!"},
    {"{loss: 0.31}", "!"},
    /* a name that cannot be read: the others count */
    {"{\"step\": 1, loss: 0.31, \"a\": 1}", "1 a=1 !"},
    {"{'step': 1, 1: 0.5, 'a': 1}", "1 a=1 !"},
    {"{\"a\": 1, \"b\\q\": 2, \"c\": 3}", "a=1 c=3 !"},
    {"{\"a\": 1, \"\\ud800\": 2, \"c\": 3}", "a=1 c=3 !"},
    {"{\"a\": 1, \"\": 2, \"c\": 3}", "a=1 c=3 !"},
    {"{\"a\": 1, b: {\"x\": [1, \"}\"]}, \"c\": 3}", "a=1 c=3 !"},
    {"{\"a\": 1, (0, 1): 2, \"c\": 3}", "!"},
    {"{step: 1, \"a\": 1}", "!"},
    {"{\"a\": 0,5, \"b\": 1}", "!"},
    {"{\"a\": 0,5: 1}", "!"},
    {"{\"loss\": tensor(0.31)}", "!"},
    {"{}", "!"},
    {"{\"a\": 1} b=2", "a=1 !"},
    {"{\"a\": 1} {\"b\": 2}", "a=1 !"},
    {"{\"a\": 1} done", "a=1"},
    /* what stands behind */
    {"step=1 loss=0.5 (saved)", "1 loss=0.5"},
    {"step=1 loss=0.5 50%|###  | 1/2 [00:01<00:01, 1.0it/s]", "1 loss=0.5"},
    {"step=1 loss=0.5 (lr=0.01)", "1 loss=0.5 !"},
    {"step=3 val loss=0.4", "!"},
    {"step=3 loss=0.3 val loss=0.4", "!"},
    {"step=1 loss=0.5\", \"level\": \"info\"}", "1 loss=0.5"},
    {"step=1 loss=0.5\\n'", "1 loss=0.5"},
    {"phase=train loss=0.5", "loss=0.5 !"},
    {"[1]", "!"},
    {"loss", "!"},
    {"=1", "!"},
    {"", NULL},
    {" \n", NULL},
};

START_TEST(report_is_read_or_told_why_not)
{
    struct metric_report report;
    bool is_report = report_read(&report, texts[_i].text, strlen(texts[_i].text));

    ck_assert_int_eq(is_report, texts[_i].told != NULL);
    if (is_report) {
        metric_report_settle(&report, 0, NULL);
        ck_assert_msg(strcmp(report_text(&report), texts[_i].told) == 0, "%s: %s, not %s (%s)",
                      texts[_i].text, report_text(&report), texts[_i].told,
                      report.n_faults > 0 ? report.faults[0].text : "no fault");
    }
}
END_TEST

START_TEST(too_many_metrics_are_told)
{
    OWN(buf) struct buf line;
    struct metric_report report;

    buf_init(&line, 100000);
    for (int i = 0; i < METRIC_REPORT_MAX + 1; i++) {
        buf_printf(&line, " m%d=%d", i, i);
    }
    ck_assert(report_read(&report, buf_text(&line), line.len));
    ck_assert_uint_eq(report.n, METRIC_REPORT_MAX);
    ck_assert_uint_eq(report.n_faults, 1);
    ck_assert_int_eq(report.faults[0].kind, METRIC_FAULT_LIMIT);
}
END_TEST

START_TEST(deep_json_is_told)
{
    OWN(buf) struct buf line;
    struct metric_report report;

    buf_init(&line, 100000);
    buf_puts(&line, "{\"a\":");
    for (int i = 0; i < 20000; i++) {
        buf_putc(&line, '{');
    }
    ck_assert(report_read(&report, buf_text(&line), line.len));
    ck_assert(report.refused);
}
END_TEST

/* What was meant, and the way out. */
static const struct {
    const char *text;
    const char *said;
} faults[] = {
    {"step=9007199254740992 a=1", "a number from 0 to 9007199254740991"},
    {"step=x a=1", "a number from 0 to 9007199254740991"},
    {"acc=31 %", "acc: \"31 %\" is no number; print it without the per cent sign"},
    {"{\"acc\": \"31%\"}", "acc: \"31%\" is no number; print it without the per cent sign"},
    {"loss<=5", "\"loss<=\" is not NAME=NUMBER; a name that ends in \"<\" is written in quotes"},
    {"step:=5 a=1", "\"step:=\" is not step=NUMBER"},
    {"{\"a\": 1, loss: 2}", "loss is no name in quotes"},
};

START_TEST(fault_names_the_way_out)
{
    struct metric_report report;

    ck_assert(report_read(&report, faults[_i].text, strlen(faults[_i].text)));
    ck_assert_uint_eq(report.n_faults, 1);
    ck_assert_msg(strstr(report.faults[0].text, faults[_i].said) != NULL, "%s",
                  report.faults[0].text);
}
END_TEST

START_TEST(nul_bytes_are_no_digits)
{
    struct metric_report report;

    ck_assert(report_read(&report, "a=1\0002 b\0=3", 11));
    ck_assert_uint_eq(report.n, 0);
    ck_assert_uint_gt(report.n_faults, 0);
    ck_assert(report_read(&report, "a=1\0\0", 5));
    ck_assert_str_eq(report_text(&report), "a=1");
}
END_TEST

START_TEST(long_numbers_are_numbers)
{
    double value = 0;
    char text[600];

    memset(text, '3', sizeof text);
    text[1] = '.';
    ck_assert(number_read(text, sizeof text, &value));
    ck_assert_double_eq(value, 10.0 / 3.0);
    ck_assert(!number_read("", 0, &value));
    ck_assert(!number_read("1 ", 2, &value));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metric");
    TCase *tcase = tcase_create("metric");

    tcase_add_loop_test(tcase, report_is_read_or_told_why_not, 0,
                        (int)(sizeof texts / sizeof texts[0]));
    tcase_add_loop_test(tcase, fault_names_the_way_out, 0, (int)(sizeof faults / sizeof faults[0]));
    tcase_add_test(tcase, too_many_metrics_are_told);
    tcase_add_test(tcase, deep_json_is_told);
    tcase_add_test(tcase, nul_bytes_are_no_digits);
    tcase_add_test(tcase, long_numbers_are_numbers);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
