#!/usr/bin/env python3
# timeout: 180
"""Where a client is decides who may ask, who serves and who else does: admission, footprints, other CDNs, the bypass,
databases that are replaced, and cost calendars, over HTTP, DNS and the tracker alike."""
import datetime, json, os, random, re, shutil, socket, struct, sys, time, urllib.parse
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from waymark_e2e import COST_MAP, Daemon, NETWORK_MAP, SLOW, SRC, main, wait_for, write

MMDB = os.path.join(SRC, 'tests/data/mmdb')
SEED = int(os.environ.get('WAYMARK_SEED', random.randrange(1 << 32)))
BRITON, SWEDE, BHUTANESE = '2.125.160.217', '89.160.20.113', '67.43.156.9'   # of the Country test database
GOOGLE, ATT = '1.0.0.9', '12.81.92.9'                                        # of the ASN one
TORRENT = 'ab' * 20


def mmdb(path, records):
    """A database of IPv4 prefixes and one-level records, by the format's specification: a tree of 24 bit records, 16
    zeros, data, metadata. Values are
    bool or str."""
    def item(v):
        if isinstance(v, bool):
            return bytes([v, 14 - 7])
        if isinstance(v, str):
            return bytes([2 << 5 | len(v)]) + v.encode()
        if isinstance(v, tuple):    # bytes and value of an unsigned number
            return (b'\x08\x02' if v[0] == 8 else bytes([{2: 5, 4: 6}[v[0]] << 5 | v[0]])) + v[1].to_bytes(v[0], 'big')
        if v == []:
            return b'\x00\x04'
        return bytes([7 << 5 | len(v)]) + b''.join(item(k) + item(x) for k, x in v.items())
    nodes, data = [[None, None]], b''
    for prefix, record in records.items():
        address, bits = prefix.split('/')
        number, at = struct.unpack('>I', socket.inet_aton(address))[0], 0
        for i in range(int(bits)):
            bit = number >> (31 - i) & 1
            if i == int(bits) - 1:
                nodes[at][bit] = -1 - len(data)
            elif nodes[at][bit] is None:
                nodes.append([None, None])
                nodes[at][bit] = len(nodes) - 1
            at = nodes[at][bit]
        data += item(record)
    n = len(nodes)
    tree = b''.join(struct.pack('>I', n if x is None else x if x > 0 else n + 16 - 1 - x)[1:] for pair in nodes for x in pair)
    meta = item({'node_count': (4, n), 'record_size': (2, 24), 'ip_version': (2, 4), 'database_type': 'test',
                 'binary_format_major_version': (2, 2), 'binary_format_minor_version': (2, 0), 'build_epoch': (8, 1), 'languages': [],
                 'description': {}})
    put(path, tree + bytes(16) + data + b'\xab\xcd\xefMaxMind.com' + meta)


def put(path, content):
    with open(path + '.new', 'wb') as f:
        f.write(content)
    os.rename(path + '.new', path)


def data_file(name):
    with open(os.path.join(MMDB, name), 'rb') as f:
        return f.read()


