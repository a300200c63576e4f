/* Who asks, and may they: before any handler, from the route's scope alone; default deny. */
#include "server/http/auth.h"

#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/digest.h"
#include "server/http/limits.h"
#include "server/http/wake.h"

#define TOKEN_PREFIX "hp_"
#define TOKEN_TEXT_MAX 256

static int compare_tokens(const void *a, const void *b)
{
    return strcmp(((const struct http_token *)a)->id, ((const struct http_token *)b)->id);
}

/* The token of this id in the table, or NULL. Under the lock. */
static struct http_token *token_with_id(const struct http_server *server, const char *id)
{
    struct http_token key = {0};

    (void)snprintf(key.id, sizeof key.id, "%s", id);
    return server->n_tokens == 0
               ? NULL
               : bsearch(&key, server->tokens, server->n_tokens, sizeof key, compare_tokens);
}

/* Under the lock: what the server's own table knows of their use. */
static void carry_uses(const struct http_server *server, struct http_token tokens[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct http_token *old = token_with_id(server, tokens[i].id);
        tokens[i].used_at_ms = old == NULL ? 0 : old->used_at_ms;
        tokens[i].use_is_new = old != NULL && old->use_is_new;
    }
}

void http_set_tokens(struct http_server *server, const struct http_token *tokens, size_t n)
{
    struct http_token *copy = calloc(n > 0 ? n : 1, sizeof *copy);
    struct http_token *old = NULL;

    if (copy != NULL && n > 0) {
        memcpy(copy, tokens, n * sizeof *copy);
        qsort(copy, n, sizeof *copy, compare_tokens);
    }
    (void)pthread_mutex_lock(&server->lock);
    if (copy != NULL) {
        carry_uses(server, copy, n);
    }
    old = server->tokens; /* out of memory: no token is valid, rather than a revoked one */
    server->tokens = copy;
    server->n_tokens = copy == NULL ? 0 : n;
    atomic_fetch_add(&server->tokens_version, 1);
    server->wake_all = true; /* each stream asks whether its token is still valid */
    server_wake_locked(server);
    (void)pthread_mutex_unlock(&server->lock);
    free(old);
}

static unsigned with_contained(unsigned scopes)
{
    if ((scopes & HTTP_SCOPE_ADMIN) != 0) {
        scopes |= HTTP_SCOPE_SUBMIT;
    }
    if ((scopes & HTTP_SCOPE_SUBMIT) != 0) {
        scopes |= HTTP_SCOPE_READ;
    }
    return scopes;
}

/* The public part of "hp_<id>_<secret>", or false. */
static bool public_id(const char *text, char id[16])
{
    if (strncmp(text, TOKEN_PREFIX, strlen(TOKEN_PREFIX)) != 0) {
        return false;
    }
    const char *start = text + strlen(TOKEN_PREFIX);
    size_t len = strcspn(start, "_");
    if (len == 0 || len > 15 || start[len] != '_') {
        return false;
    }
    memcpy(id, start, len);
    id[len] = '\0';
    return true;
}

/* Public part and digest of a token's text, or false. */
static bool read_token(const char *text, char id[16], unsigned char sha256[32])
{
    if (strlen(text) > TOKEN_TEXT_MAX || !public_id(text, id)) {
        return false;
    }
    digest_sha256(text, strlen(text), sha256);
    return true;
}

bool http_token_is(const char *text, const char *id, const unsigned char sha256[32])
{
    unsigned char found_sha256[32];
    char found_id[16];

    return read_token(text, found_id, found_sha256) && strcmp(found_id, id) == 0
           && gnutls_memcmp(found_sha256, sha256, sizeof found_sha256) == 0;
}

static bool has_expired(int64_t expires_at_ms, int64_t now_ms)
{
    return expires_at_ms != 0 && expires_at_ms <= now_ms;
}

static bool find_token(struct http_server *server, const char *text, struct http_token *found)
{
    int64_t now_ms = server->clock->wall_ms(server->clock);
    unsigned char hash[32];
    bool known = false;
    char id[16];

    if (!read_token(text, id, hash)) {
        return false;
    }
    (void)pthread_mutex_lock(&server->lock);
    struct http_token *token = token_with_id(server, id);
    if (token != NULL && gnutls_memcmp(token->sha256, hash, sizeof hash) == 0
        && !has_expired(token->expires_at_ms, now_ms)) {
        token->used_at_ms = now_ms;
        token->use_is_new = true;
        *found = *token;
        known = true;
    }
    (void)pthread_mutex_unlock(&server->lock);
    return known;
}

