/* Uploaded files: stored once by their digest, kept while a trial needs them. */
#include <check.h>
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/files/uploads_private.h"
#include "tests/support/directory.h"
#include "tests/support/run_suite.h"

#define MUST(step)                                                                                 \
    do {                                                                                           \
        struct err err = {0};                                                                      \
        int rc = (step);                                                                           \
        ck_assert_msg(rc == 0, "%s: %s", #step, err.text);                                         \
    } while (0)

static char directory[DIRECTORY_BYTES];

static void setup(void)
{
    directory_create(directory);
}

static void teardown(void)
{
    directory_remove(directory);
}

static struct uploads *open_uploads(int64_t spare_bytes)
{
    const struct uploads_settings settings = {
        .directory = directory, .limit = 1 << 20, .spare_bytes = spare_bytes};
    struct uploads *uploads = NULL;

    MUST(uploads_create(&settings, &uploads, &err));
    return uploads;
}

static void store(struct uploads *uploads, int64_t trial, const char *text,
                  char uri[UPLOAD_URI_BYTES])
{
    OWN(upload) struct upload *upload = NULL;

    MUST(upload_begin(uploads, &upload, &err));
    MUST(upload_write(upload, text, strlen(text) / 2, &err));
    MUST(upload_write(upload, text + strlen(text) / 2, strlen(text) - strlen(text) / 2, &err));
    MUST(upload_finish(upload, 1, trial, uri, &err));
}

static bool has(const struct uploads *uploads, int64_t trial, const char *uri, const char *text)
{
    char found[64] = "";
    OWN(fd) int fd = -1;
    struct err err;

    if (upload_open(uploads, 1, trial, uri, &fd, &err) != 0) {
        ck_assert_int_eq(err.code, ERR_NOT_FOUND);
        return false;
    }
    ssize_t got = read(fd, found, sizeof found);
    ck_assert_int_eq(got, (ssize_t)strlen(text));
    ck_assert_int_eq(memcmp(found, text, strlen(text)), 0);
    return true;
}

static int64_t n_files(const struct uploads *uploads)
{
    struct uploads_stats stats;

    uploads_stats(uploads, &stats);
    return stats.files;
}

static bool is_even(void *context, int64_t study, int64_t trial, const char *uri)
{
    (void)context;
    (void)study;
    (void)uri;
    return trial % 2 == 0;
}

static const struct uploads_world world = {NULL, is_even};

START_TEST(content_has_the_name_of_its_digest_and_is_stored_once)
{
    OWN(uploads) struct uploads *uploads = open_uploads(0);
    char uri[UPLOAD_URI_BYTES];
    char again[UPLOAD_URI_BYTES];

    store(uploads, 1, "abc", uri);
    store(uploads, 2, "abc", again);
    store(uploads, 2, "abc", again);
    ck_assert_str_eq(uri,
                     "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    ck_assert_str_eq(again, uri);
    ck_assert_int_eq(n_files(uploads), 1);
    ck_assert(has(uploads, 1, uri, "abc"));
    ck_assert(has(uploads, 2, uri, "abc"));
    ck_assert(!has(uploads, 3, uri, "abc"));
    ck_assert(!has(uploads, 1, "sha256:../../hone.db", ""));
}
END_TEST

START_TEST(content_goes_with_the_last_trial_that_needs_it)
{
    OWN(uploads) struct uploads *uploads = open_uploads(0);
    char uri[UPLOAD_URI_BYTES];
    char other[UPLOAD_URI_BYTES];

    store(uploads, 1, "abc", uri);
    store(uploads, 2, "abc", uri);
    store(uploads, 3, "other", other);
    uploads_prune_trial(uploads, 1, 1, &world);
    ck_assert(!has(uploads, 1, uri, ""));
    ck_assert(has(uploads, 2, uri, "abc"));
    ck_assert_int_eq(n_files(uploads), 2);
    MUST(uploads_prune(uploads, &world, &err));
    ck_assert(!has(uploads, 3, other, ""));
    ck_assert(has(uploads, 2, uri, "abc"));
    ck_assert_int_eq(n_files(uploads), 1);
}
END_TEST

START_TEST(what_is_not_finished_leaves_nothing)
{
    char path[DIRECTORY_BYTES + 32];
    char uri[UPLOAD_URI_BYTES];

    (void)snprintf(path, sizeof path, "%s/files/incoming/0", directory);
    {
        OWN(uploads) struct uploads *uploads = open_uploads(0);
        OWN(upload) struct upload *upload = NULL;
        MUST(upload_begin(uploads, &upload, &err));
        MUST(upload_write(upload, "x", 1, &err));
        ck_assert_int_eq(access(path, F_OK), 0);
    }
    ck_assert_int_ne(access(path, F_OK), 0);
    FILE *left = fopen(path, "w"); /* by a server that was killed */
    ck_assert_ptr_nonnull(left);
    (void)fclose(left);
    OWN(uploads) struct uploads *uploads = open_uploads(0);
    ck_assert_int_ne(access(path, F_OK), 0);
    store(uploads, 2, "kept", uri);
    MUST(uploads_prune(uploads, &world, &err));
    ck_assert(has(uploads, 2, uri, "kept"));
    ck_assert(uploads_are_used(uploads));
}
END_TEST

START_TEST(a_new_start_counts_what_is_there)
{
    char uri[UPLOAD_URI_BYTES];
    struct uploads_stats stats;

    {
        OWN(uploads) struct uploads *uploads = open_uploads(0);
        store(uploads, 2, "kept", uri);
        store(uploads, 3, "gone", uri);
    }
    OWN(uploads) struct uploads *uploads = open_uploads(0);
    ck_assert(uploads_are_used(uploads));
    MUST(uploads_prune(uploads, &world, &err));
    uploads_stats(uploads, &stats);
    ck_assert_int_eq(stats.files, 1);
    ck_assert_int_eq(stats.bytes, 4);
}
END_TEST

/* ---- what happens during a walk ---- */

/* The n-th entry that is read while links may be made or removed: 0, none any more. */
static struct {
    struct uploads *uploads;
    int n;
} interruption;

static void interrupt(void)
{
    struct uploads *uploads = interruption.uploads;
    char uri[UPLOAD_URI_BYTES];

    if (uploads == NULL || interruption.n <= 0 || pthread_mutex_trylock(&uploads->lock) != 0) {
        return;
    }
    (void)pthread_mutex_unlock(&uploads->lock);
    if (--interruption.n == 0) {
        store(uploads, 2, "uploaded meanwhile", uri);
    }
}

/* In the place of libc's: an upload may come after any entry, and after the last one. */
struct dirent *readdir(DIR *folder)
{
    struct dirent *(*real)(DIR *);
    void *found = dlsym(RTLD_NEXT, "readdir");

    memcpy(&real, &found, sizeof real); /* ISO C has no cast from data to function */
    struct dirent *entry = real(folder);
    interrupt();
    return entry;
}

static bool interrupted_walk_counts_all(int n, bool has_one)
{
    OWN(uploads) struct uploads *uploads = open_uploads(0);
    char uri[UPLOAD_URI_BYTES];

    if (has_one) {
        store(uploads, 4, "was there before", uri);
    }
    interruption.uploads = uploads;
    interruption.n = n;
    MUST(uploads_prune(uploads, &world, &err));
    interruption.uploads = NULL;
    bool came = interruption.n == 0;
    ck_assert_int_eq(n_files(uploads), (came ? 1 : 0) + (has_one ? 1 : 0));
    ck_assert(uploads_are_used(uploads) == (came || has_one));
    return came;
}

START_TEST(an_upload_during_a_walk_is_counted_once)
{
    int n = 1;

    while (interrupted_walk_counts_all(n, _i != 0)) {
        directory_remove(directory);
        directory_create(directory);
        n++;
    }
    ck_assert_int_gt(n, 5);
}
END_TEST

static bool is_asked_under_the_lock(void *context, int64_t study, int64_t trial, const char *uri)
{
    struct uploads *uploads = context;

    (void)study;
    (void)trial;
    (void)uri;
    ck_assert_int_ne(pthread_mutex_trylock(&uploads->lock), 0);
    return false;
}

START_TEST(nothing_is_linked_between_the_answer_and_the_removal)
{
    OWN(uploads) struct uploads *uploads = open_uploads(0);
    const struct uploads_world asking = {uploads, is_asked_under_the_lock};
    char uri[UPLOAD_URI_BYTES];

    store(uploads, 1, "abc", uri);
    uploads_prune_trial(uploads, 1, 1, &asking);
    ck_assert(!has(uploads, 1, uri, ""));
}
END_TEST

START_TEST(with_little_room_left_on_the_disk_nothing_is_taken)
{
    OWN(uploads) struct uploads *uploads = open_uploads(INT64_MAX);
    struct upload *upload = NULL;
    struct err err = {0};

    ck_assert_int_eq(upload_begin(uploads, &upload, &err), -1);
    ck_assert_int_eq(err.code, ERR_STORAGE_FULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("uploads");
    TCase *tcase = tcase_create("uploads");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, content_has_the_name_of_its_digest_and_is_stored_once);
    tcase_add_test(tcase, content_goes_with_the_last_trial_that_needs_it);
    tcase_add_test(tcase, what_is_not_finished_leaves_nothing);
    tcase_add_test(tcase, a_new_start_counts_what_is_there);
    tcase_add_loop_test(tcase, an_upload_during_a_walk_is_counted_once, 0, 2);
    tcase_add_test(tcase, nothing_is_linked_between_the_answer_and_the_removal);
    tcase_add_test(tcase, with_little_room_left_on_the_disk_nothing_is_taken);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
