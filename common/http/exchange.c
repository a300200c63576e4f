#include "common/http/exchange.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#define CONNECT_TIMEOUT_MS 10000L
#define CALL_TIMEOUT_MS 30000L

/* ---- where to ---- */

static bool text_is_clean(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if (*at < 0x21 || *at > 0x7e) {
            return false;
        }
    }
    return true;
}

static bool part_is_set(CURLU *parsed, CURLUPart part)
{
    char *text = NULL;
    CURLUcode code = curl_url_get(parsed, part, &text, 0);

    curl_free(text);
    return code == CURLUE_OK;
}

static bool scheme_is_http(CURLU *parsed)
{
    char *scheme = NULL;
    bool fits = curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK
                && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);

    curl_free(scheme);
    return fits;
}

static int check_url(const char *url, struct err *err)
{
    CURLU *parsed = curl_url();
    bool fits = false;
    bool secret = false;

    if (parsed == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (text_is_clean(url) && strlen(url) < 1024
        && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK) {
        secret = part_is_set(parsed, CURLUPART_USER) || part_is_set(parsed, CURLUPART_PASSWORD);
        fits = scheme_is_http(parsed) && !part_is_set(parsed, CURLUPART_QUERY)
               && !part_is_set(parsed, CURLUPART_FRAGMENT);
    }
    curl_url_cleanup(parsed);
    if (secret) {
        return err_set(err, ERR_INVALID,
                       "the server's address must not hold a user or password; put the token into "
                       "a file and name that");
    }
    if (!fits) {
        return err_set(err, ERR_INVALID,
                       "\"%.200s\" is no server address; it looks like http://127.0.0.1:4663 or "
                       "unix:/run/hone/honed.sock",
                       url);
    }
    return 0;
}

#define SOCKET_SCHEME "unix:"

static bool is_socket(const char *url)
{
    return strncmp(url, SOCKET_SCHEME, strlen(SOCKET_SCHEME)) == 0;
}

static int check_socket(const char *url, struct err *err)
{
    const char *path = url + strlen(SOCKET_SCHEME);
    static const struct sockaddr_un longest;

    if (path[0] != '/' || strlen(path) >= sizeof longest.sun_path || !text_is_clean(path)) {
        return err_set(err, ERR_INVALID,
                       "\"%.200s\" is no socket of a server; write its path from the root on, such "
                       "as unix:/run/hone/honed.sock, with at most %zu characters",
                       url, sizeof longest.sun_path - 1);
    }
    return 0;
}

static int copy_url(struct http_target *target, const char *url, struct err *err)
{
    TRY(is_socket(url) ? check_socket(url, err) : check_url(url, err));
    target->url = strdup(url);
    if (target->url == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    for (size_t len = strlen(target->url); len > 0 && target->url[len - 1] == '/'; len--) {
        target->url[len - 1] = '\0';
    }
    target->socket = is_socket(url) ? target->url + strlen(SOCKET_SCHEME) : NULL;
    return 0;
}

static int copy_token(struct http_target *target, const char *token, struct err *err)
{
    char line[HTTP_TOKEN_BYTES + 32];

    if (token == NULL || token[0] == '\0') {
        return 0;
    }
    if (strlen(token) >= HTTP_TOKEN_BYTES || !text_is_clean(token)) {
        return err_set(err, ERR_INVALID,
                       "the token is no token: it must be one word of at most %d characters",
                       HTTP_TOKEN_BYTES - 1);
    }
    (void)snprintf(line, sizeof line, "Authorization: Bearer %s", token);
    target->token_header = strdup(line);
    return target->token_header == NULL ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

static int copy_optional(char **out, const char *text, struct err *err)
{
    if (text != NULL && (*out = strdup(text)) == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    return 0;
}

/* A libcurl of a distribution knows that distribution's place; ours has none built in. */
static bool curl_knows_a_place(void)
{
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);

    return curl->cainfo != NULL || curl->capath != NULL;
}

static bool is_https(const char *url)
{
    return url != NULL && strncasecmp(url, "https:", 6) == 0;
}

/* Whom to trust where no authority is named. */
static int find_trust(struct http_target *target, struct err *err)
{
    char places[512];

    if (target->ca_file != NULL || (!is_https(target->url) && !is_https(target->proxy))) {
        return 0;
    }
    TRY(trust_find("", &target->trust, err));
    if (target->trust.file != NULL || target->trust.dir != NULL || curl_knows_a_place()) {
        return 0;
    }
    trust_places(places, sizeof places);
    return err_set(err, ERR_INVALID,
                   "this machine has no list of trusted authorities for %s (neither %s); install "
                   "its ca-certificates, name the authority with --ca-file, or a list with "
                   "SSL_CERT_FILE",
                   target->url, places);
}

int http_target_init(struct http_target *target, const struct http_client_settings *settings,
                     struct err *err)
{
    *target = (struct http_target){0};
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return err_set(err, ERR_IO, "libcurl cannot start");
    }
    TRY(copy_url(target, settings->url, err));
    TRY(copy_token(target, settings->token, err));
    TRY(copy_optional(&target->ca_file, settings->ca_file, err));
    TRY(copy_optional(&target->proxy, settings->proxy, err));
    TRY(find_trust(target, err));
    return copy_optional(&target->user_agent,
                         settings->user_agent == NULL ? "hone/" HONE_VERSION : settings->user_agent,
                         err);
}

static void forget_token(struct http_target *target)
{
    if (target->token_header != NULL) {
        explicit_bzero(target->token_header, strlen(target->token_header));
    }
    free(target->token_header);
    target->token_header = NULL;
}

int http_target_set_token(struct http_target *target, const char *token, bool *changed,
                          struct err *err)
{
    struct http_target fresh = {0};
    const char *before = target->token_header;

    TRY(copy_token(&fresh, token, err));
    *changed =
        fresh.token_header != NULL && (before == NULL || strcmp(before, fresh.token_header) != 0);
    if (!*changed) {
        forget_token(&fresh);
        return 0;
    }
    forget_token(target);
    target->token_header = fresh.token_header;
    return 0;
}

void http_target_finish(struct http_target *target)
{
    forget_token(target);
    free(target->url);
    free(target->ca_file);
    trust_finish(&target->trust);
    free(target->proxy);
    free(target->user_agent);
    *target = (struct http_target){0};
}

/* ---- one call ---- */

static size_t on_body(char *bytes, size_t size, size_t n, void *context)
{
    struct http_exchange *exchange = context;
    size_t len = size * n;
    long status = 0;

    (void)curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    if (exchange->call.take != NULL && status >= 200 && status < 300) {
        exchange->take_failed = !exchange->call.take(exchange->call.take_context, bytes, len);
        return exchange->take_failed ? 0 : len;
    }
    buf_append(&exchange->answer.body, bytes, len);
    return exchange->answer.body.failed ? 0 : len;
}

static size_t give_body(char *bytes, size_t size, size_t n, void *context)
{
    struct http_exchange *exchange = context;
    ssize_t got = pread(exchange->call.body_fd, bytes, size * n, (off_t)exchange->given);

    if (got < 0) {
        return CURL_READFUNC_ABORT;
    }
    exchange->given += got;
    return (size_t)got;
}

/* A connection that was kept and is gone: the body is sent again on another. */
static int rewind_body(void *context, curl_off_t offset, int origin)
{
    struct http_exchange *exchange = context;

    if (origin != SEEK_SET) {
        return CURL_SEEKFUNC_CANTSEEK;
    }
    exchange->given = offset;
    return CURL_SEEKFUNC_OK;
}

/* curl_slist_append frees nothing when it fails, and a missing header must not go unnoticed. */
static int add_header(struct http_exchange *exchange, struct err *err, const char *name,
                      const char *value)
{
    OWN(buf) struct buf line;

    buf_init(&line, 2048);
    buf_printf(&line, "%s: %s", name, value);
    TRY(buf_check(&line, err));
    struct curl_slist *longer = curl_slist_append(exchange->headers, buf_text(&line));
    if (longer == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    exchange->headers = longer;
    return 0;
}

static int add_headers(struct http_exchange *exchange, const struct http_target *target,
                       struct err *err)
{
    if (target->token_header != NULL) {
        exchange->headers = curl_slist_append(NULL, target->token_header);
        if (exchange->headers == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
    }
    TRY(add_header(exchange, err, "Accept", "application/json"));
    if (exchange->call.body != NULL || exchange->call.has_body_fd) {
        const char *type = exchange->call.content_type;
        TRY(add_header(exchange, err, "Content-Type", type == NULL ? "application/json" : type));
    }
    struct curl_slist *longer = curl_slist_append(exchange->headers, "Expect:");
    if (longer == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    exchange->headers = longer;
    return 0;
}

/* What no call may do. */
static const struct {
    CURLoption option;
    long value;
} limits[] = {
    {CURLOPT_FOLLOWLOCATION, 0},
    {CURLOPT_NETRC, CURL_NETRC_IGNORED},
    {CURLOPT_NOSIGNAL, 1},
    {CURLOPT_SSL_VERIFYPEER, 1},
    {CURLOPT_SSL_VERIFYHOST, 2},
    {CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS},
    /* a host that is gone without having closed the connection is noticed, also where nothing is
     * sent: with the usual nine probes after 65 seconds */
    {CURLOPT_TCP_KEEPALIVE, 1},
    {CURLOPT_TCP_KEEPIDLE, 20},
    {CURLOPT_TCP_KEEPINTVL, 5},
};

/* Once an option was refused, the rest is skipped and the first refusal is the error. */
#define SET(option, value)                                                                         \
    (code = code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_##option, value))

static CURLcode set_trust(CURL *easy, const struct http_target *target)
{
    const char *file = target->ca_file != NULL ? target->ca_file : target->trust.file;
    CURLcode code = CURLE_OK;

    if (file != NULL) {
        SET(CAINFO, file);
    }
    if (file != NULL && is_https(target->proxy)) {
        SET(PROXY_CAINFO, file);
    }
    if (target->trust.dir != NULL) {
        SET(CAPATH, target->trust.dir);
    }
    return code;
}

static CURLcode set_limits(CURL *easy, const struct http_target *target, int64_t timeout_ms)
{
    CURLcode code = CURLE_OK;

    for (size_t i = 0; i < sizeof limits / sizeof limits[0] && code == CURLE_OK; i++) {
        code = curl_easy_setopt(easy, limits[i].option, limits[i].value);
    }
    SET(PROTOCOLS_STR, "http,https");
    SET(TIMEOUT_MS, timeout_ms == 0 ? CALL_TIMEOUT_MS : timeout_ms < 0 ? 0L : (long)timeout_ms);
    /* "" also silences the environment's proxy variables */
    SET(PROXY, target->proxy == NULL ? "" : target->proxy);
    return code != CURLE_OK ? code : set_trust(easy, target);
}

static CURLcode set_body_file(struct http_exchange *exchange)
{
    CURL *easy = exchange->easy;
    CURLcode code = CURLE_OK;

    SET(UPLOAD, 1L);
    SET(INFILESIZE_LARGE, (curl_off_t)exchange->call.body_len);
    SET(READFUNCTION, give_body);
    SET(READDATA, exchange);
    SET(SEEKFUNCTION, rewind_body);
    return SET(SEEKDATA, exchange);
}

static CURLcode set_method(CURL *easy, const struct http_call *call)
{
    CURLcode code = CURLE_OK;

    if (call->has_body_fd) {
        return SET(CUSTOMREQUEST, call->method);
    }
    if (strcmp(call->method, "HEAD") == 0) {
        return SET(NOBODY, 1L);
    }
    if (call->body != NULL) {
        SET(POSTFIELDSIZE_LARGE, (curl_off_t)call->body_len);
        SET(POSTFIELDS, call->body);
    } else if (strcmp(call->method, "GET") != 0 && strcmp(call->method, "DELETE") != 0) {
        SET(POSTFIELDSIZE_LARGE, (curl_off_t)0);
        SET(POSTFIELDS, "");
    }
    return SET(CUSTOMREQUEST, call->method);
}

static CURLcode set_request(struct http_exchange *exchange, const struct http_target *target,
                            const char *url)
{
    CURL *easy = exchange->easy;
    CURLcode code = exchange->call.has_body_fd ? set_body_file(exchange) : CURLE_OK;

    code = code != CURLE_OK ? code : set_method(easy, &exchange->call);

    SET(URL, url);
    if (target->socket != NULL) {
        SET(UNIX_SOCKET_PATH, target->socket);
    }
    SET(USERAGENT, target->user_agent);
    SET(WRITEFUNCTION, on_body);
    SET(WRITEDATA, exchange);
    SET(ERRORBUFFER, exchange->error);
    return SET(HTTPHEADER, exchange->headers);
}

int http_exchange_init(struct http_exchange *exchange, CURL *easy, const struct http_target *target,
                       const struct http_call *call, struct err *err)
{
    OWN(buf) struct buf url;

    *exchange = (struct http_exchange){.easy = easy, .call = *call};
    buf_init(&exchange->answer.body, HTTP_ANSWER_BYTES);
    buf_init(&url, 8192);
    buf_puts(&url, target->socket == NULL ? target->url : "http://localhost");
    buf_puts(&url, call->path);
    TRY(buf_check(&url, err));
    TRY(add_headers(exchange, target, err));
    curl_easy_reset(easy);
    CURLcode code = set_limits(easy, target, call->timeout_ms);
    if (code == CURLE_OK) {
        code = set_request(exchange, target, buf_text(&url));
    }
    if (code != CURLE_OK) {
        return err_set(err, ERR_IO, "libcurl refuses the call: %s", curl_easy_strerror(code));
    }
    return 0;
}

static void copy_header(CURL *easy, const char *name, char *out, size_t size)
{
    struct curl_header *header = NULL;

    out[0] = '\0';
    if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK) {
        (void)snprintf(out, size, "%s", header->value);
    }
}

/* The cursor in `<PATH?cursor=CURSOR&…>; rel="next"`. */
static void copy_next_cursor(CURL *easy, char cursor[HTTP_CURSOR_BYTES])
{
    char link[512];

    copy_header(easy, "Link", link, sizeof link);
    const char *from = strstr(link, "?cursor=");
    size_t len = from == NULL ? 0 : strcspn(from + strlen("?cursor="), "&>");
    bool is_next = len > 0 && len < HTTP_CURSOR_BYTES && strstr(link, "rel=\"next\"") != NULL;
    (void)snprintf(cursor, HTTP_CURSOR_BYTES, "%.*s", is_next ? (int)len : 0,
                   is_next ? from + strlen("?cursor=") : "");
}

static void collect(struct http_exchange *exchange)
{
    struct http_answer *answer = &exchange->answer;
    char text[32];
    long status = 0;

    (void)curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    answer->status = (int)status;
    copy_header(exchange->easy, "Content-Type", answer->content_type, sizeof answer->content_type);
    copy_next_cursor(exchange->easy, answer->next_cursor);
    copy_header(exchange->easy, "Retry-After", text, sizeof text);
    answer->retry_after_seconds = -1;
    if (text[0] >= '0' && text[0] <= '9') {
        answer->retry_after_seconds = strtod(text, NULL);
    }
    copy_header(exchange->easy, "Date", text, sizeof text);
    time_t date = text[0] == '\0' ? -1 : curl_getdate(text, NULL);
    answer->date_ms = date > 0 ? (int64_t)date * 1000 : 0;
}

/* The authority was named, and the certificate is another host's: curl says so in these words for
 * either library. */
static bool is_wrong_name(const struct http_target *target, const char *why)
{
    return target->ca_file != NULL
           && (strstr(why, "does not match") != NULL || strstr(why, "no alternative") != NULL);
}

static bool code_is_about_tls(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE
           || code == CURLE_SSL_CONNECT_ERROR;
}

static int connect_error(const struct http_exchange *exchange)
{
    long number = 0;

    return curl_easy_getinfo(exchange->easy, CURLINFO_OS_ERRNO, &number) == CURLE_OK && number != 0
               ? (int)number
               : ENOENT;
}

int http_exchange_end(struct http_exchange *exchange, const struct http_target *target,
                      CURLcode code, struct err *err)
{
    const char *why = exchange->error[0] != '\0' ? exchange->error : curl_easy_strerror(code);

    if (code == CURLE_OK) {
        collect(exchange);
        return 0;
    }
    if (exchange->answer.body.no_memory) {
        return buf_check(&exchange->answer.body, err);
    }
    if (exchange->take_failed) {
        return err_set(err, ERR_IO, "what the server answered cannot be written here");
    }
    if (exchange->answer.body.failed) {
        return err_set(err, ERR_TOO_LARGE, "the server's answer has more than %zu bytes",
                       HTTP_ANSWER_BYTES);
    }
    if (target->socket != NULL
        && code == CURLE_COULDNT_CONNECT) { /* curl names a host and a port */
        return err_set(err, ERR_UNREACHABLE, "the server at %s does not answer: %s", target->url,
                       strerror(connect_error(exchange)));
    }
    if (code_is_about_tls(code)) {
        return err_set(err, ERR_UNREACHABLE, "no trusted connection to %s: %s; %s", target->url,
                       why,
                       is_wrong_name(target, why)
                           ? "call the server by a name that is in its certificate"
                           : "name the authority that signed its certificate with --ca-file");
    }
    return err_set(err, ERR_UNREACHABLE, "the server at %s does not answer: %s", target->url, why);
}

void http_exchange_finish(struct http_exchange *exchange)
{
    curl_slist_free_all(exchange->headers);
    http_answer_finish(&exchange->answer);
    exchange->headers = NULL;
}
