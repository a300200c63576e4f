#include "worker/cli/show/attempts.h"

#include "common/explain_text.h"
#include "worker/cli/text.h"

void attempt_print_note(FILE *out, const json_t *note, const char *text_key)
{
    OWN(buf) struct buf page = {0};

    buf_init(&page, 1 << 20);
    explain_write_note(note, text_key, &page);
    text_print_page(out, buf_text(&page));
}
