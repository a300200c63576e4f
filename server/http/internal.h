/* What the files of server/http/ share; not for other folders.
 *
 * One struct http_connection per socket, made when MHD accepts it, with the one request it can
 * carry at a time inside, so that a request costs a single allocation (its target). Everything here
 * belongs to the loop thread, except what stands under `lock` and the atomics.
 *
 * A request walks: HEADER (request line seen) → BODY (its head was judged) → HANDLING → DEFERRED
 * (suspended in MHD, another thread may answer) → SENDING → IDLE. */
#ifndef SERVER_HTTP_INTERNAL_H
#define SERVER_HTTP_INTERNAL_H

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "common/rng.h"
#include "server/http/http.h"
#include "server/http/target.h"

#define PARAMS_MAX 4
#define REQUEST_ID_LEN 15 /* "r_" and 13 characters */
#define STREAMS_MAX 256
#define BODIES_IN_FLIGHT_MAX ((size_t)64 << 20)
#define INACTIVITY_SECONDS 180U /* MHD's own: peers that stopped reading */
#define CONNECTION_MEMORY 16384 /* MHD's pool: request head, a piece of body, reply head */

/* ---- deadlines: limits.c ---- */
enum deadline_kind { DEADLINE_HEADER, DEADLINE_BODY, DEADLINE_IDLE, DEADLINE_KINDS };

/* Every kind has one span, so that each list is sorted by itself: new entries go to the end. */
struct deadline {
    struct deadline *next, *previous; /* a ring with the list's head; NULL: in no list */
    int64_t due_ms;
};

struct deadline_list {
    struct deadline head;
    int64_t span_ms;
};

/* ---- connections and requests ---- */
enum request_phase {
    REQUEST_IDLE,
    REQUEST_HEADER,
    REQUEST_BODY,
    REQUEST_HANDLING,
    REQUEST_DEFERRED,
    REQUEST_SENDING
};

/* An answer on its way: an MHD response is built by the thread that answers. */
struct answer {
    struct MHD_Response *response; /* NULL: none yet, or none could be made */
    unsigned status;
    bool given;
};

struct stream {
    struct http_stream_source source;
    struct buf pending; /* produced, not yet handed to MHD */
    size_t sent;        /* of pending */
    bool linked;        /* the loop thread has taken it over */
    bool sleeping;
    bool ended;
    bool failed; /* it ended before its source was done */
    int64_t heartbeat_due_ms;
    struct http_request *next, *previous; /* all streams of the server */
};

/* A request that is answered by way of other routes (forward.c). */
struct forwarding {
    struct http_forward to;         /* the newest */
    const struct http_route *route; /* that the request came for */
    bool is_open;                   /* the next answer is kept */
    bool has_response;
    struct http_response response;
};

struct http_request {
    struct http_server *server;
    struct http_connection *connection;
    struct MHD_Connection *mhd;
    enum request_phase phase;
    int64_t began_us;               /* monotonic: when its head was complete */
    const struct http_route *route; /* NULL before the match and for refused ones */
    const char *raw_target;         /* in MHD's buffer, while the head is judged */
    size_t raw_target_len;
    struct target target;
    struct {
        const char *name; /* into the route's pattern, not terminated */
        size_t name_len;
        const char *value;
    } params[PARAMS_MAX];
    size_t n_params;
    struct buf body;
    size_t body_counted;           /* of the server's bodies in flight */
    size_t answer_counted;         /* of the server's large answers in flight */
    size_t body_received;          /* also when it is discarded */
    struct err *refusal;           /* decided at the head, sent after the body; owned */
    struct http_receiver receiver; /* of a body that is streamed; take NULL: there is none */
    bool receive_waits;            /* suspended until http_receive_more() */
    size_t progress;               /* bytes since its deadline was set */
    bool close_after;              /* answer with Connection: close */
    const char *head_end;          /* in MHD's buffer: where its body begins; NULL: not known */
    bool is_chunked;
    bool is_head;
    bool knows_interim;       /* HTTP/1.1: answers before the final one */
    bool is_watched;          /* http_watch_client() */
    atomic_bool interim_sent; /* one that has closed refuses it */
    bool was_resumed;         /* and not handled since */
    bool may_stream;          /* counts against the cap */
    struct http_principal principal;
    uint64_t tokens_version; /* of the server's table when the principal was last found in it */
    char id[REQUEST_ID_LEN + 1];
    int note;                     /* the handler's own */
    unsigned retry_after_seconds; /* of a refusal; 0: none */
    char allow[64];               /* of a 405 */
    bool path_is_open;            /* a method of its path needs no token */
    struct answer answer;
    void (*done)(void *context, bool sent);
    void *done_context;
    struct stream *stream;                                /* owned; NULL unless streaming */
    struct http_request *next_waiting, *previous_waiting; /* all that are deferred */
    struct http_wait wait;
    struct forwarding *forwarding;                  /* owned; NULL unless forwarded */
    struct http_request *next_wait, *previous_wait; /* those of http_wait() */
    struct http_request *next_done; /* under the server's lock: queue of answered requests */
    struct http_request *next_wake; /* under the server's lock: streams to wake */
    bool wake_queued;               /* under the server's lock */
};

