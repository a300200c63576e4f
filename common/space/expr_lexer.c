#include "common/space/expr_lexer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int lexer_refuse(struct lexer *lexer, size_t at, const char *fmt, ...)
{
    char detail[400];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(detail, sizeof detail, fmt, args);
    va_end(args);
    return err_set(lexer->err, ERR_INVALID, "at character %zu: %s", at + 1, detail);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int read_number(struct lexer *lexer)
{
    const char *start = lexer->text + lexer->pos;
    size_t len = strspn(start, "0123456789");

    if (start[len] == '.') {
        len += 1 + strspn(start + len + 1, "0123456789");
    }
    if (start[len] == 'e' || start[len] == 'E') {
        size_t sign = start[len + 1] == '+' || start[len + 1] == '-' ? 1 : 0;
        size_t digits = strspn(start + len + 1 + sign, "0123456789");
        len += digits > 0 ? 1 + sign + digits : 0;
    }
    if (is_letter(start[len]) || start[len] == '.') {
        return lexer_refuse(lexer, lexer->pos, "this number cannot be read; write 2 * x, not 2x");
    }
    char digits[64];
    if (len >= sizeof digits) {
        return lexer_refuse(lexer, lexer->pos, "this number has too many digits");
    }
    memcpy(digits, start, len);
    digits[len] = '\0';
    lexer->token.kind = TOKEN_NUMBER;
    lexer->token.number = strtod(digits, NULL);
    (void)snprintf(lexer->token.text, sizeof lexer->token.text, "%s", digits);
    lexer->pos += len;
    return isfinite(lexer->token.number)
               ? 0
               : lexer_refuse(lexer, lexer->token.at, "this number is too large");
}

/* `name`, in which `` is a backquote. */
static int read_quoted_name(struct lexer *lexer)
{
    const char *at = lexer->text + lexer->pos + 1;
    size_t len = 0;

    while (*at != '\0' && (*at != '`' || at[1] == '`')) {
        if (len + 1 >= sizeof lexer->token.text) {
            return lexer_refuse(lexer, lexer->pos, "no parameter has a name this long");
        }
        lexer->token.text[len++] = *at;
        at += *at == '`' ? 2 : 1;
    }
    if (*at == '\0') {
        return lexer_refuse(lexer, lexer->pos, "the closing ` is missing");
    }
    lexer->token.text[len] = '\0';
    lexer->token.kind = TOKEN_QUOTED_NAME;
    lexer->pos = (size_t)(at + 1 - lexer->text);
    return 0;
}

/* 'text' or "text"; no escapes. */
static int read_text(struct lexer *lexer)
{
    char quote = lexer->text[lexer->pos];
    const char *from = lexer->text + lexer->pos + 1;
    const char *end = strchr(from, quote);

    if (end == NULL) {
        return lexer_refuse(lexer, lexer->pos, "the closing %c is missing", quote);
    }
    size_t len = (size_t)(end - from);
    lexer->token.kind = TOKEN_TEXT;
    lexer->token.from = from;
    lexer->token.len = len;
    (void)snprintf(lexer->token.text, sizeof lexer->token.text, "%.*s", (int)(len > 78 ? 78 : len),
                   from);
    lexer->pos += len + 2;
    return 0;
}

static int read_name(struct lexer *lexer)
{
    size_t len = 0;

    while (is_letter(lexer->text[lexer->pos + len]) || is_digit(lexer->text[lexer->pos + len])) {
        len++;
    }
    if (len >= sizeof lexer->token.text) {
        return lexer_refuse(lexer, lexer->pos, "no parameter has a name this long");
    }
    if (lexer->text[lexer->pos + len] == '.') {
        return lexer_refuse(
            lexer, lexer->pos,
            "names with other characters than letters, digits and _ stand in backquotes: `a.b`");
    }
    lexer->token.kind = TOKEN_NAME;
    (void)snprintf(lexer->token.text, sizeof lexer->token.text, "%.*s", (int)len,
                   lexer->text + lexer->pos);
    lexer->pos += len;
    return 0;
}

static int read_sign(struct lexer *lexer)
{
    static const char *const signs[] = {"<=", ">=", "==", "!=", "<", ">", "+",
                                        "-",  "*",  "/",  "^",  "(", ")", ","};
    const char *start = lexer->text + lexer->pos;

    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        size_t len = strlen(signs[i]);
        if (strncmp(start, signs[i], len) == 0) {
            lexer->token.kind = TOKEN_SIGN;
            (void)snprintf(lexer->token.text, sizeof lexer->token.text, "%s", signs[i]);
            lexer->pos += len;
            return 0;
        }
    }
    if (start[0] == '=') {
        return lexer_refuse(lexer, lexer->pos, "write == to compare");
    }
    if (start[0] == '&' || start[0] == '|' || start[0] == '!') {
        return lexer_refuse(lexer, lexer->pos, "write and, or, not");
    }
    if (start[0] == '.') {
        return lexer_refuse(
            lexer, lexer->pos,
            "names with other characters than letters, digits and _ stand in backquotes: `a.b`");
    }
    return lexer_refuse(lexer, lexer->pos,
                        "the character '%c' means nothing here; names with other "
                        "characters than letters, digits and _ stand in backquotes",
                        start[0] >= ' ' && start[0] < 0x7f ? start[0] : '?');
}

int lexer_next(struct lexer *lexer)
{
    lexer->pos += strspn(lexer->text + lexer->pos, " \t\r\n");
    lexer->token = (struct token){.kind = TOKEN_END, .at = lexer->pos};
    char c = lexer->text[lexer->pos];
    if (c == '\0') {
        return 0;
    }
    if (is_digit(c) || (c == '.' && is_digit(lexer->text[lexer->pos + 1]))) {
        return read_number(lexer);
    }
    if (c == '`') {
        return read_quoted_name(lexer);
    }
    if (c == '\'' || c == '"') {
        return read_text(lexer);
    }
    return is_letter(c) ? read_name(lexer) : read_sign(lexer);
}

bool lexer_at_sign(const struct lexer *lexer, const char *sign)
{
    return lexer->token.kind == TOKEN_SIGN && strcmp(lexer->token.text, sign) == 0;
}

bool lexer_at_word(const struct lexer *lexer, const char *word)
{
    return lexer->token.kind == TOKEN_NAME && strcmp(lexer->token.text, word) == 0;
}
