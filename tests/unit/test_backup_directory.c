/* The mark of a directory for backups. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "server/store/backup_directory.h"
#include "tests/support/directory.h"
#include "tests/support/run_suite.h"

enum { SERVERS = 4, ROUNDS = 100 };

static pthread_barrier_t beginning;

struct server {
    const char *folder;
    char identity[STORE_IDENTITY_BYTES];
    int result;
};

static void *mark(void *argument)
{
    struct server *server = argument;
    struct err err;

    (void)pthread_barrier_wait(&beginning);
    server->result = backup_directory_mark(server->folder, server->identity, &err);
    return NULL;
}

/* As timers of several machines do that share a directory. */
static void mark_at_once(const char *folder)
{
    struct server servers[SERVERS];
    pthread_t threads[SERVERS];
    char found[STORE_IDENTITY_BYTES];
    struct err err;

    for (int i = 0; i < SERVERS; i++) {
        servers[i] = (struct server){.folder = folder};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, mark, &servers[i]), 0);
    }
    for (int i = 0; i < SERVERS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    ck_assert_int_eq(backup_directory_mark(folder, found, &err), 0);
    for (int i = 0; i < SERVERS; i++) {
        ck_assert_int_eq(servers[i].result, 0);
        ck_assert_str_eq(servers[i].identity, found);
    }
}

START_TEST(servers_that_mark_it_at_once_agree)
{
    char folder[DIRECTORY_BYTES];

    ck_assert_int_eq(pthread_barrier_init(&beginning, NULL, SERVERS), 0);
    for (int i = 0; i < ROUNDS; i++) {
        directory_create(folder);
        mark_at_once(folder);
        directory_remove(folder);
    }
    (void)pthread_barrier_destroy(&beginning);
}
END_TEST

START_TEST(a_server_of_another_user_may_read_it)
{
    char folder[DIRECTORY_BYTES];
    char path[DIRECTORY_BYTES + 16];
    char identity[STORE_IDENTITY_BYTES];
    struct stat file;
    struct err err;

    (void)umask(077);
    directory_create(folder);
    ck_assert_int_eq(backup_directory_mark(folder, identity, &err), 0);
    (void)snprintf(path, sizeof path, "%s/hone-backups", folder);
    ck_assert_int_eq(stat(path, &file), 0);
    ck_assert_int_eq(file.st_mode & 0777, 0644);
    directory_remove(folder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backup_directory");
    TCase *tcase = tcase_create("mark");

    tcase_add_test(tcase, servers_that_mark_it_at_once_agree);
    tcase_add_test(tcase, a_server_of_another_user_may_read_it);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
