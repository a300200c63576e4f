#include "worker/agent/expand.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/run_suite.h"
#include "worker/agent/overrides.h"
#include "worker/agent/params_file.h"

static const char *const parameters =
    "{\"lr\": 1e-05, \"units\": 16, \"c\": 1.0, \"kernel\": \"a b\", \"amp\": true, \"x.y-z\": -2}";
/* … and with braces and quotes in its names. */
static const char *const odd_parameters = "{\"a}b\": 3, \"{\": 4, \"\\\"q\\\"\": 5}";

/* A command of words separated by '|', and what it becomes; "!NAME" at the end is what was left
 * out. */
static const struct {
    const char *command;
    const char *expected;
} cases[] = {
    {"p|--lr|{lr}|{units}", "p|--lr|1e-05|16"},
    {"p|--x={kernel}/{amp}", "p|--x=a b/true"},
    {"p|{c}|{x.y-z}", "p|1|-2"},
    {"p|{resource.from}..{resource.to}|{checkpoint}|{trial}|{attempt}|{seed}", "p|3..9|/c|12|2|77"},
    {"p|{{lr}|{{{lr}}|}", "p|{lr}|{1e-05}|}"},
    {"p|--degree|{degree}|end", "p|end!degree"},
    {"p|--degree={degree}|end", "p|end!degree"},
    {"p|-v|--degree|{degree}", "p|-v!degree"},
    {"p|plain|{degree}", "p|plain!degree"},
    {"p|--a={lr}|{degree}", "p|--a=1e-05!degree"},
    {"p|--a={{|{degree}", "p!degree"},
    {"p|{gamma}|{degree}|--lr|{lr}", "p|--lr|1e-05!gamma"},
    {"-p|{degree}", "-p!degree"},
    {"p||{lr}", "p||1e-05"},
    {"p|{{{{{lr}}}}}|}}{{|{lr}}", "p|{{1e-05}}|}{|1e-05}"},
    {"p|{args}|end", "p|--lr=1e-05|--units=16|--c=1|--kernel=a b|--amp=true|--x.y-z=-2|end"},
    {"p|{args.hydra}", "p|lr=1e-05|units=16|c=1|kernel='a b'|amp=true|x.y-z=-2"},
    {"p|-c={args.json}", "p|-c={\"lr\":1e-05,\"units\":16,\"c\":1,\"kernel\":\"a b\",\"amp\":true,"
                         "\"x.y-z\":-2}"},
    {"p|{{args}", "p|{args}"},
    {"p|--config={params.json}|{params.yaml}|x{params.json}y",
     "p|--config=/f.json|/f.yaml|x/f.jsony"},
    {"p|{\"lr\"}|{\"kernel\"}", "p|1e-05|a b"},
    {"p|{\"a}b\"}|--x={\"{\"}.|{\"\\\"q\\\"\"}|{\"\\u007b\"}", "p|3|--x=4.|5|4"},
    {"p|--y|{\"no}ne\"}", "p!no}ne"},
    {"p|-v|{args}|{degree}", "p|-v|--lr=1e-05|--units=16|--c=1|--kernel=a b|--amp=true|--x.y-z=-2"
                             "!degree"},
};

static void split(const char *text, struct argv_list *out)
{
    OWN(memory) char *copy = strdup(text);
    char *rest = copy;

    while (rest != NULL) {
        argv_list_add(out, strsep(&rest, "|"));
    }
}