class Answer:
    """Of a DNS query with a client subnet (RFC 7871): rcode, scope, TTLs, addresses or the CNAME."""

    def __init__(self, daemon, name, client, qtype='A'):
        v6 = ':' in client
        raw = socket.inet_pton(socket.AF_INET6 if v6 else socket.AF_INET, client)
        ecs = struct.pack('>HBB', 2 if v6 else 1, 8 * len(raw), 0) + raw
        opt = struct.pack('>BHHIHHH', 0, 41, 1232, 0, 4 + len(ecs), 8, len(ecs)) + ecs
        wire = b''.join(bytes([len(x)]) + x.encode() for x in name.split('.')) + b'\0'
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(5 * SLOW)
            s.connect(('127.0.0.1', daemon.ports['dns-udp']))
            s.send(struct.pack('>6H', 77, 0, 1, 0, 0, 1) + wire + struct.pack('>HH', {'A': 1, 'AAAA': 28}[qtype], 1) + opt)
            self.wire = s.recv(4096)
        flags, answers, authority, more = struct.unpack('>HxxHHH', self.wire[2:12])
        self.rcode, self.ttls, self.addresses, self.cname, self.scope, self.negative = flags & 15, [], [], None, None, False
        at = 12 + len(wire) + 4
        for i in range(answers + authority + more):
            at = self.name(at)[1]
            kind, _, ttl, n = struct.unpack('>HHIH', self.wire[at:at + 10])
            at += 10
            if i < answers:
                self.ttls.append(ttl)
            if i < answers and kind in (1, 28):
                self.addresses.append(socket.inet_ntop(socket.AF_INET if n == 4 else socket.AF_INET6, self.wire[at:at + n]))
            elif i < answers and kind == 5:
                self.cname = self.name(at)[0]
            elif kind == 6:
                self.negative = True
            elif kind == 41 and n:
                self.scope = self.wire[at + 7]
            at += n

    def name(self, at):
        labels, end = [], None
        while self.wire[at]:
            if self.wire[at] >= 192:
                end = end or at + 2
                at = struct.unpack('>H', self.wire[at:at + 2])[0] & 0x3fff
                continue
            labels.append(self.wire[at + 1:at + 1 + self.wire[at]].decode())
            at += 1 + self.wire[at]
        return '.'.join(labels), end or at + 1

    def what(self):
        """As Daemon.redirect: an address, a name, or the rcode."""
        return self.addresses[0] if self.addresses else self.cname or self.rcode


def announce(daemon, client, info_hash=TORRENT, left=1):
    """The first peer, or the failure reason."""
    path = '/announce?info_hash=%s&peer_id=%s&port=6881&left=%d&compact=1&event=started' % (
        urllib.parse.quote_from_bytes(bytes.fromhex(info_hash)), 'x' * 20, left)
    body = daemon.get(path, headers={'X-Forwarded-For': client})[2]
    failure = re.search(rb'14:failure reason(\d+):', body)
    if failure:
        return body[failure.end():failure.end() + int(failure.group(1))].decode()
    peers = re.search(rb'5:peers(\d+):', body)
    first = body[peers.end():peers.end() + int(peers.group(1))][:4]
    return socket.inet_ntoa(first) if first else None


def explained(daemon, client, service='vod'):
    return json.loads(daemon.cli('explain', client, '--service', service, '--json').stdout)['route']


def advertisement(*footprints):
    return {'capabilities': [{'capability-type': 'FCI.DeliveryProtocol',
                              'capability-value': {'delivery-protocols': ['http/1.1', 'https/1.1']},
                              'footprints': [{'footprint-type': t, 'footprint-value': list(v)} for t, v in footprints]}]}


HEAD = '''
workers: 2
listen: {http: ["127.0.0.1:0"], dns: ["127.0.0.1:0"], admin: ["127.0.0.1:0"]}
http: {trusted_proxies: [127.0.0.0/8]}
dns: {zones: [{name: example.com, ns: [{name: ns1.example.com, ipv4: 192.0.2.53}]}]}
defaults: {probe: {type: none}}
'''
FILES = {'net.json': NETWORK_MAP, 'cost.json': COST_MAP}


# ---- who may ask ----

