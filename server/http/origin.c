/* Which page may a browser send here from? A name that an attacker lets point to 127.0.0.1 is
 * stopped by the Host rule, a form on a foreign page by the headers that browsers add. */
#include "server/http/origin.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Never NULL: a request without it has failed framing_check(). */
static const char *host_of(const struct http_request *request)
{
    const char *host = http_header(request, "Host");

    assert(host != NULL);
    return host;
}

/* The name in "name", "name:port", "[::1]:port". */
static size_t name_len(const char *host)
{
    if (host[0] == '[') {
        const char *end = strchr(host, ']');
        return end == NULL ? strlen(host) : (size_t)(end - host) + 1;
    }
    return strcspn(host, ":");
}

static bool is_port(const char *text)
{
    return text[0] == '\0'
           || (text[0] == ':' && text[1] != '\0'
               && text[1 + strspn(text + 1, "0123456789")] == '\0');
}

static bool is_loopback_name(const char *host)
{
    static const char *const names[] = {"localhost", "[::1]"};
    size_t len = name_len(host);

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (len == strlen(names[i]) && strncasecmp(host, names[i], len) == 0) {
            return is_port(host + len);
        }
    }
    /* 127.0.0.0/8 in plain dotted form */
    return strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == len
           && is_port(host + len);
}

/* --host NAME takes any port, --host NAME:PORT that one. */
static bool is_configured(const char *host, const char *wanted)
{
    size_t len = name_len(wanted);

    if (wanted[len] != '\0') {
        return strcasecmp(host, wanted) == 0;
    }
    return name_len(host) == len && strncasecmp(host, wanted, len) == 0 && is_port(host + len);
}

/* Has it only characters that neither a shell nor a terminal acts on? */
static bool is_plain_address(const char *host)
{
    static const char in_name[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    size_t len = name_len(host);
    bool is_name = host[0] == '['
                       ? len > 2 && strspn(host + 1, "0123456789abcdefABCDEF:.") == len - 2
                       : len > 0 && strspn(host, in_name) == len;

    return is_name && is_port(host + len) && strlen(host) + sizeof "https://" <= HTTP_OWN_URL_BYTES;
}

void http_own_url(const struct http_request *request, char url[HTTP_OWN_URL_BYTES])
{
    const struct http_server *server = request->server;
    const char *host = host_of(request);
    bool secure = server->tls || server->settings.behind_proxy;

    if (is_plain_address(host)) {
        (void)snprintf(url, HTTP_OWN_URL_BYTES, "%s://%s", secure ? "https" : "http", host);
    } else {
        (void)snprintf(url, HTTP_OWN_URL_BYTES, "%s", request->connection->listener->url);
    }
}

int host_check(const struct http_request *request, struct err *err)
{
    const char *host = host_of(request);
    const char *wanted = request->server->settings.host;
    bool is_local = request->connection->listener->is_local;

    if ((wanted != NULL && is_configured(host, wanted)) || (is_local && is_loopback_name(host))
        || (wanted == NULL && !is_local)) {
        return 0;
    }
    return err_set(err, ERR_FORBIDDEN,
                   "this server does not answer to the name \"%.100s\"; use the address it "
                   "printed at its start, or start it with --host NAME",
                   host);
}

/* With TLS, a page that came in the clear is anybody's on the way. */
static bool is_own_origin(const struct http_request *request, const char *origin)
{
    const bool may_be_clear = !request->server->tls;
    const char *rest = may_be_clear && strncmp(origin, "http://", 7) == 0 ? origin + 7
                       : strncmp(origin, "https://", 8) == 0              ? origin + 8
                                                                          : NULL;

    return rest != NULL && strcasecmp(rest, host_of(request)) == 0;
}

int origin_check(const struct http_request *request, const char *method, struct err *err)
{
    const char *site = http_header(request, "Sec-Fetch-Site");
    const char *origin = http_header(request, "Origin");

    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) {
        return 0;
    }
    bool foreign = (site != NULL && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
                   || (origin != NULL && !is_own_origin(request, origin));
    if (foreign) {
        return err_set(err, ERR_FORBIDDEN,
                       "a page from another origin must not change anything here");
    }
    return 0;
}