bool auth_is_valid(struct http_request *request)
{
    struct http_server *server = request->server;
    struct http_principal *principal = &request->principal;

    if (principal->token_id[0] == '\0') {
        return true;
    }
    if (request->tokens_version != atomic_load(&server->tokens_version)) {
        (void)pthread_mutex_lock(&server->lock);
        const struct http_token *token = token_with_id(server, principal->token_id);
        principal->expires_at_ms = token == NULL ? 1 : token->expires_at_ms;
        request->tokens_version = atomic_load(&server->tokens_version);
        (void)pthread_mutex_unlock(&server->lock);
    }
    return !has_expired(principal->expires_at_ms, server->clock->wall_ms(server->clock));
}

size_t http_take_token_uses(struct http_server *server, struct http_token_use uses[], size_t max)
{
    size_t n = 0;

    (void)pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < server->n_tokens && n < max; i++) {
        struct http_token *token = &server->tokens[i];
        if (token->use_is_new) {
            token->use_is_new = false;
            memcpy(uses[n].id, token->id, sizeof uses[n].id);
            uses[n++].at_ms = token->used_at_ms;
        }
    }
    (void)pthread_mutex_unlock(&server->lock);
    return n;
}

void http_token_uses_again(struct http_server *server)
{
    (void)pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < server->n_tokens; i++) {
        server->tokens[i].use_is_new = server->tokens[i].used_at_ms != 0;
    }
    (void)pthread_mutex_unlock(&server->lock);
}

int64_t http_token_used_at(struct http_server *server, const char *id)
{
    (void)pthread_mutex_lock(&server->lock);
    const struct http_token *token = token_with_id(server, id);
    int64_t at_ms = token == NULL ? 0 : token->used_at_ms;
    (void)pthread_mutex_unlock(&server->lock);
    return at_ms;
}

int auth_refuse_ended(struct err *err)
{
    return err_set(err, ERR_UNAUTHORIZED,
                   "the token of this request was revoked or has expired; use another one");
}

/* Only wrong tokens are braked: a neighbour who guesses must not lock out those who know. */
static int refuse(struct http_request *request, struct err *err)
{
    if (bad_token_is_limited(request->server, request->connection->peer)) {
        request->retry_after_seconds = 1;
        return err_set(err, ERR_RATE_LIMITED,
                       "too many wrong tokens from your address; wait a second");
    }
    bad_token_count(request->server, request->connection->peer);
    return err_set(err, ERR_UNAUTHORIZED,
                   "this token is unknown, revoked or expired; ask whoever runs the server for one "
                   "(the first is in admin.token in its data directory)");
}

int auth_identify(struct http_request *request, struct err *err)
{
    struct http_server *server = request->server;
    struct http_token token;

    if (server->settings.open) {
        request->principal.scopes = with_contained(HTTP_SCOPE_ADMIN | HTTP_SCOPE_WORKER);
        return 0;
    }
    request->tokens_version = atomic_load(&server->tokens_version);
    const char *header = http_header(request, "Authorization");
    if (header == NULL) {
        return 0;
    }
    if (strncasecmp(header, "Bearer ", 7) != 0) {
        return err_set(err, ERR_UNAUTHORIZED, "send the token as \"Authorization: Bearer hp_…\"");
    }
    const char *text = header + 7 + strspn(header + 7, " ");
    if (!find_token(server, text, &token)) {
        return refuse(request, err);
    }
    memcpy(request->principal.token_id, token.id, sizeof request->principal.token_id);
    request->principal.expires_at_ms = token.expires_at_ms;
    request->principal.scopes = with_contained(token.scopes);
    return 0;
}

static const char *scope_names(unsigned scopes)
{
    if ((scopes & HTTP_SCOPE_READ) != 0) {
        return "read"; /* where a worker may read as well, no token lacks both; else it is one */
    }
    if ((scopes & HTTP_SCOPE_SUBMIT) != 0) {
        return "submit";
    }
    return (scopes & HTTP_SCOPE_WORKER) != 0 ? "worker" : "admin";
}

int auth_allow(const struct http_request *request, struct err *err)
{
    /* That a path has no route is said to those who may read; for others it is as closed as any. */
    unsigned needed = request->route != NULL ? request->route->scopes : HTTP_SCOPE_READ;

    if (request->principal.scopes == 0) {
        return err_set(err, ERR_UNAUTHORIZED,
                       "a token is needed: send \"Authorization: Bearer hp_…\" (the first is in "
                       "admin.token in the server's data directory)");
    }
    if (request->route != NULL && (request->principal.scopes & needed) == 0) {
        return err_set(err, ERR_FORBIDDEN, "this token lacks the scope that is needed here: %s",
                       scope_names(needed));
    }
    return 0;
}
