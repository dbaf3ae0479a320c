#!/usr/bin/env python3
# timeout: 240
"""The command line as a client of ALTO servers: every command against a daemon that publishes all it can, discovery
against the daemon's own DNS and against a scripted one."""
import http.server, json, os, signal, socket, ssl, struct, subprocess, sys, threading, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import alto_world
from waymark_e2e import BIN, COST_MAP, NETWORK_MAP, SLOW, folder, main, wait_for, write

d = alto_world.start()
URL = 'http://127.0.0.1:%d/alto' % d.ports['http']


def run(*words, status=0):
    done = subprocess.run([os.path.join(BIN, 'waymark'), 'alto'] + list(words), capture_output=True, text=True,
                          timeout=60 * SLOW, check=False)
    assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
    return done.stdout if status == 0 else done.stderr


def table(text):
    return [line.split() for line in text.splitlines()]


def test_the_directory_as_a_table():
    rows = table(run('ird', URL))
    assert ['net', '*', 'networkmap', 'GET', '-', '-', '/alto/net'] in rows, rows
    row = [r for r in rows if r[0] == 'net-cost-filter'][0]
    assert row[1:6] == ['costmap', 'POST', 'num-routingcost', 'ord-routingcost', 'net'], row
    got = json.loads(run('ird', URL, '--json'))
    assert got['meta']['default-alto-network-map'] == 'net' and len(got['resources']) == len(rows) - 2


def test_maps_as_tables_and_as_they_came():
    assert json.loads(run('get', URL, 'net', '--json'))['network-map'].keys() == NETWORK_MAP['network-map'].keys()
    rows = table(run('get', URL, 'net'))
    assert ['resource', 'net,', 'tag', 'v1'] in rows and ['east', '2', '198.51.100.0/24', '2001:db8:2::/48'] in rows
    rows = table(run('get', URL, 'net-cost-num-routingcost', '--header', 'none'))
    assert rows == [['east', '1', '20', '10'], ['rest', '16', '1', '15'], ['west', '10', '20', '1']], rows
    assert ['ipv4:192.0.2.0/28', '.access', 'dsl'] in table(run('get', URL, 'inventory'))
    assert 'FCI.DeliveryProtocol' in run('get', URL, 'partner')
    assert 'tag v1' in run('get', URL + '/net')       # its own URI, without a directory


def test_requests():
    rows = table(run('filter', URL, 'net-filter', '--pids', 'west', '--address-types', 'ipv6', '--header', 'none'))
    assert rows == [['west', '1', '2001:db8:1::/48']], rows
    rows = table(run('filter', URL, 'net-cost-filter', '--srcs', 'west', '--dsts', 'east,rest', '--constraint', 'ge 15',
                     '--header', 'none'))
    assert rows == [['west', 'rest', '20']], rows
    rows = table(run('filter', URL, 'alt-cost-filter', '--srcs', 'A', '--dsts', 'B', '--header', 'none', '--cost',
                     'numerical:delay-ow,numerical:routingcost'))
    assert rows == [['A', 'B', '[7000,7]']], rows
    rows = table(run('ecs', URL, 'net-endpoint-cost', '--srcs', '192.0.2.1', '--dsts', '198.51.100.1,2001:db8:1::9',
                     '--header', 'none'))
    assert rows == [['ipv4:192.0.2.1', 'ipv4:198.51.100.1', '10'], ['ipv4:192.0.2.1', 'ipv6:2001:db8:1::9', '1']], rows
    assert ['ipv4:127.0.0.1', 'ipv4:198.51.100.1', '10'] in table(run('ecs', URL, 'net-endpoint-cost', '--dsts',
                                                                      '198.51.100.1'))
    rows = table(run('eps', URL, '--props', 'net.pid', '--endpoints', '192.0.2.1,2001:db8:2::1', '--header', 'none'))
    assert rows == [['ipv4:192.0.2.1', 'net.pid', 'west'], ['ipv6:2001:db8:2::1', 'net.pid', 'east']], rows
    rows = table(run('props', URL, 'inventory-filter', '--entities', '192.0.2.1', '--properties', '.access',
                     '--header', 'none'))
    assert rows == [['ipv4:192.0.2.1', '.access', 'dsl']], rows
    got = run('filter', URL, 'path-path-cost', '--srcs', 'west', '--dsts', 'east', '--props', 'max-reservable-bandwidth')
    assert '5000000000' in got and 'array ane-path' in got, got
    assert 'multipart' not in run('filter', URL, 'path-path-cost', '--json') and len(
        json.loads(run('filter', URL, 'cdni-filter', '--json'))['cdni-advertisement']['capabilities-with-footprints']) == 1


