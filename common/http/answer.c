#include "common/http/answer.h"

#include <string.h>
#include <strings.h>

#include "common/json.h"

/* Of several faults in one error, so that the number of the others fits. */
#define FAULTS_BYTES 440

void http_answer_finish(struct http_answer *answer)
{
    buf_finish(&answer->body);
}

/* All faults, each with its place, as far as they fit into an error, and how many more there are.
 */
static void append_faults(struct buf *text, const json_t *faults)
{
    size_t n = json_array_size(faults);

    for (size_t i = 0; i < n; i++) {
        const json_t *fault = json_array_get(faults, i);
        const char *pointer = json_string_value(json_object_get(fault, "pointer"));
        const char *detail = json_string_value(json_object_get(fault, "detail"));
        size_t before = text->len;
        if ((pointer == NULL || pointer[0] == '\0') && (detail == NULL || detail[0] == '\0')) {
            continue;
        }
        buf_printf(text, "%s%s%s%s", text->len == 0 ? "" : "; ", pointer == NULL ? "" : pointer,
                   pointer == NULL || pointer[0] == '\0' ? "" : ": ", detail == NULL ? "" : detail);
        if (before > 0 && text->len > FAULTS_BYTES) {
            text->len = before;
            buf_printf(text, "; and %zu more", n - i);
            return;
        }
    }
}

/* The published code of a problem's `type`; ERR_NONE when it is none of ours. */
static enum err_code problem_code(const json_t *problem)
{
    static const char prefix[] = "/problems/";
    const char *type = json_string_value(json_object_get(problem, "type"));

    if (type == NULL || strncmp(type, prefix, sizeof prefix - 1) != 0) {
        return ERR_NONE;
    }
    enum err_code code = err_code_from_name(type + sizeof prefix - 1);
    return code <= ERR_STORAGE_FULL ? code : ERR_NONE;
}

/* Appends the sentence, if it is one, to a text that is still empty. */
static void append_if_none(struct buf *text, const char *sentence)
{
    if (text->len == 0 && sentence != NULL) {
        buf_puts(text, sentence);
    }
}

static int problem_to_err(const json_t *problem, enum err_code code, struct err *err)
{
    OWN(buf) struct buf text;

    buf_init(&text, HTTP_ANSWER_BYTES);
    append_faults(&text, json_object_get(problem, "errors")); /* the detail is the first of them */
    append_if_none(&text, json_string_value(json_object_get(problem, "detail")));
    append_if_none(&text, json_string_value(json_object_get(problem, "title")));
    append_if_none(&text, "the server refused");
    return err_set(err, code, "%s",
                   text.no_memory ? "the server refused, and memory is out for why"
                                  : buf_text(&text));
}

int http_answer_foreign(const struct http_answer *answer, struct err *err)
{
    return err_set(err, ERR_UNREACHABLE,
                   "the answer (status %d, %s) is not from a Hone server; a proxy, a login page or "
                   "another program answers at its address",
                   answer->status,
                   answer->content_type[0] == '\0' ? "of no type" : answer->content_type);
}

int http_answer_check(const struct http_answer *answer, struct err *err)
{
    static const char type[] = "application/problem+json";
    json_auto_t *problem = NULL;
    struct err why;

    if (answer->status >= 200 && answer->status < 300) {
        return 0;
    }
    if (strncasecmp(answer->content_type, type, sizeof type - 1) != 0) {
        return http_answer_foreign(answer, err);
    }
    if (json_parse(buf_text(&answer->body), answer->body.len, &json_limits_default, &problem, &why)
        != 0) {
        return why.code == ERR_NOMEM ? err_set(err, ERR_NOMEM, "%s", why.text)
                                     : http_answer_foreign(answer, err);
    }
    enum err_code code = problem_code(problem);
    const json_t *status = json_object_get(problem, "status");
    if (code == ERR_NONE || !json_is_integer(status)
        || json_integer_value(status) != answer->status) {
        return http_answer_foreign(answer, err);
    }
    return problem_to_err(problem, code, err);
}
