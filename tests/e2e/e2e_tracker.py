#!/usr/bin/env python3
# timeout: 180
"""The tracker of the running daemon: peers of two PIDs announce over UDP and HTTP, from addresses of their own."""
import http.client, json, os, random, re, socket, struct, sys, urllib.parse
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from waymark_e2e import Daemon, main, SLOW, wait_for

NETWORK_MAP = {'meta': {'vtag': {'resource-id': 'net', 'tag': 'v1'}},
               'network-map': {'west': {'ipv4': ['127.0.1.0/24']}, 'east': {'ipv4': ['127.0.2.0/24']},
                               'far': {'ipv4': ['127.0.3.0/24']}, 'rest': {'ipv4': ['0.0.0.0/0'], 'ipv6': ['::/0']}}}
COST_MAP = {'meta': {'dependent-vtags': [{'resource-id': 'net', 'tag': 'v1'}],
                     'cost-type': {'cost-mode': 'numerical', 'cost-metric': 'routingcost'}},
            'cost-map': {'west': {'west': 1, 'east': 10, 'far': 30, 'rest': 99},
                         'east': {'west': 10, 'east': 1, 'far': 20, 'rest': 99},
                         'far': {'west': 30, 'east': 20, 'far': 1, 'rest': 99},
                         'rest': {'west': 9, 'east': 9, 'far': 9, 'rest': 1}}}
NAMED = 'aa' * 20
CONFIG = '''
workers: 2
access_log: {to: ./access.log, format: json}
listen: {http: ["127.0.0.1:0"], tracker_udp: ["127.0.0.1:0", "[::1]:0"], admin: ["127.0.0.1:0"]}
maps: {network: net.json, cost: cost.json, default_pid: rest}
defaults: {probe: {type: none}}
http: {trusted_proxies: ["127.0.0.9/32"]}
tracker: {open: %s, interval: 10m}
streamers:
  - {name: west1, ipv4: 127.0.1.200, http_port: 80, seed_port: 6999, pid: west}
  - {name: east1, ipv4: 127.0.2.200, http_port: 80, seed_port: 6999, pid: east}
services:
  - {name: vod, hosts: [vod.example.com], info_hashes: [%s]}
'''
d = Daemon(CONFIG % ('true', NAMED), files={'net.json': NETWORK_MAP, 'cost.json': COST_MAP}).start()


class Refused(Exception):
    pass


