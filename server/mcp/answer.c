#include "server/mcp/answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/mcp/text.h"

#define REST_BYTES 64 /* of the line that says how many lines are left out, without tool->rest */

/* ---- answers to messages ---- */

static void begin_answer(struct call *call)
{
    if (call->n_answers++ > 0) {
        buf_putc(&call->answers, ',');
    }
}

static void add_fault(struct call *call, const struct rpc_fault *fault)
{
    struct json_writer w;

    begin_answer(call);
    json_writer_init(&w, &call->answers);
    response_write_fault(&w, call->message.id, fault, revision_names);
}

/* The revision that came without sessions says by the status what became of a request. */
static int status_of(enum rpc_code code, enum revision revision)
{
    bool is_answer =
        code == RPC_METHOD_NOT_FOUND || code == RPC_INVALID_PARAMS || code == RPC_INTERNAL_ERROR;

    if (is_answer && !revision_is_stateless(revision)) {
        return 200;
    }
    return code == RPC_METHOD_NOT_FOUND ? 404 : code == RPC_INTERNAL_ERROR ? 500 : 400;
}

void answer_fault(struct call *call, const struct rpc_fault *fault)
{
    call->status = call->is_batch ? 200 : status_of(fault->code, call->revision);
    add_fault(call, fault);
}

void answer_write_server(struct json_writer *w)
{
    json_object_begin(w);
    json_put_string(w, "name", "honed");
    json_put_string(w, "title", "Hone");
    json_put_string(w, "version", HONE_VERSION);
    json_object_end(w);
}

/* Opens a result with what every one has. */
void answer_begin(struct call *call, struct json_writer *w)
{
    begin_answer(call);
    json_writer_init(w, &call->answers);
    response_begin(w, call->message.id);
    json_write_key(w, "result");
    json_object_begin(w);
    if (revision_is_stateless(call->revision)) {
        json_put_string(w, "resultType", "complete");
        json_write_key(w, "_meta");
        json_object_begin(w);
        json_write_key(w, "io.modelcontextprotocol/serverInfo");
        answer_write_server(w);
        json_object_end(w);
    }
}

void answer_end(struct json_writer *w)
{
    json_object_end(w);
    json_object_end(w);
}

/* How long a client may keep a list: a newer server may have other tools. */
void answer_write_cache(struct json_writer *w, const char *scope)
{
    json_put_int(w, "ttlMs", 300000);
    json_put_string(w, "cacheScope", scope);
}

/* ---- what a tool answers ---- */

static void end_tool(struct call *call, const struct buf *text, bool is_error)
{
    struct json_writer w;

    buf_check_part(&call->answers, text); /* half an answer is none */
    answer_begin(call, &w);
    json_write_key(&w, "content");
    json_array_begin(&w);
    json_object_begin(&w);
    json_put_string(&w, "type", "text");
    json_put_string(&w, "text", buf_text(text));
    json_object_end(&w);
    json_array_end(&w);
    json_put_bool(&w, "isError", is_error);
    answer_end(&w);
    call->at++;
    call_proceed(call);
}

static size_t room(size_t used)
{
    return used < TEXT_BYTES_MAX ? TEXT_BYTES_MAX - used : 0;
}

/* How many lines of an answer have been seen already. */
static size_t skipped(const struct call *call)
{
    json_int_t n = json_integer_value(json_object_get(call->arguments, "skip"));

    return n > 0 ? (size_t)n : 0;
}

static void add_rest(const struct call *call, size_t shown, size_t n, struct buf *text)
{
    const struct tool *tool = call->tool;

    if (n == 0) {
        return;
    }
    buf_printf(text, "… %zu %s left out", n, n == 1 ? "line" : "lines");
    if (tool->rest != NULL) {
        buf_printf(text, ": %s\n", tool->rest);
    } else {
        buf_printf(text, "; the %s ones: skip=%zu\n",
                   tool->end == TEXT_KEEPS_END ? "earlier" : "next", skipped(call) + shown);
    }
}

static size_t count_lines(const struct buf *text)
{
    size_t n = 0;

    for (size_t i = 0; i < text->len; i++) {
        n += text->data[i] == '\n' ? 1 : 0;
    }
    return n;
}