ADMISSION = HEAD + '''
maps: {network: net.json, cost: cost.json}
geo: {databases: [own.mmdb, country.mmdb, asn.mmdb]}
streamers:
  - {name: west, ipv4: 127.0.0.2, pid: west, seed_port: 6999}
services:
  - name: vod
    hosts: [vod.example.com]
    info_hashes: [%(torrent)s]
    admit: {deny: {countries: [gb], asns: [15169], prefixes: [203.0.113.128/25], anonymous: true}}
  - name: club
    hosts: [club.example.com]
    admit: {allow: {countries: [se], asns: [7018], prefixes: [198.51.100.0/24]}, deny: {prefixes: [198.51.100.128/25]}}
  - {name: rated, hosts: [rated.example.com], admit: {client_rate: 0.001, client_burst: 2, client_v4_bits: 24}, redirect: {retry_after: 7s}}
  - name: ceiling
    hosts: [ceiling.example.com]
    admit: {service_rate: 0.001, service_burst: 2}
    bypass: {http_url: 'http://origin.example.net{path}{query}', dns_cname: origin.example.net}
  - name: crowd
    hosts: [crowd.example.com]
    admit: {sessions_max: 3}
    bypass: {http_url: 'http://origin.example.net{path}{query}', dns_cname: origin.example.net}
''' % {'torrent': TORRENT}
a = Daemon(ADMISSION, files=FILES)
mmdb(os.path.join(a.where, 'own.mmdb'), {'192.0.2.64/26': {'is_anonymous': True}, '198.51.100.7/32': {'country_code': 'DE'}})
put(os.path.join(a.where, 'country.mmdb'), data_file('GeoLite2-Country-Test.mmdb'))
put(os.path.join(a.where, 'asn.mmdb'), data_file('GeoLite2-ASN-Test.mmdb'))
a.start()


def test_a_denied_client_is_denied_everywhere():
    for client in (BRITON, GOOGLE, '203.0.113.200', '192.0.2.65'):
        assert a.redirect(client) == 403, client
        assert Answer(a, 'vod.example.com', client).what() == 5, client
        assert 'not for you' in announce(a, client), client
        assert explained(a, client)['to'] == 'denied' and explained(a, client)['why'], client
    for client in (SWEDE, ATT, '203.0.113.1', '192.0.2.1', '8.8.8.8'):
        assert a.redirect(client) == '127.0.0.2', client
        assert Answer(a, 'vod.example.com', client).what() == '127.0.0.2', client
        assert announce(a, client) == '127.0.0.2', client
        assert explained(a, client)['to'] == 'streamers', client


def test_a_denied_client_does_not_get_in_as_a_seed():
    assert 'not for you' in announce(a, BRITON, left=0)


def test_explain_says_which_list():
    why = {c: explained(a, c)['why'] for c in (BRITON, GOOGLE, '203.0.113.200', '192.0.2.65')}
    assert 'country' in why[BRITON] and 'AS' in why[GOOGLE] and 'prefix' in why['203.0.113.200'], why
    assert 'anonymizer' in why['192.0.2.65'], why
    assert 'denied' in a.cli('explain', BRITON, '--service', 'vod').stdout


def test_only_who_is_allowed():
    for client in (SWEDE, ATT, '198.51.100.1'):
        assert a.redirect(client, host='club.example.com') == '127.0.0.2', client
        assert Answer(a, 'club.example.com', client).what() == '127.0.0.2', client
    for client in (BRITON, '198.51.100.200', '8.8.8.8', '2001:db8::1'):
        assert a.redirect(client, host='club.example.com') == 403, client
        assert Answer(a, 'club.example.com', client).what() == 5, client


def test_the_scope_covers_the_lists():
    """No client within the scope of an answer gets another one."""
    rng = random.Random(SEED)
    for _ in range(60):
        base = rng.choice((BRITON, GOOGLE, '203.0.113.200', '203.0.113.1', '192.0.2.65', '192.0.2.1'))
        n = struct.unpack('>I', socket.inet_aton(base))[0] ^ rng.getrandbits(rng.choice((3, 6, 8, 12)))
        one = Answer(a, 'vod.example.com', socket.inet_ntoa(struct.pack('>I', n)))
        near = n ^ rng.getrandbits(32 - one.scope) if one.scope < 32 else n
        two = Answer(a, 'vod.example.com', socket.inet_ntoa(struct.pack('>I', near)))
        assert one.what() == two.what(), (SEED, hex(n), hex(near), one.scope, one.what(), two.what())


