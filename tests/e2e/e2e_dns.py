#!/usr/bin/env python3
# labels: interop
# timeout: 120
"""The daemon's DNS asked by dig and kdig, and by bytes that neither would send."""
import os, re, shutil, socket, struct, subprocess, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from waymark_e2e import COST_MAP, Daemon, NETWORK_MAP, SLOW, Streamer, main, wait_for

CONFIG = '''
workers: 2
listen: {http: ["127.0.0.1:0"], dns: ["127.0.0.1:%(dns)d"], admin: ["127.0.0.1:0"]}
maps: {network: net.json, cost: cost.json, default_pid: rest}
http: {trusted_proxies: ["127.0.0.0/8"]}
dns:
  zones: [{name: example.com, ns: [{name: ns1.example.com, ipv4: 192.0.2.53}], soa: {rname: hostmaster.example.com}}]
defaults: {probe: {type: http, interval: 200ms, timeout: 150ms, up_after: 2, down_after: 2}}
streamers:
  - {name: west1, host: west1.example.com, ipv4: 127.0.0.2, ipv6: "::1", http_port: %(west)d, pid: west, capacity: 1000}
  - {name: east1, host: east1.example.com, ipv4: 127.0.0.3, http_port: %(east)d, pid: east, capacity: 1000}
services:
  - {name: vod, hosts: [vod.example.com, "*.vod.example.com"], dns: {ttl: 17s, answers: 2, txt: "%(txt)s"}}
  - {name: www, hosts: [www.example.com], dns: {mode: cname, ttl: 18s}}
'''
for tool in ('dig', 'kdig'):
    if not shutil.which(tool):
        print('%s is not installed' % tool)
        sys.exit(77)


def free_port():
    """Below the ones that the system gives to clients: dig shares its port with whoever lets it, and would at times
    talk to itself."""
    for port in range(20000 + os.getpid() % 5000, 32000):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u, socket.socket() as t:
            try:
                u.bind(('127.0.0.1', port))
                t.bind(('127.0.0.1', port))
                return port
            except OSError:
                pass
    raise AssertionError('no free port')


west, east = Streamer('127.0.0.2'), Streamer('127.0.0.3')
PORT = free_port()
d = Daemon(CONFIG % {'dns': PORT, 'west': west.port, 'east': east.port, 'txt': 'x' * 255},
           files={'net.json': NETWORK_MAP, 'cost.json': COST_MAP}).start()
# With 255 bytes of TXT behind it, more than 512.
LONG = '.'.join(['a' * 63] * 3 + ['b' * 40, 'vod.example.com'])