void answer_show(struct call *call, const char *data, size_t len)
{
    size_t words = call->head.len + call->foot.len + REST_BYTES
                   + (call->tool->rest == NULL ? 0 : strlen(call->tool->rest));
    OWN(buf) struct buf lines;
    OWN(buf) struct buf text;

    buf_init(&lines, (size_t)2 * TEXT_BYTES_MAX);
    buf_init(&text, (size_t)4 * TEXT_BYTES_MAX);
    text_skip(&data, &len, skipped(call), call->tool->end);
    size_t left_out = text_add_data(&lines, data, len, room(words), call->tool->end);
    size_t shown = count_lines(&lines);
    buf_append(&text, buf_text(&call->head), call->head.len);
    if (call->tool->end == TEXT_KEEPS_END) {
        add_rest(call, shown, left_out, &text);
    }
    buf_append(&text, buf_text(&lines), lines.len);
    if (call->tool->end != TEXT_KEEPS_END) {
        add_rest(call, shown, left_out, &text);
    }
    buf_append(&text, buf_text(&call->foot), call->foot.len);
    buf_check_part(&text, &lines);
    buf_check_part(&text, &call->head);
    buf_check_part(&text, &call->foot);
    if (text.len == 0) {
        buf_puts(&text, skipped(call) > 0 ? "there is no more\n" : "there is nothing yet\n");
    }
    end_tool(call, &text, false);
}

void answer_decline(struct call *call, const char *fmt, ...)
{
    char sentence[1024];
    va_list args;
    OWN(buf) struct buf text;

    va_start(args, fmt);
    (void)vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    buf_init(&text, TEXT_BYTES_MAX);
    text_add_sentence(&text, sentence, TEXT_BYTES_MAX);
    end_tool(call, &text, true);
}

const char *answer_header(const struct http_response *response, const char *name)
{
    for (size_t i = 0; i < response->n_headers; i++) {
        if (strcmp(response->headers[i].name, name) == 0) {
            return response->headers[i].value;
        }
    }
    return NULL;
}

/* Appends each fault as a line of data: it may quote what a study holds. */
static size_t add_faults(const struct call *call, const json_t *faults, struct buf *text)
{
    const char *below = call->tool->faults_at == NULL ? "" : call->tool->faults_at;
    OWN(buf) struct buf lines;
    const json_t *fault;
    size_t i;

    buf_init(&lines, (size_t)1 << 18);
    json_array_foreach (json_unconst(faults), i, fault) {
        const char *pointer = json_string_value(json_object_get(fault, "pointer"));
        const char *detail = json_string_value(json_object_get(fault, "detail"));
        buf_printf(&lines, "%s%s: %s\n", below, pointer == NULL ? "" : pointer,
                   detail == NULL ? "" : detail);
    }
    buf_check_part(text, &lines);
    return text_add_data(text, buf_text(&lines), lines.len, room(text->len + REST_BYTES),
                         TEXT_KEEPS_BEGIN);
}

/* The sentence of "honed: 404 not-found: there is no study", as which a refusal is text. */
static const char *after_label(const char *line)
{
    const char *label = strncmp(line, "honed: ", 7) == 0 ? strchr(line + 7, ':') : NULL;

    return label == NULL ? line : label + 1 + strspn(label + 1, " ");
}

/* A refusal of a route: the server's sentence, or every fault of the arguments. */
static void write_problem(const struct call *call, const struct http_response *response,
                          struct buf *text)
{
    bool is_json = response->content_type != NULL && strstr(response->content_type, "json") != NULL;
    json_auto_t *problem = NULL;
    struct err err;

    if (!is_json || json_parse_own(buf_text(&response->body), &problem, &err) != 0) {
        text_add_sentence(text, after_label(buf_text(&response->body)), 1000);
        return;
    }
    const json_t *faults = json_object_get(problem, "errors");
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    if (json_array_size(faults) == 0) {
        text_add_sentence(text, detail == NULL ? "the server refused this" : detail, 1000);
        return;
    }
    buf_printf(text, "the arguments of %s are not taken as they stand:\n", call->tool->name);
    size_t left_out = add_faults(call, faults, text);
    if (left_out > 0) {
        buf_printf(text, "… and %zu more\n", left_out);
    }
}

void answer_show_problem(struct call *call, const struct http_response *response)
{
    const char *again = answer_header(response, "Retry-After");
    OWN(buf) struct buf text;

    buf_init(&text, (size_t)4 * TEXT_BYTES_MAX);
    write_problem(call, response, &text);
    if (again != NULL) {
        buf_printf(&text, "try again in %.8s s\n", again);
    }
    end_tool(call, &text, true);
}

void answer_show_faults(struct call *call, const struct faults *faults)
{
    OWN(buf) struct buf lines;
    OWN(buf) struct buf text;

    buf_init(&lines, (size_t)1 << 18);
    buf_init(&text, (size_t)4 * TEXT_BYTES_MAX);
    for (size_t i = 0; i < faults->n; i++) {
        buf_printf(&lines, "%s: %s\n", faults->items[i].pointer, faults->items[i].detail);
    }
    buf_printf(&text, "the arguments of %s are not taken as they stand:\n", call->tool->name);
    (void)text_add_data(&text, buf_text(&lines), lines.len, room(text.len), TEXT_KEEPS_BEGIN);
    end_tool(call, &text, true);
}