START_TEST(arguments_take_the_values_of_a_trial)
{
    json_auto_t *object = json_loads(parameters, 0, NULL);
    struct expand_values values = {.parameters = object,
                                   .has_resource = true,
                                   .from = 3,
                                   .to = 9,
                                   .checkpoint = "/c",
                                   .params_file = "/f",
                                   .trial = 12,
                                   .attempt = 2,
                                   .seed = 77};
    OWN(argv_list) struct argv_list argv = {0};
    OWN(argv_list) struct argv_list out = {0};
    OWN(buf) struct buf joined;
    char dropped[EXPAND_NAME_BYTES];
    struct err err = {0};

    buf_init(&joined, 1000);
    if (strstr(cases[_i].command, "args") == NULL) {
        json_auto_t *odd = json_loads(odd_parameters, 0, NULL);
        ck_assert_int_eq(json_object_update(object, odd), 0);
    }
    split(cases[_i].command, &argv);
    ck_assert_msg(expand_check(argv.items, &err) == 0, "%s", err.text);
    ck_assert_msg(expand_argv(argv.items, &values, &out, dropped, &err) == 0, "%s", err.text);
    for (size_t i = 0; i < out.n; i++) {
        buf_printf(&joined, "%s%s", i == 0 ? "" : "|", out.items[i]);
    }
    buf_printf(&joined, "%s%s", dropped[0] == '\0' ? "" : "!", dropped);
    ck_assert_str_eq(buf_text(&joined), cases[_i].expected);
}
END_TEST

START_TEST(an_inactive_parameter_stands_before_a_word_of_ours)
{
    json_auto_t *object = json_loads("{\"lr\": 5}", 0, NULL);
    json_auto_t *inactive = json_loads("[\"seed\", \"args\"]", 0, NULL);
    struct expand_values values = {.parameters = object, .inactive = inactive, .checkpoint = ""};
    char *argv[] = {(char[]){"p"},      (char[]){"--seed"}, (char[]){"{seed}"},
                    (char[]){"{args}"}, (char[]){"{lr}"},   NULL};
    OWN(argv_list) struct argv_list out = {0};
    char dropped[EXPAND_NAME_BYTES];
    struct err err;

    ck_assert_int_eq(expand_argv(argv, &values, &out, dropped, &err), 0);
    ck_assert_uint_eq(out.n, 2);
    ck_assert_str_eq(out.items[1], "5");
    ck_assert_str_eq(dropped, "seed");
}
END_TEST

START_TEST(a_parameter_that_hydra_cannot_take_is_refused)
{
    json_auto_t *active = json_loads("{\"lr\": 1}", 0, NULL);
    json_auto_t *inactive = json_loads("[\"batch size\"]", 0, NULL);
    struct expand_study study = {.active = active, .inactive = inactive};
    char *argv[] = {(char[]){"p"}, (char[]){"{args.hydra}"}, NULL};
    struct expand_found found;
    struct err err = {0};

    ck_assert_int_eq(expand_check_names(argv, &study, &found, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "\"batch size\": Hydra takes names of letters"));
}
END_TEST

/* Of a study with lr and units (active) and degree (not), what no argument names. */
static const struct {
    const char *command, *unnamed;
} passed[] = {
    {"p|{lr}|{units}|{degree}", ""},
    {"p|x={lr}", "units, degree"},
    {"p|{{lr}|{units}{degree}", "lr"},
};

START_TEST(what_no_argument_names_is_listed)
{
    json_auto_t *active = json_loads("{\"lr\": 1, \"units\": 2}", 0, NULL);
    json_auto_t *inactive = json_loads("[\"degree\"]", 0, NULL);
    struct expand_study study = {.active = active, .inactive = inactive};
    OWN(argv_list) struct argv_list argv = {0};
    OWN(buf) struct buf list;

    buf_init(&list, 100);
    split(passed[_i].command, &argv);
    ck_assert_int_eq(expand_list_unnamed(argv.items, &study, &list), passed[_i].unnamed[0] != '\0');
    ck_assert_str_eq(buf_text(&list), passed[_i].unnamed);
}
END_TEST

START_TEST(a_parameter_stands_before_a_word_of_ours)
{
    json_auto_t *object = json_loads("{\"seed\": 5}", 0, NULL);
    struct expand_values values = {.parameters = object, .checkpoint = "", .seed = 77};
    char *argv[] = {(char[]){"p"}, (char[]){"{seed}"}, (char[]){"{resource.to}"}, NULL};
    OWN(argv_list) struct argv_list out = {0};
    char dropped[EXPAND_NAME_BYTES];
    struct err err;

    ck_assert_int_eq(expand_argv(argv, &values, &out, dropped, &err), 0);
    ck_assert_uint_eq(out.n, 2);
    ck_assert_str_eq(out.items[1], "5");
    ck_assert_str_eq(dropped, "resource.to"); /* a study without resource */
}
END_TEST

