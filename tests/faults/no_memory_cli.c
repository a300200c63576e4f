/* Every allocation fails once while a study is read from arguments and from a file: the study is
 * whole, or memory is out; what was written is never blamed. */
#include <check.h>
#include <string.h>

#include "common/json.h"
#include "tests/support/allocation.h"
#include "tests/support/run_suite.h"
#include "worker/cli/define/params.h"
#include "worker/cli/define/yaml.h"

static const char *const parameters[] = {
    "lr=log:1e-5..1e-1",   "u=int:16..512:16",
    "g=log:1e-6..10/8",    "b=64,16,32",
    "k=rbf,'poly',3,true", "o=ordinal:s,m,l",
    "c=const:fast",        "f=bool",
    "n=normal:0,1",        "j={\"type\": \"float\", \"low\": 0, \"high\": 1}",
};

static const char file[] = "name: digits\n"
                           "maximize: accuracy\n"
                           "parameters:\n"
                           "  - {name: lr, type: float, low: 1e-5, high: 0.1, scale: log}\n"
                           "  - name: kernel\n"
                           "    choices: [rbf, 'poly', 3, true, null]\n";

static int write_value(json_t *value, struct buf *out)
{
    struct json_writer w;

    json_writer_init(&w, out);
    json_write_value(&w, value);
    json_decref(value);
    return 0;
}

static const char *argument;

static int run_parameter(struct buf *out, struct err *err)
{
    json_t *value = NULL;

    TRY(param_from_argument(argument, &value, err));
    return write_value(value, out);
}

static int run_choice(struct buf *out, struct err *err)
{
    json_t *value = NULL;

    TRY(choice_from_argument("hyperband,eta=3,search=tpe", "name", &value, err));
    return write_value(value, out);
}

static int run_resource(struct buf *out, struct err *err)
{
    json_t *value = NULL;

    TRY(resource_from_argument("epochs=1..81", &value, err));
    return write_value(value, out);
}

static int run_yaml(struct buf *out, struct err *err)
{
    json_t *value = NULL;

    TRY(yaml_to_json(file, strlen(file), &value, err));
    return write_value(value, out);
}

START_TEST(parameter_is_whole_or_memory_is_out)
{
    argument = parameters[_i];
    ck_assert_uint_gt(allocation_fail_each(argument, run_parameter), 3);
}
END_TEST

START_TEST(other_texts_are_whole_or_memory_is_out)
{
    ck_assert_uint_gt(allocation_fail_each("choice", run_choice), 5);
    ck_assert_uint_gt(allocation_fail_each("resource", run_resource), 5);
    ck_assert_uint_gt(allocation_fail_each("yaml", run_yaml), 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("no_memory_cli");
    TCase *tcase = tcase_create("every allocation");

    allocation_start();
    json_start();
    tcase_add_loop_test(tcase, parameter_is_whole_or_memory_is_out, 0,
                        (int)(sizeof parameters / sizeof parameters[0]));
    tcase_add_test(tcase, other_texts_are_whole_or_memory_is_out);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
