/* Tokens where memory is out, or a statement fails: the answer says so, no token was made, and the
 * next request is served. */
#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "server/api/list.h"
#include "server/api/tokens.h"
#include "tests/support/failing_statements.h"
#include "tests/support/run_suite.h"
#include "tests/unit/api_fixture.h"

#define TOKENS "/v1/tokens"
#define BODY "{\"name\": \"laptop\", \"scopes\": [\"read\"]}"

/* The next call of each fails; the linker puts them before the real ones (meson.build). */
static atomic_bool no_command, no_secret, no_list;
static atomic_bool has_command; /* the next block of that size is its secret */

struct command *__real_command_create(enum command_kind kind);
struct command *__wrap_command_create(enum command_kind kind);
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
int __real_item_list_begin(struct item_list *list, struct read_request *read, struct err *err);
int __wrap_item_list_begin(struct item_list *list, struct read_request *read, struct err *err);

struct command *__wrap_command_create(enum command_kind kind)
{
    if (atomic_exchange(&no_command, false)) {
        return NULL;
    }
    atomic_store(&has_command, kind == COMMAND_TOKEN_CREATE);
    return __real_command_create(kind);
}

void *__wrap_malloc(size_t size)
{
    return size == TOKEN_TEXT_BYTES && atomic_load(&has_command)
                   && atomic_exchange(&no_secret, false)
               ? NULL
               : __real_malloc(size);
}

int __wrap_item_list_begin(struct item_list *list, struct read_request *read, struct err *err)
{
    return atomic_exchange(&no_list, false) ? err_set(err, ERR_NOMEM, "out of memory")
                                            : __real_item_list_begin(list, read, err);
}

/* How many tokens there are, by the list. */
static size_t n_tokens(struct api_fixture *f)
{
    api_expect(f, 200, "GET", TOKENS, NULL);
    json_auto_t *list = api_json(f);

    return json_array_size(json_at(list, "items"));
}

static const struct {
    const char *method, *path, *body;
    atomic_bool *fails;
} refusals[] = {
    {"POST", TOKENS, BODY, &no_command},
    {"POST", TOKENS, BODY, &no_secret},
    {"DELETE", TOKENS "/abcdefgh", NULL, &no_command},
    {"GET", TOKENS, NULL, &no_list},
};

START_TEST(without_memory_it_is_said_and_nothing_changed)
{
    struct api_fixture f;

    api_fixture_start(&f);
    api_expect(&f, 201, "POST", TOKENS, BODY);
    atomic_store(refusals[_i].fails, true);
    api_expect(&f, 503, refusals[_i].method, refusals[_i].path, refusals[_i].body);
    ck_assert(!atomic_load(refusals[_i].fails));
    ck_assert_uint_eq(n_tokens(&f), 1);
    api_expect(&f, 201, "POST", TOKENS, BODY);
    ck_assert_uint_eq(n_tokens(&f), 2);
    api_fixture_stop(&f);
}
END_TEST

static const char *const reads[] = {TOKENS, "/v1/token"};

/* In memory: the reader's statements are the only ones meanwhile. */
START_TEST(a_list_that_cannot_be_read_is_no_shorter_list)
{
    struct api_fixture f;
    bool has_failed = true;
    size_t k = 1;

    api_fixture_start(&f);
    api_expect(&f, 201, "POST", TOKENS, BODY);
    for (; has_failed; k++) {
        statement_fail_at(k);
        int status = api_call(&f, "GET", reads[_i], NULL);
        has_failed = statement_has_failed();
        statement_fail_at(0);
        ck_assert_msg(has_failed ? status == 503 : status == 200, "statement %zu: %d", k, status);
        ck_assert_uint_eq(n_tokens(&f), 1);
    }
    ck_assert_uint_gt(k, 2);
    api_fixture_stop(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_tokens");
    TCase *tcase = tcase_create("tokens");

    tcase_add_loop_test(tcase, without_memory_it_is_said_and_nothing_changed, 0,
                        (int)(sizeof refusals / sizeof refusals[0]));
    tcase_add_loop_test(tcase, a_list_that_cannot_be_read_is_no_shorter_list, 0,
                        (int)(sizeof reads / sizeof reads[0]));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
