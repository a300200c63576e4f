#include "common/integer.h"

#include <math.h>

bool integer_read(const char **at, int64_t low, int64_t high, int64_t *value)
{
    const char *text = *at;
    bool negative = *text == '-';
    int64_t number = 0;

    text += negative ? 1 : 0;
    if (*text < '0' || *text > '9') {
        return false;
    }
    for (; *text >= '0' && *text <= '9'; text++) { /* below 0, so that the lowest one fits */
        if (__builtin_mul_overflow(number, 10, &number)
            || __builtin_sub_overflow(number, *text - '0', &number)) {
            return false;
        }
    }
    if (!negative && __builtin_sub_overflow(0, number, &number)) {
        return false;
    }
    if (number < low || number > high) {
        return false;
    }
    *value = number;
    *at = text;
    return true;
}

bool integer_from_text(const char *text, int64_t low, int64_t high, int64_t *value)
{
    int64_t number;

    if (!integer_read(&text, low, high, &number) || *text != '\0') {
        return false;
    }
    *value = number;
    return true;
}

int64_t integer_add(int64_t a, int64_t b)
{
    int64_t sum;

    if (__builtin_add_overflow(a, b, &sum)) {
        return a < 0 ? INT64_MIN : INT64_MAX; /* both have the same sign */
    }
    return sum;
}

int64_t integer_from_real(double x)
{
    if (isnan(x)) {
        return 0;
    }
    if (x >= 0x1p63) {
        return INT64_MAX;
    }
    return x < -0x1p63 ? INT64_MIN : (int64_t)x;
}
