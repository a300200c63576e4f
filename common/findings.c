#include "common/findings.h"

#include <stdarg.h>

#include "common/buf.h"
#include "common/cell.h"
#include "common/json.h"
#include "common/own.h"

#define TEXT_BYTES 2048

static const char *const grades[] = {
    [FINDING_OK] = "ok", [FINDING_WARN] = "warn", [FINDING_BAD] = "bad"};

static void tell(const struct findings *findings, enum finding grade, const char *check,
                 const char *text)
{
    OWN(buf) struct buf clean = {0};

    buf_init(&clean, (size_t)4 * TEXT_BYTES);
    cell_append_clean(&clean, text);
    if (findings->out != NULL) {
        (void)fprintf(findings->out, "%-4s %s: %s\n", grades[grade], check, buf_text(&clean));
    }
    if (findings->list != NULL) {
        (void)json_array_append_new(findings->list,
                                    json_pack("{s:s, s:s, s:s}", "grade", grades[grade], "check",
                                              check, "text", buf_text(&clean)));
    }
}

void findings_init(struct findings *findings, FILE *out, json_t *list)
{
    *findings = (struct findings){.out = out, .list = list, .failures = json_failures()};
}

int findings_check(const struct findings *findings, struct err *err)
{
    return json_check(findings->failures, err);
}

void finding_add(struct findings *findings, enum finding grade, const char *check, const char *fmt,
                 ...)
{
    char text[TEXT_BYTES];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    tell(findings, grade, check, text);
    if (grade > findings->worst) {
        findings->worst = grade;
    }
}

void finding_err(struct findings *findings, enum finding grade, const char *check,
                 const struct err *err, const char *advice)
{
    finding_add(findings, grade, check, "%s%s%s", err->text, advice[0] == '\0' ? "" : "; ", advice);
}
