/* The target of a request, split and decoded once, segment by segment: a path that was decoded as
 * a whole would let %2f and %2e%2e climb. */
#include "server/http/target.h"

#include <stdlib.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes raw[0..len) to *out and moves it past the NUL; -1 for a bad escape. */
static int decode(const char *raw, size_t len, bool in_path, char **out, struct err *err)
{
    char *to = *out;

    for (size_t i = 0; i < len; i++) {
        char c = raw[i];
        if (c == '+' && !in_path) {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < len ? hex_digit(raw[i + 1]) : -1;
            int low = i + 2 < len ? hex_digit(raw[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return err_set(err, ERR_MALFORMED,
                               "the URL has a %% that is not followed by two hex digits; write "
                               "%%25 for the character %%");
            }
            c = (char)(high * 16 + low);
            i += 2;
            if (c == '\0' || (in_path && c == '/')) {
                return err_set(err, ERR_MALFORMED,
                               "the URL must not contain %%00 or, in its "
                               "path, %%2f");
            }
        }
        *to++ = c;
    }
    *to++ = '\0';
    *out = to;
    return 0;
}

static int check_characters(const char *raw, struct err *err)
{
    for (const unsigned char *at = (const unsigned char *)raw; *at != '\0'; at++) {
        if (*at <= 0x20 || *at == 0x7f || *at == '#' || *at == '\\') {
            return err_set(err, ERR_MALFORMED,
                           "the URL contains the character 0x%02x; percent-encode it", *at);
        }
    }
    return 0;
}

static int add_segment(struct target *target, const char *raw, size_t len, char **out,
                       struct err *err)
{
    const char *text = *out;

    if (target->n_segments == SEGMENTS_MAX) {
        return err_set(err, ERR_NOT_FOUND, "no such page: the path is too deep");
    }
    TRY(decode(raw, len, true, out, err));
    if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0) {
        return err_set(err, ERR_MALFORMED, "the path must not contain \"%s\" as a segment", text);
    }
    target->segments[target->n_segments++] = text;
    return 0;
}

static int split_path(struct target *target, const char *path, size_t len, char **out,
                      struct err *err)
{
    size_t start = 1;

    for (size_t i = 1; i <= len; i++) {
        if (i < len && path[i] != '/') {
            continue;
        }
        if (i == start && i < len) {
            return err_set(err, ERR_MALFORMED, "the path must not contain \"//\"");
        }
        if (i > start || len > 1) {
            TRY(add_segment(target, path + start, i - start, out, err));
        }
        start = i + 1;
    }
    return 0;
}

static int split_query(struct target *target, const char *query, char **out, struct err *err)
{
    for (const char *at = query; *at != '\0';) {
        size_t len = strcspn(at, "&");
        const char *equals = memchr(at, '=', len);
        size_t name_len = equals == NULL ? len : (size_t)(equals - at);
        if (len > 0) {
            struct target_pair *pair = &target->query[target->n_query];
            pair->name = *out;
            TRY(decode(at, name_len, false, out, err));
            pair->value = *out;
            TRY(decode(equals == NULL ? at + len : equals + 1,
                       equals == NULL ? 0 : len - name_len - 1, false, out, err));
            target->n_query++;
        }
        at += len + (at[len] == '&' ? 1 : 0);
    }
    return 0;
}

static size_t count_pairs(const char *query)
{
    size_t n = *query == '\0' ? 0 : 1;

    for (; *query != '\0'; query++) {
        n += *query == '&' ? 1 : 0;
    }
    return n;
}

int target_parse(const char *raw, struct target *target, struct err *err)
{
    size_t len = strlen(raw);
    size_t path_len = strcspn(raw, "?");
    const char *query = raw[path_len] == '?' ? raw + path_len + 1 : "";
    size_t n_pairs = count_pairs(query);

    /* The pairs, the raw path, and what is decoded: never longer, one NUL each. */
    *target = (struct target){0};
    target->block = malloc(n_pairs * sizeof(struct target_pair) + path_len + 1 + len + SEGMENTS_MAX
                           + 2 * n_pairs + 2);
    if (target->block == NULL) {
        target->path = "";
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    target->query = (struct target_pair *)(void *)target->block;
    char *path = target->block + n_pairs * sizeof(struct target_pair);
    memcpy(path, raw, path_len);
    path[path_len] = '\0';
    target->path = path;
    char *out = path + path_len + 1;
    if (raw[0] != '/') {
        return err_set(err, ERR_MALFORMED, "the request target must begin with \"/\"");
    }
    TRY(check_characters(raw, err));
    TRY(split_path(target, raw, path_len, &out, err));
    return split_query(target, query, &out, err);
}

void target_finish(struct target *target)
{
    free(target->block);
    *target = (struct target){0};
}
