#include "worker/cli/show/trials_csv.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "worker/cli/text.h"

#define PAGE_BYTES HTTP_ANSWER_BYTES

enum { PAGE_TRIALS = 1000 };

/* Without its titles where it is not the first. A title never has an end of line. */
static void print(const struct buf *page, bool is_first)
{
    const char *text = buf_text(page);
    const char *end = strchr(text, '\n');
    const char *from = is_first ? text : end == NULL ? "" : end + 1;

    if (isatty(STDOUT_FILENO) == 1) {
        text_print_page(stdout, from);
    } else {
        (void)fputs(from, stdout);
    }
}

int trials_print_csv(struct session *session, const char *path, struct err *err)
{
    OWN(buf) struct buf page = {0};

    buf_init(&page, PAGE_BYTES);
    TRY(session_page(session, "GET", path, NULL, &page, err));
    print(&page, true);
    return 0;
}

int trials_print_csv_pages(struct session *session, const char *path, int64_t limit,
                           struct err *err)
{
    char cursor[HTTP_CURSOR_BYTES] = "";

    for (bool is_first = true; is_first || (cursor[0] != '\0' && limit != 0); is_first = false) {
        OWN(buf) struct buf part = {0};
        OWN(buf) struct buf page = {0};
        int64_t n = limit >= 0 && limit < PAGE_TRIALS ? limit : PAGE_TRIALS;

        buf_init(&part, PATH_MAX);
        buf_init(&page, PAGE_BYTES);
        buf_printf(&part, "%s&limit=%" PRId64, path, n);
        TRY(buf_check(&part, err));
        TRY(session_next_page(session, buf_text(&part), cursor, &page, err));
        print(&page, is_first);
        limit -= limit > 0 ? n : 0;
    }
    return 0;
}

int trials_print_csv_one(struct session *session, const char *study, int64_t number,
                         struct err *err)
{
    OWN(buf) struct buf path = {0};

    (void)study_path(&path, study, "/trials/");
    buf_printf(&path, "%" PRId64 "?format=csv", number);
    TRY(buf_check(&path, err));
    return trials_print_csv(session, buf_text(&path), err);
}
