/* Certificates made on the spot. */
#pragma once

#include <check.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

/* A certificate that signs itself, for a name and the address 127.0.0.1. */
static inline X509 *cert_new(EVP_PKEY *key, const char *names, long from_s, long to_s)
{
    X509 *x = X509_new();
    X509_EXTENSION *ext;

    ck_assert(x && X509_set_version(x, 2) && ASN1_INTEGER_set(X509_get_serialNumber(x), 1));
    ck_assert(X509_gmtime_adj(X509_getm_notBefore(x), from_s) &&
              X509_gmtime_adj(X509_getm_notAfter(x), to_s));
    ck_assert(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                         (const unsigned char *)"test", -1, -1, 0));
    ck_assert(X509_set_issuer_name(x, X509_get_subject_name(x)) && X509_set_pubkey(x, key));
    ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    ck_assert(ext && X509_add_ext(x, ext, -1));
    X509_EXTENSION_free(ext);
    ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
    return x;
}