def test_who_asks_too_often_waits():
    def ask(client):
        status, headers, _ = a.get('/x/', headers={'Host': 'rated.example.com', 'X-Forwarded-For': client})
        return status, headers.get('retry-after'), headers.get('cache-control')
    got = [ask('198.51.100.%d' % i) for i in range(1, 5)]
    assert [g[0] for g in got] == [302, 302, 429, 429] and got[2][1:] == ('7', 'no-store'), got
    assert ask('203.0.113.1')[0] == 302
    assert Answer(a, 'rated.example.com', '198.51.100.9').what() == 5
    assert explained(a, '198.51.100.1', 'rated')['to'] == 'streamers'   # an onlooker uses nothing up


def test_a_ceiling_leads_to_the_bypass():
    got = [a.redirect('198.51.100.%d' % i, host='ceiling.example.com') for i in range(1, 5)]
    assert got == ['127.0.0.2', '127.0.0.2', 'origin.example.net', 'origin.example.net'], got
    assert Answer(a, 'ceiling.example.com', '192.0.2.1').what() == 'origin.example.net'
    got = [a.redirect('198.51.100.%d' % i, host='crowd.example.com') for i in range(1, 14)]
    assert got[-1] == 'origin.example.net', got
    assert Answer(a, 'crowd.example.com', '192.0.2.1').what() == 'origin.example.net'


def test_a_rate_that_was_raised_holds_at_once():
    """What a slow bucket owes does not bind a fast one."""
    write(a.config, ADMISSION.replace('service_rate: 0.001, service_burst: 2', 'service_rate: 1000, service_burst: 1000')
          .replace('client_rate: 0.001, client_burst: 2', 'client_rate: 1000, client_burst: 1000'))
    serial = a.status()['serial']
    a.cli('reload')
    wait_for('it is taken', lambda: a.status()['serial'] != serial)
    wait_for('clients', lambda: a.redirect('198.51.100.1', host='rated.example.com') == '127.0.0.2', 3)
    wait_for('the service', lambda: a.redirect('198.51.100.1', host='ceiling.example.com') == '127.0.0.2', 3)


# ---- who serves ----

PARTNERS = HEAD + '''
cdni_id: cdn.example.com
maps: {network: net.json, cost: cost.json, default_pid: rest}
geo: {databases: [country.mmdb, asn.mmdb]}
streamers:
  - {name: british, ipv4: 127.0.0.2, pid: west, footprints: [{type: countrycode, values: [gb]}]}
  - {name: att, ipv4: 127.0.0.3, pid: west, footprints: [{type: asn, values: [as7018]}]}
  - {name: cidr, ipv4: 127.0.0.4, pid: west, footprints: [{type: ipv4cidr, values: [203.0.113.0/25]}]}
  - {name: pid, ipv4: 127.0.0.5, pid: east, footprints: [{type: altopid, values: [east]}]}
  - name: narrow      # Swedes of a part of their prefix
    ipv4: 127.0.0.6
    footprints: [{type: countrycode, values: [se]}, {type: ipv4cidr, values: [89.160.20.128/25]}]
  - name: wide        # Bhutan, or a prefix
    ipv4: 127.0.0.7
    footprints: [{type: footprintunion, parts: [{type: countrycode, values: [bt]}, {type: ipv4cidr, values: [203.0.113.192/26]}]}]
downstreams:
  - {name: partner, advertisement: partner.json, http_host: partner.example.net, http_prefix: /for-us, dns_cname: partner.example.net, cost: 5}
services:
  - name: vod
    hosts: [vod.example.com]
    downstreams: [partner]
    bypass: {http_url: 'http://origin.example.net{path}{query}', dns_cname: origin.example.net}
  - {name: alone, hosts: [alone.example.com], downstreams: [partner]}
  - name: partner-first
    hosts: [first.example.com]
    downstreams: [partner]
    bypass: {http_url: 'http://origin.example.net{path}{query}'}
    policy: {fallback: [downstream, local, bypass]}
  - name: bypass-first
    hosts: [bypass.example.com]
    downstreams: [partner]
    bypass: {http_url: 'http://origin.example.net{path}{query}', dns_cname: origin.example.net}
    policy: {fallback: [local, bypass, downstream]}
  - {name: incoming, hosts: [incoming.example.com], delegated: true, downstreams: [partner]}
'''
p = Daemon(PARTNERS, files=dict(FILES, **{'partner.json': advertisement(('ipv4cidr', ['192.0.2.0/24', '203.0.113.0/24']))}))
put(os.path.join(p.where, 'country.mmdb'), data_file('GeoLite2-Country-Test.mmdb'))
put(os.path.join(p.where, 'asn.mmdb'), data_file('GeoLite2-ASN-Test.mmdb'))
p.start()
PARTNER, ORIGIN = 'partner.example.net', 'origin.example.net'


