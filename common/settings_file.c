#include "common/settings_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "common/own.h"
#include "common/regular_file.h"

#define MARK "\xef\xbb\xbf" /* some editors begin a file in UTF-8 with it */

static char *trimmed(char *text)
{
    while (isspace((unsigned char)*text) != 0) {
        text++;
    }
    size_t len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]) != 0) {
        text[--len] = '\0';
    }
    return text;
}

static int take_line(char *line, size_t len, setting_taker *take, void *context, struct err *err)
{
    if (strlen(line) != len) {
        return err_set(err, ERR_INVALID, "there is a zero byte in this line");
    }
    char *name = trimmed(line);
    if (*name == '\0' || *name == '#') {
        return 0;
    }
    char *equals = strchr(name, '=');
    if (equals == NULL) {
        return take(context, name, NULL, err);
    }
    *equals = '\0';
    return take(context, trimmed(name), trimmed(equals + 1), err);
}

static int take_lines(FILE *file, const char *path, setting_taker *take, void *context,
                      struct err *err)
{
    OWN(memory) char *line = NULL;
    size_t size = 0;
    ssize_t len;

    for (unsigned n = 1; (len = getline(&line, &size, file)) >= 0; n++) {
        size_t mark = n == 1 && strncmp(line, MARK, sizeof MARK - 1) == 0 ? sizeof MARK - 1 : 0;
        if (take_line(line + mark, (size_t)len - mark, take, context, err) != 0) {
            return err_wrap(err, "%s:%u", path, n);
        }
    }
    return feof(file) != 0 ? 0
                           : err_set(err, err_code_of_errno(errno), "%s cannot be read: %s", path,
                                     strerror(errno));
}

int settings_file_read(const char *path, setting_taker *take, void *context, struct err *err)
{
    FILE *file;

    TRY(regular_file_stream(path, &file, err));
    int rc = take_lines(file, path, take, context, err);
    (void)fclose(file);
    return rc;
}

int setting_truth(const char *name, const char *value, bool *holds, struct err *err)
{
    static const char *const words[][2] = {{"true", "false"}, {"yes", "no"}, {"1", "0"}, {"1", ""}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        for (size_t is_no = 0; is_no < 2; is_no++) {
            if (strcmp(value, words[i][is_no]) == 0) {
                *holds = is_no == 0;
                return 0;
            }
        }
    }
    return err_set(err, ERR_INVALID, "'%s' is true or false, and not \"%.40s\"", name, value);
}
