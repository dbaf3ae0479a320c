#!/usr/bin/env python3
# labels: interop
# timeout: 400
"""Real caches in front of one origin, polled in their own formats: nginx, haproxy, squid, varnish, trafficserver. Each in
turn is loaded until it is hot, killed and brought back; the answers move and come back slowly, and `waymark explain`
says why at every step."""
import json, os, re, subprocess, sys, threading, urllib.request
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import caches
from waymark_e2e import Daemon, SLOW, main, wait_for

NAMES = ['nginx', 'haproxy', 'squid', 'varnish', 'trafficserver']
POLL = {'nginx': 'profile: nginx, path: /status',
        'haproxy': 'profile: haproxy, path: "/stats;csv", select: http',
        'squid': 'profile: squid, path: /squid-internal-mgr/counters, digest_path: '
                 '/squid-internal-periodic/store_digest, digest_every: 10s',
        'varnish': 'profile: varnish, path: /, port: %(stats_port)d',
        'trafficserver': 'profile: ats, path: /_stats'}
# What each calls full: connections, of which haproxy says itself how many it takes, but for squid, whose counters tell
# bytes alone.
CAPACITY = {name: 'capacity: 30' for name in NAMES}
CAPACITY['haproxy'] = 'capacity: 100'
CAPACITY['squid'] = 'capacity: 100 Mbit/s, session_rate: 1 Mbit/s'

CONFIG = '''
workers: 2
listen: {http: ["127.0.0.1:0"], dns: ["127.0.0.1:0"], admin: ["127.0.0.1:0"]}
maps: {network: net.json, cost: cost.json, default_pid: at-nginx}
http: {trusted_proxies: ["127.0.0.0/8"]}
state_directory: state
defaults:
  probe: {type: http, path: /c0/seg.ts, interval: %(interval)dms, timeout: %(timeout)dms, up_after: 2, down_after: 2,
          dwell: 500ms}
  poll: {interval: %(interval)dms, timeout: %(timeout)dms, leave_at: 90%%, return_at: 50%%, stale_after: 10s}
  policy: {load_weight: 0, balance_from: 100%%, band: 0%%}
streamers:
%(streamers)s
services:
  - {name: vod, hosts: [vod.example.com], digest_url: "http://vod.example.com:%(squid)d{path}{query}"}
'''


def start():
    """The caches, and a daemon in whose map the client 192.0.2.<i> is nearest to cache i, then to i + 1, ..."""
    source = caches.origin()
    servers = {n: getattr(caches, n)('127.0.0.%d' % (40 + i), source) for i, n in enumerate(NAMES)}
    lines = []
    for name, s in servers.items():
        lines.append('  - {name: %s, ipv4: %s, http_port: %d, pid: at-%s, %s, slow_start: 8s, cache_contents: 1000, '
                     'poll: {%s}}' % (name, s.address, s.port, name, CAPACITY[name], POLL[name] % vars(s)))
    n = len(NAMES)
    network = {'meta': {'vtag': {'resource-id': 'net', 'tag': 'v1'}},
               'network-map': {'at-' + name: {'ipv4': ['192.0.2.%d/32' % i]} for i, name in enumerate(NAMES)}}
    cost = {'meta': {'dependent-vtags': [{'resource-id': 'net', 'tag': 'v1'}],
                     'cost-type': {'cost-mode': 'numerical', 'cost-metric': 'routingcost'}},
            'cost-map': {'at-' + a: {'at-' + b: 1 + 10 * ((j - i) % n) for j, b in enumerate(NAMES)}
                         for i, a in enumerate(NAMES)}}
    where = caches.folder()
    os.mkdir(where + '/state')
    return servers, Daemon(CONFIG % {'streamers': '\n'.join(lines), 'interval': 500 * SLOW, 'timeout': 400 * SLOW,
                                     'squid': servers['squid'].port},
                           where=where, files={'net.json': network, 'cost.json': cost}).start()


try:
    cache, d = start()
except caches.Missing as e:
    print('skipped: %s' % e)
    sys.exit(77)


def client(name):
    return '192.0.2.%d' % NAMES.index(name)


def sent_to(name, path='/c1/seg.ts'):
    """Which cache the client that is nearest to this one is sent to."""
    address = d.redirect(client(name), path)
    return next((n for n, s in cache.items() if s.address == address), address)


def explain(name, path='/c1/seg.ts'):
    return json.loads(d.cli('--json', 'explain', client(name), 'http://vod.example.com' + path).stdout)


def row(name, path='/c1/seg.ts'):
    return next(c for c in explain(name, path)['candidates'] if c['name'] == name)


