/* What a job has left in a folder is removed, whatever it is. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/own.h"
#include "tests/support/directory.h"
#include "tests/support/run_suite.h"
#include "worker/agent/tree_remove.h"

#define NOBODY 65534

static char directory[DIRECTORY_BYTES];
static char folder[DIRECTORY_BYTES + 8];

static const char *below(const char *name)
{
    static char paths[4][DIRECTORY_BYTES + 320];
    static int next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

static void make_file(const char *name)
{
    OWN(fd) int fd = open(below(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
}

static void make_folder(const char *name)
{
    ck_assert_int_eq(mkdir(below(name), 0700), 0);
}

static void setup(void)
{
    directory_create(directory);
    (void)snprintf(folder, sizeof folder, "%s/folder", directory);
    make_folder("folder");
}

static void teardown(void)
{
    directory_remove(directory);
}

static void expect_empty(void)
{
    struct err err = {0};

    ck_assert_msg(tree_remove_below(folder, &err) == 0, "%s", err.text);
    ck_assert_msg(rmdir(folder) == 0, "it is not empty");
    make_folder("folder");
}

START_TEST(all_that_is_in_it_goes_and_nothing_beside_it)
{
    make_file("beside");
    make_folder("folder/a");
    make_folder("folder/a/b");
    make_file("folder/a/b/f");
    make_file("folder/.hidden");
    ck_assert_int_eq(mkfifo(below("folder/pipe"), 0600), 0);
    ck_assert_int_eq(symlink("../beside", below("folder/link")), 0);
    ck_assert_int_eq(symlink("../..", below("folder/a/up")), 0);
    expect_empty();
    ck_assert_int_eq(access(below("beside"), F_OK), 0);
}
END_TEST

START_TEST(nothing_is_removed_through_a_link)
{
    struct err err = {0};

    make_folder("beside");
    make_file("beside/f");
    ck_assert_int_eq(symlink("beside", below("link")), 0);
    ck_assert_int_eq(tree_remove_below(below("link"), &err), 0);
    ck_assert_int_eq(access(below("beside/f"), F_OK), 0);
}
END_TEST

START_TEST(what_is_not_there_is_no_error)
{
    struct err err = {0};

    ck_assert_int_eq(tree_remove_below(below("folder/none"), &err), 0);
    ck_assert_int_eq(tree_remove_below(below("none/none"), &err), 0);
}
END_TEST

/* Deeper than a path can say, and than files may be open here. */
START_TEST(no_folder_is_too_deep)
{
    static const char name[] = "a-folder-within-a-folder";
    const struct rlimit few = {100, 100};
    int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (int i = 0; i < 300; i++) {
        ck_assert_int_eq(mkdirat(at, name, 0700), 0);
        OWN(fd) int file = openat(at, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        ck_assert_int_ge(file, 0);
        int next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(next, 0);
        (void)close(at);
        at = next;
    }
    (void)close(at);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    expect_empty();
}
END_TEST

START_TEST(many_files_are_all_removed)
{
    char name[32];

    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof name, "folder/%d", i);
        make_file(name);
    }
    expect_empty();
}
END_TEST

enum { ALL_WENT, NAMED, ANOTHER_ERROR };

/* As a user to whom rights matter; NAMED: an error that has this name. */
static int remove_as_nobody(const char *name)
{
    pid_t child = fork();
    int status = -1;
    struct err err = {0};

    if (child == 0) {
        bool is_nobody = geteuid() != 0 || (setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
        int result = is_nobody ? tree_remove_below(folder, &err) : -1;
        _exit(result == 0 ? ALL_WENT : strstr(err.text, name) != NULL ? NAMED : ANOTHER_ERROR);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(folders_without_rights_are_no_hindrance)
{
    static const char *const names[] = {"folder", "folder/a", "folder/a/f", "folder/a/b",
                                        "folder/a/b/f"};

    make_folder("folder/a");
    make_file("folder/a/f");
    make_folder("folder/a/b");
    make_file("folder/a/b/f");
    ck_assert_int_eq(chmod(below("folder/a/b"), 0), 0);
    ck_assert_int_eq(chmod(below("folder/a"), 0500), 0);
    ck_assert_int_eq(chmod(folder, 0500), 0);
    if (geteuid() == 0) {
        ck_assert_int_eq(chmod(directory, 0755), 0);
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            ck_assert_int_eq(lchown(below(names[i]), NOBODY, NOBODY), 0);
        }
    }
    ck_assert_int_eq(remove_as_nobody("folder"), ALL_WENT);
    expect_empty();
}
END_TEST

/* What belongs to someone else stays and is named; all else goes. */
START_TEST(what_cannot_be_removed_is_named_and_nothing_else_stays)
{
    struct err err = {0};

    if (geteuid() != 0) {
        return; /* needs two users */
    }
    make_folder("folder/a");
    make_folder("folder/a/mine");
    make_file("folder/a/mine/f");
    make_folder("folder/b");
    make_file("folder/z");
    ck_assert_int_eq(chmod(directory, 0755), 0);
    ck_assert_int_eq(chown(folder, NOBODY, NOBODY), 0);
    ck_assert_int_eq(chown(below("folder/a"), NOBODY, NOBODY), 0);
    ck_assert_int_eq(chown(below("folder/b"), NOBODY, NOBODY), 0);
    ck_assert_int_eq(remove_as_nobody(": mine: "), NAMED);
    ck_assert_int_eq(access(below("folder/a/mine/f"), F_OK), 0);
    ck_assert_int_ne(access(below("folder/b"), F_OK), 0);
    ck_assert_int_ne(access(below("folder/z"), F_OK), 0);
    ck_assert_int_eq(tree_remove_below(folder, &err), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tree_remove");
    TCase *tcase = tcase_create("tree_remove");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, all_that_is_in_it_goes_and_nothing_beside_it);
    tcase_add_test(tcase, nothing_is_removed_through_a_link);
    tcase_add_test(tcase, what_is_not_there_is_no_error);
    tcase_add_test(tcase, no_folder_is_too_deep);
    tcase_add_test(tcase, many_files_are_all_removed);
    tcase_add_test(tcase, folders_without_rights_are_no_hindrance);
    tcase_add_test(tcase, what_cannot_be_removed_is_named_and_nothing_else_stays);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
