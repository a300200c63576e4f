/* What `hone worker --bundle` and `hone absorb` read from files that came from elsewhere: a bundle,
 * and the folder or the tar file of results.
 *
 * An input is lines "NAME, a tab, CONTENT", in which | stands for a new line. Those with a name
 * that begins with a digit are files of the folder of results, the others entries of the bundle; an
 * input whose first line has no tab is the bundle itself.
 *
 * What must hold: what is taken for a bundle is written and read again the same. Each of its leases
 * is handed out as one that an agent can read, or not at all, and begins at its end at the latest;
 * its calls are answered, and with its result it has ended, in the folder as well. */
#include <ctype.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/http/client.h"
#include "common/log.h"
#include "common/wire/wire.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/tar_entry.h"
#include "tests/support/directory.h"
#include "worker/bundle/belongs.h"
#include "worker/bundle/offline.h"

#define ASKS_MAX 20

static char folder[DIRECTORY_BYTES]; /* all that there is below it: */
static char packed[DIRECTORY_BYTES + 16];
static char again[DIRECTORY_BYTES + 16];
static char place[DIRECTORY_BYTES + 16];

/* ---- files ---- */

static void write_file(const char *path, const char *bytes, size_t len)
{
    FILE *file = fopen(path, "we");

    MUST(file != NULL && fwrite(bytes, 1, len, file) == len && fclose(file) == 0);
}

/* A name that a file can have; a line that has another is left out. */
static void add_result(const char *name, char *content, struct buf *tar)
{
    char path[DIRECTORY_BYTES + 64];

    tar_entry(tar, '0', name, content);
    if (strlen(name) > 40 || strchr(name, '/') != NULL) {
        return;
    }
    (void)snprintf(path, sizeof path, "%s/%s", place, name);
    for (char *at = content; *at != '\0'; at++) {
        *at = *at == '|' ? '\n' : *at;
    }
    write_file(path, content, strlen(content));
}

