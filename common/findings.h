/* What a program finds when it checks its surroundings, told a line each: "ok   name: text",
 * "warn name: text", "bad  name: text". `ok` may carry a remark; `warn` will do harm later or to
 * some; `bad` does now. The text of the latter two says what to do. Where JSON is wanted, the lines
 * are collected instead. One thread. */
#ifndef COMMON_FINDINGS_H
#define COMMON_FINDINGS_H

#include <jansson.h>
#include <stdio.h>

#include "common/err.h"

enum finding { FINDING_OK, FINDING_WARN, FINDING_BAD };

struct findings {
    FILE *out;    /* borrowed; each line is written when it is found. NULL: none is */
    json_t *list; /* borrowed; gets an object {grade, check, text} for each. NULL: none does */
    enum finding worst;
    size_t failures; /* of allocations, before the first one */
};

/* Nothing is found yet. */
void findings_init(struct findings *findings, FILE *out, json_t *list);
/* ERR_NOMEM: the list lacks something. */
MUST_USE int findings_check(const struct findings *findings, struct err *err);

/* Tells one. The text may come from elsewhere: what would command a terminal is left out. */
void finding_add(struct findings *findings, enum finding grade, const char *check, const char *fmt,
                 ...) __attribute__((format(printf, 4, 5)));
/* `grade` for an error, with its text followed by `advice` ("": it says itself what to do). */
void finding_err(struct findings *findings, enum finding grade, const char *check,
                 const struct err *err, const char *advice);

#endif
