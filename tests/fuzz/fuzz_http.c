/* Bytes on a connection. Whatever is sent, the server answers HTTP or hangs up, the next client is
 * served as if nothing had been, and nothing of it stays in memory. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/fuzz/fuzz.h"
#include "tests/support/heap.h"
#include "tests/support/http_call.h"
#include "tests/unit/http_fixture.h"

#define TRIES 4
#define ROUNDS 8

static struct fixture *server;

/* What the server has said; false when it has hung up. */
static bool read_some(int fd, struct buf *out)
{
    char piece[4096];
    ssize_t n;

    while ((n = recv(fd, piece, sizeof piece, MSG_DONTWAIT)) > 0) {
        buf_append(out, piece, (size_t)n);
    }
    return n < 0 && errno == EAGAIN;
}

static bool stream_is_open(void)
{
    (void)pthread_mutex_lock(&server->lock);
    bool is_open = server->n_streams > server->n_finished;
    (void)pthread_mutex_unlock(&server->lock);
    return is_open;
}

static void set_end_of_streams(bool ends)
{
    (void)pthread_mutex_lock(&server->lock);
    server->stream_ends = ends;
    (void)pthread_mutex_unlock(&server->lock);
}

/* Half a request waits for its other half: time passes until every deadline has struck. A stream
 * has none: it goes on for as long as its client stays. */
static void send_and_read(const uint8_t *data, size_t size)
{
    OWN(buf) struct buf said;
    OWN(fd) int fd = http_connect(server->port);
    int n_rounds = 0;

    buf_init(&said, 1 << 20);
    http_send(fd, (const char *)data, size);
    do {
        fixture_advance(server, 200000); /* a request of its own, which must get its answer */
    } while (read_some(fd, &said) && (++n_rounds < ROUNDS || !stream_is_open()));
    MUST(said.len == 0 || strncmp(said.data, "HTTP/1.", 7) == 0);
}

/* The client has left. A stream that has an end comes to it; any other is broken off. */
static void wait_until_over(const uint8_t *data, size_t size)
{
    set_end_of_streams(memmem(data, size, "ends", 4) != NULL);
    for (int n_rounds = 0; stream_is_open(); n_rounds++) {
        MUST(n_rounds < ROUNDS);
        fixture_advance(server, 200000);
    }
    set_end_of_streams(false);
    fixture_wait_connections(server, 0); /* and no request */
    fixture_wait_rest(server);
}

/* Is there more on the heap after an input than before it? */
static bool leaves_something(const uint8_t *data, size_t size)
{
    size_t before = heap_bytes();

    send_and_read(data, size);
    wait_until_over(data, size);
    return heap_is_exact && heap_bytes() > before;
}

/* A leak is found at the input that makes it, not when the process ends. At first something may
 * stay in a cache of the C library, or with a thread that has had no processor yet; what leaks does
 * so each time. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int n_left = 0;

    while (leaves_something(data, size)) {
        MUST(++n_left < TRIES);
    }
    return 0;
}

static void end(void)
{
    fixture_stop(server);
}

void fuzz_start(void)
{
    heap_watch();
    server = fixture_start(NULL);
    MUST(atexit(end) == 0);
}