def test_errors_are_sentences():
    said = run('filter', URL, 'net-cost-filter', '--cost', 'numerical:none', status=1)
    assert 'E_INVALID_FIELD_VALUE' in said and 'field "cost-type/cost-metric"' in said and 'value "none"' in said, said
    assert 'no resource "nothing"; it has' in run('get', URL, 'nothing', status=1)
    assert 'is asked by POST' in run('get', URL, 'net-filter', status=1)
    assert 'Connection refused' in run('ird', 'http://127.0.0.1:1/', status=1)
    assert 'is no URI of https or http' in run('ird', 'gopher://a/', status=1)
    for words in (['nothing'], ['ird'], []):
        run(*words, status=2)


class Watch:
    def __init__(self, *words):
        self.process = subprocess.Popen([os.path.join(BIN, 'waymark'), 'alto', 'watch', URL] + list(words), text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines = []
        threading.Thread(target=lambda: [self.lines.append(l) for l in self.process.stdout], daemon=True).start()


def test_watching_by_each_way():
    for number, mode in enumerate(('sse', 'tips', 'poll')):
        w = Watch('net', '--mode', mode, '--json', '--count', '2', '--every', '0.2s')
        wait_for('the first event by ' + mode, lambda: w.lines)
        net = json.loads(json.dumps(NETWORK_MAP))
        cost, path = json.loads(json.dumps(COST_MAP)), json.loads(json.dumps(alto_world.FILES['path.json']))
        path['meta']['dependent-vtags'][0]['tag'] = 'w%d' % number
        net['meta']['vtag']['tag'] = cost['meta']['dependent-vtags'][0]['tag'] = 'w%d' % number
        net['network-map']['west']['ipv4'].append('203.0.113.%d/32' % number)
        write(os.path.join(d.where, 'path.json'), path)
        write(os.path.join(d.where, 'net.json'), net)
        write(os.path.join(d.where, 'cost.json'), cost)
        assert w.process.wait(30 * SLOW) == 0, w.process.stderr.read()
        wait_for('the lines', lambda: len(w.lines) == 2)
        first, second = map(json.loads, w.lines)
        assert first['resource-id'] == second['resource-id'] == 'net' and 'network-map' in first['data'], w.lines
        assert 'w%d' % number in w.lines[1], (mode, w.lines)
        assert second['media-type'] in ('application/alto-networkmap+json', 'application/merge-patch+json',
                                        'application/json-patch+json')


def test_watching_ends_when_told():
    w = Watch('alt')
    wait_for('the first event', lambda: w.lines)
    assert ' alt: full replacement by event, ' in w.lines[0], w.lines
    w.process.send_signal(signal.SIGINT)
    assert w.process.wait(10 * SLOW) == 0
    begin = time.monotonic()
    run('watch', URL, 'alt', '--for', '1s')
    assert time.monotonic() - begin >= 1


# ---- linked directories

class Stub:
    """Answers of fixed bodies: path -> (media type, value)."""

    def __init__(self, answers):
        outer = self
        self.answers = answers

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                kind, value = outer.answers.get(self.path, ('text/html', None))
                body = json.dumps(value).encode()
                self.send_response(200 if value is not None else 404)
                self.send_header('Content-Type', kind)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words):
                pass
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = 'http://127.0.0.1:%d' % self.server.server_address[1]


DIRECTORY = 'application/alto-directory+json'


# Conformance: I-11, I-07.
def test_directories_that_name_each_other():
    s = Stub({'/a': (DIRECTORY, {'meta': {}, 'resources': {'other': {'uri': 'b', 'media-type': DIRECTORY}}}),
              '/b': (DIRECTORY, {'meta': {}, 'resources': {
                  'back': {'uri': '/a', 'media-type': DIRECTORY},
                  'far': {'uri': 'far', 'media-type': 'application/alto-networkmap+json'}}}),
              '/far': ('application/alto-networkmap+json',
                       {'meta': {'vtag': {'resource-id': 'far', 'tag': 'f'}}, 'network-map': {'p': {}}})})
    assert 'far' not in run('ird', s.url + '/a')
    rows = table(run('ird', s.url + '/a', '--deep'))
    assert len([r for r in rows if r and r[0] == 'directory']) == 2 and [r for r in rows if r and r[0] == 'far'], rows
    assert 'tag f' in run('get', s.url + '/a', 'far')


