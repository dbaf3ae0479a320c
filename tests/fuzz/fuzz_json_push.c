/* json_push against jansson: the same good and bad, the same tree; and the same, error text
 * included, whole as in pieces. The first byte chooses the size of the pieces. */
#include <stdint.h>

#include "../json_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *why;

    if (size < 1)
        return 0;
    why = oracle_differs((const char *)data + 1, size - 1, 1 + data[0] % 31);
    if (why) {
        fprintf(stderr, "%s\n", why);
        abort();
    }
    return 0;
}