def both(client, host='vod.example.com'):
    asked = []

    def agreed():       # each worker takes a new view by itself: a moment apart
        asked[:] = p.redirect(client, host=host), Answer(p, host, client).what()
        return asked[0] == asked[1] or asked == [503, 2]
    try:
        wait_for('HTTP and DNS agree', agreed, 2)
    except AssertionError as e:
        raise AssertionError('%s: %s is told %s' % (e, client, asked)) from e
    return asked[0]


def test_footprints_say_who_serves():
    assert both(BRITON) == '127.0.0.2'
    assert both(ATT) == '127.0.0.3'
    assert both('203.0.113.1') == '127.0.0.4'
    assert both('198.51.100.1') == '127.0.0.5'
    assert both('89.160.20.129') == '127.0.0.6' and both(SWEDE) == ORIGIN      # both conditions, or neither
    assert both(BHUTANESE) == '127.0.0.7' and both('203.0.113.200') == '127.0.0.7'
    assert both('203.0.113.150') == PARTNER and both('192.0.2.1') == PARTNER   # only the partner has these
    assert both('8.8.8.8') == ORIGIN
    assert both('8.8.8.8', 'alone.example.com') == 503
    assert explained(p, '192.0.2.1')['downstream'] == 'partner' and explained(p, '192.0.2.1')['why']


def test_a_partner_is_told_whom_the_client_comes_from():
    def location(target, host='vod.example.com', client='192.0.2.1'):
        status, headers, _ = p.get(target, headers={'Host': host, 'X-Forwarded-For': client})
        return headers.get('location', status)
    assert location('/a/b.ts') == 'http://partner.example.net/for-us/a/b.ts?cdni-via=cdn.example.com'
    assert location('/a/b.ts?t=1') == 'http://partner.example.net/for-us/a/b.ts?t=1&cdni-via=cdn.example.com'
    # Back with the mark: never to a partner or away from here again.
    assert location('/a/b.ts?cdni-via=cdn.example.com') == 503
    assert location('/a/b.ts?x=1&cdni-via=cdn.example.com&y', host='alone.example.com') == 503
    # It came to us from a third CDN, went to the partner, and comes back with both marks.
    assert location('/a?cdni-via=third.example') == 'http://partner.example.net/for-us/a?cdni-via=third.example&cdni-via=cdn.example.com'
    assert location('/a?cdni-via=third.example&cdni-via=cdn.example.com') == 503
    # Who is served here is served here with the mark too.
    assert location('/a?cdni-via=cdn.example.com', client=BRITON) == 'http://127.0.0.2/a?cdni-via=cdn.example.com'
    assert p.redirect('192.0.2.1', host='incoming.example.com') == 503
    assert Answer(p, 'incoming.example.com', '192.0.2.1').what() == 2


def test_the_order_is_the_services():
    assert p.redirect('203.0.113.1', host='first.example.com') == PARTNER
    assert p.redirect(BRITON, host='first.example.com') == '127.0.0.2'
    assert p.redirect('8.8.8.8', host='first.example.com') == ORIGIN
    assert both('192.0.2.1', 'bypass.example.com') == ORIGIN
    assert both('203.0.113.1', 'bypass.example.com') == '127.0.0.4'


