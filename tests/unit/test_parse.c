#include "worker/report/parse.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/report_text.h"
#include "tests/support/run_suite.h"
#include "worker/report/escape.h"
#include "worker/report/transcript.h"

/* ---- what a stream says ---- */

static void note(void *context, const struct metric_report *report, const char *line, size_t len)
{
    struct buf *told = context;

    (void)line;
    (void)len;
    buf_puts(told, told->len == 0 ? "" : "; ");
    buf_puts(told, report_text(report));
}

/* Reads the stream in pieces of this size. */
static void read_stream(const char *text, size_t len, size_t piece, const struct patterns *patterns,
                        struct buf *told)
{
    struct reader reader;
    struct parse parse;

    reader_init(&reader, patterns, note, told);
    parse_init(&parse, &reader, false);
    for (size_t i = 0; i < len; i += piece) {
        parse_feed(&parse, text + i, len - i < piece ? len - i : piece);
    }
    parse_end(&parse);
    parse_finish(&parse);
}

static void check_stream(const char *text, size_t len, const struct patterns *patterns,
                         const char *expected)
{
    static const size_t pieces[] = {1, 2, 3, 7, 1 << 20};

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        OWN(buf) struct buf told;
        buf_init(&told, 1 << 20);
        read_stream(text, len, pieces[i], patterns, &told);
        ck_assert_msg(strcmp(buf_text(&told), expected) == 0, "%s\nin pieces of %zu: %s, not %s",
                      text, pieces[i], buf_text(&told), expected);
    }
}

