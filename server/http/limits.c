/* Deadlines for slow clients, sizes of bodies, and the brake on guessing tokens.
 *
 * MHD's own timeout is about inactivity only: one byte a second keeps a connection alive for ever.
 * So the loop looks at absolute moments and shuts the socket down, which MHD then notices. */
#include "server/http/limits.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define HEADER_DEADLINE_MS 10000
#define BODY_DEADLINE_MS 30000
#define STOP_DEADLINE_MS 1000
#define IDLE_DEADLINE_MS 120000 /* a kept-alive connection may wait for its next request */
#define BAD_TOKENS_PER_SECOND 10

void deadlines_init(struct http_server *server)
{
    const struct http_settings *settings = &server->settings;

    server->deadlines[DEADLINE_HEADER].span_ms =
        settings->header_deadline_ms > 0 ? settings->header_deadline_ms : HEADER_DEADLINE_MS;
    server->deadlines[DEADLINE_BODY].span_ms =
        settings->body_deadline_ms > 0 ? settings->body_deadline_ms : BODY_DEADLINE_MS;
    server->deadlines[DEADLINE_IDLE].span_ms = IDLE_DEADLINE_MS;
    for (int kind = 0; kind < DEADLINE_KINDS; kind++) {
        struct deadline *head = &server->deadlines[kind].head;
        head->next = head;
        head->previous = head;
    }
}

void deadline_clear(struct http_connection *connection)
{
    struct deadline *deadline = &connection->deadline;

    if (deadline->next != NULL) {
        deadline->next->previous = deadline->previous;
        deadline->previous->next = deadline->next;
        *deadline = (struct deadline){0};
    }
}

void deadline_set(struct http_connection *connection, enum deadline_kind kind)
{
    struct http_server *server = connection->server;
    struct deadline_list *list = &server->deadlines[kind];
    struct deadline *deadline = &connection->deadline;

    deadline_clear(connection);
    deadline->due_ms = server->clock->monotonic_ms(server->clock) + list->span_ms;
    deadline->next = &list->head;
    deadline->previous = list->head.previous;
    list->head.previous->next = deadline;
    list->head.previous = deadline;
}

void deadlines_hurry(struct http_server *server)
{
    int64_t due_ms = server->clock->monotonic_ms(server->clock) + STOP_DEADLINE_MS;

    for (int kind = DEADLINE_HEADER; kind <= DEADLINE_BODY; kind++) {
        struct deadline_list *list = &server->deadlines[kind];
        list->span_ms = list->span_ms < STOP_DEADLINE_MS ? list->span_ms : STOP_DEADLINE_MS;
        for (struct deadline *at = list->head.next; at != &list->head; at = at->next) {
            at->due_ms = at->due_ms < due_ms ? at->due_ms : due_ms;
        }
    }
}

void deadlines_sweep(struct http_server *server)
{
    int64_t now_ms = server->clock->monotonic_ms(server->clock);

    for (int kind = 0; kind < DEADLINE_KINDS; kind++) {
        struct deadline *head = &server->deadlines[kind].head;
        while (head->next != head && head->next->due_ms <= now_ms) {
            struct http_connection *connection = (struct http_connection *)(void *)head->next;
            deadline_clear(connection);
            (void)shutdown(connection->fd, SHUT_RDWR);
        }
    }
}

int64_t deadlines_next_ms(const struct http_server *server)
{
    int64_t now_ms = server->clock->monotonic_ms(server->clock);
    int64_t next_ms = -1;

    for (int kind = 0; kind < DEADLINE_KINDS; kind++) {
        const struct deadline *head = &server->deadlines[kind].head;
        if (head->next != head) {
            int64_t wait_ms = head->next->due_ms > now_ms ? head->next->due_ms - now_ms : 0;
            next_ms = next_ms < 0 || wait_ms < next_ms ? wait_ms : next_ms;
        }
    }
    return next_ms;
}

size_t body_limit(enum http_body kind)
{
    switch (kind) {
    case HTTP_BODY_NONE:
    case HTTP_BODY_STREAM: /* goes elsewhere */
        return 0;
    case HTTP_BODY_JSON_BULK:
        return (size_t)8 << 20;
    case HTTP_BODY_JSON:
    case HTTP_BODY_JSON_OPTIONAL:
    case HTTP_BODY_JSON_PATCH:
    case HTTP_BODY_BYTES:
    default:
        return (size_t)1 << 20;
    }
}

/* Whose failures are counted together: an address of IPv4; of IPv6 the first 64 bits, since
 * one client commonly has the whole network. */
static void network_of(const char *peer, char network[INET6_ADDRSTRLEN])
{
    struct in6_addr address;

    if (inet_pton(AF_INET6, peer, &address) == 1 && !IN6_IS_ADDR_V4MAPPED(&address)) {
        memset(address.s6_addr + 8, 0, 8);
        (void)inet_ntop(AF_INET6, &address, network, INET6_ADDRSTRLEN);
    } else {
        (void)snprintf(network, INET6_ADDRSTRLEN, "%s", peer);
    }
}

/* Networks that meet in a slot share it, newest first: a brake, not an account. */
static size_t slot_of(const char *network)
{
    size_t hash = 5381;

    for (; *network != '\0'; network++) {
        hash = hash * 33 + (unsigned char)*network;
    }
    return hash % BAD_TOKEN_SLOTS;
}

static int64_t second_now(const struct http_server *server)
{
    return server->clock->monotonic_ms(server->clock) / 1000;
}

bool bad_token_is_limited(const struct http_server *server, const char *peer)
{
    char network[INET6_ADDRSTRLEN];

    network_of(peer, network);
    const struct bad_token_slot *slot = &server->bad_tokens[slot_of(network)];
    return slot->failures >= BAD_TOKENS_PER_SECOND && slot->second == second_now(server)
           && strcmp(slot->network, network) == 0;
}

void bad_token_count(struct http_server *server, const char *peer)
{
    char network[INET6_ADDRSTRLEN];
    int64_t second = second_now(server);

    network_of(peer, network);
    struct bad_token_slot *slot = &server->bad_tokens[slot_of(network)];
    if (slot->second != second || strcmp(slot->network, network) != 0) {
        *slot = (struct bad_token_slot){.second = second};
        memcpy(slot->network, network, sizeof slot->network);
    }
    slot->failures++;
}
