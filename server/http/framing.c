/* Where does this request end? MHD 0.9.75 takes the first of two Content-Lengths, prefers one of
 * CL and TE, ignores spaces before colons, joins continued lines, ends lines at a line feed alone,
 * values at a NUL and the head at a line without a name: enough for a proxy in front and us to
 * disagree, which is how requests are smuggled. Whatever is not plainly one request is answered 400
 * and closed.
 *
 * How the lines were written is seen by where their texts lie. MHD cuts the head into strings in
 * its buffer: a NUL replaces each space of the request line, each colon and each byte of a line
 * end. In a plain head every text therefore begins at a known distance behind the one before, and
 * all that MHD joins, skips or cuts leaves a gap. What is still taken for the empty line at the end
 * is a line of one colon or NUL with a line feed alone (":\n" after CRLF, ":\r\n" after LF): the
 * same number of bytes, all of them NUL by then.
 *
 * The lines between chunks MHD does not keep, so after a chunked body no further request is read on
 * the connection. */
#include "server/http/framing.h"

#include <string.h>
#include <strings.h>

struct head {
    unsigned hosts, lengths, encodings, expects;
    unsigned authorizations, if_matches, idempotency_keys;
    const char *encoding;
    const char *at; /* where the next name must begin; NULL: not known */
    const char *fault;
};

#define FAULT_LAYOUT                                                                               \
    "the head of the request must have one space between its three parts, whole lines that end "   \
    "with CR and LF, and no NUL"