def test_a_name_is_an_alias_for_both_types_or_for_none():
    """No streamer has IPv6: who is sent away is so for AAAA too, and who is not has no such address."""
    for client, want in (('192.0.2.1', PARTNER), ('8.8.8.8', ORIGIN)):
        got = Answer(p, 'vod.example.com', client, 'AAAA')
        assert got.cname == want and got.scope == Answer(p, 'vod.example.com', client).scope, (client, got.what())
    got = Answer(p, 'vod.example.com', BRITON, 'AAAA')
    assert (got.rcode, got.cname, got.addresses, got.negative) == (0, None, [], True)
    assert got.scope == Answer(p, 'vod.example.com', BRITON).scope


def test_another_advertisement():
    def error():
        return p.status()['sources']['advertisements'][0]['error']
    path = os.path.join(p.where, 'partner.json')
    write(path, advertisement(('countrycode', ['ph'])))
    wait_for('it is taken', lambda: both('202.196.224.9') == PARTNER)
    assert both('192.0.2.1') == ORIGIN
    for bad in ('{"capabilities": [', json.dumps(advertisement(('altopid', ['no-such-pid']))),
                json.dumps(advertisement(('ipv4cidr', ['192.0.2.0/33'])))):
        write(path, bad)
        wait_for('it is refused', error)
        assert both('202.196.224.9') == PARTNER and both('192.0.2.1') == ORIGIN
        write(path, advertisement(('countrycode', ['ph'])))
        wait_for('a good one is taken', lambda: not error())
    write(path, advertisement(('altopid', ['west']), ('ipv4cidr', ['192.0.2.0/25'])))
    wait_for('it is taken', lambda: both('192.0.2.1') == PARTNER)
    assert both('192.0.2.200') == ORIGIN and both('202.196.224.9') == ORIGIN


def test_another_database():
    def error():
        return p.status()['sources']['geo']['error']
    path = os.path.join(p.where, 'country.mmdb')
    mmdb(path, {'8.8.8.0/24': {'country_code': 'GB'}})
    wait_for('it is taken', lambda: both('8.8.8.8') == '127.0.0.2')
    assert both(BRITON) == ORIGIN and both(ATT) == '127.0.0.3'
    for name in sorted(os.listdir(MMDB)):
        if not name.startswith('bad-'):
            continue
        put(path, data_file(name))
        wait_for('%s is refused' % name, lambda: 'country.mmdb' in (error() or ''))
        assert both('8.8.8.8') == '127.0.0.2' and both(BRITON) == ORIGIN, name
        mmdb(path, {'8.8.8.0/24': {'country_code': 'GB'}})
        wait_for('a good one is taken', lambda: not error())
    put(path, data_file('GeoLite2-Country-Test.mmdb'))
    wait_for('it is taken', lambda: both(BRITON) == '127.0.0.2')
    assert both('8.8.8.8') == ORIGIN


# ---- geography where the network map has but its default ----

GEOGRAPHY = HEAD + '''
maps: {network: net.json, cost: cost.json, default_pid: rest}
geo: {databases: [country.mmdb, asn.mmdb], pids: [{country: gb, pid: east}, {asn: 7018, pid: west}]}
streamers:
  - {name: west, ipv4: 127.0.0.2, pid: west, seed_port: 6999}
  - {name: east, ipv4: 127.0.0.3, pid: east, seed_port: 6999}
  - {name: rest, ipv4: 127.0.0.4, pid: rest, seed_port: 6999}
services:
  - {name: vod, hosts: [vod.example.com], info_hashes: [%s]}
''' % TORRENT
g = Daemon(GEOGRAPHY, files=FILES)
put(os.path.join(g.where, 'country.mmdb'), data_file('GeoLite2-Country-Test.mmdb'))
put(os.path.join(g.where, 'asn.mmdb'), data_file('GeoLite2-ASN-Test.mmdb'))
g.start()


def test_geography_is_asked_where_the_map_is_silent():
    assert g.redirect(BRITON) == '127.0.0.3' and g.redirect(ATT) == '127.0.0.2'
    assert g.redirect(SWEDE) == '127.0.0.4' and g.redirect('192.0.2.1') == '127.0.0.2'


