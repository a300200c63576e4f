/* A checkpoint's folder as a tar file and back. What a hostile tar file does is in
 * tests/e2e/test_checkpoints.py. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/directory.h"
#include "tests/support/run_suite.h"
#include "worker/agent/tree_pack.h"
#include "worker/agent/tree_unpack.h"
#include "worker/agent/tree_walk.h"

#define MUST(step)                                                                                 \
    do {                                                                                           \
        struct err err = {0};                                                                      \
        int rc = (step);                                                                           \
        ck_assert_msg(rc == 0, "%s: %s", #step, err.text);                                         \
    } while (0)

static char directory[DIRECTORY_BYTES];
static char from[DIRECTORY_BYTES + 8];

static void setup(void)
{
    directory_create(directory);
    (void)snprintf(from, sizeof from, "%s/from", directory);
    ck_assert_int_eq(mkdir(from, 0700), 0);
}

static void teardown(void)
{
    directory_remove(directory);
}

static void put(const char *name, size_t len, mode_t mode)
{
    char path[DIRECTORY_BYTES + 320];

    (void)snprintf(path, sizeof path, "%s/%s", from, name);
    OWN(fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    ck_assert_int_ge(fd, 0);
    OWN(memory) char *bytes = malloc(len + 1);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = "0123456789"[i % 10];
    }
    ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
}

static int pack(const char *to, int64_t bytes_max, unsigned char sum[SHA256_BYTES], struct err *err)
{
    char path[DIRECTORY_BYTES + 8];
    OWN(tree_pack) struct tree_pack *made = NULL;
    bool done = false;

    (void)snprintf(path, sizeof path, "%s/%s", directory, to);
    TRY(tree_pack_begin(from, path, bytes_max, &made, err));
    while (!done) {
        TRY(tree_pack_step(made, &done, err));
    }
    memcpy(sum, tree_pack_digest(made), SHA256_BYTES);
    struct stat status;
    ck_assert_int_eq(fstat(tree_pack_fd(made), &status), 0);
    ck_assert_int_eq(status.st_size, tree_pack_bytes(made));
    return 0;
}

static int unpack(const char *tar, const char *to, int64_t bytes_max, struct err *err)
{
    char tar_path[DIRECTORY_BYTES + 8];
    char path[DIRECTORY_BYTES + 8];
    OWN(tree_unpack) struct tree_unpack *made = NULL;
    bool done = false;

    (void)snprintf(tar_path, sizeof tar_path, "%s/%s", directory, tar);
    (void)snprintf(path, sizeof path, "%s/%s", directory, to);
    OWN(fd) int fd = open(tar_path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    TRY(tree_unpack_begin(fd, path, bytes_max, &made, err));
    while (!done) {
        TRY(tree_unpack_step(made, &done, err));
    }
    return 0;
}

static int64_t size_of(const char *name, mode_t *mode)
{
    char path[DIRECTORY_BYTES + 320];
    struct stat status;

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    ck_assert_msg(lstat(path, &status) == 0, "%s is not there", name);
    *mode = status.st_mode;
    return (int64_t)status.st_size;
}

START_TEST(a_folder_comes_back_and_gives_the_same_bytes_again)
{
    unsigned char first[SHA256_BYTES];
    unsigned char second[SHA256_BYTES];
    char link[DIRECTORY_BYTES + 64];
    mode_t mode;

    put("b", 3000, 0640);
    put("run", 10, 0755);
    put("empty", 0, 0600);
    (void)snprintf(link, sizeof link, "%s/größe", from);
    ck_assert_int_eq(mkdir(link, 0700), 0);
    put("größe/a-name-that-is-much-too-long-for-the-oldest-form-of-tar", 2500000, 0600);
    (void)snprintf(link, sizeof link, "%s/latest", from);
    ck_assert_int_eq(symlink("größe", link), 0);
    MUST(pack("a.tar", INT64_MAX, first, &err));
    ck_assert_int_eq(utimensat(AT_FDCWD, from, NULL, 0), 0);
    put("b", 3000, 0640); /* another time, the same content */
    MUST(pack("b.tar", INT64_MAX, second, &err));
    ck_assert_int_eq(memcmp(first, second, sizeof first), 0);
    MUST(unpack("a.tar", "to", INT64_MAX, &err));
    ck_assert_int_eq(size_of("to/b", &mode), 3000);
    ck_assert_int_eq(mode & 07777, 0600);
    ck_assert_int_eq(size_of("to/run", &mode), 10);
    ck_assert_int_eq(mode & 07777, 0700);
    ck_assert_int_eq(size_of("to/empty", &mode), 0);
    ck_assert_int_eq(
        size_of("to/größe/a-name-that-is-much-too-long-for-the-oldest-form-of-tar", &mode),
        2500000);
    ck_assert_int_eq(size_of("to/latest", &mode), (int64_t)strlen("größe"));
    ck_assert(S_ISLNK(mode));
}
END_TEST