static bool is_token_char(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
           || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(const char *text)
{
    const char *at = text;

    while (is_token_char((unsigned char)*at)) {
        at++;
    }
    return at > text && *at == '\0';
}

static bool is_clean_value(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool is_digits(const char *text)
{
    size_t len = strspn(text, "0123456789");

    return len > 0 && len < 19 && text[len] == '\0';
}

static void count(struct head *head, const char *name, const char *value)
{
    /* The first letter decides for nearly all headers. */
    switch (name[0] | 0x20) {
    case 'h':
        head->hosts += strcasecmp(name, "Host") == 0 ? 1 : 0;
        break;
    case 'c':
        if (strcasecmp(name, "Content-Length") == 0) {
            head->lengths++;
            head->fault = is_digits(value) ? head->fault : "the Content-Length is no number";
        }
        break;
    case 't':
        if (strcasecmp(name, "Transfer-Encoding") == 0) {
            head->encodings++;
            head->encoding = value;
        }
        break;
    case 'a':
        head->authorizations += strcasecmp(name, "Authorization") == 0 ? 1 : 0;
        break;
    case 'i':
        head->if_matches += strcasecmp(name, "If-Match") == 0 ? 1 : 0;
        head->idempotency_keys += strcasecmp(name, "Idempotency-Key") == 0 ? 1 : 0;
        break;
    default:
        break;
    }
}

/* From 0.9.77 on, MHD refuses such heads and chunks by itself (MHD_OPTION_STRICT_FOR_CLIENT), and
 * its buffer looks different. */
static bool library_is_lenient(void)
{
    return strcmp(MHD_get_version(), "0.9.77") < 0;
}

static bool is_line_end(const char *at)
{
    return at[0] == '\0' && at[1] == '\0';
}

static void check_request_line(struct head *head, const struct http_request *request,
                               const char *method, const char *version)
{
    const char *version_end = version + strlen(version);

    head->at = version_end + 2;
    if (method + strlen(method) + 1 != request->raw_target
        || request->raw_target + request->raw_target_len + 1 != version
        || !is_line_end(version_end)) {
        head->fault = FAULT_LAYOUT;
    }
}

static void check_line(struct head *head, const char *name, size_t name_len, const char *value,
                       size_t value_len)
{
    const char *blank = name + name_len + 1;

    if (name != head->at || value < blank || strspn(blank, " \t") < (size_t)(value - blank)
        || !is_line_end(value + value_len)) {
        head->fault = FAULT_LAYOUT;
    }
    head->at = value + value_len + 2;
}

static void check_end(struct head *head, const char *head_end)
{
    if (head->fault == NULL && (head->at + 2 != head_end || !is_line_end(head->at))) {
        head->fault = FAULT_LAYOUT;
    }
}

static enum MHD_Result visit(void *context, enum MHD_ValueKind kind, const char *name,
                             size_t name_len, const char *value, size_t value_len)
{
    struct head *head = context;

    (void)kind;
    if (head->at != NULL && name != NULL && value != NULL) {
        check_line(head, name, name_len, value, value_len);
    }
    if (head->fault != NULL) {
        return MHD_NO;
    }
    if (name == NULL || strlen(name) != name_len || !is_token(name)) {
        head->fault = "the name of a header contains characters that are not allowed";
    } else if (value != NULL && !is_clean_value(value, value_len)) {
        head->fault = "the value of a header contains control characters";
    } else {
        count(head, name, value == NULL ? "" : value);
    }
    return head->fault == NULL ? MHD_YES : MHD_NO;
}

static const char *find_fault(const struct head *head, const char *method)
{
    if (head->fault != NULL) {
        return head->fault;
    }
    if (head->hosts != 1) {
        return "there must be exactly one Host header";
    }
    if (head->lengths > 1) {
        return "there must be one Content-Length";
    }
    if (head->lengths > 0 && head->encodings > 0) {
        return "Content-Length and Transfer-Encoding exclude each other";
    }
    if (head->encodings > 1
        || (head->encodings == 1 && strcasecmp(head->encoding, "chunked") != 0)) {
        return "the only Transfer-Encoding taken is \"chunked\"";
    }
    if (head->authorizations > 1 || head->if_matches > 1 || head->idempotency_keys > 1) {
        return "Authorization, If-Match and Idempotency-Key may stand there once only";
    }
    return is_token(method) ? NULL : "the method is no word";
}

static bool takes_no_body(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0
           || strcmp(method, "DELETE") == 0;
}

static void check_head(struct http_request *request, const char *method, const char *version,
                       struct head *head)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    if (library_is_lenient() && info != NULL) {
        request->head_end = method + info->header_size;
        check_request_line(head, request, method, version);
    }
    (void)MHD_get_connection_values_n(request->mhd, MHD_HEADER_KIND, visit, head);
    if (request->head_end != NULL) {
        check_end(head, request->head_end);
    }
    request->is_chunked = head->encodings > 0;
}

int framing_check(struct http_request *request, const char *method, const char *version,
                  struct err *err)
{
    struct head head = {0};

    check_head(request, method, version, &head);
    const char *fault = find_fault(&head, method);
    if (fault != NULL) {
        return err_set(err, ERR_MALFORMED, "%s", fault);
    }
    if (head.encodings > 0 && strcmp(version, "HTTP/1.0") == 0) {
        return err_set(err, ERR_MALFORMED, "HTTP/1.0 has no Transfer-Encoding");
    }
    if (takes_no_body(method) && (head.encodings > 0 || head.lengths > 0)) {
        const char *length = http_header(request, "Content-Length");
        if (length == NULL || strspn(length, "0") != strlen(length)) {
            return err_set(err, ERR_MALFORMED, "%s takes no body", method);
        }
    }
    return 0;
}

int framing_check_chunk(const struct http_request *request, const char *piece, struct err *err)
{
    const char *begin = request->head_end;

    /* A piece at the very beginning of the buffer: the line before it was read earlier. */
    if (!request->is_chunked || begin == NULL || piece <= begin) {
        return 0;
    }
    if (piece - begin < 2 || piece[-2] != '\r' || piece[-1] != '\n') {
        return err_set(err, ERR_MALFORMED, "the size of a chunk must end with CR and LF");
    }
    return 0;
}

static bool type_is(const char *type, const char *wanted)
{
    size_t len = strlen(wanted);

    return strncasecmp(type, wanted, len) == 0
           && (type[len] == '\0' || type[len] == ';' || type[len] == ' ');
}

static bool has_body(const struct http_request *request)
{
    const char *length = http_header(request, "Content-Length");

    return http_header(request, "Transfer-Encoding") != NULL
           || (length != NULL && strspn(length, "0") != strlen(length));
}

static int check_encoding(const struct http_request *request, struct err *err)
{
    const char *encoding = http_header(request, "Content-Encoding");

    if (encoding != NULL && strcasecmp(encoding, "identity") != 0) {
        return err_set(err, ERR_UNSUPPORTED_TYPE,
                       "the body must not be compressed: leave Content-Encoding out");
    }
    return 0;
}

int content_type_check(const struct http_request *request, struct err *err)
{
    enum http_body kind = request->route->body;
    const char *type = http_header(request, "Content-Type");

    if (!has_body(request)) {
        return 0;
    }
    TRY(check_encoding(request, err));
    if (kind == HTTP_BODY_NONE) {
        return err_set(err, ERR_MALFORMED, "no body is taken here");
    }
    if (kind == HTTP_BODY_BYTES || kind == HTTP_BODY_STREAM
        || (type != NULL && type_is(type, "application/json"))
        || (kind == HTTP_BODY_JSON_PATCH && type != NULL
            && type_is(type, "application/merge-patch+json"))) {
        return 0;
    }
    return err_set(
        err, ERR_UNSUPPORTED_TYPE,
        "the body must be JSON: send \"Content-Type: application/json\"%s (curl: --json)",
        type == NULL ? "" : " instead of what was sent");
}
