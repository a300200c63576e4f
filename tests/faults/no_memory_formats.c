/* Every allocation of the formats fails once: an answer as rows of each format, drawn, explained.
 */
#include <check.h>
#include <stdlib.h>

#include "common/brackets_text.h"
#include "common/explain_text.h"
#include "common/json.h"
#include "common/wrap.h"
#include "server/api/representation.h"
#include "tests/support/allocation.h"
#include "tests/support/run_suite.h"

#define TEXT_MAX (1 << 16)

static json_t *answer; /* made before anything fails */

static const char text[] =
    "{\"name\": \"a\", \"counts\": {\"done\": 12}, \"rate\": 0.125, \"words\": [\"x\", \"y\"],"
    " \"parameters\": {\"lr\": 0.1, \"kind\": \"it's\", \"digit\": \"1\", \"list\": [1, {\"k\": "
    "2}]},"
    " \"trial\": 3, \"state\": \"failed\", \"source\": \"suggested\", \"notes\": [{\"attempt\": 1,"
    " \"state\": \"failed\", \"text\": \"one\\ntwo\"}], \"suggestion\": {\"best\": {\"x\": 1}},"
    " \"schedule\": {\"bracket\": 0, \"rung\": 1, \"text\": \"is out\", \"history\": [{\"at\":"
    " \"2026-11-24T22:32:37.123Z\", \"event\": \"lose\", \"step\": 3, \"text\": \"others won\"}]},"
    " \"study\": \"s\", \"resource\": \"epochs\", \"trained\": 3, \"full_training\": 9,"
    " \"brackets\": [{\"bracket\": 0, \"state\": \"open\", \"next\": \"waits\", \"rungs\": [{"
    "  \"resource\": 1, \"size\": 3, \"entered\": 3, \"running\": 1, \"waits_for\": [{\"trial\": 2,"
    "  \"seconds\": 40, \"worker\": \"w\"}], \"entries\": [{\"trial\": 1, \"value\": 0.5}]}]}]}";

static const struct representation_column columns[] = {
    {.key = "name"},
    {.object = "counts", .key = "done"},
    {.key = "rate", .is_right = true},
    {.key = "words"},
    {.object = "parameters", .key = "lr", .is_parameter = true},
    {.object = "parameters", .key = "kind", .is_parameter = true},
    {.object = "parameters", .key = "digit", .is_parameter = true},
    {0}};
static const struct representation representation = {.columns = columns, .is_one = true};

static int run_format(enum format format, const char *cols, struct buf *out, struct err *err)
{
    const struct representation_query query = {.cols = cols};
    OWN(buf) struct buf page = {.max = TEXT_MAX};

    TRY(representation_write(&representation, format, &query, NULL, answer, &page, err));
    TRY(buf_check(&page, err));
    buf_append(out, page.data, page.len);
    return 0;
}

static int run_representations(struct buf *out, struct err *err)
{
    static const enum format formats[] = {FORMAT_CSV, FORMAT_TABLE, FORMAT_TEXT,
                                          FORMAT_SH,  FORMAT_HYDRA, FORMAT_NDJSON};

    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        TRY(run_format(formats[i], NULL, out, err));
    }
    return run_format(FORMAT_CSV, "parameters.lr,name", out, err);
}

static int run_pages(struct buf *out, struct err *err)
{
    const struct brackets_look look = {.all = true, .ascii = true, .width = 60};
    OWN(buf) struct buf page = {.max = TEXT_MAX};
    OWN(buf) struct buf wrapped = {.max = TEXT_MAX};

    brackets_draw(answer, &look, &page);
    explain_write(answer, text_utc, &page);
    TRY(buf_check(&page, err));
    wrap_page(&wrapped, buf_text(&page), 40);
    TRY(buf_check(&wrapped, err));
    buf_append(out, wrapped.data, wrapped.len);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(struct buf *out, struct err *err);
    size_t least; /* allocations that it makes at least: the shim is in force */
} operations[] = {{"representations", run_representations, 30}, {"pages", run_pages, 10}};

START_TEST(failed_allocation_is_an_error_and_changes_nothing)
{
    size_t n = allocation_fail_each(operations[_i].name, operations[_i].run);

    ck_assert_msg(n >= operations[_i].least, "%s: only %zu allocations", operations[_i].name, n);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("no_memory_formats");
    TCase *tcase = tcase_create("every allocation");

    allocation_start();
    json_start();
    answer = json_loads(text, 0, NULL);
    if (answer == NULL) {
        return EXIT_FAILURE;
    }
    tcase_add_loop_test(tcase, failed_allocation_is_an_error_and_changes_nothing, 0,
                        (int)(sizeof operations / sizeof operations[0]));
    suite_add_tcase(suite, tcase);
    int status = run_suite(suite);
    json_decref(answer);
    return status;
}
