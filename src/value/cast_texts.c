/*
 * Many texts at once: cast_texts of value/cast.h.
 *
 * Most texts of a column are written in the plainest way. Those are read here, eight digits in one
 * step, and written one after the other; anything unusual is left to cast_text, which alone has the
 * rules: what is read here, it would read in the same way.
 *
 * Eight digits in a word: https://johnnylee-sde.github.io/Fast-numeric-string-to-int/.
 */
#include <string.h>

#include "value/cast_part.h"

#define ALWAYS_INLINE __attribute__((always_inline)) static inline

/* Longest numbers that are read here, without their sign. */
#define DIGITS_MAX 16

/* What does not change from text to text, or is kept from one to the next. */
struct bulk {
    const struct cast *cast;
    uint64_t null_lengths;
    char decimal;
    uint64_t month;     /* of the last date: the eight bytes before its day */
    int32_t month_days; /* since 1970, of the day before its first */
};

/* Read a plain text into the place of a value; false: leave it to cast_text. */
typedef bool bulk_read(struct bulk *b, const char *text, uint32_t length, void *to);

ALWAYS_INLINE bool may_be_null(const struct bulk *b, uint32_t length)
{
    return ((b->null_lengths >> (length < 63 ? length : 63)) & 1) != 0;
}

/* ---- digits ---- */

ALWAYS_INLINE uint64_t load8(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return word;
}

ALWAYS_INLINE bool all_digits(uint64_t word)
{
    return ((word & 0xf0f0f0f0f0f0f0f0u) |
            (((word + 0x0606060606060606u) & 0xf0f0f0f0f0f0f0f0u) >> 4)) == 0x3333333333333333u;
}

/* The number that eight digits say, the first of them in the lowest byte. */
ALWAYS_INLINE uint64_t eight_digits(uint64_t word)
{
    word = (word & 0x0f0f0f0f0f0f0f0fu) * 2561 >> 8;
    word = (word & 0x00ff00ff00ff00ffu) * 6553601 >> 16;
    return (word & 0x0000ffff0000ffffu) * 42949672960001 >> 32;
}

/* Put zeros in front of one to eight digits, so that there are eight. */
ALWAYS_INLINE uint64_t zeros_before(uint32_t count)
{
    return 0x3030303030303030u >> (8 * (count - 1)) >> 8;
}

/* One to eight digits. */
ALWAYS_INLINE bool read_word(const char *text, uint32_t count, uint64_t *out)
{
    uint64_t word = load8(text) << (64 - 8 * count) | zeros_before(count);
    *out = eight_digits(word);
    return all_digits(word);
}

/* One to sixteen digits. */
ALWAYS_INLINE bool read_digits(const char *text, uint32_t count, uint64_t *out)
{
    if (count <= 8)
        return read_word(text, count, out);
    uint64_t first;
    bool good = read_word(text, count - 8, &first);
    uint64_t word = load8(text + count - 8);
    *out = first * 100000000 + eight_digits(word);
    return good && all_digits(word);
}

/* Bits at the top of the bytes that are `c`; those after the first may be wrong. */
ALWAYS_INLINE uint64_t find_byte(uint64_t word, char c)
{
    uint64_t x = word ^ 0x0101010101010101u * (uint8_t)c;
    return (x - 0x0101010101010101u) & ~x & 0x8080808080808080u;
}

/* A number of one to eight characters, the last of them in the highest byte. */
ALWAYS_INLINE bool read_short(const char *text, uint32_t length, char point,
                              struct number_plain *out)
{
    uint64_t word = load8(text) << (64 - 8 * length);
    uint64_t found = find_byte(word, point);
    out->fraction = 0;
    if (found == 0)
        return read_word(text, length, &out->digits);
    unsigned at = (unsigned)__builtin_ctzll(found) / 8;
    if (at == 8 - length || at == 7)
        return false;
    /* What comes before the point moves into its place. */
    uint64_t before = word & ((UINT64_C(1) << (8 * at)) - 1);
    word =
        (word >> (8 * at) >> 8 << 8 << (8 * at)) | before << 8 | zeros_before(length) << 8 | 0x30;
    out->fraction = 7 - at;
    out->digits = eight_digits(word);
    return all_digits(word);
}

/* The same for up to sixteen digits. */
ALWAYS_INLINE bool read_long(const char *text, uint32_t length, char point,
                             struct number_plain *out)
{
    uint32_t at = 0;
    while (at < length && text[at] != point)
        at++;
    out->fraction = at < length ? length - at - 1 : 0;
    if (at == length)
        return length <= DIGITS_MAX && read_digits(text, length, &out->digits);
    if (at == 0 || out->fraction == 0 || length > DIGITS_MAX)
        return false;
    uint64_t whole;
    uint64_t part;
    if (!read_digits(text, at, &whole) || !read_digits(text + at + 1, out->fraction, &part))
        return false;
    out->digits = whole * number_powers[out->fraction] + part;
    return true;
}

