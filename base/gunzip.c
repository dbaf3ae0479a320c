#include "base/gunzip.h"

#include <limits.h>
#define ZLIB_CONST
#include <zlib.h>

#define PIECE ((size_t)64 << 10)

/* One piece; *rc is zlib's. */
static enum err_code inflate_piece(z_stream *z, size_t begin, size_t max, struct bytes *out,
                                   int *rc, struct err *e)
{
    /* One byte over the limit is asked for, so that what ends just there is told from more. */
    const size_t room = max - (out->len - begin);
    const size_t piece = room < PIECE ? room + 1 : PIECE;

    if (!bytes_reserve(out, piece))
        return err_set(e, ERR_LIMIT, "no memory left to decompress");
    z->next_out = (unsigned char *)out->data + out->len;
    z->avail_out = (uInt)piece;
    *rc = inflate(z, Z_NO_FLUSH);
    out->len += piece - z->avail_out;
    if (out->len - begin > max)
        return err_set(e, ERR_LIMIT, "decompressed it would be more than %zu bytes", max);
    if (*rc == Z_MEM_ERROR)
        return err_set(e, ERR_LIMIT, "no memory left to decompress");
    if (*rc != Z_OK && *rc != Z_STREAM_END)
        return err_set(e, ERR_PARSE, "gzip: %s", z->msg ? z->msg : "cut short");
    return ERR_OK;
}

enum err_code gunzip(struct str in, size_t max, struct bytes *out, struct err *e)
{
    const size_t begin = out->len;
    z_stream z = {0};
    enum err_code rc = ERR_OK;
    int zrc = Z_OK;

    if (in.n > UINT_MAX)
        return err_set(e, ERR_LIMIT, "%zu bytes are too many to decompress", in.n);
    if (inflateInit2(&z, MAX_WBITS + 16) != Z_OK) /* + 16: with a gzip header */
        return err_set(e, ERR_LIMIT, "no memory left to decompress");
    z.next_in = (const unsigned char *)in.p;
    z.avail_in = (uInt)in.n;
    while (rc == ERR_OK && (zrc != Z_STREAM_END || z.avail_in > 0)) {
        /* RFC 1952 section 2.2: members follow each other. */
        if (zrc == Z_STREAM_END && inflateReset(&z) != Z_OK)
            rc = err_set(e, ERR_PARSE, "gzip: damaged");
        else if (z.avail_in == 0 && z.avail_out > 0)
            rc = err_set(e, ERR_PARSE, "gzip: cut short");
        else
            rc = inflate_piece(&z, begin, max, out, &zrc, e);
    }
    inflateEnd(&z);
    if (rc != ERR_OK)
        out->len = begin;
    return rc;
}
