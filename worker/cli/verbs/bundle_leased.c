#include "worker/cli/verbs/bundle_leased.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/json.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"

#define TRIES 5
#define LIST_BYTES ((size_t)4 << 20)
#define REQUEST_BYTES 64

int lease_hand_back(struct session *session, const char *lease, struct err *err)
{
    OWN(buf) struct buf path;
    int rc = -1;

    buf_init(&path, 256);
    buf_puts(&path, "/v1/leases/");
    http_escape(&path, lease);
    TRY(buf_check(&path, err));
    for (int i = 0; i < TRIES && rc != 0; i++) {
        rc = session_send(session, "DELETE", buf_text(&path), NULL, NULL, err);
        if (rc != 0 && err->code != ERR_UNREACHABLE && err->code != ERR_OVERLOADED) {
            return rc;
        }
    }
    return rc;
}

/* ---- the file ---- */

static int fault(const struct leased_list *list, struct err *err)
{
    return err_set(err, errno_is_full_disk(errno) ? ERR_STORAGE_FULL : ERR_IO,
                   "%s cannot be made: %s", list->path, strerror(errno));
}

static int name_list(struct leased_list *list, const char *file, struct err *err)
{
    *list = (struct leased_list){.fd = -1};
    if (asprintf(&list->path, "%s.leased", file) < 0) {
        list->path = NULL;
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    return 0;
}

static int add_line(struct leased_list *list, const json_t *line, struct err *err)
{
    OWN(buf) struct buf text;
    struct json_writer w;

    buf_init(&text, LIST_BYTES);
    json_writer_init(&w, &text);
    json_write_value(&w, line);
    buf_putc(&text, '\n');
    TRY(buf_check(&text, err));
    return write(list->fd, text.data, text.len) == (ssize_t)text.len ? 0 : fault(list, err);
}

int leased_list_begin(struct leased_list *list, const char *file, const struct leased_asks *asks,
                      struct err *err)
{
    TRY(name_list(list, file, err));
    list->fd = open(list->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_APPEND, 0600);
    if (list->fd < 0 || flock(list->fd, LOCK_EX | LOCK_NB) != 0) {
        return fault(list, err);
    }
    json_auto_t *line = json_pack("{s:s, s:s, s:s, s:O}", "server", asks->server, "path",
                                  asks->path, "request", asks->request, "ask", asks->body);
    TRY(line == NULL ? err_set(err, ERR_NOMEM, "out of memory") : 0);
    return add_line(list, line, err);
}

int leased_list_note(struct leased_list *list, const char *lease, struct err *err)
{
    json_auto_t *line = json_pack("{s:s}", "lease", lease);

    return line == NULL ? err_set(err, ERR_NOMEM, "out of memory") : add_line(list, line, err);
}

void leased_list_end(struct leased_list *list)
{
    if (list->fd >= 0) {
        (void)unlink(list->path);
    }
}

void leased_list_finish(struct leased_list *list)
{
    if (list->fd >= 0) {
        (void)close(list->fd);
    }
    free(list->path);
    *list = (struct leased_list){.fd = -1};
}

/* ---- after a program that was killed ---- */

/* Opens and locks it where there is one. */
static int take_list(struct leased_list *list, const char *file, struct err *err)
{
    TRY(name_list(list, file, err));
    list->fd = open(list->path, O_RDONLY | O_CLOEXEC);
    if (list->fd < 0) {
        return errno == ENOENT ? 0 : err_set(err, ERR_IO, "%s: %s", list->path, strerror(errno));
    }
    if (flock(list->fd, LOCK_EX | LOCK_NB) != 0) {
        return err_set(err, ERR_LOCKED, "another 'hone bundle' writes %s now", file);
    }
    return 0;
}

void leased_list_forget(const char *file)
{
    OWN(leased_list) struct leased_list list = {.fd = -1};
    struct err err;

    if (take_list(&list, file, &err) == 0) {
        leased_list_end(&list);
    }
}

/* What was handed out last may stand in no line: the same ask once more has the same answer. */
static int add_unnoted(struct session *session, const json_t *begin, json_t *leases,
                       struct err *err)
{
    char request[REQUEST_BYTES];
    json_auto_t *answer = NULL;
    json_auto_t *ask = json_copy(json_object_get(begin, "ask"));

    (void)snprintf(request, sizeof request, "%.40s-%zu", text_at(begin, "request"),
                   json_array_size(leases) + 1);
    (void)json_object_set_new(ask, "request_id", json_string(request));
    TRY(session_send(session, "POST", text_at(begin, "path"), ask, &answer, err));
    const json_t *lease = json_object_get(json_object_get(answer, "lease"), "id");
    if (json_is_string(lease)) {
        (void)json_array_append_new(leases, json_string(json_string_value(lease)));
    }
    return 0;
}

/* The first line into *begin, and the leases into an array; a line that is not whole was not
 * needed. */
static int read_list(const struct leased_list *list, json_t **begin, json_t *leases,
                     struct err *err)
{
    OWN(memory) char *text = malloc(LIST_BYTES);
    ssize_t len = text == NULL ? -1 : read(list->fd, text, LIST_BYTES);

    if (len < 0) {
        return err_set(err, ERR_IO, "%s cannot be read: %s", list->path, strerror(errno));
    }
    const char *end = NULL;
    for (const char *at = text; (end = memchr(at, '\n', (size_t)(text + len - at))) != NULL;
         at = end + 1) {
        json_auto_t *line = NULL;
        TRY(json_parse(at, (size_t)(end - at), &json_limits_default, &line, err));
        if (at == text) {
            *begin = json_incref(line);
        } else {
            (void)json_array_append(leases, json_object_get(line, "lease"));
        }
    }
    return 0;
}

static int check_server(const struct leased_list *list, const json_t *begin,
                        const struct session *session, struct err *err)
{
    const char *server = text_at(begin, "server");

    return strcmp(server, http_client_url(session->client)) == 0
               ? 0
               : err_set(err, ERR_INVALID,
                         "%s lists what a 'hone bundle' that was killed had leased at %s; repeat "
                         "this with --server %s to hand it back, or remove the list",
                         list->path, server, server);
}

static int hand_back_all(struct session *session, const json_t *leases, struct err *err)
{
    size_t i;
    const json_t *lease;

    json_array_foreach (leases, i, lease) {
        if (lease_hand_back(session, json_string_value(lease), err) != 0
            && (err->code == ERR_UNREACHABLE || err->code == ERR_OVERLOADED)) {
            return -1;
        }
    }
    return 0;
}

int leased_list_recover(const char *file, struct session *session, struct err *err)
{
    OWN(leased_list) struct leased_list list = {.fd = -1};
    json_auto_t *begin = NULL;
    json_auto_t *leases = json_array();

    TRY(take_list(&list, file, err));
    if (list.fd < 0) {
        return 0;
    }
    if (read_list(&list, &begin, leases, err) != 0) {
        return err_wrap(err, "%s, which lists what a killed 'hone bundle' had leased", list.path);
    }
    if (begin != NULL) {
        TRY(check_server(&list, begin, session, err));
        TRY(add_unnoted(session, begin, leases, err));
    }
    TRY(hand_back_all(session, leases, err));
    if (json_array_size(leases) > 0) {
        say("%zu leases of a 'hone bundle' that was killed are handed back",
            json_array_size(leases));
    }
    leased_list_end(&list);
    return 0;
}