START_TEST(too_much_is_refused_on_both_ways)
{
    unsigned char sum[SHA256_BYTES];
    struct err no = {0};

    put("a", 1000, 0600);
    put("b", 1000, 0600);
    ck_assert_int_eq(pack("a.tar", 1999, sum, &no), -1);
    ck_assert_int_eq(no.code, ERR_TOO_LARGE);
    MUST(pack("a.tar", 2000, sum, &err));
    ck_assert_int_eq(unpack("a.tar", "to", 1999, &no), -1);
    ck_assert_int_eq(no.code, ERR_TOO_LARGE);
    MUST(unpack("a.tar", "to2", 2000, &err));
}
END_TEST

START_TEST(what_cannot_be_packed_is_said)
{
    static const char *const targets[] = {"/etc/passwd", "../x", "a/../../x"};
    unsigned char sum[SHA256_BYTES];
    char link[DIRECTORY_BYTES + 16];
    struct err err = {0};

    (void)snprintf(link, sizeof link, "%s/l", from);
    ck_assert_int_eq(_i < 3 ? symlink(targets[_i], link) : mkfifo(link, 0600), 0);
    ck_assert_int_eq(pack("a.tar", INT64_MAX, sum, &err), -1);
    ck_assert_int_eq(err.code, ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, "/l is"));
}
END_TEST

static int add_name(void *context, const struct tree_found *found, struct err *err)
{
    char *names = context;

    ck_assert_str_eq(found->path + strlen(from) + 1, found->inside);
    (void)strcat(names, found->inside);
    (void)strcat(names, S_ISLNK(found->status->st_mode) ? "@ " : " ");
    return strcmp(found->inside, "stop") == 0 ? err_set(err, ERR_INVALID, "stopped") : 0;
}

static void make_at(const char *name, int (*make)(const char *path))
{
    char path[DIRECTORY_BYTES + 16];

    (void)snprintf(path, sizeof path, "%s/%s", from, name);
    ck_assert_int_eq(make(path), 0);
}

static int make_folder(const char *path)
{
    return mkdir(path, 0700);
}

static int make_link(const char *path)
{
    return symlink(".", path);
}

START_TEST(a_walk_goes_by_name_and_follows_no_link)
{
    char names[256] = "";
    struct err stop = {0};

    make_at("b", make_folder);
    make_at("b/z", make_folder);
    make_at("b/a", make_link);
    make_at("a", make_link);
    make_at("c", make_folder);
    MUST(tree_walk(from, add_name, names, &err));
    ck_assert_str_eq(names, "a@ b b/a@ b/z c ");
    names[0] = '\0';
    make_at("b/stop", make_folder); /* not the name within the folder that ends it */
    make_at("stop", make_folder);
    make_at("t", make_folder);
    ck_assert_int_eq(tree_walk(from, add_name, names, &stop), -1);
    ck_assert_str_eq(stop.text, "stopped");
    ck_assert_str_eq(names, "a@ b b/a@ b/stop b/z c stop ");
}
END_TEST

START_TEST(a_walk_of_what_is_not_there_is_an_error)
{
    char names[16] = "";
    struct err err = {0};

    ck_assert_int_eq(tree_walk("/no/such", add_name, names, &err), -1);
    ck_assert_int_eq(err.code, ERR_IO);
    ck_assert_ptr_nonnull(strstr(err.text, "/no/such cannot be read"));
}
END_TEST

static const struct {
    const char *path, *target;
    bool stays;
} links[] = {
    {"l", "a", true},           {"l", "a/b", true},
    {"l", "./a", true},         {"l", ".", true},
    {"l", "a/..", false},       {"d/l", "../a", true},
    {"l/", "..", false},        {"d/l//", "../..", false},
    {"d/l", "a/..", false},     {"d/l", "./../a", true},
    {"d/l", "../a/..", false},  {"d/l", ".././a/.", true},
    {"d/l", "..", true},        {"l", "..", false},
    {"l", "../a", false},       {"l", "a/../..", false},
    {"l", "a/../../b", false},  {"d/l", "../..", false},
    {"d/e/l", "../../a", true}, {"d/e/l", "../../../a", false},
    {"l", "/a", false},         {"l", "", false},
    {"l", "..a", true},         {"l", "a//..//../b", false},
};

START_TEST(a_link_stays_inside_or_not)
{
    ck_assert_msg(tree_link_stays_inside(links[_i].path, links[_i].target) == links[_i].stays,
                  "%s -> %s", links[_i].path, links[_i].target);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tree");
    TCase *tcase = tcase_create("tree");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_folder_comes_back_and_gives_the_same_bytes_again);
    tcase_add_test(tcase, too_much_is_refused_on_both_ways);
    tcase_add_test(tcase, a_walk_goes_by_name_and_follows_no_link);
    tcase_add_test(tcase, a_walk_of_what_is_not_there_is_an_error);
    tcase_add_loop_test(tcase, what_cannot_be_packed_is_said, 0, 4);
    tcase_add_loop_test(tcase, a_link_stays_inside_or_not, 0,
                        (int)(sizeof links / sizeof links[0]));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
