/* The tokens of an expression; for expr_parse.c alone. */
#ifndef COMMON_SPACE_EXPR_LEXER_H
#define COMMON_SPACE_EXPR_LEXER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/names.h"

enum token_kind { TOKEN_END, TOKEN_NUMBER, TOKEN_NAME, TOKEN_QUOTED_NAME, TOKEN_TEXT, TOKEN_SIGN };

struct token {
    enum token_kind kind;
    size_t at; /* where it starts */
    /* name or sign; the beginning of a text */
    char text[PRINTABLE_NAME_BYTES + 1];
    const char *from; /* TOKEN_TEXT: the whole text, borrowed from the source */
    size_t len;
    double number;
};

struct lexer {
    const char *text; /* borrowed, ends in NUL */
    size_t pos;       /* behind the token */
    struct token token;
    struct err *err;
};

/* Reads the next token; the first call reads the first. */
MUST_USE int lexer_next(struct lexer *lexer);
bool lexer_at_sign(const struct lexer *lexer, const char *sign);
bool lexer_at_word(const struct lexer *lexer, const char *word);
/* ERR_INVALID with the place in front; always -1. */
int lexer_refuse(struct lexer *lexer, size_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
