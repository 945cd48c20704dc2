/* Columns of a fixed width, by the text. Pure functions. */
#ifndef CAUCE_PIPELINE_SAMPLE_WIDTHS_H
#define CAUCE_PIPELINE_SAMPLE_WIDTHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SAMPLE_WIDTHS_MAX 200

/*
 * How many characters each column has, told by the blanks that all lines at the head of a file have in
 * common (`whole`: the head is all of it). Returns how many columns; 0: it does not look like that.
 */
size_t sample_widths_of(const char *head, size_t count, bool whole,
                        uint32_t widths[SAMPLE_WIDTHS_MAX]);

#endif