static const struct {
    const char *text;
    const char *told;
} streams[] = {
    {"noise\nhone: a=1\r50%\rhone: step=2 a=2\n\nhone: a=3", "a=1; 2 a=2; a=3"},
    {"hone: a=1\r\nhone: a=2\r\n", "a=1; a=2"},
    {"hone:a=1\n  hone:   a=2", "a=1; a=2"},
    {"hone: {\"step\": 4, \"loss\": 0.31}\n", "4 loss=0.31"},
    /* what stands before it */
    {"[default0]:hone: step=1 a=1\n", "1 a=1"},
    {"[1,0]<stdout>:hone: step=1 a=1\n", "1 a=1"},
    {"0: hone: step=1 a=1\n12:hone: step=2 a=1\n", "1 a=1; 2 a=1"},
    {"INFO:root:hone: step=1 a=1\n", "1 a=1"},
    {"2024-01-01 12:00:00,123 - x - hone: step=1 a=1\n", "1 a=1"},
    {"\xef\xbb\xbfhone: step=1 a=1\n", "1 a=1"},
    {"\r 50%|##   | 1/2hone: step=1 loss=0.5\n", "1 loss=0.5"},
    {" 50%|\xe2\x96\x88\xe2\x96\x88\xe2\x96\x8a| 5/10 [00:01<00:01,  4.9it/s]hone: step=1 a=1\n",
     "1 a=1"},
    {"\xe2\x96\x88\xe2\x96\x88hone: step=1 a=1\n", "1 a=1"},
    {"....hone: step=1 a=1\n", "1 a=1"},
    {"level=info msg=\"hone: step=1 a=1\" time=12\n", "1 a=1"},
    {"{\"time\": 1, \"msg\": \"hone: step=1 a=1\", \"level\": \"info\"}\n", "1 a=1"},
    {"b'hone: step=1 a=1\\n'\n", "1 a=1"},
    {"+ echo hone: step=1 a=1\n", "1 a=1"},
    {"(trainer pid=123) hone: step=1 a=1\n", "1 a=1"},
    {"worker-1  | hone: step=1 a=1\n", "1 a=1"},
    {"hone: step=1 a=1 hone: step=2 a=2\n", "1 a=1; 2 a=2"},
    /* no report */
    {"phone: step=1 a=1\nurlhone: step=1 a=1\nmy-hone: a=1\nx_hone: a=1\n/bin/hone: a=1\n", ""},
    {"www.hone: a=1\nuser@hone: a=1\nt\xc3\xa9l\xc3\xa9hone: a=1\n", ""},
    {"hone: hello\nhone: trial 12: it runs\nhone: warning: 3 files\nhone: [1]\nhone:\nhone\n", ""},
    {"hone: /limits/trials: must lie between 1 and 9\nhone: see https://x.y/z\n", ""},
    {"loss=1\nHone: a=1\n", ""},
    /* it looks like one and is none */
    {"hone: val loss=0.5\n", "!"},
    {"hone: val loss: 0.5\n", "!"},
    {"hone: step 3 loss 0.5\n", "!"},
    {"hone: loss: 31%\n", "!"},
    {"hone: loss: tensor(0.31)\n", "!"},
    {"hone: step=1 loss=0.3hone: step=2 loss=0.2\n1\n", "!"},
    {"hone: step=1 loss=\nhone: step=1 loss=0.\n", "!; 1 loss=0"},
    {"hone: {\"step\": 1,\nhone: a=1\n", "!; a=1"},
    {"hone: {\\\"step\\\": 1, \\\"a\\\": 1}\n", "!"},
    {"    print(f\"hone: step={e:g} loss={l}\")\n  puts('hone: a={b}')\n", ""},
    {"  printf(\"hone: step=%d a=%g\", s, a);\n> echo \" hone: a=$a\"\n", ""},
    {"hone: step={e}\nmsg=\"hone: step=1 a=1\" b={c}\n", "!; 1 a=1"},
    /* terminals */
    {"\x1b[32mhone: step=1 a=1\x1b[0m\n", "1 a=1"},
    {"hone: step=1 a=0.5\x1b[0m\n", "1 a=0.5"},
    {"hone: step=1 \x1b[1ma\x1b[0m=\x1b[38;5;12m0.5\x1b[0m b=2\n", "1 a=0.5 b=2"},
    {"\x1b]0;title\x07hone: step=1 a=1\n", "1 a=1"},
    {"\x1b]8;;http://x\x1b\\hone\x1b]8;;\x1b\\: step=1 a=1\n", "1 a=1"},
    {"\x9b"
     "32mhone: step=1 a=1\x9b"
     "0m\n",
     "1 a=1"},
    {"\xc2\x9b"
     "32mhone: step=1 a=1\xc2\x9b"
     "0m\n",
     "1 a=1"},
    {"\x9d"
     "0;title\x9chone: a=1\n",
     "a=1"},
    {"hone: a=1\x1b[\nhone: a=2\x1b\nhone: a=3\x1b]0;ti\nhone: a=4\x1b[3\n", "a=1; a=2; a=3; a=4"},
    {"\x1b(B\x1b[mhone: a=1\n", "a=1"},
    {"done\x1b[1Ghone: a=1\n", "a=1"},
    {"\x1bktitle\x1b\\hone: a=1\n", "a=1"},
    {"\xe2\x94\x82hone: step=1 a=0.5\xe2\x94\x82\n", "1 a=0.5"},
    /* an escape between a word and the report */
    {"INFO\x1b[0mhone: step=1 a=1\n", "1 a=1"},
    {"INFO\x1b[0m\x1b[1mhone: step=1 a=1\n", "1 a=1"},
    {"\xc3\xa9\x9b"
     "0mhone: step=1 a=1\n",
     "1 a=1"},
    {"model2\x1b[0mhone: step=1 a=1\n", "1 a=1"},
    {"/tmp/x\x1b]8;;\x1b\\hone: step=1 a=1\n", "1 a=1"},
    {"hone: step=1 a=0.5\x1b[0mhone: step=2 a=0.25\n3\n", "!"},
    {"INFO\x1b[0mhone: hello\n", ""},
    {"hone: report {\"step\": 1, \"a\": 5}\n", "!"},
    {"hone: step=1/10 a=1\nhone: step=1 a=0.5 [repeated 3x across cluster]\n", "!; 1 a=0.5"},
    {"{\"log\":\"hone: step=1 a=0.5\\n\",\"stream\":\"stdout\"}\n", "1 a=0.5"},
    {"\x1b[2K\x1b[1A\x1b[2Khone: a=1\n", "a=1"},
    {"hone: a=0.55\x1b[1D4\n", "!"},
    {"hone: a=0.5\b4\n", "!"},
    {"hone: loss\xc3\xa9=1\n", "loss\xc3\xa9=1"},
    {"\xff\xfe\xc3hone: a=1\n", "a=1"},
};

START_TEST(reports_are_found_in_what_programs_print)
{
    check_stream(streams[_i].text, strlen(streams[_i].text), NULL, streams[_i].told);
}
END_TEST

START_TEST(nul_bytes_separate_nothing)
{
    static const char text[] = "\0\0hone: a=1\0\nhone: a=1\0002\nx\0hone: b=1\n";

    check_stream(text, sizeof text - 1, NULL, "a=1; !; b=1");
}
END_TEST