def tool(name, *words):
    done = subprocess.run([name, '@127.0.0.1', '-p', str(PORT)] + list(words), capture_output=True, text=True,
                          timeout=30 * SLOW, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def dig(*words):
    return tool('dig', '+tries=2', '+norec', *words)


def addresses(text):
    return re.findall(r'^[^;\s]\S*\t+\d+\tIN\tA\t(\S+)$', text, re.M)


def status_of(text):
    return re.search(r'status: (\w+)', text).group(1)


def scope_of(text):
    return re.search(r'CLIENT-SUBNET: (\S+)', text).group(1)


def test_the_subnet_decides_and_the_scope_says_how_far():
    wait_for('both streamers are up', lambda: all(s['ipv4'] == 'up' for s in d.status()['streamers']))
    out = dig('vod.example.com', '+subnet=192.0.2.0/24')
    assert addresses(out) == ['127.0.0.2', '127.0.0.3'] and ' aa' in out, out
    assert scope_of(out) == '192.0.2.0/24/24', out
    out = dig('vod.example.com', '+subnet=198.51.100.0/24')
    assert addresses(out) == ['127.0.0.3', '127.0.0.2'] and scope_of(out) == '198.51.100.0/24/24', out
    out = dig('vod.example.com', '+subnet=2001:db8:2::/56')
    assert addresses(out) == ['127.0.0.3', '127.0.0.2'] and scope_of(out) == '2001:db8:2::/56/48', out
    out = dig('vod.example.com', '+subnet=0')
    assert addresses(out) == ['127.0.0.2', '127.0.0.3'] and scope_of(out) == '0.0.0.0/0/0', out


def test_http_and_dns_name_the_same_streamer():
    for client in ('192.0.2.9', '198.51.100.9', '203.0.113.9'):
        first = addresses(dig('vod.example.com', '+subnet=%s/32' % client))[0]
        host = d.redirect(client, path='/', host='vod.example.com')
        assert addresses(dig(host)) == [first], (client, host, first)


def test_names():
    assert status_of(dig('no.example.com')) == 'NXDOMAIN'
    out = dig('vod.example.com', 'HTTPS')
    assert status_of(out) == 'NOERROR' and 'SOA' in out and 'ANSWER: 0' in out, out
    assert status_of(dig('example.org')) == 'REFUSED'
    assert status_of(dig('version.bind', 'TXT', 'CH')) == 'REFUSED'
    out = dig('Any.VOD.eXample.com')
    assert 'Any.VOD.eXample.com.\t17\tIN\tA' in out, out
    out = dig('example.com', 'NS')
    assert 'ns1.example.com.' in out and addresses(out) == ['192.0.2.53'], out
    assert 'RFC8482' in dig('vod.example.com', 'ANY', '+notcp')
    out = dig('www.example.com', '+subnet=198.51.100.0/24')
    assert 'CNAME\teast1.example.com.' in out and addresses(out) == [], out
    out = dig('www.example.com', 'AAAA')
    assert 'CNAME\twest1.example.com.' in out and 'AAAA\t::1' in out, out
    assert 'Transfer failed' in dig('example.com', 'AXFR')


def test_tcp_and_truncation():
    out = dig('vod.example.com', '+tcp')
    assert len(addresses(out)) == 2 and '(TCP)' in out, out
    out = dig(LONG, 'TXT', '+ignore', '+bufsize=512')
    assert ' tc' in out and 'ANSWER: 0' in out and 'QUERY: 1' in out, out
    out = dig(LONG, 'TXT', '+ignore', '+bufsize=1232')
    assert ' tc' not in out and 'ANSWER: 1' in out, out
    out = tool('kdig', '+tcp', '+keepopen', 'vod.example.com', 'TXT', 'vod.example.com', 'A')
    assert out.count('status: NOERROR') == 2, out


def test_edns_version():
    out = tool('kdig', '+edns=1', 'vod.example.com')
    assert 'BADVERS' in out, out
    assert status_of(dig('+opcode=status', 'example.com')) == 'NOTIMP'


def question(options=b'', flags=0, name=b'\3vod\7example\3com\0'):
    opt = b'\0' + struct.pack('>HHIH', 41, 1232, 0, len(options)) + options if options else b''
    return struct.pack('>6H', 77, flags, 1, 0, 0, 1 if opt else 0) + name + b'\0\1\0\1' + opt


def subnet(family, source, scope, address):
    data = struct.pack('>HBB', family, source, scope) + address
    return struct.pack('>HH', 8, len(data)) + data


def ask(bytes_):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(10 * SLOW)
        s.connect(('127.0.0.1', PORT))
        s.send(bytes_)
        return s.recv(4096)


def test_malformed_subnets():
    assert ask(question(subnet(1, 24, 0, b'\xc0\0\2')))[3] & 15 == 0
    for what, option in (('family', subnet(3, 24, 0, b'\xc0\0\2')), ('source', subnet(1, 33, 0, b'\xc0\0\2\1\0')),
                         ('scope', subnet(1, 24, 24, b'\xc0\0\2')), ('length', subnet(1, 16, 0, b'\xc0\0\2')),
                         ('bits', subnet(1, 23, 0, b'\xc0\0\1'))):
        answer = ask(question(option))
        assert answer[:2] == b'\0M' and answer[3] & 15 == 1, what


def test_what_is_no_query_is_not_answered():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(10 * SLOW)
        s.connect(('127.0.0.1', PORT))
        for nonsense in (b'', b'x', question(flags=0x8000), b'\0' * 3000):
            s.send(nonsense)
        s.send(question(name=b'\3vOd\7ExamplE\3com\0'))
        answer = s.recv(4096)
        assert answer[12:29] == b'\3vOd\7ExamplE\3com\0', answer


def test_health_moves_the_answer():
    first = lambda: addresses(dig('vod.example.com', '+subnet=192.0.2.0/24'))[0]
    west.stop()
    wait_for('clients move', lambda: first() == '127.0.0.3')
    west.start()
    wait_for('clients return', lambda: first() == '127.0.0.2')


def test_counters():
    assert d.metric('waymark_dns_queries_total{transport="udp"}') > 10
    assert d.metric('waymark_dns_queries_total{transport="tcp"}') >= 3
    assert d.metric('waymark_dns_answers_total{rcode="formerr"}') >= 5
    assert d.metric('waymark_dns_answers_total{rcode="badvers"}') == 1
    assert d.metric('waymark_dns_dropped_total') >= 3
    assert d.metric('waymark_dns_truncated_total') == 1
    assert d.stop() == 0


main(dict(globals()))
