#include "tests/support/allocation.h"

#include <check.h>
#include <jansson.h>
#include <malloc.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUT_MAX (1 << 20)

static struct {
    size_t n;  /* allocations since allocation_fail_at() */
    size_t at; /* which of them fails; 0: none */
    bool onwards;
    bool has_failed;
    long live;
    long live_in_sqlite;
} state;

void allocation_fail_at(size_t k, bool onwards)
{
    state.n = 0;
    state.at = k;
    state.onwards = onwards;
    state.has_failed = false;
}

void allocation_stop(void)
{
    state.at = 0;
}

bool allocation_has_failed(void)
{
    return state.has_failed;
}

long allocation_live(void)
{
    return state.live + state.live_in_sqlite;
}

long allocation_live_own(void)
{
    return state.live;
}

static bool must_fail(void)
{
    state.n++;
    if (state.at == 0 || state.n < state.at || (state.n > state.at && !state.onwards)) {
        return false;
    }
    state.has_failed = true;
    return true;
}

static void *counted(void *block)
{
    state.live += block != NULL;
    return block;
}

/* ---- what the linker puts in the place of the functions of libc (--wrap) ---- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *block);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t n);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *block);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t n);
int __wrap_asprintf(char **text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void *__wrap_malloc(size_t size)
{
    return must_fail() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return must_fail() ? NULL : counted(__real_calloc(n, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    if (must_fail()) {
        return NULL;
    }
    void *moved = __real_realloc(block, size);
    return block == NULL ? counted(moved) : moved;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return must_fail() ? NULL : counted(__real_aligned_alloc(alignment, size));
}

void __wrap_free(void *block)
{
    state.live -= block != NULL;
    __real_free(block);
}

char *__wrap_strdup(const char *text)
{
    return must_fail() ? NULL : counted(__real_strdup(text));
}

char *__wrap_strndup(const char *text, size_t n)
{
    return must_fail() ? NULL : counted(__real_strndup(text, n));
}

int __wrap_asprintf(char **text, const char *fmt, ...)
{
    va_list args;

    if (must_fail()) {
        return -1;
    }
    va_start(args, fmt);
    int len = vasprintf(text, fmt, args);
    va_end(args);
    state.live += len >= 0;
    return len;
}

/* ---- SQLite ---- */

static void *sqlite_malloc(int size)
{
    void *block = must_fail() ? NULL : __real_malloc((size_t)size);

    state.live_in_sqlite += block != NULL;
    return block;
}

static void sqlite_free(void *block)
{
    state.live_in_sqlite -= block != NULL;
    __real_free(block);
}

/* Never of nothing: SQLite calls malloc() and free() then. */
static void *sqlite_realloc(void *block, int size)
{
    return must_fail() ? NULL : __real_realloc(block, (size_t)size);
}

static int sqlite_size(void *block)
{
    return (int)malloc_usable_size(block);
}

static int sqlite_roundup(int size)
{
    return (size + 7) & ~7;
}

static int sqlite_init(void *context)
{
    (void)context;
    return SQLITE_OK;
}

static void sqlite_shutdown(void *context)
{
    (void)context;
}

void allocation_start(void)
{
    static sqlite3_mem_methods methods = {
        .xMalloc = sqlite_malloc,
        .xFree = sqlite_free,
        .xRealloc = sqlite_realloc,
        .xSize = sqlite_size,
        .xRoundup = sqlite_roundup,
        .xInit = sqlite_init,
        .xShutdown = sqlite_shutdown,
    };

    json_set_alloc_funcs(__wrap_malloc, __wrap_free);
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK) {
        abort();
    }
}

/* ---- every k ---- */

static struct buf empty_out(void)
{
    struct buf out;

    buf_init(&out, OUT_MAX);
    for (size_t i = 0; i < OUT_MAX; i++) {
        buf_putc(&out, ' '); /* so that it never has to allocate again */
    }
    buf_clear(&out);
    return out;
}

struct trial_of_k {
    const char *name;
    int (*run)(struct buf *out, struct err *err);
    const char *expected;
    struct buf *out;
};

/* Whether the k-th allocation exists. */
static bool fail_one(const struct trial_of_k *trial, size_t k, bool onwards)
{
    struct err err = {0};
    long live = allocation_live_own();

    buf_clear(trial->out);
    allocation_fail_at(k, onwards);
    int result = trial->run(trial->out, &err);
    bool has_failed = allocation_has_failed();
    allocation_stop();
    ck_assert_msg(allocation_live_own() == live, "%s, allocation %zu%s: %ld blocks were lost",
                  trial->name, k, onwards ? " and on" : "", allocation_live_own() - live);
    if (result == 0) {
        const char *got = buf_text(trial->out);
        size_t same = 0;
        while (got[same] != '\0' && got[same] == trial->expected[same]) {
            same++;
        }
        ck_assert_msg(got[same] == trial->expected[same],
                      "%s, allocation %zu%s: succeeded with another result\n%.300s\n-- instead of\n"
                      "%.300s",
                      trial->name, k, onwards ? " and on" : "", got + same, trial->expected + same);
    } else {
        ck_assert_msg(result == -1 && has_failed && err.code == ERR_NOMEM,
                      "%s, allocation %zu%s: returned %d, %s: %s", trial->name, k,
                      onwards ? " and on" : "", result, err_code_name(err.code), err.text);
    }
    return has_failed;
}

size_t allocation_fail_each(const char *name, int (*run)(struct buf *out, struct err *err))
{
    struct buf out = empty_out();
    struct err err = {0};
    struct trial_of_k trial = {.name = name, .run = run, .out = &out};

    ck_assert_msg(run(&out, &err) == 0, "%s: %s", name, err.text); /* fills the caches */
    buf_clear(&out);
    ck_assert_msg(run(&out, &err) == 0, "%s: %s", name, err.text);
    char *expected = strdup(buf_text(&out));
    ck_assert_ptr_nonnull(expected);
    trial.expected = expected;
    size_t k = 1;
    while (fail_one(&trial, k, false)) {
        (void)fail_one(&trial, k, true);
        (void)fail_one(&trial, 0, false);
        k++;
    }
    free(expected);
    buf_finish(&out);
    return k - 1;
}