START_TEST(bare_lines_are_all_reports)
{
    OWN(buf) struct buf told;
    struct reader reader;
    struct parse parse;

    buf_init(&told, 1 << 20);
    reader_init(&reader, NULL, note, &told);
    parse_init(&parse, &reader, true);
    parse_feed(&parse, "{\"step\":1,\"a\":2}\n\nnoise\nb=1", 28);
    parse_end(&parse);
    ck_assert_str_eq(buf_text(&told), "1 a=2; !; b=1");
    parse_finish(&parse);
}
END_TEST

static void fill(struct buf *text, char c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_putc(text, c);
    }
}

/* A line, and what is read of it: a long one is read at its end, and a report that began in what
 * was dropped is reported as such. */
static const struct {
    const char *before;
    size_t filling;
    const char *after;
    const char *told;
} long_lines[] = {
    {"", 1000000, "\nhone: a=1\n", "a=1"},
    {"", 1000000, " hone: a=1\n", "a=1"},
    {"p", 4 * METRIC_LINE_BYTES - 1, "hone: a=1\n", ""},
    {"hone: a=1 ", 1000000, " b=2\n", "!"},
    {"hone: a=1 ", 1000, "\n", "a=1"},
    {"", 2 * METRIC_LINE_BYTES, "hone: a=1\n", ""},
};

START_TEST(long_lines_are_read_at_their_end)
{
    OWN(buf) struct buf text;

    buf_init(&text, 1 << 22);
    buf_puts(&text, long_lines[_i].before);
    fill(&text, 'x', long_lines[_i].filling);
    buf_puts(&text, long_lines[_i].after);
    check_stream(text.data, text.len, NULL, long_lines[_i].told);
}
END_TEST

START_TEST(two_hundred_metrics_are_one_report)
{
    OWN(buf) struct buf line;
    OWN(buf) struct buf told;

    buf_init(&line, 1 << 20);
    buf_init(&told, 1 << 20);
    buf_puts(&line, "hone: step=1");
    buf_puts(&told, "1");
    for (int i = 0; i < 200; i++) {
        buf_printf(&line, " a/rather/long/name/of/a/metric/that/nobody/would/choose/%d=%d", i, i);
        buf_printf(&told, " a/rather/long/name/of/a/metric/that/nobody/would/choose/%d=%d", i, i);
    }
    check_stream(line.data, line.len, NULL, buf_text(&told));
}
END_TEST

/* ---- the user's expressions ---- */