static void make_files(char *lines, struct buf *bundle, struct buf *results)
{
    char *save = NULL;

    for (char *line = strtok_r(lines, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        char *content = strchr(line, '\t');
        if (content == NULL) {
            continue;
        }
        *content++ = '\0';
        if (isdigit((unsigned char)line[0])) {
            add_result(line, content, results);
        } else {
            tar_entry(bundle, '0', line, content);
        }
    }
    tar_end(bundle);
    tar_end(results);
}

static void start_folder(void)
{
    directory_create(folder);
    (void)snprintf(packed, sizeof packed, "%s/bundle.tar", folder);
    (void)snprintf(again, sizeof again, "%s/again.tar", folder);
    (void)snprintf(place, sizeof place, "%s/results", folder);
    MUST(mkdir(place, 0700) == 0);
}

/* ---- a bundle ---- */

static void check_reads_back(const struct bundle *bundle)
{
    OWN(bundle) struct bundle other = {0};
    struct err err = {0};

    if (bundle_write(again, bundle, &err) != 0 || bundle_read(again, &other, &err) != 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        abort();
    }
    MUST(other.n == bundle->n && strcmp(other.study, bundle->study) == 0);
    for (size_t i = 0; i < bundle->n; i++) {
        MUST(strcmp(bundle_lease_id(&other, i), bundle_lease_id(bundle, i)) == 0);
        MUST(json_equal(other.leases[i], bundle->leases[i]));
    }
}

/* ---- its agent ---- */

static int call(const struct http_responder *responder, const char *method, const char *path,
                const char *body, struct http_answer *answer)
{
    const struct http_call made = {
        .method = method, .path = path, .body = body, .body_len = strlen(body)};
    struct err err = {0};

    http_answer_finish(answer);
    *answer = (struct http_answer){0};
    buf_init(&answer->body, HTTP_ANSWER_BYTES);
    if (responder->respond(responder->context, &made, answer, &err) != 0) {
        (void)fprintf(stderr, "%s %s: %s\n", method, path, err.text);
        abort();
    }
    return answer->status;
}

static int call_lease(const struct http_responder *responder, const char *method, const char *id,
                      const char *suffix, const char *body)
{
    OWN(http_answer) struct http_answer answer = {0};
    OWN(buf) struct buf path;

    buf_init(&path, 1000);
    buf_puts(&path, "/v1/leases/");
    http_escape(&path, id);
    buf_puts(&path, suffix);
    return call(responder, method, buf_text(&path), body, &answer);
}

/* Every third one is interrupted, and may be asked for again. */
static void run(const struct http_responder *responder, const char *id, int n)
{
    MUST(call_lease(responder, "PUT", id, "", "{}") == 200);
    MUST(call_lease(responder, "POST", id, "/measurements", "{\"measurements\":[]}") == 200);
    if (n % 3 == 2) {
        MUST(call_lease(responder, "PUT", id, "/result",
                        "{\"outcome\":\"preempted\",\"checkpoint\":{\"uri\":\"/\",\"step\":1}}")
             == 200);
    } else {
        MUST(call_lease(responder, "PUT", id, "/result", "{\"outcome\":\"completed\"}") == 200);
    }
    MUST(call_lease(responder, "PUT", id, "", "{}") == 410);
}

/* False: there is nothing to be had any more. */
static bool ask(const struct http_responder *responder, int n)
{
    OWN(http_answer) struct http_answer answer = {0};
    OWN(lease_grant) struct lease_grant grant = {0};
    struct no_lease no;
    struct err err = {0};

    int status = call(responder, "POST", "/v1/leases",
                      "{\"worker\":\"w\",\"gpus\":[{},{}],\"seconds_left\":1}", &answer);
    json_auto_t *body = fuzz_json(&answer.body);
    MUST(body != NULL && (status == 200 || status == 201));
    if (status == 200) {
        MUST(no_lease_from_json(body, &no, &err) == 0);
        return false;
    }
    if (lease_grant_from_json(body, &grant, &err) != 0) {
        (void)fprintf(stderr, "%s\n%s\n", err.text, buf_text(&answer.body));
        abort();
    }
    MUST(!grant.checkpoint.present || grant.from <= grant.to);
    run(responder, grant.id, n);
    return true;
}

static void work(const struct bundle *bundle, const struct results *results)
{
    OWN(offline) struct offline *offline = NULL;
    struct err err = {0};
    int n = 0;

    MUST(offline_create(bundle, results, &offline, &err) == 0);
    size_t n_ended = results_count(results, bundle->n).ended;
    while (n < ASKS_MAX && ask(offline_responder(offline), n)) {
        n++;
    }
    struct results_count count = results_count(results, bundle->n);
    MUST(count.busy == 0 && count.ended == n_ended + (size_t)(n - n / 3));
}

/* ---- results ---- */

static int count_result(void *context, const char *name, const char *text, size_t len,
                        struct err *err)
{
    (void)err;
    MUST(strstr(name, ".ndjson") != NULL && text[len] == '\0');
    ++*(int *)context;
    return 0;
}

static int count_results(const char *source)
{
    struct err err = {0};
    int n = 0;

    MUST(results_each(source, count_result, &n, &err) == 0 || err.text[0] != '\0');
    return n;
}

/* ---- one input ---- */

void fuzz_start(void)
{
    log_start("fuzz", LOG_LEVEL_ERROR);
}

static void check_bundle(void)
{
    OWN(bundle) struct bundle bundle = {0};
    struct results results = {0};
    struct err err = {0};
    char name[BUNDLE_NAME_BYTES];

    if (bundle_read(packed, &bundle, &err) != 0) {
        MUST(err.text[0] != '\0' && bundle.n == 0 && bundle.leases == NULL);
        return;
    }
    bundle_name(&bundle, name);
    check_reads_back(&bundle);
    MUST(results_open(place, &results, &err) == 0);
    MUST(results_check_bundle(&results, &bundle, &err) == 0 || err.text[0] != '\0');
    work(&bundle, &results);
    results_close(&results);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    OWN(memory) char *lines = fuzz_text((const char *)data, size);
    OWN(buf) struct buf bundle;
    OWN(buf) struct buf results;

    buf_init(&bundle, 64 << 20);
    buf_init(&results, 64 << 20);
    start_folder();
    if (lines[strcspn(lines, "\t\n")] == '\t') {
        make_files(lines, &bundle, &results);
    } else {
        buf_append(&bundle, (const char *)data, size);
    }
    MUST(!bundle.failed && !results.failed);
    write_file(packed, buf_text(&bundle), bundle.len);
    write_file(again, buf_text(&results), results.len);
    (void)count_results(again);
    (void)count_results(place);
    MUST(unlink(again) == 0);
    check_bundle();
    directory_remove(folder);
    return 0;
}