# Conformance: T-06.
def test_another_type_is_refused_unless_lenient():
    s = Stub({'/a': ('text/plain', {'meta': {}, 'resources': {}}),
              '/e': ('application/alto-error+json', {'meta': {'code': 'E_SYNTAX'}})})
    assert 'Content-Type is "text/plain"' in run('ird', s.url + '/a', status=1)
    run('ird', s.url + '/a', '--lenient')
    assert 'E_SYNTAX' in run('get', s.url + '/e', status=1)


# Conformance: T-09.
def test_certificates_are_checked():
    where = folder()
    cert, key = os.path.join(where, 'cert.pem'), os.path.join(where, 'key.pem')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
                    '-subj', '/CN=alto', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert],
                   check=True, capture_output=True)
    s = Stub({'/a': (DIRECTORY, {'meta': {}, 'resources': {}})})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    s.server.socket = context.wrap_socket(s.server.socket, server_side=True)
    url = s.url.replace('http:', 'https:') + '/a'
    assert 'TLS: the certificate: ' in run('ird', url, status=1)
    run('ird', url, '--ca', cert)
    other_name = url.replace('127.0.0.1', 'localhost')
    assert 'TLS: the certificate: ' in run('ird', other_name, '--ca', cert, status=1)
    done = subprocess.run([os.path.join(BIN, 'waymark'), 'alto', 'ird', other_name, '--insecure'], capture_output=True,
                          text=True, timeout=60 * SLOW, check=False)
    assert done.returncode == 0 and 'WARNING' in done.stderr, (done.stdout, done.stderr)


# ---- discovery

def naptr(order, preference, flags, service, regexp):
    text = b''.join(bytes([len(t)]) + t.encode() for t in (flags, service, regexp))
    return struct.pack('>HH', order, preference) + text + b'\0'


class Dns:
    """name -> {rcode, records, ad, minimum}, or None for silence; NXDOMAIN of what is not there."""

    def __init__(self, names):
        self.names, self.asked = names, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(('127.0.0.1', 0))
        self.at = '127.0.0.1:%d' % self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            query, peer = self.socket.recvfrom(4096)
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            name = '.'.join(labels).lower()
            kind = struct.unpack('>H', query[at + 1:at + 3])[0]
            assert kind == 35, kind
            self.asked.append(name)
            found = self.names.get(name, {'rcode': 3})
            if found is None:
                continue
            answers = [b'\xc0\x0c' + struct.pack('>HHIH', 35, 1, 60, len(r)) + r for r in found.get('records', [])]
            soa = b'\0' + struct.pack('>HHIH', 6, 1, 900, 22) + b'\0\0' + struct.pack('>5I', 1, 2, 3, 4,
                                                                                     found.get('minimum', 77))
            flags = 0x8180 | found.get('rcode', 0) | (0x20 if found.get('ad') else 0)
            self.socket.sendto(query[:2] + struct.pack('>5H', flags, 1, len(answers), not answers, 0) +
                               query[12:at + 5] + b''.join(answers) + (soa if not answers else b''), peer)


def discover(dns, *words, status=0):
    """The JSON, or with another status (JSON, sentence)."""
    done = subprocess.run([os.path.join(BIN, 'waymark'), 'alto', 'discover', '--json', '--resolver', dns.at,
                           '--timeout', '1s'] + list(words), capture_output=True, text=True, timeout=60 * SLOW, check=False)
    assert done.returncode == status, (words, done.stdout, done.stderr)
    got = json.loads(done.stdout) if done.stdout else None
    return got if status == 0 else (got, done.stderr)


GOOD = naptr(100, 10, 'u', 'ALTO:https', '!.*!https://alto1.example.net/ird!')


# Conformance: W-01, W-08.
def test_a_domain_with_records_in_any_order():
    dns = Dns({'example.net': {'records': [
        naptr(200, 1, 'u', 'ALTO:https', '!.*!https://late.example.net/!'),
        naptr(100, 20, 'u', 'ALTO:https', '!.*!https://alto2.example.net/ird!'),
        naptr(100, 30, 'u', 'ALTO:http', '!.*!http://clear.example.net/ird!'),
        naptr(1, 1, 's', 'SIP+D2U', ''), GOOD,
        naptr(1, 1, 'u', 'ALTO:https', '!^(.*)$!https://\\1/!')]}})
    assert discover(dns, '--domain', 'example.net')['uris'] == ['https://alto1.example.net/ird',
                                                                'https://alto2.example.net/ird']
    got = discover(dns, '--domain', 'example.net', '--service', 'ALTO:http')
    assert got['uris'] == ['http://clear.example.net/ird']
    assert 'no service of ALTO' in discover(dns, '--domain', 'example.net', '--service', 'SIP', status=1)[1]