START_TEST(a_value_that_is_no_string_is_compact_json)
{
    json_auto_t *object = json_loads("{\"net\": [64, {\"a\": \"b c\"}], \"none\": null, "
                                     "\"text\": \"[1]\", \"big\": 9223372036854775807}",
                                     0, NULL);
    struct expand_values values = {.parameters = object, .checkpoint = ""};
    char *argv[] = {(char[]){"p"},        (char[]){"{net}"}, (char[]){"{none}"},
                    (char[]){"x={text}"}, (char[]){"{big}"}, NULL};
    OWN(argv_list) struct argv_list out = {0};
    char dropped[EXPAND_NAME_BYTES];
    struct err err;

    ck_assert_int_eq(expand_argv(argv, &values, &out, dropped, &err), 0);
    ck_assert_str_eq(out.items[1], "[64,{\"a\":\"b c\"}]");
    ck_assert_str_eq(out.items[2], "null");
    ck_assert_str_eq(out.items[3], "x=[1]");
    ck_assert_str_eq(out.items[4], "9223372036854775807");
}
END_TEST

/* What Hydra reads as the value, as its own parser was seen to. */
static const struct {
    const char *value, *text; /* NULL: refused */
} overrides[] = {
    {"null", "null"},
    {"true", "true"},
    {"9223372036854775807", "9223372036854775807"},
    {"\"adam\"", "adam"},
    {"\"\"", "''"},
    {"\"Null\"", "'Null'"},
    {"\"nan\"", "'nan'"},
    {"\"1e5\"", "'1e5'"},
    {"\"a,b\"", "'a,b'"},
    {"\"it's\"", "'it\\'s'"},
    {"\"c:\\\\d\\\\\"", "'c:\\d\\\\'"},
    {"\"${oc.env:X}\"", "'\\${oc.env:X}'"},
    {"\"\\\\${x}\"", "'\\\\\\${x}'"},
    {"[64, \"a\", null, [true]]", "[64,'a',null,[true]]"},
    {"{\"a\": {\"b-c\": 0.5}}", "{a:{b-c:0.5}}"},
    {"[]", "[]"},
    {"{\"a b\": 1}", NULL},
    {"[{\"1\": 1}]", NULL},
    {"{\"true\": 1}", NULL},
};

START_TEST(a_value_is_written_as_hydra_reads_it)
{
    json_auto_t *value = json_loads(overrides[_i].value, JSON_DECODE_ANY, NULL);
    OWN(buf) struct buf text;
    struct err err = {0};

    buf_init(&text, 1000);
    int rc = override_append("p", value, &text, &err);
    if (overrides[_i].text == NULL) {
        ck_assert_int_eq(err.code, ERR_INVALID);
    } else {
        ck_assert_msg(rc == 0, "%s", err.text);
        ck_assert_str_eq(buf_text(&text) + 2, overrides[_i].text);
    }
}
END_TEST

static const struct {
    const char *name;
    bool is_taken;
} keys[] = {{"lr", true},     {"model.lr-2", true}, {"a.0.b", true},   {"db/mysql", true},
            {"_x", true},     {"", false},          {"1a", false},     {"a b", false},
            {"a/b.c", false}, {"a.", false},        {".a", false},     {"a//b", false},
            {"a=b", false},   {"a@b", false},       {"\u00e9", false}, {"a/0", false}};

START_TEST(a_name_is_one_that_hydra_takes)
{
    struct err err = {0};

    ck_assert_int_eq(override_check_name(keys[_i].name, &err), keys[_i].is_taken ? 0 : -1);
}
END_TEST

static const char *const wrong[] = {"",     "{lr}",   "p|{",    "p|{lr",
                                    "p|{}", "p|{ l}", "p|{1 }", "p|a{{b{c\td}"};

START_TEST(what_is_no_placeholder_is_refused)
{
    OWN(argv_list) struct argv_list argv = {0};
    struct err err = {0};

    split(wrong[_i], &argv);
    ck_assert_int_eq(expand_check(argv.items, &err), -1);
    ck_assert_int_eq(err.code, ERR_INVALID);
}
END_TEST