/* Where clients connect. */
struct listener {
    const char *text; /* as in the settings; borrowed */
    int fd;           /* -1: it takes no more connections */
    bool is_watched;
    bool is_ready; /* a client waits, as this turn has seen */
    bool is_local; /* only programs of this machine can connect */
    char url[128];
    dev_t device; /* of the file of a unix socket; inode 0: there is none */
    ino_t inode;
};

struct http_connection {
    struct deadline deadline; /* first: a deadline is its connection */
    struct http_server *server;
    const struct listener *listener;
    int fd;
    bool is_silent; /* no request has begun on it; over TLS the handshake may not be complete */
    char peer[INET6_ADDRSTRLEN];
    struct tls_certificate *certificate; /* the newest when it began; NULL without TLS */
    bool peer_left;                      /* the client sends nothing more */
    bool peer_closed;                    /* … and reads nothing more */
    bool is_shut;                        /* its socket is shut down */
    unsigned hangup_reviews;
    struct http_connection *hangup_next, **hangup_link; /* link NULL: not to be reviewed */
    struct http_request request;
};

struct route_pattern {
    const struct http_route *route;
    size_t n_segments;
    struct {
        const char *text;
        size_t len;
        bool is_param;
    } segments[SEGMENTS_MAX];
};

#define BAD_TOKEN_SLOTS 256

struct bad_token_slot {
    char network[INET6_ADDRSTRLEN];
    int64_t second;
    unsigned failures;
};

struct http_server {
    struct http_settings settings;
    const struct clock *clock;
    struct MHD_Daemon *daemon;
    int epoll_fd; /* ours: MHD's own epoll descriptor, wake_fd and the listeners */
    int mhd_fd;
    int wake_fd;
    struct listener listeners[HTTP_LISTENERS_MAX];
    size_t n_listeners;
    const struct listener *accepting; /* whose client is being taken */
    int64_t accept_due_ms;            /* accepting pauses until then; 0: it does not */
    int64_t accept_warning_due_ms;    /* not before then */
    unsigned connections_max;
    bool tls;
    struct tls_certificate *certificates; /* oldest first; NULL without TLS */
    struct tls_certificate *certificate;  /* the newest of them */
    atomic_llong certificate_expires_ms;  /* of the newest; 0 without TLS */
    struct route_pattern *patterns;

    pthread_mutex_t lock; /* guards from here … */
    struct http_request *done_first, *done_last;
    struct http_request *wake_first;
    bool wake_all;
    bool wake_pending; /* the eventfd was written since the loop last looked */
    struct http_token *tokens;
    size_t n_tokens;             /* … to here */
    atomic_ulong tokens_version; /* counts the tables of tokens */

    atomic_bool stop, reload;
    bool stopping;
    struct deadline_list deadlines[DEADLINE_KINDS];
    int64_t drain_until_ms;          /* the loop ends then at the latest; -1: it does not stop */
    struct http_connection *hangups; /* clients that have left, to be reviewed */
    struct http_request *streams;    /* all open streams */
    int64_t stream_due_ms;           /* no sleeping stream is due before; INT64_MAX: none sleeps */
    size_t n_streams;                /* requests that hold a place under the cap */
    struct http_request *waiting;    /* deferred and unanswered */
    struct http_request *waits;      /* those of them that wait for something to change */
    bool waits_changed;              /* it may have: all waits are looked at */
    size_t n_silent;                 /* connections on which no request has begun */
    unsigned idle_turns;             /* of the loop, in a row, without an event */
    size_t bodies_in_flight;
    atomic_size_t answers_in_flight; /* bytes of large answers */
    uint64_t id_base, id_count;
    struct bad_token_slot bad_tokens[BAD_TOKEN_SLOTS];

    atomic_ulong requests, responses_2xx, responses_4xx, responses_5xx, connections, deferred;
    atomic_ulong active;                  /* requests between their request line and their end */
    struct http_timing *_Atomic *timings; /* timings.h; n_routes + 1 lists */
};

#endif