def test_all_front_ends_name_the_same_first_choice():
    rng = random.Random(SEED)
    nets = (BRITON, SWEDE, ATT, GOOGLE, '192.0.2.1', '198.51.100.1', '203.0.113.1')
    seen = set()
    for i in range(200):
        if i % 2:
            client = socket.inet_ntoa(struct.pack('>I', rng.randrange(0x01000000, 0xe0000000)))
        else:
            n = struct.unpack('>I', socket.inet_aton(rng.choice(nets)))[0] ^ rng.getrandbits(9)
            client = socket.inet_ntoa(struct.pack('>I', n))
        if client.startswith('127.'):
            continue    # a proxy that is trusted
        http, dns, peer = g.redirect(client, path='/'), Answer(g, 'vod.example.com', client).what(), announce(g, client)
        assert http == dns == peer, (SEED, client, http, dns, peer)
        seen.add(http)
    assert len(seen) == 3, (SEED, seen)


# ---- a calendar ----

def calendar_map(start, seconds):
    cost = json.loads(json.dumps(COST_MAP))
    cost['meta']['calendar-response-attributes'] = [{
        'calendar-start-time': datetime.datetime.fromtimestamp(start, datetime.timezone.utc).strftime('%a, %d %b %Y %H:%M:%S GMT'),
        'time-interval-size': seconds, 'number-of-intervals': 2, 'repeated': 1000}]
    near, far = [1, 50], [50, 1]
    cost['cost-map'] = {src: {dst: near if dst == 'west' else far for dst in ('west', 'east', 'rest')}
                        for src in ('west', 'east', 'rest')}
    return cost


def test_no_answer_outlives_its_slot():
    seconds = 6
    start = int(time.time()) // seconds * seconds
    c = Daemon(HEAD + '''
maps: {network: net.json, cost: cost.json, default_pid: rest}
streamers:
  - {name: west, ipv4: 127.0.0.2, pid: west}
  - {name: east, ipv4: 127.0.0.3, pid: east}
services:
  - name: vod
    hosts: [vod.example.com]
    dns: {ttl: 300s, answers: 1}
    redirect: {cache_control: 'private, max-age=300, s-maxage=600'}
''', files={'net.json': NETWORK_MAP, 'cost.json': calendar_map(start, seconds)}).start()
    seen, end, longest = set(), time.time() + 2 * seconds + 1, 0
    while time.time() < end:
        for ask in (0, 1):
            before = time.time()
            if ask:
                got = Answer(c, 'vod.example.com', '203.0.113.1')
                who, ages = got.what(), got.ttls
            else:
                _, headers, _ = c.get('/', headers={'Host': 'vod.example.com', 'X-Forwarded-For': '203.0.113.1'})
                who = re.match(r'http://([^/]*)', headers['location']).group(1)
                ages = [int(n) for n in re.findall(r'max-?age=(\d+)', headers['cache-control'])]
                assert len(ages) == 2, headers
            after = time.time()
            slot = int((before - start) // seconds)
            left = start + (slot + 1) * seconds - before
            for age in ages:
                assert age <= left, (who, ages, left)
                longest = max(longest, age)
            # A tenth of a second is what the new slot may take to come.
            if int((after - start) // seconds) == slot and seconds - left > 0.5 * SLOW:
                assert who == ('127.0.0.2', '127.0.0.3')[slot % 2], (who, slot, left)
                seen.add(slot)
            elif who == ('127.0.0.3', '127.0.0.2')[slot % 2]:
                assert ages == [0] * len(ages), (who, ages, left)    # of the slot that has just ended
        time.sleep(0.03)
    assert len(seen) >= 2 and longest >= 3, (seen, longest)
    assert c.stop() == 0, c.log()


def test_they_stop():
    for daemon in (a, p, g):
        assert daemon.stop() == 0, daemon.log()


print('seed %d' % SEED, flush=True)
main(globals())