static const struct {
    struct pattern_spec specs[2];
    const char *text;
    const char *told;
} matches[] = {
    {{{PATTERN_GROUPS, NULL, "Accuracy = (?<accuracy>[0-9.]+)%"}},
     "Cross Validation Accuracy = 97.3%",
     "accuracy=97.3"},
    {{{PATTERN_GROUPS, NULL, "epoch (?<step>\\d+).*loss (?<loss>\\S+)"}},
     "epoch 7: loss 1e-3 ok",
     "7 loss=0.001"},
    {{{PATTERN_GROUPS, NULL, "loss (?<loss>\\S+)"}, {PATTERN_GROUPS, NULL, "acc (?<acc>\\S+)"}},
     "acc 2 loss 1\nacc 3",
     "loss=1 acc=2; acc=3"},
    {{{PATTERN_GROUPS, NULL, "(?:a (?<a>\\d)|b (?<b>\\d))"}}, "b 4", "b=4"},
    {{{PATTERN_GROUPS, NULL, "loss (?<loss>\\S+)"}}, "loss abc\nnothing\nloss \xff\xfe", "!"},
    {{{PATTERN_GROUPS, NULL, "loss=(?<loss>\\S+)"}},
     "loss=0.31, acc=2\n(loss=0.5)",
     "loss=0.31; loss=0.5"},
    {{{PATTERN_GROUPS, NULL, "Epoch (?<step>\\d+): loss=(?<loss>[0-9.]+)"}},
     "Epoch 1: loss=0.9\rEpoch 1: loss=0.5\n",
     "1 loss=0.9; 1 loss=0.5"},
    {{{PATTERN_GROUPS, NULL, "a=(?<b>\\d)"}}, "hone: a=1\na=2\n", "a=1; b=2"},
    {{{PATTERN_GROUPS, NULL, "(?<a>(x+x+)+y)"}},
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxz y",
     "!"},
    /* a part of a number is none */
    {{{PATTERN_GROUPS, NULL, "loss=(?<loss>[0-9.]+)"}},
     "loss=1e-5\nloss=0,5\nloss=0x10\nloss=1_000\nloss=0.5\nloss=2, 3",
     "!; !; !; !; loss=0.5; loss=2"},
    {{{PATTERN_GROUPS, NULL, "loss\\D*(?<loss>\\d+)"}},
     "loss 0.5\nloss -5\nloss.5\nloss 7 ",
     "!; !; !; loss=7"},
    {{{PATTERN_GROUPS, NULL, "^(?<step>\\d+),(?<loss>[^,]+),(?<acc>.+)$"}},
     "3,0.31,0.9",
     "3 acc=0.9 loss=0.31"},
    {{{PATTERN_METRIC, "val/loss", "val loss: (\\S+)"}}, "val loss: 0.31\n", "val/loss=0.31"},
    {{{PATTERN_METRIC, "val loss", "v=(\\d+)"}, {PATTERN_GROUPS, NULL, "a=(?<a>\\d+)"}},
     "v=1 a=2\n",
     "val loss=1 a=2"},
    /* a step on a line of its own */
    {{{PATTERN_GROUPS, NULL, "loss (?<loss>\\S+)"}, {PATTERN_STEP, NULL, "^Epoch (\\d+)"}},
     "Epoch 3/10\nloss 0.5\nloss 0.4\nEpoch 4/10 loss 0.3\nhone: acc=1\nhone: step=9 acc=2\n",
     "3 loss=0.5; 3 loss=0.4; 4 loss=0.3; 4 acc=1; 9 acc=2"},
    {{{PATTERN_GROUPS, NULL, "loss (?<loss>\\S+)"}, {PATTERN_STEP, NULL, "^Epoch (\\S+)"}},
     "loss 0.9\nEpoch 1\nloss 0.5\nEpoch x\nloss 0.4\n",
     "!; 1 loss=0.5; !; !"},
    /* names captured, as Katib does */
    {{{PATTERN_GROUPS, NULL,
       "(?<name>[\\w|-]+)\\s*=\\s*(?<value>[+-]?\\d*(\\.\\d+)?([Ee][+-]?\\d+)?)"}},
     "2024-01-01 INFO epoch=3 loss=0.31 acc = 9.5e-1, lr=abc\nstep=4 loss=1\n",
     "epoch=3 loss=0.31 acc=0.95; 4 loss=1"},
    {{{PATTERN_GROUPS, NULL,
       "(?<name>[\\w|-]+)\\s*=\\s*(?<value>[+-]?\\d*(\\.\\d+)?([Ee][+-]?\\d+)?)"}},
     "val/loss=0.31 acc=1\nloss=0x1\ngr\xc3\xb6=1\n",
     "acc=1 !; !; gr\xc3\xb6=1"},
};

START_TEST(expressions_find_metrics)
{
    OWN(patterns) struct patterns *patterns = NULL;
    struct err err = {0};
    size_t n = matches[_i].specs[1].expression == NULL ? 1 : 2;

    ck_assert_msg(patterns_create(matches[_i].specs, n, &patterns, &err) == 0, "%s", err.text);
    check_stream(matches[_i].text, strlen(matches[_i].text), patterns, matches[_i].told);
}
END_TEST

/* It is printed as nothing, so what stands on both sides of it may be one number. */
START_TEST(nul_within_a_line_cuts_no_number)
{
    static const char text[] =
        "loss=0.5\0001\nloss=0.5\0 a\nx loss=\0001\nloss=0.5 a\0b\nloss=0.5\0\0";
    static const struct pattern_spec spec = {PATTERN_METRIC, "loss", "loss=\\x00?([0-9.]+)"};
    OWN(patterns) struct patterns *patterns = NULL;
    struct err err = {0};

    ck_assert_int_eq(patterns_create(&spec, 1, &patterns, &err), 0);
    check_stream(text, sizeof text - 1, patterns, "!; !; !; loss=0.5; loss=0.5");
}
END_TEST

static const struct pattern_spec wrong[] = {
    {PATTERN_GROUPS, NULL, ""},
    {PATTERN_GROUPS, NULL, "("},
    {PATTERN_GROUPS, NULL, "loss (\\S+)"},
    {PATTERN_GROUPS, NULL, "(?<step>\\d+)"},
    {PATTERN_GROUPS, NULL, "(?<a>\\C)"},
    {PATTERN_METRIC, "loss", "loss \\S+"},
    {PATTERN_METRIC, " loss", "loss (\\S+)"},
    {PATTERN_STEP, NULL, "step"},
};

