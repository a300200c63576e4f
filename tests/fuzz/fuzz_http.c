/* Bytes on a connection. Whatever is sent, the server answers HTTP or hangs up, the next client is
 * served as if nothing had been, and nothing of it stays in memory. Mutants of whole requests,
 * always the same ones. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/rng.h"
#include "tests/fuzz/mutants.h"
#include "tests/fuzz/replay.h"
#include "tests/support/heap.h"
#include "tests/support/http_call.h"
#include "tests/unit/http_fixture.h"

static struct fixture *server;

static const char *const seeds[] = {
    "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /things/a%20b/parts/%e2%82%ac?q=1&q=%2f&=&x HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "Content-Length: 7\r\n\r\n{\"a\":1}",
    "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json; charset=utf-8\r\n"
    "Transfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n",
    "PATCH /echo HTTP/1.1\r\nHost: [::1]\r\nContent-Type: application/merge-patch+json\r\n"
    "If-Match: \"3\"\r\nContent-Length: 2\r\n\r\n{}",
    "POST /later HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
    "HEAD /hello HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n",
    "GET /secret HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer hp_abc_def\r\n"
    "Sec-Fetch-Site: cross-site\r\nOrigin: http://localhost\r\nAccept: text/csv;q=0.5\r\n\r\n"
    "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "DELETE /hello HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\r\n",
};
#define N_SEEDS (sizeof seeds / sizeof seeds[0])

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

/* Half a request waits for its other half: time passes until every deadline has struck. */
static void send_and_read(const uint8_t *data, size_t size)
{
    OWN(buf) struct buf said;
    OWN(fd) int fd = http_connect(server->port);

    buf_init(&said, 1 << 20);
    http_send(fd, (const char *)data, size);
    do {
        fixture_advance(server, 200000); /* a request of its own, which must get its answer */
    } while (read_some(fd, &said));
    MUST(said.len == 0 || strncmp(said.data, "HTTP/1.", 7) == 0);
}

/* Is there more on the heap after an input than before it? */
static bool leaves_something(const uint8_t *data, size_t size)
{
    size_t before = heap_bytes();

    send_and_read(data, size);
    fixture_wait_connections(server, 0); /* and no request */
    fixture_wait_rest(server);
    return heap_is_exact && heap_bytes() > before;
}

/* A leak is found at the input that makes it, not when the process ends. The first time something
 * may stay in a cache of the C library; the second time nothing may. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MUST(!leaves_something(data, size) || !leaves_something(data, size));
    return 0;
}

/* Many small things, each of which has a record of its own in the library. */
static void insert_many(struct buf *text, struct rng *rng)
{
    static const struct {
        const char *after, *begin, *item, *end;
    } lists[] = {
        {"\r\n", "Cookie: ", "a=b; ", "\r\n"},
        {"\r\n", "", "X: y\r\n", ""},
        {" ", "/?", "a&", ""},
    };
    size_t which = (size_t)rng_below(rng, sizeof lists / sizeof lists[0]);
    const char *at = strstr(buf_text(text), lists[which].after);
    OWN(buf) struct buf list;

    buf_init(&list, 1 << 20);
    buf_puts(&list, lists[which].begin);
    for (uint64_t n = rng_below(rng, 500); n > 0; n--) {
        buf_puts(&list, lists[which].item);
    }
    buf_puts(&list, lists[which].end);
    if (at != NULL) {
        mutant_insert(text, (size_t)(at - text->data) + strlen(lists[which].after), list.data,
                      list.len);
    }
}

static void mutate(struct buf *text, struct rng *rng)
{
    static const char odd[] = "\r\n\0:%/?#&= \t\x01\x7f\xff,;\"[]0f-";
    static const char *const lines[] = {"Content-Length: 3\r\n",
                                        "Content-Length: -1\r\n",
                                        "Transfer-Encoding: chunked\r\n",
                                        "Host: x\r\n",
                                        "Connection: close\r\n",
                                        "Authorization: Bearer\r\n",
                                        "Content-Length : 3\r\n",
                                        "Content-Length:\r\n 3\r\n",
                                        " x\r\n",
                                        ": x\r\n",
                                        "\r\n\r\n",
                                        "Cookie: ;;;=\r\n"};
    size_t at = (size_t)rng_below(rng, text->len);
    char c = odd[rng_below(rng, sizeof odd - 1)];

    switch (rng_below(rng, 7)) {
    case 0:
        text->data[at] = c;
        break;
    case 1:
        mutant_insert(text, at, &c, 1);
        break;
    case 2: {
        const char *line = lines[rng_below(rng, sizeof lines / sizeof lines[0])];
        const char *end = strstr(buf_text(text), "\r\n");
        mutant_insert(text, end == NULL ? at : (size_t)(end + 2 - text->data), line, strlen(line));
        break;
    }
    case 3:
        text->len = at + 1; /* cut off */
        break;
    case 4: {
        const char *other = seeds[rng_below(rng, N_SEEDS)];
        mutant_insert(text, at, other, strlen(other));
        break;
    }
    case 5:
        insert_many(text, rng);
        break;
    default:
        for (int i = 0; i < 3000; i++) {
            mutant_insert(text, at, "a", 1);
        }
    }
}

static void run_mutant(uint64_t round)
{
    struct rng rng = rng_for(UINT64_C(0x687474), round);
    const char *seed = seeds[rng_below(&rng, N_SEEDS)];
    OWN(buf) struct buf text;

    buf_init(&text, 1 << 20);
    buf_append(&text, seed, strlen(seed));
    for (uint64_t times = 1 + rng_below(&rng, 4); times > 0; times--) {
        mutate(&text, &rng);
    }
    (void)LLVMFuzzerTestOneInput((const uint8_t *)text.data, text.len);
}

static uint64_t rounds, first_round;

START_TEST(whatever_is_sent_the_next_client_is_served)
{
    server = fixture_start(NULL);
    for (size_t i = 0; i < N_SEEDS; i++) {
        (void)LLVMFuzzerTestOneInput((const uint8_t *)seeds[i], strlen(seeds[i]));
    }
    size_t before = heap_bytes();
    for (uint64_t round = first_round; round < first_round + rounds; round++) {
        run_mutant(round);
    }
    MUST(heap_bytes() <= before + heap_noise);
    fixture_stop(server);
}
END_TEST

/* usage: fuzz_http ROUNDS [FIRST] */
int main(int argc, char **argv)
{
    Suite *suite = suite_create("fuzz_http");
    TCase *tcase = tcase_create("bytes");
    SRunner *runner = srunner_create(suite);

    heap_watch();
    rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    first_round = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    tcase_set_timeout(tcase, 3600);
    tcase_add_test(tcase, whatever_is_sent_the_next_client_is_served);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
