#include "dns/dns_ecs.h"

#include <string.h>

#include "dns/dns_wire.h"

bool dns_ecs_parse(const uint8_t *data, size_t n, struct dns_ecs *out)
{
    unsigned family, source, address_len;
    uint8_t bytes[16] = {0};

    if (n < DNS_ECS_HEAD || n > DNS_ECS_DATA_MAX)
        return false;
    family = dns_get_u16(data);
    source = data[2];
    if (family != DNS_ECS_V4 && family != DNS_ECS_V6)
        return false;
    if (source > (family == DNS_ECS_V4 ? 32 : 128))
        return false;
    if (data[3] != 0)
        return false;
    address_len = (source + 7) / 8;
    if (n != DNS_ECS_HEAD + address_len)
        return false;
    if (source % 8 && data[n - 1] & 0xff >> source % 8)
        return false;
    memcpy(bytes, data + DNS_ECS_HEAD, address_len);
    *out = (struct dns_ecs){
        .wire = data,
        .len = (uint8_t)n,
        .family = (uint8_t)family,
        .source = (uint8_t)source,
        .addr = family == DNS_ECS_V4 ? addr_from_v4(dns_get_u32(bytes)) : addr_from_bytes(bytes),
    };
    return true;
}

uint8_t dns_ecs_scope(const struct dns_ecs *ecs, uint8_t scope)
{
    if (ecs->source == 0)
        return 0;
    if (ecs->family == DNS_ECS_V6)
        return scope;
    return scope > ADDR_V4_BITS ? (uint8_t)(scope - ADDR_V4_BITS) : 0;
}

size_t dns_ecs_encode(const struct dns_ecs *ecs, uint8_t wire_scope, uint8_t *out)
{
    dns_put_u16_at(out, DNS_OPTION_ECS);
    dns_put_u16_at(out + 2, ecs->len);
    memcpy(out + 4, ecs->wire, ecs->len);
    out[7] = wire_scope;
    return 4u + ecs->len;
}
