#include "server/mcp/revision.h"

#include <stdio.h>
#include <string.h>

#define META_VERSION "io.modelcontextprotocol/protocolVersion"
#define META_CAPABILITIES "io.modelcontextprotocol/clientCapabilities"

const char *const revision_names[REVISION_COUNT + 1] = {"2026-07-28", "2025-11-25", "2025-06-18",
                                                        "2025-03-26", NULL};

const char *revision_name(enum revision revision)
{
    return revision_names[REVISION_COUNT - 1 - (int)revision];
}

bool revision_find(const char *name, enum revision *revision)
{
    for (int i = 0; i < REVISION_COUNT; i++) {
        if (strcmp(revision_name((enum revision)i), name) == 0) {
            *revision = (enum revision)i;
            return true;
        }
    }
    return false;
}

bool revision_is_stateless(enum revision revision)
{
    return revision >= REVISION_2026_07_28;
}

static int unsupported(const char *name, struct rpc_fault *fault)
{
    (void)rpc_fault(fault, RPC_UNSUPPORTED_VERSION,
                    "revision \"%.40s\" of MCP is not spoken here; use one of those in `supported`",
                    name);
    (void)snprintf(fault->requested, sizeof fault->requested, "%.31s", name);
    return -1;
}

#define HEADER_BYTES 1024

/* The value of a header without the blanks around it, which are not of it, as far as it has a place
 * in `out`; NULL: it was not sent. */
static const char *header_value(const struct http_request *request, const char *name,
                                char out[HEADER_BYTES])
{
    const char *value = http_header(request, name);

    if (value == NULL) {
        return NULL;
    }
    value += strspn(value, " \t");
    size_t len = strnlen(value, HEADER_BYTES - 1);
    while (len > 0 && strchr(" \t", value[len - 1]) != NULL) {
        len--;
    }
    memcpy(out, value, len);
    out[len] = '\0';
    return out;
}

int revision_of_headers(const struct http_request *request, enum revision *revision,
                        struct rpc_fault *fault)
{
    char text[HEADER_BYTES];
    const char *header = header_value(request, "MCP-Protocol-Version", text);

    *revision = REVISION_2025_03_26; /* which did not know the header */
    if (header == NULL || revision_find(header, revision)) {
        return 0;
    }
    return unsupported(header, fault);
}

/* ---- what a header says ---- */

static int digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c == '\0' ? NULL : strchr(digits, c);

    return at == NULL ? -1 : (int)(at - digits);
}

static bool decode_base64(const char *text, size_t len, char *out, size_t size)
{
    size_t n = 0;
    unsigned bits = 0;
    int n_bits = 0;

    while (len > 0 && text[len - 1] == '=') {
        len--;
    }
    for (size_t i = 0; i < len; i++) {
        int value = digit(text[i]);
        if (value < 0) {
            return false;
        }
        bits = bits << 6 | (unsigned)value;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            out[n++] = (char)(bits >> n_bits & 0xffU);
        }
        if (n == size || (n > 0 && out[n - 1] == '\0')) {
            return false;
        }
    }
    out[n] = '\0';
    return true;
}

bool header_decode(const char *value, char *out, size_t size)
{
    static const char begin[] = "=?base64?";
    size_t len = strlen(value);
    size_t around = sizeof begin - 1 + 2;

    if (len >= around && strncmp(value, begin, sizeof begin - 1) == 0
        && strcmp(value + len - 2, "?=") == 0) {
        return decode_base64(value + sizeof begin - 1, len - around, out, size);
    }
    for (size_t i = 0; i < len; i++) {
        if ((value[i] < 0x20 && value[i] != '\t') || value[i] >= 0x7f) {
            return false;
        }
    }
    if (len >= size) {
        return false;
    }
    memcpy(out, value, len + 1);
    return true;
}

/* Does the header say what the body says? */
static int compare(const struct http_request *request, const char *header, const char *said,
                   struct rpc_fault *fault)
{
    char text[HEADER_BYTES];
    char decoded[512];
    const char *value = header_value(request, header, text);

    if (value == NULL) {
        return rpc_fault(fault, RPC_HEADER_MISMATCH,
                         "the header %s is missing; it must be \"%.80s\"", header, said);
    }
    if (!header_decode(value, decoded, sizeof decoded) || strcmp(decoded, said) != 0) {
        return rpc_fault(fault, RPC_HEADER_MISMATCH,
                         "the header %s is not what the body says, which is \"%.80s\"", header,
                         said);
    }
    return 0;
}

/* ---- a request ---- */

/* What a method names, which a header repeats; NULL: nothing. */
static const char *named(const struct message *message)
{
    if (strcmp(message->method, "resources/read") == 0) {
        return message_param_string(message, "uri");
    }
    if (strcmp(message->method, "tools/call") == 0 || strcmp(message->method, "prompts/get") == 0) {
        return message_param_string(message, "name");
    }
    return NULL;
}

static int check_headers(const struct http_request *request, const struct message *message,
                         const char *version, struct rpc_fault *fault)
{
    const char *name = named(message);

    if (compare(request, "MCP-Protocol-Version", version, fault) != 0
        || compare(request, "Mcp-Method", message->method, fault) != 0) {
        return -1;
    }
    return name == NULL ? 0 : compare(request, "Mcp-Name", name, fault);
}

static int check_stateless(const struct http_request *request, const struct message *message,
                           const json_t *meta, struct rpc_fault *fault)
{
    const json_t *version = json_object_get(meta, META_VERSION);
    enum revision found;

    if (!json_is_string(version) || json_big_number(version) != NULL) {
        return rpc_fault(fault, RPC_INVALID_PARAMS,
                         "params._meta lacks \"" META_VERSION "\", a string");
    }
    if (check_headers(request, message, json_string_value(version), fault) != 0) {
        return -1;
    }
    if (!revision_find(json_string_value(version), &found) || !revision_is_stateless(found)) {
        return unsupported(json_string_value(version), fault);
    }
    if (!json_is_object(json_object_get(meta, META_CAPABILITIES))) {
        return rpc_fault(fault, RPC_INVALID_PARAMS,
                         "params._meta lacks \"" META_CAPABILITIES
                         "\", an object, which may be {}");
    }
    return 0;
}

int revision_of_message(const struct http_request *request, const struct message *message,
                        enum revision *revision, struct rpc_fault *fault)
{
    const json_t *meta = message_param(message, "_meta");
    bool says_itself = json_object_get(meta, META_VERSION) != NULL;

    if (!says_itself && strcmp(message->method, "initialize") == 0) {
        *revision = REVISION_2025_11_25;
        return 0;
    }
    if (says_itself) {
        *revision = REVISION_2026_07_28;
        return check_stateless(request, message, meta, fault);
    }
    if (revision_of_headers(request, revision, fault) != 0) {
        *revision = REVISION_2026_07_28;
        return -1;
    }
    return revision_is_stateless(*revision) ? check_stateless(request, message, meta, fault) : 0;
}