/* A number of digits with at most one point between them. */
ALWAYS_INLINE bool read_plain(const struct bulk *b, const char *text, uint32_t length,
                              struct number_plain *out)
{
    if (length - 1 > DIGITS_MAX || ((b->null_lengths >> length) & 1) != 0)
        return false;
    out->negative = *text == '-';
    text += out->negative;
    length -= out->negative;
    if (length - 1 < 8)
        return read_short(text, length, b->decimal, out);
    return length > 0 && read_long(text, length, b->decimal, out);
}

/* ---- values ---- */

ALWAYS_INLINE bool read_integer(struct bulk *b, const char *text, uint32_t length, int64_t *out)
{
    if (length - 1 > DIGITS_MAX || ((b->null_lengths >> length) & 1) != 0)
        return false;
    bool negative = *text == '-';
    length -= negative;
    uint64_t digits;
    if (length - 1 >= DIGITS_MAX || !read_digits(text + negative, length, &digits))
        return false;
    *out = negative ? -(int64_t)digits : (int64_t)digits;
    return true;
}

ALWAYS_INLINE bool read_bigint(struct bulk *b, const char *text, uint32_t length, void *to)
{
    return read_integer(b, text, length, to);
}

ALWAYS_INLINE bool read_int(struct bulk *b, const char *text, uint32_t length, void *to)
{
    int64_t value;
    if (!read_integer(b, text, length, &value) || value < INT32_MIN || value > INT32_MAX)
        return false;
    *(int32_t *)to = (int32_t)value;
    return true;
}

/* Both parts are exact as doubles, so that the one division rounds right. */
ALWAYS_INLINE bool read_double(struct bulk *b, const char *text, uint32_t length, void *to)
{
    static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    struct number_plain n;
    if (!read_plain(b, text, length, &n) || n.digits >= UINT64_C(1) << 53)
        return false;
    double value = (double)(int64_t)n.digits / powers[n.fraction];
    *(double *)to = n.negative && n.digits != 0 ? -value : value;
    return true;
}

ALWAYS_INLINE bool read_decimal(struct bulk *b, const char *text, uint32_t length, void *to)
{
    struct number_plain n;
    unsigned scale = b->cast->type.scale;
    if (!read_plain(b, text, length, &n) || n.fraction > scale)
        return false;
    if (n.digits >= number_powers[b->cast->type.precision - (scale - n.fraction)])
        return false;
    int64_t value = (int64_t)(n.digits * number_powers[scale - n.fraction]);
    *(int64_t *)to = n.negative ? -value : value;
    return true;
}

/*
 * "2026-01-" as a word: the days before that month, counted from a March as calendar_days does
 * (https://howardhinnant.github.io/date_algorithms.html).
 */
ALWAYS_INLINE bool find_month(struct bulk *b, uint64_t word)
{
    const uint64_t dashes = 0x2d00002d00000000u;
    uint64_t digits = (word & 0x00ffff00ffffffffu) | 0x3000003000000000u;
    if ((word & 0xff0000ff00000000u) != dashes || !all_digits(digits))
        return false;
    unsigned number = (unsigned)eight_digits(digits); /* 20260010 */
    unsigned year = number / 10000;
    unsigned month = number % 10000 / 10;
    if (year == 0 || month - 1 >= 12)
        return false;
    year -= month <= 2;
    unsigned march = month > 2 ? month - 3 : month + 9;
    unsigned days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * march + 2) / 5;
    b->month = word;
    b->month_days = (int32_t)days - 719468 - 1;
    return true;
}

/* Days beyond the 28th, which not every month has, are left to cast_text. */
ALWAYS_INLINE bool read_date(struct bulk *b, const char *text, uint32_t length, void *to)
{
    if (length != 10 || may_be_null(b, length))
        return false;
    uint64_t word = load8(text);
    unsigned tens = (unsigned char)(text[8] - '0');
    unsigned ones = (unsigned char)(text[9] - '0');
    unsigned day = tens * 10 + ones;
    if (tens > 2 || ones > 9 || day - 1 >= 28 || (word != b->month && !find_month(b, word)))
        return false;
    *(int32_t *)to = b->month_days + (int32_t)day;
    return true;
}

/* ---- columns ---- */

