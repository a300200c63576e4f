/* The dashboard: its files, embedded by the build (server/embed.py), as they are and compressed.
 * Static data; any thread. */
#ifndef SERVER_WEB_ASSETS_H
#define SERVER_WEB_ASSETS_H

#include <stddef.h>

struct web_bytes {
    size_t len;
    const char *data;
};

struct web_file {
    const char *name;         /* in server/web: "app.js", "vendor/lit-html.js" */
    const char *content_type; /* of `plain` */
    const char *digest;       /* of `plain`, 16 hexadecimal digits */
    struct web_bytes plain;
    struct web_bytes gzip;
};

/* All but index.html, and one digest over them and index.html, which stands in their URLs. */
extern const struct web_file web_files[];
extern const size_t web_n_files;
extern const char web_hash[];

/* index.html for a path of depth 0 ("/", "/workers"), 1 ("/studies/x") and so on: they differ in
 * the base of their URLs, which are relative, so that a proxy may put a prefix in front. */
#define WEB_DEPTHS 6
extern const struct web_file web_pages[WEB_DEPTHS];
extern const char *const web_bases[WEB_DEPTHS]; /* "./", "../" */

/* The file of this name; NULL: there is none. */
const struct web_file *web_file_find(const char *name);

#endif
