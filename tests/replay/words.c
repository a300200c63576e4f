#include "tests/replay/words.h"

#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

void words_init(struct words *words, char *line)
{
    words->at = line;
}

char *words_next(struct words *words)
{
    char *word;

    while (is_blank(*words->at)) {
        words->at++;
    }
    if (*words->at == '\0') {
        return NULL;
    }
    word = words->at;
    while (*words->at != '\0' && !is_blank(*words->at)) {
        words->at++;
    }
    if (*words->at != '\0') {
        *words->at++ = '\0';
    }
    return word;
}

bool words_skip(struct words *words, const char *word)
{
    size_t len = strlen(word);

    while (is_blank(*words->at)) {
        words->at++;
    }
    if (strncmp(words->at, word, len) != 0
        || (words->at[len] != '\0' && !is_blank(words->at[len]))) {
        return false;
    }
    words->at += len;
    return true;
}

char *words_trim(char *text)
{
    char *end = text + strlen(text);

    while (end > text && is_blank(end[-1])) {
        end--;
    }
    *end = '\0';
    while (is_blank(*text)) {
        text++;
    }
    return text;
}

char *words_rest(struct words *words)
{
    return words_trim(words->at);
}

bool words_moment(const char *word, int64_t *at_ms)
{
    char *end;
    double value;

    if (word == NULL) {
        return false;
    }
    value = strtod(word, &end);
    if (end == word || end[0] == '\0' || end[1] != '\0') {
        return false;
    }
    if (*end != 's' && *end != 'm' && *end != 'h') {
        return false;
    }
    *at_ms = (int64_t)(value * (*end == 's' ? 1e3 : *end == 'm' ? 6e4 : 3.6e6) + 0.5);
    return true;
}

json_t *words_value(const char *text)
{
    char *end;
    double value = strtod(text, &end);

    if (*text == '{') {
        return json_loads(text, 0, NULL);
    }
    if (*end != '\0' || strcmp(text, "NaN") == 0 || strstr(text, "Infinity") != NULL) {
        return json_string(text);
    }
    return strchr(text, '.') == NULL && strchr(text, 'e') == NULL ? json_integer((json_int_t)value)
                                                                  : json_real(value);
}

bool words_contain(const char *whole, const char *part)
{
    size_t len = strlen(part);

    for (const char *at = whole; len > 0 && (at = strstr(at, part)) != NULL; at++) {
        if ((at == whole || at[-1] == ' ') && (at[len] == '\0' || at[len] == ' ')) {
            return true;
        }
    }
    return len == 0;
}

const char *words_error(enum err_code code)
{
    static const char *const names[ERR_CODE_COUNT] = {
        [ERR_MALFORMED] = "malformed",
        [ERR_NOT_FOUND] = "not-found",
        [ERR_STUDY_EXISTS] = "study-exists",
        [ERR_LEASE_SUPERSEDED] = "lease-superseded",
        [ERR_RESULT_CONFLICT] = "result-conflict",
        [ERR_WRONG_STATE] = "wrong-state",
        [ERR_LEASE_ENDED] = "lease-ended",
        [ERR_REVISION_CHANGED] = "revision-changed",
        [ERR_INVALID] = "invalid",
        [ERR_KEY_REUSED] = "key-reused",
        [ERR_OVERLOADED] = "overloaded",
    };

    return code < ERR_CODE_COUNT && names[code] != NULL ? names[code] : "error";
}

/* ---- lines ---------------------------------------------------------------------------------- */

bool words_open(struct words_file *file, const char *path)
{
    *file = (struct words_file){.file = fopen(path, "re")};
    return file->file != NULL;
}

void words_close(struct words_file *file)
{
    free(file->pending);
    (void)fclose(file->file);
}

/* The next physical line that says something; NULL at the end. */
static char *read_line(struct words_file *file)
{
    char *line = NULL;
    size_t cap = 0;

    while (getline(&line, &cap, file->file) > 0) {
        const char *text = line + strspn(line, " \t\n");

        file->number++;
        if (*text != '\0' && *text != '#') {
            return line;
        }
    }
    free(line);
    return NULL;
}

static char *join(char *first, char *second)
{
    size_t len = strlen(first) + strlen(second) + 1;
    char *joined = malloc(len);

    if (joined == NULL) {
        abort();
    }
    (void)snprintf(joined, len, "%s%s", first, second);
    free(first);
    free(second);
    return joined;
}

bool words_line(struct words_file *file, char **line, size_t *number)
{
    if (file->pending == NULL) {
        file->pending = read_line(file);
        file->pending_number = file->number;
    }
    *line = file->pending;
    *number = file->pending_number;
    file->pending = NULL;
    while (*line != NULL && (file->pending = read_line(file)) != NULL) {
        file->pending_number = file->number;
        if (!is_blank(file->pending[0])) {
            break;
        }
        *line = join(*line, file->pending);
        file->pending = NULL;
    }
    return *line != NULL;
}