/* A text that is not plain; false where it is bad. Only one has no length. */
static bool read_odd(const struct bulk *b, const char *base, struct cast_span text,
                     struct column *out)
{
    if (text.length > 0 || !may_be_null(b, 0))
        return cast_text(b->cast, base + text.at, text.length, out) != CAST_BAD;
    column_add_null(out);
    return true;
}

ALWAYS_INLINE size_t read_all(struct bulk *b, const char *base, const struct cast_span *texts,
                              size_t count, struct column *out, bulk_read *read, size_t width)
{
    size_t i = 0;
    for (; i < count; i++) {
        char *to = (char *)out->values + out->count * width;
        size_t begin = i;
        for (; i < count && read(b, base + texts[i].at, texts[i].length, to); i++)
            to += width;
        column_extend(out, i - begin);
        if (i == count || !read_odd(b, base, texts[i], out))
            break;
    }
    return i;
}

/* Bytes that are all below 128, and no blanks around them where those do not count. */
ALWAYS_INLINE bool is_plain_text(const struct bulk *b, const char *text, uint32_t length)
{
    if (length == 0 || may_be_null(b, length))
        return false;
    uint64_t all = 0;
    uint32_t at = 0;
    for (; length - at > 8; at += 8)
        all |= load8(text + at);
    all |= load8(text + at) << (64 - 8 * (length - at));
    if ((all & 0x8080808080808080u) != 0)
        return false;
    return !b->cast->trim || (text[0] > ' ' && text[length - 1] > ' ');
}

/* Copied in whole words: the margin of the text and the room after the bytes allow that. */
ALWAYS_INLINE void copy_text(char *to, const char *text, uint32_t length)
{
    memcpy(to, text, 16);
    if (length > 16)
        memcpy(to + 16, text + 16, 16);
    if (length > 32)
        memcpy(to + 32, text + 32, length - 32);
}

static size_t read_texts(struct bulk *b, const char *base, const struct cast_span *texts,
                         size_t count, struct column *out)
{
    size_t bytes = out->bytes_used;
    for (size_t i = 0; i < count; i++)
        bytes += texts[i].length;
    if (bytes > COLUMN_BYTES_MAX)
        return 0;
    column_reserve_bytes(out, bytes + CAST_MARGIN);
    size_t i = 0;
    for (; i < count; i++) {
        size_t begin = i;
        uint32_t *offset = out->offsets + out->count;
        uint32_t used = *offset;
        for (; i < count && is_plain_text(b, base + texts[i].at, texts[i].length); i++) {
            copy_text(out->bytes + used, base + texts[i].at, texts[i].length);
            used += texts[i].length;
            *++offset = used;
        }
        column_extend(out, i - begin);
        if (i == count || !read_odd(b, base, texts[i], out))
            break;
    }
    return i;
}

static size_t read_one_by_one(struct bulk *b, const char *base, const struct cast_span *texts,
                              size_t count, struct column *out)
{
    size_t i = 0;
    while (i < count && cast_text(b->cast, base + texts[i].at, texts[i].length, out) != CAST_BAD)
        i++;
    return i;
}

size_t cast_texts(const struct cast *c, const char *base, const struct cast_span *texts,
                  size_t count, struct column *out)
{
    struct bulk b = {
        .cast = c,
        .null_lengths = c->null_lengths,
        .decimal = c->style.decimal,
        /*
         * A month from the start: bytes that no text has set could match those of a text that is
         * not a date.
         */
        .month = load8("1970-01-"),
        .month_days = -1,
    };
    column_reserve(out, out->count + count);
    switch (c->type.kind) {
    case TYPE_INT:
        return read_all(&b, base, texts, count, out, read_int, sizeof(int32_t));
    case TYPE_BIGINT:
        return read_all(&b, base, texts, count, out, read_bigint, sizeof(int64_t));
    case TYPE_DOUBLE:
        return read_all(&b, base, texts, count, out, read_double, sizeof(double));
    case TYPE_DATE:
        if (c->format_count == 0)
            return read_all(&b, base, texts, count, out, read_date, sizeof(int32_t));
        break;
    case TYPE_DECIMAL:
        if (c->type.precision <= COLUMN_DECIMAL_SMALL)
            return read_all(&b, base, texts, count, out, read_decimal, sizeof(int64_t));
        break;
    case TYPE_TEXT:
        return read_texts(&b, base, texts, count, out);
    case TYPE_BOOLEAN:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_UUID:
    case TYPE_BINARY:
    case TYPE_NONE:
    case TYPE_COUNT:
        break;
    }
    return read_one_by_one(&b, base, texts, count, out);
}