START_TEST(expression_that_cannot_serve_is_refused)
{
    struct patterns *patterns = NULL;
    struct err err = {0};

    ck_assert_int_eq(patterns_create(&wrong[_i], 1, &patterns, &err), -1);
    ck_assert_int_eq(err.code, ERR_INVALID);
}
END_TEST

/* ---- two streams in one log ---- */

static void keep(void *context, const char *bytes, size_t len)
{
    buf_append(context, bytes, len);
}

START_TEST(lines_of_two_streams_stay_whole)
{
    OWN(buf) struct buf log;
    struct transcript transcript;

    buf_init(&log, 1 << 20);
    transcript_init(&transcript, keep, &log);
    transcript_feed(&transcript, 1, "\r 50%|##  ", 10);
    transcript_feed(&transcript, 0, "hone: st", 8);
    transcript_feed(&transcript, 1, "\r 60%|### ", 10);
    transcript_feed(&transcript, 0, "ep=1\nx", 6);
    transcript_feed(&transcript, 1, "\n", 1);
    transcript_feed(&transcript, 0, "y\r", 2);
    transcript_feed(&transcript, 1, "z\n", 2);
    transcript_feed(&transcript, 0, "\nlast", 5);
    transcript_feed(&transcript, 1, "end", 3);
    transcript_end(&transcript);
    ck_assert_str_eq(buf_text(&log), "\r 50%|##  \rhone: step=1\n 60%|### \nz\nxy\r\nlast\nend");
    transcript_finish(&transcript);
}
END_TEST

START_TEST(long_line_is_kept_in_pieces)
{
    OWN(buf) struct buf log;
    OWN(buf) struct buf line;
    struct transcript transcript;

    buf_init(&log, 1 << 20);
    buf_init(&line, 1 << 20);
    transcript_init(&transcript, keep, &log);
    fill(&line, 'x', TRANSCRIPT_LINE_BYTES + 10);
    transcript_feed(&transcript, 0, line.data, line.len);
    ck_assert_uint_eq(log.len, TRANSCRIPT_LINE_BYTES);
    transcript_feed(&transcript, 1, "y\n", 2);
    transcript_end(&transcript);
    ck_assert_uint_eq(log.len, TRANSCRIPT_LINE_BYTES + 1 + 2 + 10);
    transcript_finish(&transcript);
}
END_TEST

START_TEST(last_lines_are_whole_and_clean)
{
    OWN(buf) struct buf out;
    OWN(buf) struct buf log;
    struct transcript transcript;

    buf_init(&out, 10000);
    buf_init(&log, 1 << 20);
    transcript_init(&transcript, keep, &log);
    for (int i = 0; i < 2000; i++) {
        char line[64];
        int len = snprintf(line, sizeof line, "line %d\n", i);
        transcript_feed(&transcript, 0, line, (size_t)len);
    }
    transcript_feed(&transcript, 0, "caf\xc3\xa9 \xff\x1b[1m \xc0\x80 \xed\xa0\x80\n\n", 20);
    transcript_last_lines(&transcript, &out);
    ck_assert_uint_le(out.len, TRANSCRIPT_TAIL_BYTES);
    ck_assert_int_eq(strncmp(buf_text(&out), "line ", 5), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "line 1999\ncaf\xc3\xa9 ??[1m ?? ???"));
    transcript_finish(&transcript);
}
END_TEST

#define COUNT(list) (int)(sizeof(list) / sizeof((list)[0]))

int main(void)
{
    Suite *suite = suite_create("parse");
    TCase *tcase = tcase_create("parse");

    tcase_add_loop_test(tcase, reports_are_found_in_what_programs_print, 0, COUNT(streams));
    tcase_add_test(tcase, nul_bytes_separate_nothing);
    tcase_add_test(tcase, bare_lines_are_all_reports);
    tcase_add_loop_test(tcase, long_lines_are_read_at_their_end, 0, COUNT(long_lines));
    tcase_add_test(tcase, two_hundred_metrics_are_one_report);
    tcase_add_loop_test(tcase, expressions_find_metrics, 0, COUNT(matches));
    tcase_add_test(tcase, nul_within_a_line_cuts_no_number);
    tcase_add_loop_test(tcase, expression_that_cannot_serve_is_refused, 0, COUNT(wrong));
    tcase_add_test(tcase, lines_of_two_streams_stay_whole);
    tcase_add_test(tcase, long_line_is_kept_in_pieces);
    tcase_add_test(tcase, last_lines_are_whole_and_clean);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
