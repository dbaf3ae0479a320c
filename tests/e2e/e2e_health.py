#!/usr/bin/env python3
# timeout: 120
"""Health as the running daemon sees it: TCP and HTTP probes, each family apart, servers that are silent or speak
something else; what the log, the metrics and the access log say of it."""
import os, re, socket, sys, threading
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from waymark_e2e import COST_MAP, Daemon, NETWORK_MAP, SLOW, Streamer, main, wait_for

CONFIG = '''
workers: 2
access_log: {to: ./access.log, format: logfmt}
listen: {http: ["127.0.0.1:0"], admin: ["127.0.0.1:0"]}
maps: {network: net.json, cost: cost.json, default_pid: rest}
http: {trusted_proxies: ["127.0.0.0/8"]}
defaults: {probe: {type: http, interval: %(interval)dms, timeout: %(timeout)dms, up_after: 2, down_after: 2}}
streamers:
  - {name: both, ipv4: 127.0.0.2, ipv6: "::1", http_port: %(good)d, pid: west}
  - {name: silent, ipv4: 127.0.0.1, http_port: %(silent)d, pid: west}
  - {name: silent-tcp, ipv4: 127.0.0.1, http_port: %(silent)d, pid: east, probe: {type: tcp}}
  - {name: ssh, ipv4: 127.0.0.1, http_port: %(ssh)d, pid: west}
services:
  - {name: vod, hosts: [vod.example.com]}
'''


def listener(banner):
    """Accepts and, with a banner, sends it; otherwise the kernel accepts and nobody answers."""
    s = socket.create_server(('127.0.0.1', 0), backlog=128)

    def serve():
        while True:
            c, _ = s.accept()
            c.sendall(banner)
            c.recv(4096)
            c.close()
    if banner:
        threading.Thread(target=serve, daemon=True).start()
    return s


good, silent, ssh = Streamer('127.0.0.2'), listener(b''), listener(b'SSH-2.0-OpenSSH_9.2p1\r\n')
d = Daemon(CONFIG % {'good': good.port, 'silent': silent.getsockname()[1], 'ssh': ssh.getsockname()[1],
                   'interval': 500 * SLOW, 'timeout': 400 * SLOW},
           files={'net.json': NETWORK_MAP, 'cost.json': COST_MAP}).start()


def test_each_is_judged_by_what_it_does():
    wait_for('every streamer is known', lambda: all(s['ipv4'] in ('up', 'down') for s in d.status()['streamers']))
    assert {s['name']: s['ipv4'] for s in d.status()['streamers']} == {
        'both': 'up', 'silent': 'down', 'silent-tcp': 'up', 'ssh': 'down'}, d.status()['streamers']


def test_the_families_are_apart():
    try:
        socket.create_server(('::1', 0), family=socket.AF_INET6).close()
    except OSError:
        return  # a machine without IPv6
    wait_for('IPv6 is known', lambda: d.streamer('both')['ipv6'] == 'down')
    assert d.streamer('both')['ipv4'] == 'up'
    assert d.redirect('192.0.2.7') == '127.0.0.2'


def test_the_log_says_why():
    log = d.log()
    for want in (r'event=streamer\.up streamer=both family=ipv4 reason="first probe: 200 in \d+ ms"',
                 r'event=streamer\.down streamer=silent family=ipv4 reason="first probe: no answer in \d+ ms"',
                 r'event=streamer\.up streamer=silent-tcp family=ipv4 reason="first probe: connected in \d+ ms"',
                 r'event=streamer\.down streamer=ssh family=ipv4 reason="first probe: not an HTTP/1 answer '
                 r'\(\\"SSH-2\.0-OpenSSH'):
        assert re.search(want, log), want + '\n' + log


def test_down_after_and_up_after():
    good.stop()
    wait_for('down', lambda: d.streamer('both')['ipv4'] == 'down')
    assert re.search(r'streamer=both family=ipv4 reason="2 bad probes in a row, the last: connection refused', d.log())
    good.start()
    wait_for('up', lambda: d.streamer('both')['ipv4'] == 'up')
    assert re.search(r'streamer=both family=ipv4 reason="2 good probes in a row, the last: 200 in', d.log())


def test_the_metrics_count():
    assert d.metric('waymark_probes_total{result="good"}') >= 3
    assert d.metric('waymark_probes_total{result="bad"}') >= 3
    assert d.metric('waymark_probes_total{result="none"}') is not None
    assert d.metric('waymark_health_changes_total{to="down"}') >= 3
    assert d.metric('waymark_access_log_dropped_total') == 0


def test_every_answer_is_in_the_access_log_when_it_ends():
    n = 500
    with socket.create_connection(('127.0.0.1', d.ports['http']), timeout=60) as c:
        def ask():
            for i in range(n):
                c.sendall(b'GET /burst/%d HTTP/1.1\r\nHost: vod.example.com\r\n\r\n' % i)
        threading.Thread(target=ask, daemon=True).start()
        got = b''
        while got.count(b'HTTP/1.1 302') < n:
            piece = c.recv(65536)
            assert piece, got[-500:]
            got += piece
    assert d.stop() == 0
    with open(os.path.join(d.where, 'access.log')) as f:
        names = re.findall(r' name=/burst/(\d+) service=vod status=302 ', f.read())
    assert names == [str(i) for i in range(n)], names[:20]


main(globals())
