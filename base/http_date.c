#include "base/http_date.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char days[7][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void http_date_format(uint64_t unix_s, char out[HTTP_DATE_SIZE])
{
    /* Days to a civil date, in years that begin with March and eras of 400 years. */
    uint64_t day = unix_s / 86400 % 2932897 /* to the year 9999 */, z = day + 719468;
    uint64_t era = z / 146097, doe = z % 146097;
    uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    uint64_t month = mp < 10 ? mp + 2 : mp - 10; /* 0 is January */
    unsigned s = (unsigned)(unix_s % 86400);

    snprintf(out, HTTP_DATE_SIZE, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[day % 7],
             (unsigned)(doy - (153 * mp + 2) / 5 + 1) % 100, months[month],
             (unsigned)(yoe + era * 400 + (month < 2)) % 10000, s / 3600, s / 60 % 60, s % 60);
}

/* Index of the three letters at p; n: none. */
static unsigned find_name(const char *p, const char (*names)[4], unsigned n)
{
    unsigned i = 0;

    while (i < n && memcmp(p, names[i], 3) != 0)
        i++;
    return i;
}

/* digits of them at p; UINT_MAX: not all are digits. */
static unsigned number_at(const char *p, unsigned digits)
{
    unsigned n = 0;

    for (unsigned i = 0; i < digits; i++) {
        if (p[i] < '0' || p[i] > '9')
            return UINT_MAX;
        n = n * 10 + (unsigned)(p[i] - '0');
    }
    return n;
}

/* month from 0. */
static unsigned days_of_month(unsigned month, unsigned year)
{
    static const unsigned char of[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return month == 1 && leap ? 29 : of[month];
}

/* Days from 1970 to the first of a month. */
static uint64_t days_until(unsigned year, unsigned month)
{
    uint64_t n = 0;

    for (unsigned y = 1970; y < year; y++)
        n += 337 + days_of_month(1, y);
    for (unsigned m = 0; m < month; m++)
        n += days_of_month(m, year);
    return n;
}

enum err_code http_date_parse(struct str text, uint64_t *unix_s, struct err *e)
{
    /* With the day's digits filled up, every form has its parts in one place. */
    static const char like[] = "???, ?? ??? ???? ??:??:?? GMT";
    char d[HTTP_DATE_SIZE] = "", shown[80];
    bool good = text.n == sizeof like - 1 || text.n == sizeof like - 2;
    unsigned day, month, year, hour, minute, second;

    if (good && text.n == sizeof like - 1) {
        memcpy(d, text.p, text.n);
    } else if (good) {
        memcpy(d, text.p, 5);
        d[5] = '0';
        memcpy(d + 6, text.p + 5, text.n - 5);
    }
    for (size_t i = 0; i < sizeof like - 1; i++)
        good = good && (like[i] == '?' || like[i] == d[i]);
    month = find_name(d + 8, months, 12);
    good = good && month < 12 && find_name(d, days, 7) < 7;
    day = number_at(d + 5, 2);
    year = number_at(d + 12, 4);
    hour = number_at(d + 17, 2);
    minute = number_at(d + 20, 2);
    second = number_at(d + 23, 2);
    if (!good || year < 1970 || year > 9999 || day < 1 || day > days_of_month(month, year) ||
        hour > 23 || minute > 59 || second > 60)
        return err_set(e, ERR_PARSE, "\"%s\" is no date such as \"Sun, 06 Nov 1994 08:49:37 GMT\"",
                       bytes_escape(text.n ? text.p : "", text.n, shown, sizeof shown));
    *unix_s = (days_until(year, month) + day - 1) * 86400 + hour * 3600 + minute * 60 + second;
    return ERR_OK;
}
