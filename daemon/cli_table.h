/* Tables for people: columns as wide as their widest cell, numbers to the right. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 16
#define TABLE_CELL_MAX    80

struct table {
    size_t columns, rows, cap;
    bool right[TABLE_COLUMNS_MAX];
    bool no_head;                  /* set behind table_init: the rows alone are printed */
    char (*cells)[TABLE_CELL_MAX]; /* [rows][columns] */
};

/* head is a list of columns names separated by '|'; one that begins with '>' is set to the right.
 */
void table_init(struct table *t, const char *head);
/* Adds a row of as many strings as there are columns; NULL is shown as "-". */
void table_row(struct table *t, const char *const *cells);
void table_print(const struct table *t, FILE *out);
void table_fini(struct table *t);
