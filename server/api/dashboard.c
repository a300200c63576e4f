#include "server/api/dashboard.h"

#include <stdio.h>
#include <string.h>

#include "server/api/cheat_sheet.h"
#include "server/api/problem.h"
#include "server/web/assets.h"

#define TAG_BYTES 48

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types lit-html";

static void reply_not_found(struct http_request *request, const char *text)
{
    struct err err = {0};

    (void)err_set(&err, ERR_NOT_FOUND, "%s", text);
    reply_problem(request, &err, NULL);
}

static bool takes_gzip(const struct http_request *request)
{
    return http_accepts(request, "Accept-Encoding", "gzip");
}

/* Begins the answer with the bytes of a file. */
static void lend_file(const struct http_request *request, int status, const struct web_file *file,
                      struct http_response *response)
{
    bool packed = takes_gzip(request);
    const struct web_bytes *bytes = packed ? &file->gzip : &file->plain;

    http_response_init(response, status, file->content_type);
    response->lent = bytes->data;
    response->lent_len = bytes->len;
    if (packed) {
        http_response_header(response, "Content-Encoding", "gzip");
    }
}

/* Begins the answer with a file: 200 with its bytes, or 304. */
static void begin_file(struct http_request *request, const struct web_file *file,
                       struct http_response *response)
{
    char tag[TAG_BYTES];

    (void)snprintf(tag, sizeof tag, "%s%s", file->digest, takes_gzip(request) ? "-gzip" : "");
    if (http_has_tag(request, tag)) {
        http_response_init(response, 304, NULL);
    } else {
        lend_file(request, 200, file, response);
    }
    http_response_header(response, "ETag", "\"%s\"", tag);
}

/* ---- files ---- */

static const struct web_file *find_file(const struct http_request *request)
{
    bool is_vendored = strstr(http_matched(request)->path, "/vendor/") != NULL;
    char name[64];

    int len = snprintf(name, sizeof name, "%s%s", is_vendored ? "vendor/" : "",
                       http_param(request, "file"));
    if (len >= (int)sizeof name || strcmp(http_param(request, "hash"), web_hash) != 0) {
        return NULL;
    }
    return web_file_find(name);
}

void get_asset(void *context, struct http_request *request)
{
    const struct web_file *file = find_file(request);
    struct http_response response;

    (void)context;
    if (file == NULL) {
        reply_not_found(request,
                        "this version of the server has no such file; load the page again");
        return;
    }
    begin_file(request, file, &response);
    http_response_header(&response, "Cache-Control", "public, max-age=31536000, immutable");
    http_response_header(&response, "Vary", "Accept-Encoding");
    http_reply(request, &response);
}

/* ---- pages ---- */

/* How many folders below / a path lies. */
static size_t path_depth(const char *path)
{
    size_t depth = 0;

    for (const char *at = path + 1; *at != '\0'; at++) {
        depth += *at == '/' ? 1 : 0;
    }
    return depth;
}

static void page_headers(struct http_response *response, const char *caching)
{
    http_response_header(response, "Cache-Control", "%s", caching);
    http_response_header(response, "Vary", "Accept, Accept-Encoding");
    http_response_header(response, "Content-Security-Policy", "%s", policy);
    http_response_header(response, "Referrer-Policy", "no-referrer");
}

static void reply_html(struct http_request *request, size_t depth)
{
    struct http_response response;

    begin_file(request, &web_pages[depth], &response);
    page_headers(&response, "no-cache");
    http_reply(request, &response);
}

bool dashboard_misses(const struct http_request *request, struct http_response *response)
{
    static const char *const of_programs[] = {"/v1/", "/assets/", "/problems/"};
    const char *path = http_path(request);

    if (path == NULL || http_matched(request) != NULL || path_depth(path) >= WEB_DEPTHS
        || http_query(request, "format") != NULL || !http_accepts(request, "Accept", "text/html")) {
        return false;
    }
    for (size_t i = 0; i < sizeof of_programs / sizeof of_programs[0]; i++) {
        if (strncmp(path, of_programs[i], strlen(of_programs[i])) == 0) {
            return false;
        }
    }
    lend_file(request, 404, &web_pages[path_depth(path)], response);
    page_headers(response, "no-store");
    return true;
}

/* Is the path made of what names of studies, numbers and our own words are made of? */
static bool is_plain_path(const char *path)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789._-/";

    return strlen(path) < 200 && path[strspn(path, plain)] == '\0';
}

/* The pages lie where the API has the same thing, below /v1. */
static void reply_place(struct http_request *request, size_t depth)
{
    const char *path = http_path(request);
    struct http_response response;

    if (!is_plain_path(path)) {
        reply_not_found(request, "no study has such a name");
        return;
    }
    http_response_init(&response, 303, "text/plain; charset=utf-8");
    http_response_header(&response, "Location", "%sv1%s?format=text", web_bases[depth], path);
    http_response_header(&response, "Vary", "Accept");
    buf_printf(&response.body,
               "This page is for browsers. The same for a terminal: /v1%s?format=text\n", path);
    http_reply(request, &response);
}

void get_page(void *context, struct http_request *request)
{
    const char *path = http_matched(request)->path;

    if (http_accepts(request, "Accept", "text/html")) {
        reply_html(request, path_depth(path));
    } else if (strcmp(path, "/") == 0 || strcmp(path, "/new") == 0) {
        get_cheat_sheet(context, request); /* which says how a study is created */
    } else {
        reply_place(request, path_depth(path));
    }
}
