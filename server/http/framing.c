/* Where does this request end? MHD 0.9.75 takes the first of two Content-Lengths, prefers one of
 * CL and TE, ignores spaces before colons: enough for a proxy in front and us to disagree, which is
 * how requests are smuggled. Whatever is not plainly one request is answered 400 and closed. */
#include <string.h>
#include <strings.h>

#include "server/http/internal.h"

struct head {
    unsigned hosts, lengths, encodings, expects;
    unsigned authorizations, if_matches, idempotency_keys;
    const char *encoding;
    const char *fault;
};

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

static enum MHD_Result visit(void *context, enum MHD_ValueKind kind, const char *name,
                             size_t name_len, const char *value, size_t value_len)
{
    struct head *head = context;

    (void)kind;
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

int framing_check(struct http_request *request, const char *method, struct err *err)
{
    struct head head = {0};

    (void)MHD_get_connection_values_n(request->mhd, MHD_HEADER_KIND, visit, &head);
    const char *fault = find_fault(&head, method);
    if (fault != NULL) {
        return err_set(err, ERR_MALFORMED, "%s", fault);
    }
    if (takes_no_body(method) && (head.encodings > 0 || head.lengths > 0)) {
        const char *length = http_header(request, "Content-Length");
        if (length == NULL || strspn(length, "0") != strlen(length)) {
            return err_set(err, ERR_MALFORMED, "%s takes no body", method);
        }
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
    if (kind == HTTP_BODY_BYTES || (type != NULL && type_is(type, "application/json"))
        || (kind == HTTP_BODY_JSON_PATCH && type != NULL
            && type_is(type, "application/merge-patch+json"))) {
        return 0;
    }
    return err_set(
        err, ERR_UNSUPPORTED_TYPE,
        "the body must be JSON: send \"Content-Type: application/json\"%s (curl: --json)",
        type == NULL ? "" : " instead of what was sent");
}