class Udp:
    """A BEP 15 client at an address."""

    def __init__(self, address, daemon=d):
        self.v6 = ':' in address
        self.s = socket.socket(socket.AF_INET6 if self.v6 else socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind((address, 0))
        self.s.settimeout(5 * SLOW)
        self.s.connect(('::1' if self.v6 else '127.0.0.1', udp_port(daemon, self.v6)))
        self.id = struct.unpack('>Q', self.ask(0, b'', 0x41727101980))[0]

    def ask(self, action, body, connection=None):
        transaction = random.getrandbits(32)
        self.s.send(struct.pack('>QII', self.id if connection is None else connection, action, transaction) + body)
        answer = self.s.recv(4096)
        got, back = struct.unpack('>II', answer[:8])
        assert back == transaction
        if got == 3:
            raise Refused(answer[8:].decode())
        assert got == action
        return answer[8:]

    def announce(self, info_hash, port, left=1, event=0, want=-1, tail=b''):
        a = self.ask(1, bytes.fromhex(info_hash) + b'-XX0000-' + os.urandom(12) +
                     struct.pack('>QQQIIIiH', 0, left, 0, event, 0, 1, want, port) + tail)
        interval, leechers, seeds = struct.unpack('>III', a[:12])
        assert 540 <= interval <= 660
        return peers_of(a[12:], 18 if self.v6 else 6), leechers, seeds

    def scrape(self, *hashes):
        a = self.ask(2, b''.join(bytes.fromhex(h) for h in hashes))
        return [struct.unpack('>III', a[i:i + 12]) for i in range(0, len(a), 12)]


def udp_port(daemon, v6):
    """There are two UDP addresses, and the log says the port of each."""
    found = re.findall(r'kind=tracker-udp address=(\S+) port=(\d+)', daemon.log())
    return next(int(port) for address, port in found if ('::1' in address) == v6)


def peers_of(b, stride):
    assert len(b) % stride == 0
    family = socket.AF_INET if stride == 6 else socket.AF_INET6
    return [(socket.inet_ntop(family, b[i:i + stride - 2]), struct.unpack('>H', b[i + stride - 2:i + stride])[0])
            for i in range(0, len(b), stride)]


def bdecode(b, i=0):
    if b[i:i + 1] == b'i':
        end = b.index(b'e', i)
        return int(b[i + 1:end]), end + 1
    if b[i:i + 1] in (b'l', b'd'):
        items, j = [], i + 1
        while b[j:j + 1] != b'e':
            item, j = bdecode(b, j)
            items.append(item)
        if b[i:i + 1] == b'l':
            return items, j + 1
        keys = items[::2]
        assert keys == sorted(set(keys)), keys
        return dict(zip(keys, items[1::2])), j + 1
    colon = b.index(b':', i)
    n = int(b[i:colon])
    assert colon + 1 + n <= len(b)
    return b[colon + 1:colon + 1 + n], colon + 1 + n


def http_get(target, address='127.0.1.50'):
    c = http.client.HTTPConnection('127.0.0.1', d.ports['http'], timeout=10 * SLOW, source_address=(address, 0))
    try:
        c.request('GET', target, headers={'Host': 'tracker.example'})
        r = c.getresponse()
        body = r.read()
        assert r.status == 200, (r.status, body)
        value, end = bdecode(body)
        assert end == len(body)
        return value
    finally:
        c.close()


def http_announce(address, info_hash, port, **more):
    query = {'info_hash': bytes.fromhex(info_hash), 'peer_id': b'-XX0000-abcdefghijkl', 'port': port, 'uploaded': 0,
             'downloaded': 0, 'left': 1, **more}
    return http_get('/announce?' + urllib.parse.urlencode(query, quote_via=urllib.parse.quote), address)


def new_hash():
    return os.urandom(20).hex()


def test_near_peers_first_over_udp():
    h = new_hash()
    for i in range(10):
        for net in (3, 2, 1):
            Udp('127.0.%d.%d' % (net, 10 + i)).announce(h, 6881, event=2, want=0)
    peers, leechers, seeds = Udp('127.0.1.99').announce(h, 6881, want=30)
    assert (leechers, seeds) == (31, 0)
    assert [p[0].split('.')[2] for p in peers] == ['1'] * 10 + ['2'] * 10 + ['3'] * 10, peers
    peers, _, _ = Udp('127.0.3.99').announce(h, 6881, want=10)
    assert [p[0].split('.')[2] for p in peers[:8]] == ['3'] * 8, peers     # the last two are drawn


def test_udp_and_http_share_the_swarm():
    h = new_hash()
    u = Udp('127.0.1.10')
    u.announce(h, 7001, left=0, event=2)
    a = http_announce('127.0.2.10', h, 7002)
    assert (a[b'complete'], a[b'incomplete']) == (1, 1)
    assert peers_of(a[b'peers'], 6) == [('127.0.1.10', 7001)]
    assert a[b'external ip'] == socket.inet_aton('127.0.2.10')
    a = http_announce('127.0.2.10', h, 7002, compact=0)
    assert a[b'peers'] == [{b'ip': b'127.0.1.10', b'port': 7001}]
    assert u.announce(h, 7001, left=0)[0] == [('127.0.2.10', 7002)]
    http_announce('127.0.2.10', h, 7002, event='completed', left=0)
    assert u.scrape(h, new_hash()) == [(2, 1, 0), (0, 0, 0)]
    files = http_get('/scrape?info_hash=' + urllib.parse.quote(bytes.fromhex(h)))[b'files']
    assert files == {bytes.fromhex(h): {b'complete': 2, b'downloaded': 1, b'incomplete': 0}}
    http_announce('127.0.2.10', h, 7002, event='stopped', left=0)
    assert u.scrape(h) == [(1, 1, 0)]


def test_ipv6_over_udp():
    h = new_hash()
    Udp('::1').announce(h, 1)
    assert Udp('::1').announce(h, 2)[0] == [('::1', 1)]
    assert Udp('127.0.1.1').announce(h, 3)[0] == []          # the family of the socket alone
    assert peers_of(http_announce('127.0.1.2', h, 4)[b'peers6'], 18) != []


def test_the_services_torrent_starts_with_the_first_choice():
    for net, streamer in ((1, '127.0.1.200'), (2, '127.0.2.200')):
        client = '127.0.%d.33' % net
        peers, _, _ = Udp(client).announce(NAMED, 5000 + net)
        assert peers[0] == (streamer, 6999), peers
        assert peers_of(http_announce('127.0.%d.34' % net, NAMED, 5000)[b'peers'], 6)[0] == (streamer, 6999)
        c = http.client.HTTPConnection('127.0.0.1', d.ports['http'], timeout=10, source_address=(client, 0))
        c.request('GET', '/x', headers={'Host': 'vod.example.com'})
        assert c.getresponse().getheader('Location').startswith('http://%s' % streamer)   # HTTP says the same
        c.close()


def test_mistakes_are_told():
    h = new_hash()
    u = Udp('127.0.1.10')
    for body, words in ((dict(port=0), 'port'), (dict(port=1, event=9), 'event')):
        try:
            u.announce(h, **body)
            raise AssertionError('taken')
        except Refused as why:
            assert words in str(why)
    assert http_get('/announce?info_hash=x') == {b'failure reason': b'info_hash: not 20 bytes, percent-encoded'}
    assert b'failure reason' in http_get('/scrape')
    assert u.scrape(h) == [(0, 0, 0)]


def test_a_wrong_connection_id_is_not_answered():
    u = Udp('127.0.1.11')
    other = Udp('127.0.1.12')
    other.id = u.id                     # not of this address
    other.s.settimeout(0.3)
    try:
        other.announce(new_hash(), 1)
        raise AssertionError('answered')
    except socket.timeout:
        pass
    wait_for('it is counted', lambda: d.metric('waymark_tracker_dropped_total{why="connection-id"}'))


def test_metrics_and_access_log():
    assert d.metric('waymark_tracker_announces_total{transport="udp",event="started"}') >= 30
    assert d.metric('waymark_tracker_announces_total{transport="http",event="stopped"}') == 1
    assert d.metric('waymark_tracker_peers') > 0 and d.metric('waymark_tracker_swarms') > 0
    path = os.path.join(d.where, 'access.log')
    lines = wait_for('the access log has it', lambda: [l for l in open(path) if NAMED in l and '127.0.1.33' in l])
    line = json.loads(lines[0])
    assert (line['kind'], line['service'], line['streamer']) == ('tracker', 'vod', 'west1'), line


def test_closed_tracker():
    closed = Daemon(CONFIG % ('false', NAMED), files={'net.json': NETWORK_MAP, 'cost.json': COST_MAP}).start()
    u = Udp('127.0.1.10', closed)
    assert u.announce(NAMED, 1)[0] == [('127.0.1.200', 6999)]
    try:
        u.announce(new_hash(), 1)
        raise AssertionError('taken')
    except Refused as why:
        assert str(why) == 'no service of this tracker names that info-hash'
    assert closed.stop() == 0


def test_stops_cleanly():
    assert d.stop() == 0


main(globals())
