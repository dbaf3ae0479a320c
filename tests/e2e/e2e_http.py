#!/usr/bin/env python3
# timeout: 180
"""The public HTTP port of the running daemon: curl for redirects, HEAD, lists, CORS and TLS; raw sockets for pipelines,
for what must be refused, and for slowness; slowhttptest if it is there."""
import json, os, re, shutil, socket, subprocess, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from waymark_e2e import COST_MAP, Daemon, folder, main, NETWORK_MAP, SLOW, wait_for

CONFIG = '''
workers: 2
access_log: {to: ./access.log, format: json}
listen: {http: ["127.0.0.1:0"], https: ["127.0.0.1:0"], admin: ["127.0.0.1:0"]}
tls: {certificate: %(where)s/cert.pem, key: %(where)s/key.pem}
maps: {network: net.json, cost: cost.json, default_pid: rest}
http: {trusted_proxies: ["127.0.0.0/8"], request_timeout: 1s, header_size: 4KiB, body_size: 10KiB}
defaults: {probe: {type: none}}
streamers:
  - {name: west1, ipv4: 192.0.2.80, ipv6: "2001:db8:1::80", http_port: 80, https_port: 443, pid: west}
  - {name: east1, host: east1.cdn.example, ipv4: 198.51.100.80, http_port: 8080, pid: east}
services:
  - {name: vod, hosts: [vod.example.com, "*.vod.example.com"]}
  - {name: open, hosts: [open.example.com], redirect: {status: 307, cors: any, cache_control: max-age=3,
     location: "{scheme}://{hostport}/{service}{path}{query}"}}
'''
where = folder()
subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
                '-subj', '/CN=vod.example.com', '-addext', 'subjectAltName=DNS:vod.example.com',
                '-keyout', where + '/key.pem', '-out', where + '/cert.pem'], check=True, capture_output=True)
os.chmod(where + '/key.pem', 0o644)
d = Daemon(CONFIG % {'where': where}, where=where, files={'net.json': NETWORK_MAP, 'cost.json': COST_MAP}).start()
HTTP, HTTPS = d.ports['http'], d.ports['https']


def curl(*words, host='vod.example.com', path='/film/seg1.ts?t=%2F', scheme='http', client='192.0.2.7'):
    """(status, headers, body)"""
    port = HTTPS if scheme == 'https' else HTTP
    done = subprocess.run(['curl', '-sS', '-i', '--http1.1', '--path-as-is', '--max-time', str(20 * SLOW),
                           '--resolve', '%s:%d:127.0.0.1' % (host, port), '--cacert', where + '/cert.pem',
                           '-H', 'X-Forwarded-For: ' + client, *words, '%s://%s:%d%s' % (scheme, host, port, path)],
                          capture_output=True, check=True)
    text = done.stdout.decode()
    if text.startswith('HTTP/1.1 100 '):
        text = text.partition('\r\n\r\n')[2]
    head, _, body = text.partition('\r\n\r\n')
    lines = head.split('\r\n')
    return int(lines[0].split()[1]), {k.lower(): v.strip() for k, v in (l.split(':', 1) for l in lines[1:])}, body


class Raw:
    def __init__(self):
        self.s = socket.create_connection(('127.0.0.1', HTTP), timeout=20 * SLOW)

    def say(self, data):
        self.s.sendall(data)
        return self

    def until(self, what, n=1):
        got = b''
        while got.count(what) < n:
            more = self.s.recv(65536)
            assert more, 'closed after %r' % got[-300:]
            got += more
        return got

    def until_closed(self):
        got = b''
        while True:
            more = self.s.recv(65536)
            if not more:
                return got
            got += more


def test_redirects_as_curl_sees_them():
    status, headers, body = curl()
    assert (status, headers['location']) == (302, 'http://192.0.2.80/film/seg1.ts?t=%2F'), headers
    assert headers['cache-control'] == 'no-store' and headers['content-length'] == '0' and body == ''
    assert re.match(r'\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$', headers['date'])
    assert curl(client='198.51.100.9')[1]['location'] == 'http://east1.cdn.example:8080/film/seg1.ts?t=%2F'
    assert curl(client='2001:db8:1::7')[1]['location'] == 'http://[2001:db8:1::80]/film/seg1.ts?t=%2F'
    assert curl(host='a.b.vod.example.com', path='/x/../%41?')[1]['location'] == 'http://192.0.2.80/x/../%41?'
    status, headers, _ = curl(host='open.example.com')
    assert (status, headers['location']) == (307, 'http://192.0.2.80/open/film/seg1.ts?t=%2F')
    assert headers['access-control-allow-origin'] == '*' and headers['cache-control'] == 'max-age=3'


def test_head_is_a_get_without_a_body():
    status, headers, body = curl('--head', path='/nothing', host='else.example.com')
    assert status == 404 and int(headers['content-length']) > 0 and body == ''
    assert curl('--head')[1]['location'] == 'http://192.0.2.80/film/seg1.ts?t=%2F'


def test_lists_methods_and_preflight():
    status, headers, body = curl('-H', 'Accept: application/json')
    assert status == 200 and headers['content-type'] == 'application/json'
    choices = json.loads(body)['choices']
    assert [c['streamer'] for c in choices] == ['west1', 'east1'], choices
    assert choices[0]['url'] == 'http://192.0.2.80/film/seg1.ts?t=%2F' and choices[0]['cost'] == 1
    assert json.loads(curl(path='/x?format=json')[2])['pid'] == 'west'
    status, headers, _ = curl('-X', 'OPTIONS', host='open.example.com')
    assert status == 204 and headers['access-control-allow-methods'] == 'GET, HEAD, OPTIONS'
    assert curl('-X', 'DELETE')[0] == 405
    assert curl('-d', 'x=y')[0] == 405
    assert curl('-H', 'Transfer-Encoding: chunked', '-d', 'x' * 9000)[0] == 405
    assert curl('-H', 'Expect: 100-continue', '-d', 'x' * 9000, '--expect100-timeout', '30')[0] == 405
    assert curl('-X', 'BREW')[0] == 501


