/* The head of a streamer's answer. Beyond not crashing: the verdict does not depend on how the
 * bytes were cut, a good one has a status, a bad one a reason, and reading stops at its limit. */
#include "router/probe.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(x)                                                                                   \
    do {                                                                                           \
        if (!(x))                                                                                  \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte says how long the pieces are. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_answer whole = {0}, cut = {0};
    const char *p = (const char *)data + 1;
    size_t step;

    if (size < 1)
        return 0;
    step = 1 + data[0] % 32;
    size--;
    http_answer_feed(&whole, p, size);
    for (size_t i = 0; i < size; i += step)
        http_answer_feed(&cut, p + i, size - i < step ? size - i : step);
    http_answer_end(&whole);
    http_answer_end(&cut);
    CHECK(whole.state == cut.state && whole.status == cut.status && whole.seen == cut.seen);
    CHECK((whole.wrong == NULL) == (cut.wrong == NULL));
    CHECK(!whole.wrong || strcmp(whole.wrong, cut.wrong) == 0);
    CHECK(whole.state == HTTP_ANSWER_DONE || whole.state == HTTP_ANSWER_BAD);
    CHECK(whole.state != HTTP_ANSWER_DONE || (whole.status >= 100 && whole.status <= 599));
    CHECK(whole.state != HTTP_ANSWER_BAD || whole.wrong);
    CHECK(whole.seen <= HTTP_ANSWER_MAX + 1 && whole.seen <= size);
    return 0;
}