def streamer(name):
    return d.streamer(name)


class Load:
    """Keeps connections busy with one content after another, for as long as it is told to: what wrk would do, at a
    bounded rate."""

    def __init__(self, server, connections):
        self.server, self.stop, self.threads = server, threading.Event(), []
        self.words = ['wrk', '-t1', '-c%d' % connections, '-d60s', 'http://%s:%d/c1/seg.ts' % (server.address, server.port)]
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(self.words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end(self):
        self.process.kill()
        self.process.wait()


def test_every_format_is_read():
    for name in NAMES:
        got = wait_for('%s is polled' % name, lambda n=name: (streamer(n).get('poll') or {}).get('age_s') is not None and
                       streamer(n)['ipv4'] == 'up' and streamer(n), 20)
        assert got['poll']['error'] is None, got
        assert sent_to(name) == name, explain(name)


def test_a_hot_one_is_left_and_taken_back():
    for name in NAMES:
        following = NAMES[(NAMES.index(name) + 1) % len(NAMES)]
        load = Load(cache[name], 95)    # haproxy takes 100, and the probes need some
        try:
            wait_for('%s is hot' % name, lambda n=name: row(n)['health'] == 'suspect', 20)
            assert sent_to(name) == following, explain(name)
            r = row(name)
            assert r['excluded'] == 'health', r
            assert re.search(r'load [\d.]+ is at or above 0\.9', streamer(name)['why']), streamer(name)
            assert re.search('event=streamer.suspect streamer=%s ' % name, d.log()), d.log()
        finally:
            load.end()
        wait_for('%s has cooled' % name, lambda n=name: row(n)['health'] == 'up', 30)
        assert sent_to(name) == name, explain(name)


def test_a_killed_one_returns_slowly():
    for name in NAMES:
        following = NAMES[(NAMES.index(name) + 1) % len(NAMES)]
        cache[name].kill()
        wait_for('%s is down' % name, lambda n=name: row(n)['health'] == 'down', 20)
        assert sent_to(name) == following, explain(name)
        cache[name].start()
        wait_for('%s is back' % name, lambda n=name: row(n)['health'] == 'up', 20)
        first = row(name)['scale']
        assert first > 1.5, first       # it counts for a part of its capacity ...
        assert 'slow' in (streamer(name)['why'] or ''), streamer(name)
        later = wait_for('%s warms up' % name, lambda n=name: row(n)['scale'] < first and row(n), 20)
        assert later['scale'] >= 1
        wait_for('%s is whole' % name, lambda n=name: row(n)['scale'] == 1, 30)
        assert sent_to(name) == name, explain(name)


def test_hit_ratio_is_learnt():
    """What a cache says of its hits becomes the belief that it has a content it was sent."""
    for name in ('squid', 'varnish', 'trafficserver'):
        load = Load(cache[name], 5)
        try:
            wait_for('%s tells its hit ratio' % name,
                     lambda n=name: (streamer(n)['poll'].get('hit_ratio') or 0) > 0.9, 20)
        finally:
            load.end()


def test_squids_digest_is_believed():
    s = cache['squid']
    urllib.request.urlopen('http://%s:%d/c7/seg.ts' % (s.address, s.port), timeout=10 * SLOW).read()
    wait_for('the digest tells of it', lambda: row('squid', '/c7/seg.ts')['digest'] is True, 60)
    assert row('squid', '/c8/seg.ts')['digest'] is False
    assert row('nginx', '/c7/seg.ts')['digest'] is None


def test_corrupt_statistics_are_said_and_survived():
    """The page becomes something else: the last good poll ages, the error names it, answers go on."""
    cache['nginx'].kill()
    with open(cache['nginx'].where + '/nginx.conf') as f:
        text = f.read()
    broken = text.replace('stub_status;', 'return 200 "<html>Active connections: many</html>";')
    assert broken != text
    caches.write(cache['nginx'].where + '/nginx.conf', broken)
    cache['nginx'].start()
    wait_for('the error is said', lambda: streamer('nginx')['poll']['error'], 20)
    wait_for('it is suspect for its silence', lambda: row('nginx')['health'] == 'suspect', 40)
    assert 'nothing heard' in streamer('nginx')['why'], streamer('nginx')
    cache['nginx'].kill()
    caches.write(cache['nginx'].where + '/nginx.conf', text)
    cache['nginx'].start()
    wait_for('it is believed again', lambda: row('nginx')['health'] == 'up' and
             streamer('nginx')['poll']['error'] is None, 30)


main(globals())
