#include "worker/cli/wording.h"

#include <stdio.h>
#include <string.h>

#include "common/buf.h"

/* A phrase of the server, and what is said here instead. */
static const struct {
    const char *server, *here;
} phrases[] = {
    {"GET /v1/studies lists them", "'hone study list' lists them"},
    {"GET /v1/workers lists those that have", "'hone workers' lists those that have"},
    {"GET /openapi.json lists all there are", "the server may be older than this program"},
    {"; use the id that POST /v1/leases answered", ""},
    {"ask for one of them: ?metric=", "ask for one of them: --metric "},
    {"delete it with ?force=true", "delete it with --force"},
    {"(?force=true, hone token revoke --force)", "(--force)"},
    {": send \"Authorization: Bearer hp_…\"", ""},
    {"{\"name\": \"epochs\", \"min\": 1, \"max\": 81}", "--resource epochs=1..81"},
    {"raise the limit that ended it, in the same PATCH or before",
     "raise the limit that ended it first: 'hone study set NAME --trials N'"},
    {"PATCH it with \"enqueue\" to add configurations",
     "'hone study set NAME --enqueue' adds some"},
    {"say [{\"metric\": \"loss\", \"direction\": \"minimize\"}]",
     "say --minimize loss or --maximize accuracy"},
};

void wording_replace(struct err *err, const char *from, const char *to)
{
    OWN(buf) struct buf text = {0};
    const char *at = err->text;
    const char *next;

    if (strstr(at, from) == NULL) {
        return;
    }
    buf_init(&text, 4 * sizeof err->text);
    for (; (next = strstr(at, from)) != NULL; at = next + strlen(from)) {
        buf_append(&text, at, (size_t)(next - at));
        buf_puts(&text, to);
    }
    buf_puts(&text, at);
    char where[sizeof err->where];
    memcpy(where, err->where, sizeof where);
    (void)err_set(err, err->code, "%s", buf_text(&text));
    memcpy(err->where, where, sizeof where);
}

void wording_apply(struct err *err)
{
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++) {
        wording_replace(err, phrases[i].server, phrases[i].here);
    }
}