# Conformance: W-02.
def test_how_long_a_failure_is_to_be_remembered():
    dns = Dns({'nodata.example': {'minimum': 31}, 'none.example': {'rcode': 3, 'minimum': 2000},
               'broken.example': {'rcode': 2}, 'silent.example': None})
    for name, end, retry in (('nodata.example', 'no such records', 31), ('none.example', 'no such name', 900),
                             ('broken.example', 'failed for now', 300), ('silent.example', 'no answer in time', 60)):
        got, said = discover(dns, '--domain', name, status=1)
        assert [(t['end'], t['retry_s']) for t in got['tries']] == [(end, retry)], (name, got)
        assert '%d s' % retry in said and dns.asked.count(name) == 1, (said, dns.asked)


# Conformance: W-04, W-05.
def test_the_ladder_is_climbed_at_once():
    dns = Dns({'3.100.51.198.in-addr.arpa': {'rcode': 3}, '100.51.198.in-addr.arpa': None,
               '51.198.in-addr.arpa': {}, '198.in-addr.arpa': {'records': [GOOD]},
               '8.b.d.0.1.0.0.2.ip6.arpa': {'records': [GOOD]}})
    got = discover(dns, '--for-address', '198.51.100.3')
    assert dns.asked == ['3.100.51.198.in-addr.arpa', '100.51.198.in-addr.arpa', '51.198.in-addr.arpa',
                         '198.in-addr.arpa'], dns.asked
    assert [t['end'] for t in got['tries']] == ['no such name', 'no answer in time', 'no such records', 'found'], got
    assert got['temporary'] is True and got['uris'] == ['https://alto1.example.net/ird']
    dns.asked.clear()
    discover(dns, '--for-address', '2001:db8:1::/48')
    assert len(dns.asked) == 3 and dns.asked[-1] == '8.b.d.0.1.0.0.2.ip6.arpa', dns.asked
    for short in ('198.0.0.0/7', '2001::/31'):
        assert 'unsupported prefix length' in discover(dns, '--for-address', short, status=1)[1]


# Conformance: W-06.
def test_temporary_failures_are_told_apart():
    dns = Dns({'51.198.in-addr.arpa': {'rcode': 2}})
    got, said = discover(dns, '--for-address', '198.51.0.0/16', status=1)
    assert got['temporary'] is True and [t['end'] for t in got['tries']] == ['failed for now', 'no such name'], got
    assert 'fails for now' in said and 'may find an ALTO server' in said, said
    dns.names.clear()
    got, said = discover(dns, '--for-address', '198.51.0.0/16', status=1)
    assert got['temporary'] is False and 'names no ALTO server' in said, (got, said)


# Conformance: W-07.
def test_validated_or_not():
    dns = Dns({'a.example': {'records': [GOOD], 'ad': True}, 'b.example': {'records': [GOOD]}})
    assert discover(dns, '--domain', 'a.example', '--require-dnssec')['validated'] is True
    assert discover(dns, '--domain', 'b.example')['validated'] is False
    assert 'not validated by DNSSEC' in discover(dns, '--domain', 'b.example', '--require-dnssec', status=1)[1]


# Conformance: W-03, W-09.
def test_our_own_dns_names_our_own_server():
    zone = '{name: %s, ns: [{name: ns1.example.com, ipv4: 192.0.2.53}], alto: ["http://127.0.0.1:1/", "' + URL + '"]}'
    other = alto_world.start('dns: {zones: [%s, %s]}' % (zone % 'example.com', zone % '100.51.198.in-addr.arpa'))
    at = ['--resolver', '127.0.0.1:%d' % other.ports['dns-udp'], '--service', 'ALTO:http']
    said = subprocess.run([os.path.join(BIN, 'waymark'), 'alto', 'ird', '--domain', 'example.com'] + at, text=True,
                          capture_output=True, timeout=60 * SLOW, check=False)
    assert said.returncode == 0 and 'net *' in said.stdout, (said.stdout, said.stderr)
    assert 'Connection refused' in said.stderr and 'validated no' in said.stderr, said.stderr   # the first one does not answer
    assert 'west' in run('get', 'net', '--for-address', '198.51.100.7', *at)


main(globals())