def test_over_tls_with_resumption():
    status, headers, _ = curl(scheme='https')
    assert (status, headers['location']) == (302, 'https://192.0.2.80/film/seg1.ts?t=%2F'), headers
    # Nobody in the east has https; west1 has.
    assert curl(scheme='https', client='198.51.100.9')[1]['location'].startswith('https://192.0.2.80/')
    for version in ('-tls1_2', '-tls1_3'):
        session = where + '/session' + version
        ask = 'GET /x HTTP/1.1\r\nHost: vod.example.com\r\nConnection: close\r\n\r\n'
        for option, want in (('-sess_out', 'New, TLS'), ('-sess_in', 'Reused, TLS')):
            done = subprocess.run(['openssl', 's_client', '-connect', '127.0.0.1:%d' % HTTPS, '-CAfile', where + '/cert.pem',
                                   '-alpn', 'http/1.1', '-ign_eof', version, option, session], input=ask, text=True,
                                  capture_output=True, timeout=30 * SLOW, check=False)
            assert want in done.stdout, done.stdout + done.stderr
            assert 'Location: https://' in done.stdout and 'ALPN protocol: http/1.1' in done.stdout


def test_pipelines_are_answered_in_order():
    asks = b''.join(b'GET /film/%d HTTP/1.1\r\nHost: vod.example.com\r\n\r\n' % i for i in range(200))
    for cut in (len(asks), 1000, 17):
        r = Raw()
        for at in range(0, len(asks), cut):
            r.say(asks[at:at + cut])
        got = r.until(b'\r\n\r\n', 200)
        assert re.findall(rb'Location: \S+/film/(\d+)\r', got) == [b'%d' % i for i in range(200)]


def test_what_must_be_refused_is():
    head = b'GET / HTTP/1.1\r\nHost: vod.example.com\r\n'
    for what, data, status in [
            ('two lengths', head + b'Content-Length: 1\r\nContent-Length: 1\r\n\r\nx', 400),
            ('length and coding', head + b'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx', 400),
            ('unknown coding', head + b'Transfer-Encoding: gzip, chunked\r\n\r\n', 501),
            ('obs-fold', head + b'X: a\r\n b\r\n\r\n', 400),
            ('bare LF', b'GET / HTTP/1.1\nHost: vod.example.com\n\n', 400),
            ('NUL', head + b'X: \0\r\n\r\n', 400),
            ('two hosts', head + b'Host: vod.example.com\r\n\r\n', 400),
            ('no host', b'GET / HTTP/1.1\r\n\r\n', 400),
            ('space before the colon', head + b'X : y\r\n\r\n', 400),
            ('long line', b'GET /' + b'a' * 5000 + b' HTTP/1.1\r\n', 414),
            ('long fields', head + b'X: ' + b'a' * 5000 + b'\r\n\r\n', 431),
            ('long body', head + b'Content-Length: 10241\r\n\r\n', 413),
            ('HTTP/2.0', b'GET / HTTP/2.0\r\n\r\n', 505)]:
        got = Raw().say(data + head + b'\r\n').until_closed()
        assert got.startswith(b'HTTP/1.1 %d ' % status) and got.count(b'\r\nDate: ') == 1, '%s: %r' % (what, got)
        assert b'Connection: close\r\n' in got, what
    assert d.metric('waymark_http_bad_requests_total{what="host"}') == 2
    assert curl()[0] == 302


def test_a_dribbling_client_is_cut_off_at_the_deadline():
    for data in (b'GET / HTTP/1.1\r\nHost: vod.example.com\r\nX: ', b'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 999\r\n\r\n'):
        r, start = Raw().say(data), time.monotonic()
        r.s.settimeout(0.1)
        got = b''
        while b'408 Request Timeout' not in got and time.monotonic() < start + 15 * SLOW:
            try:
                r.s.sendall(b'a')
                got += r.s.recv(1000)
            except socket.timeout:
                pass
        assert b'408 Request Timeout' in got and time.monotonic() - start > 0.9, got


def test_slowhttptest_finds_the_service_available():
    if not shutil.which('slowhttptest'):
        print('     slowhttptest is not installed')
        return
    for mode in ('-H', '-B'):
        done = subprocess.run(['slowhttptest', mode, '-c', '200', '-r', '200', '-i', '1', '-l', '6', '-p', '2', '-u',
                               'http://127.0.0.1:%d/' % HTTP], capture_output=True, text=True, timeout=60 * SLOW, check=False)
        seen = re.sub(r'\x1b\[[0-9;]*m', '', done.stdout)
        assert 'No open connections left' in seen, seen
        assert not re.search(r'service available:\s+NO', seen), seen


def test_everything_is_let_go():
    wait_for('connections end', lambda: d.metric('waymark_http_connections') <= 1)     # the one that asks
    assert d.stop() == 0
    notes = [json.loads(line) for line in open(os.path.join(where, 'access.log'))]
    assert any(n.get('streamer') == 'west1' for n in notes) and len(notes) > 600, len(notes)


main(globals())