/* A study with the parameters lr (active) and degree (not), and what is said about a command: ""
 * when it will do, "p" before it when it names a parameter. */
static const struct {
    const char *command;
    bool has_resource, may_add;
    const char *said;
} checks[] = {
    {"p|{lr}|{degree}", false, false, "p"},
    {"p|--x={lr}/{seed}", false, false, "p"},
    {"p|{seed}|{trial}|{attempt}|{checkpoint}", false, false, ""},
    {"p|{{ld}|x", false, false, ""},
    {"p", false, false, ""},
    {"p|{resource.from}|{resource.to}", true, false, ""},
    {"p|{lr}|{resource.from}", false, false,
     "the command names {resource.from}, but the study has no resource; leave it out"},
    {"p|{resource.to}", false, true,
     "the command names {resource.to}, but the study has no resource; add --resource "
     "NAME=MIN..MAX, or leave it out"},
    {"p|{resource.too}", true, false,
     "the command names {resource.too}, which is no parameter; the study has lr, degree; write "
     "{{ for a brace"},
    {"p|{learning_rate}", false, false,
     "the command names {learning_rate}, which is no parameter; the study has lr, degree; write "
     "{{ for a brace"},
    {"p|{learning_rate}", false, true,
     "the command names {learning_rate}, which is no parameter; add -P learning_rate=DOMAIN, or "
     "write {{ for a brace"},
    {"awk|{print $1}", false, true,
     "the command has {print $1} in it, and that is no parameter; where braces are meant as they "
     "are, write {{ and }}"},
    {"p|{lr}|a{lt}b", false, true,
     "the command names {lt}, which is no parameter; did you mean {lr}?"},
    {"p|{{{{{lr}{degre}", false, false,
     "the command names {degre}, which is no parameter; did you mean {degree}?"},
    {"p|{args}|{args.hydra}|x{args.json}y", false, false, ""},
    {"p|{params.json}|x{params.yaml}", false, false, ""},
    {"p|{\"lr\"}|{\"degree\"}", false, false, "p"},
    {"p|{\"a}b\"}", false, true,
     "the command names {\"a}b\"}, which is no parameter; add -P a}b=DOMAIN, or write {{ for a "
     "brace"},
    {"p|{\"ld\": 1}", false, false,
     "the command has {\"ld\": 1} in it, and that is no parameter; where braces are meant as they "
     "are, write {{ and }}"},
    {"p|--all={args}", false, false,
     "\"--all={args}\": {args} and {args.hydra} stand for several arguments, so each must be an "
     "argument of its own; {args.json} is one text"},
    {"p|{{x{args}", false, false,
     "\"{{x{args}\": {args} and {args.hydra} stand for several arguments, so each must be an "
     "argument "
     "of its own; {args.json} is one text"},
    {"p|{args.hydra}}}", false, true,
     "\"{args.hydra}}}\": {args} and {args.hydra} stand for several arguments, so each must be an "
     "argument of its own; {args.json} is one text"},
};

START_TEST(a_command_names_what_its_study_has)
{
    json_auto_t *active = json_loads("{\"lr\": 1}", 0, NULL);
    json_auto_t *inactive = json_loads("[\"degree\"]", 0, NULL);
    struct expand_study study = {.active = active,
                                 .inactive = inactive,
                                 .has_resource = checks[_i].has_resource,
                                 .may_add = checks[_i].may_add};
    OWN(argv_list) struct argv_list argv = {0};
    struct expand_found found;
    struct err err = {0};

    split(checks[_i].command, &argv);
    int rc = expand_check_names(argv.items, &study, &found, &err);
    ck_assert_str_eq(rc != 0 ? err.text : found.names_parameter ? "p" : "", checks[_i].said);
    ck_assert_int_eq(err.code, rc == 0 ? ERR_NONE : ERR_INVALID);
    ck_assert_str_eq(found.unchecked, "");
}
END_TEST

