#include "daemon/cli_table.h"

#include <stdlib.h>
#include <string.h>

static char *cell(const struct table *t, size_t row, size_t column)
{
    return t->cells[row * t->columns + column];
}

void table_row(struct table *t, const char *const *cells)
{
    if ((t->rows + 1) * t->columns > t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 16 * t->columns;
        void *p = realloc(t->cells, cap * sizeof *t->cells);

        if (!p)
            return; /* a row less in a table for people */
        t->cells = p;
        t->cap = cap;
    }
    t->rows++;
    for (size_t i = 0; i < t->columns; i++)
        snprintf(cell(t, t->rows - 1, i), TABLE_CELL_MAX, "%s", cells[i] ? cells[i] : "-");
}

void table_init(struct table *t, const char *head)
{
    char words[TABLE_COLUMNS_MAX][TABLE_CELL_MAX];
    const char *row[TABLE_COLUMNS_MAX] = {NULL};

    memset(t, 0, sizeof *t);
    while (t->columns < TABLE_COLUMNS_MAX) {
        size_t n = strcspn(head, "|");

        t->right[t->columns] = *head == '>';
        if (*head == '>') {
            head++;
            n--;
        }
        snprintf(words[t->columns], TABLE_CELL_MAX, "%.*s", (int)n, head);
        row[t->columns] = words[t->columns];
        t->columns++;
        head += n;
        if (!*head++)
            break;
    }
    table_row(t, row);
}

void table_print(const struct table *t, FILE *out)
{
    int width[TABLE_COLUMNS_MAX] = {0};

    for (size_t r = t->no_head; r < t->rows; r++)
        for (size_t i = 0; i < t->columns; i++)
            if ((int)strlen(cell(t, r, i)) > width[i])
                width[i] = (int)strlen(cell(t, r, i));
    for (size_t r = t->no_head; r < t->rows; r++) {
        for (size_t i = 0; i < t->columns; i++) {
            bool last = i + 1 == t->columns;

            if (t->right[i])
                fprintf(out, "%*s", width[i], cell(t, r, i));
            else
                fprintf(out, "%-*s", last ? 0 : width[i], cell(t, r, i));
            fputs(last ? "\n" : "  ", out);
        }
    }
}

void table_fini(struct table *t)
{
    free(t->cells);
    memset(t, 0, sizeof *t);
}
