/* Tokens: hp_<id8>_<43 characters>, 256 random bits; stored as SHA-256, shown once. */
#include "server/api/tokens.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "common/integer.h"
#include "common/rng.h"
#include "server/api/json.h"
#include "server/api/list.h"
#include "server/api/problem.h"
#include "server/api/request.h"
#include "server/api/submit.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#define SECRET_BYTES 32
#define SECRET_CHARS 43 /* six bits each; the last one has the four that are left */

static void base64url(const unsigned char bytes[SECRET_BYTES], char text[SECRET_CHARS + 1])
{
    unsigned bits = 0;
    unsigned n_bits = 0;

    for (size_t i = 0; i < SECRET_BYTES; i++) {
        bits = (bits << 8) | bytes[i];
        n_bits += 8;
        while (n_bits >= 6) {
            n_bits -= 6;
            *text++ = alphabet[(bits >> n_bits) & 63];
        }
    }
    *text++ = alphabet[(bits << (6 - n_bits)) & 63];
    *text = '\0';
}

void token_make(const char *name, unsigned scopes, int64_t expires_at_ms, struct token_row *row,
                char secret[TOKEN_TEXT_BYTES])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    unsigned char random[8 + SECRET_BYTES];
    char tail[SECRET_CHARS + 1];

    rng_entropy(random, sizeof random);
    *row = (struct token_row){.scopes = scopes, .expires_at_ms = expires_at_ms};
    (void)snprintf(row->name, sizeof row->name, "%s", name);
    for (size_t i = 0; i < 8; i++) {
        row->id[i] = letters[random[i] & 31];
    }
    base64url(random + 8, tail);
    (void)snprintf(secret, TOKEN_TEXT_BYTES, "hp_%s_%s", row->id, tail);
    digest_sha256(secret, strlen(secret), row->sha256);
}

/* ---- scopes and their names: a token has one, and what it contains ---- */

static const struct {
    const char *name;
    unsigned scopes;
} scope_names[] = {
    {"read", HTTP_SCOPE_READ},
    {"submit", HTTP_SCOPE_SUBMIT | HTTP_SCOPE_READ},
    {"admin", HTTP_SCOPE_ADMIN | HTTP_SCOPE_SUBMIT | HTTP_SCOPE_READ},
    {"worker", HTTP_SCOPE_WORKER},
};
#define N_SCOPES (sizeof scope_names / sizeof scope_names[0])

unsigned token_scopes(const char *name)
{
    for (size_t i = 0; i < N_SCOPES; i++) {
        if (strcmp(scope_names[i].name, name) == 0) {
            return scope_names[i].scopes;
        }
    }
    return 0;
}

static void write_scopes(struct json_writer *w, unsigned scopes)
{
    json_write_key(w, "scopes");
    json_array_begin(w);
    if ((scopes & HTTP_SCOPE_WORKER) != 0) {
        json_write_string(w, "worker");
    }
    if ((scopes & HTTP_SCOPE_ADMIN) != 0) {
        json_write_string(w, "admin");
    } else if ((scopes & HTTP_SCOPE_SUBMIT) != 0) {
        json_write_string(w, "submit");
    } else if ((scopes & HTTP_SCOPE_READ) != 0) {
        json_write_string(w, "read");
    }
    json_array_end(w);
}

static void token_write(const struct token_row *row, const char *secret, struct json_writer *w)
{
    json_object_begin(w);
    json_put_string(w, "id", row->id);
    json_put_string(w, "name", row->name);
    write_scopes(w, row->scopes);
    json_put_moment(w, "created_at", row->created_at_ms);
    json_put_moment(w, "expires_at", row->expires_at_ms == 0 ? -1 : row->expires_at_ms);
    json_put_moment(w, "revoked_at", row->revoked_at_ms == 0 ? -1 : row->revoked_at_ms);
    json_put_moment(w, "last_used_at", row->used_at_ms == 0 ? -1 : row->used_at_ms);
    if (secret != NULL) {
        json_put_string(w, "token", secret);
    }
    json_object_end(w);
}

/* ---- POST /v1/tokens ---- */

void encode_token(const struct command *command, struct http_response *response)
{
    const struct token_create_command *create = as_const_token_create(command);
    struct json_writer w;

    json_response(response, 201, &w);
    token_write(&create->out.token, create->in.secret, &w);
    http_response_header(response, "Location", "/v1/tokens/%s", create->out.token.id);
}

static unsigned read_scopes(struct fields *fields)
{
    const json_t *list = fields_array(fields, "scopes");
    unsigned scopes = 0;
    size_t i;
    json_t *item;

    json_array_foreach (list, i, item) {
        const char *name = json_string_value(item);
        unsigned bits = name == NULL ? 0 : token_scopes(name);
        if (bits == 0) {
            fields_fault(fields, "scopes",
                         "must be among \"read\", \"submit\", \"admin\", "
                         "\"worker\"");
        }
        scopes |= bits;
    }
    if (json_array_size(list) == 0) {
        fields_fault(fields, "scopes",
                     "is needed: a list of \"read\", \"submit\", \"admin\", \"worker\"");
    }
    return scopes;
}

