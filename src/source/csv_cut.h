/*
 * Cutting a block of text into the records and values of CSV, as docs/sources.md defines them.
 *
 * A block is taken to begin where a record begins. The caller must know whether that is so: two
 * cuts that agree on one place between records agree on all that follows. Not thread-safe (one
 * owner); any number of cuts may share their rules.
 */
#ifndef CAUCE_SOURCE_CSV_CUT_H
#define CAUCE_SOURCE_CSV_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/lines.h"
#include "source/read_options.h"
#include "value/cast.h"

/* How records are written, and which of their values are wanted. */
struct csv_rules {
    char delimiter[5];
    size_t delimiter_length;
    char quote;   /* 0: none */
    char escape;  /* 0: none */
    char comment; /* 0: none */
    bool trim;    /* any blanks and tabs may be around quotes; values keep theirs: casts trim */
    bool blank_is_record; /* a blank line is a record of one empty value */
    const char *footer;   /* NULL: none */
    size_t footer_length;
    size_t fields;    /* of a record, at most READ_COLUMNS_MAX */
    uint16_t *wanted; /* places (from 0, ascending) of the values that are wanted */
    size_t wanted_count;
    bool special[256]; /* first bytes of lines that need a look: made by csv_rules_finish */
};

/* The dialect of the options; `fields`, `wanted` and `blank_is_record` are the caller's to add. */
void csv_rules_init(struct csv_rules *r, const struct read_options *options);

enum csv_found {
    CSV_RECORD,
    CSV_NOTHING, /* a blank line or a comment */
    CSV_FLAW,    /* a record that does not fit: see csv_cut.flaw */
    CSV_OPEN,    /* the block ends inside quotes: `at` is still the beginning of the record */
    CSV_FOOTER,  /* a line that ends the records: `at` is its beginning */
    CSV_END      /* of the block */
};

enum csv_flaw {
    CSV_FLAW_FEW,  /* fewer values than wanted */
    CSV_FLAW_MANY, /* more */
    CSV_FLAW_TEXT, /* text after a closing quote */
    CSV_FLAW_UTF8  /* bytes that are not characters */
};

/* Kinds of line endings, as bits. */
enum csv_line_end { CSV_LF, CSV_CRLF, CSV_CR, CSV_LINE_ENDS };

struct csv_cut {
    const struct csv_rules *rules;
    const char *bytes;
    size_t length;
    char *spare; /* after the block: texts of values that had escapes */
    size_t spare_used;
    uint32_t *marks;
    size_t mark_count;
    size_t mark_capacity;
    size_t mark;                       /* the first one that is not before `at` */
    size_t at;                         /* where the next record begins */
    uint64_t line;                     /* line endings before it */
    bool added;                        /* the last line ending is not in the file */
    bool text;                         /* the block is known to be UTF-8 */
    uint64_t first_end[CSV_LINE_ENDS]; /* line (from 1) that first ended so, a record's last; 0 */

    /* Of the record that was cut last. */
    uint64_t record_line; /* line endings before it */
    size_t record;        /* its offset */
    size_t record_end;    /* after its last value */
    size_t fields;        /* of it */
    enum csv_flaw flaw;
    size_t flaw_at;  /* offset of the value, or of its text, that is in fault */
    size_t quote_at; /* CSV_OPEN: offset of the quote that opens */
};

/* Index a block, whose memory is borrowed and written to after its text; `at` is its beginning. */
void csv_cut_begin(struct csv_cut *c, const struct csv_rules *rules, struct lines_block *block);

void csv_cut_release(struct csv_cut *c);

/* Cut one record; its wanted values are written `stride` places apart. */
enum csv_found csv_cut_next(struct csv_cut *c, struct cast_span *spans, size_t stride);

/*
 * Cut as many of the next `max` records as are plain, one line each, without escapes: value k of
 * record i goes to spans[k * stride + i]. Returns their number, 0 where csv_cut_next must look.
 */
size_t csv_cut_plain(struct csv_cut *c, struct cast_span *spans, size_t stride, size_t max);

/*
 * Where in the block a record probably begins: the first beginning of a line from which a few
 * records fit; `length` where none does. The cut is there afterwards.
 */
size_t csv_cut_guess(struct csv_cut *c, struct cast_span *spans, size_t stride);

/* Offset in the block of a value, quotes and blanks included, that csv_cut_next gave a span of. */
size_t csv_cut_origin(const struct csv_cut *c, struct cast_span span);

#endif