START_TEST(without_the_other_names_nothing_is_refused)
{
    json_auto_t *active = json_loads("{\"lr\": 1}", 0, NULL);
    struct expand_study study = {.active = active};
    OWN(argv_list) struct argv_list argv = {0};
    struct expand_found found;
    struct err err = {0};

    split("p|{lr}|{degree}|{seed}", &argv);
    ck_assert_int_eq(expand_check_names(argv.items, &study, &found, &err), 0);
    ck_assert(found.names_parameter);
    ck_assert_str_eq(found.unchecked, "degree");
}
END_TEST

/* Read back by PyYAML in tests/e2e/test_worker_refuses.py. */
static const struct {
    const char *json, *yaml;
} yamls[] = {
    {"{}", "{}\n"},
    {"{\"lr\": 1e-05, \"n\": 16, \"big\": 9223372036854775807}",
     "\"lr\": 1.0e-05\n\"n\": 16\n\"big\": 9223372036854775807\n"},
    {"{\"a b\": [1e+20, 2.5e-07, {\"1e-5\": -1e-09}], \"t\": \"1e-05\", \"q\": \"\\\"1e5\\\\\"}",
     "\"a b\": [1.0e+20,2.5e-07,{\"1e-5\":-1.0e-09}]\n\"t\": \"1e-05\"\n"
     "\"q\": \"\\\"1e5\\\\\"\n"},
    {"{\"x\": null, \"y\": true, \"z\": \"\\u0085\\u2028\\u007fa\\u00e9\"}",
     "\"x\": null\n\"y\": true\n\"z\": \"\\u0085\\u2028\\u007fa\xc3\xa9\"\n"},
};

START_TEST(parameters_are_written_as_yaml)
{
    json_auto_t *object = json_loads(yamls[_i].json, 0, NULL);
    OWN(buf) struct buf out;

    ck_assert_ptr_nonnull(object);
    buf_init(&out, 1000);
    params_file_append_yaml(&out, object);
    ck_assert_str_eq(buf_text(&out), yamls[_i].yaml);
}
END_TEST

START_TEST(an_argument_has_a_greatest_length)
{
    json_auto_t *object = json_object();
    struct expand_values values = {.parameters = object, .checkpoint = ""};
    char *text = calloc(1, 200001);
    char *argv[] = {(char[]){"p"}, (char[]){"{a}{a}"}, NULL};
    OWN(argv_list) struct argv_list out = {0};
    char dropped[EXPAND_NAME_BYTES];
    struct err err;

    memset(text, 'x', 100000);
    json_object_set_new(object, "a", json_string(text));
    ck_assert_int_eq(expand_argv(argv, &values, &out, dropped, &err), -1);
    ck_assert_int_eq(err.code, ERR_TOO_LARGE);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("expand");
    TCase *tcase = tcase_create("expand");

    tcase_add_loop_test(tcase, arguments_take_the_values_of_a_trial, 0,
                        (int)(sizeof cases / sizeof cases[0]));
    tcase_add_test(tcase, a_value_that_is_no_string_is_compact_json);
    tcase_add_test(tcase, an_inactive_parameter_stands_before_a_word_of_ours);
    tcase_add_test(tcase, a_parameter_that_hydra_cannot_take_is_refused);
    tcase_add_loop_test(tcase, what_no_argument_names_is_listed, 0,
                        (int)(sizeof passed / sizeof passed[0]));
    tcase_add_loop_test(tcase, a_value_is_written_as_hydra_reads_it, 0,
                        (int)(sizeof overrides / sizeof overrides[0]));
    tcase_add_loop_test(tcase, a_name_is_one_that_hydra_takes, 0,
                        (int)(sizeof keys / sizeof keys[0]));
    tcase_add_test(tcase, a_parameter_stands_before_a_word_of_ours);
    tcase_add_loop_test(tcase, what_is_no_placeholder_is_refused, 0,
                        (int)(sizeof wrong / sizeof wrong[0]));
    tcase_add_loop_test(tcase, a_command_names_what_its_study_has, 0,
                        (int)(sizeof checks / sizeof checks[0]));
    tcase_add_test(tcase, without_the_other_names_nothing_is_refused);
    tcase_add_loop_test(tcase, parameters_are_written_as_yaml, 0,
                        (int)(sizeof yamls / sizeof yamls[0]));
    tcase_add_test(tcase, an_argument_has_a_greatest_length);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
