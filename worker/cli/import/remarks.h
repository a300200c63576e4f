/* Sentences about what an import leaves out or changes, each with its line. One thread. */
#ifndef WORKER_CLI_IMPORT_REMARKS_H
#define WORKER_CLI_IMPORT_REMARKS_H

#include <jansson.h>
#include <stddef.h>

#include "common/err.h"
#include "common/own.h"
#include "worker/cli/import/node.h"

struct remarks {
    const char *file; /* as it is shown */
    int part;         /* how many times another file has begun */
    json_t *items;    /* [part, line, file, sentence], in the order in which they were made */
};
void remarks_finish(struct remarks *remarks);
OWN_VALUE(remarks)

/* What is told from now on is about this one, until another begins. */
void remarks_begin_file(struct remarks *remarks, const char *file);

/* Line 0: of the whole file. */
void remark_at(struct remarks *remarks, size_t line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* `node` may hold no value: its line counts. */
#define remark(remarks, node, ...) remark_at(remarks, node_line(node), __VA_ARGS__)

/* Prints "FILE:LINE: sentence" on stderr for each, in the order of lines. */
void remarks_print(const struct remarks *remarks);

/* ERR_INVALID with "FILE:LINE: sentence"; always -1. */
int refuse_at(const struct remarks *remarks, size_t line, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
#define refuse_node(remarks, node, err, ...) refuse_at(remarks, node_line(node), err, __VA_ARGS__)

#endif
