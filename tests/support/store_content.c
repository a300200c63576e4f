#include "tests/support/store_content.h"

#include <check.h>

#include "tests/support/store_script.h"

#define CONTENT_BYTES_MAX (1 << 20)

int open_at(const char *directory, struct store **store, struct err *err)
{
    const struct store_settings settings = {.directory = directory};

    return store_open(&settings, store, err);
}

struct store *open_now(const char *directory)
{
    struct store *store = NULL;
    struct err err = {0};

    ck_assert_msg(open_at(directory, &store, &err) == 0, "%s", err.text);
    return store;
}

char *content_of(struct store *store)
{
    struct err err = {0};
    struct buf text;

    buf_init(&text, CONTENT_BYTES_MAX);
    ck_assert_msg(script_read(store, &text, &err) == 0, "%s", err.text);
    char *content = buf_steal(&text);
    ck_assert_ptr_nonnull(content);
    return content;
}