static int read_token(const struct api *api, struct http_request *request,
                      struct token_create_command *create)
{
    struct err *err = &create->head.err;
    struct token_row *token = &create->in.token;
    json_auto_t *body = NULL;
    struct fields fields;

    if (create->head.has_key) {
        return err_set(err, ERR_MALFORMED,
                       "a token is shown once and its reply is not kept: leave out the "
                       "Idempotency-Key, and revoke a token whose reply was lost");
    }
    TRY(request_json(request, &body, err));
    fields_begin(&fields, body, "", &create->head.faults);
    const char *name = fields_string(&fields, "name", "");
    unsigned scopes = read_scopes(&fields);
    int64_t seconds = fields_int(&fields, "expires_seconds", 0, 1, INT64_C(3153600000));
    if (strlen(name) >= sizeof token->name) {
        fields_fault(&fields, "name", "must have at most %zu bytes", sizeof token->name - 1);
    }
    fields_end(&fields);
    TRY(faults_result(&create->head.faults, err));
    create->in.secret = malloc(TOKEN_TEXT_BYTES);
    if (create->in.secret == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    int64_t expires =
        seconds == 0 ? 0 : integer_add(api->clock->wall_ms(api->clock), seconds * 1000);
    token_make(name, scopes, expires, token, create->in.secret);
    return 0;
}

void post_token(void *context, struct http_request *request)
{
    struct command *command = command_for(request, COMMAND_TOKEN_CREATE);

    if (command != NULL) {
        submit_or_refuse(context, command, read_token(context, request, as_token_create(command)));
    }
}

/* ---- GET, DELETE ---- */

struct token_listing {
    struct item_list *list;
    struct http_server *http;
};

static int token_item(void *context, const struct token_row *row, struct err *err)
{
    struct token_listing *listing = context;
    struct token_row token = *row;
    int64_t used_at_ms = http_token_used_at(listing->http, row->id);

    (void)err;
    if (used_at_ms > token.used_at_ms) {
        token.used_at_ms = used_at_ms;
    }
    token_write(&token, NULL, item_list_item(listing->list));
    item_list_item_end(listing->list);
    return 0;
}

static int read_tokens(struct read_request *read, struct err *err)
{
    OWN(item_list) struct item_list list = {0};
    struct token_listing listing = {.list = &list, .http = read->api->http};

    TRY(item_list_begin(&list, read, err));
    TRY(store_each_token(read->store, token_item, &listing, err));
    return item_list_end(&list, NULL, err);
}

static const struct representation_column columns[] = {
    {.key = "id"},         {.key = "name"},       {.key = "scopes"},       {.key = "created_at"},
    {.key = "expires_at"}, {.key = "revoked_at"}, {.key = "last_used_at"}, {0}};
static const struct representation representation = {.formats = FORMATS_LIST, .columns = columns};

REPRESENTATION_HANDLER(get_tokens, &representation, NULL, read_tokens)

/* ---- the caller's own ---- */

struct own_token {
    const char *id;
    struct token_row row;
};

static int find_own(void *context, const struct token_row *row, struct err *err)
{
    struct own_token *own = context;

    (void)err;
    if (strcmp(row->id, own->id) == 0) {
        own->row = *row;
    }
    return 0;
}

static int read_own_token(struct read_request *read, struct err *err)
{
    const struct http_principal *principal = http_principal(read->request);
    struct own_token own = {.id = principal->token_id};
    struct json_writer w;

    TRY(store_each_token(read->store, find_own, &own, err));
    json_writer_init(&w, &read->response.body);
    json_object_begin(&w);
    json_put_string(&w, "id", own.id[0] == '\0' ? NULL : own.id); /* an open server needs none */
    json_put_string(&w, "name", own.id[0] == '\0' ? NULL : own.row.name);
    write_scopes(&w, principal->scopes);
    json_put_moment(&w, "expires_at",
                    principal->expires_at_ms == 0 ? -1 : principal->expires_at_ms);
    json_object_end(&w);
    return 0;
}

static const struct representation_column own_columns[] = {
    {.key = "id"}, {.key = "name"}, {.key = "scopes"}, {.key = "expires_at"}, {0}};
static const struct representation own_representation = {.formats = FORMATS_ONE,
                                                         .columns = own_columns};

REPRESENTATION_HANDLER(get_own_token, &own_representation, NULL, read_own_token)

static int read_revocation(const struct http_request *request, struct token_revoke_command *revoke)
{
    static const char *const known[] = {"force", NULL};
    struct err *err = &revoke->head.err;
    const char *id = http_param(request, "token");

    TRY(query_check(request, known, err));
    TRY(query_flag(request, "force", false, &revoke->in.force, err));
    if (strlen(id) >= sizeof revoke->in.token) {
        return err_set(err, ERR_NOT_FOUND, "there is no such token");
    }
    (void)strcpy(revoke->in.token, id);
    revoke->in.scopes = HTTP_SCOPE_ADMIN; /* one usable token must keep it */
    return 0;
}

void delete_token(void *context, struct http_request *request)
{
    struct command *command = command_for(request, COMMAND_TOKEN_REVOKE);

    if (command != NULL) {
        submit_or_refuse(context, command, read_revocation(request, as_token_revoke(command)));
    }
}
