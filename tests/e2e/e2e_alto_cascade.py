#!/usr/bin/env python3
# timeout: 300
"""A cascade: server A publishes files; B's client follows A and routes by what it gets, and publishes the same bytes again.
Over an update stream, over TIPS and by polls; and whatever happens to A, B keeps its last good maps and catches up."""
import http.client, http.server, json, os, socket, sys, threading
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from waymark_e2e import COST_MAP, Daemon, NETWORK_MAP, main, wait_for, write

A = """
listen: {http: ["127.0.0.1:%s"], admin: ["127.0.0.1:0"]}
maps: {network: net.json, cost: cost.json}
alto: {path: /alto, keep_alive: 1s}
"""
B = """
listen: {http: ["127.0.0.1:0"], admin: ["127.0.0.1:0"]}
http: {trusted_proxies: [127.0.0.0/8]}
state_directory: %s
maps:
  alto: {servers: ["%s"], updates: %s, poll: 1s, retry: 100ms, retry_max: 500ms, timeout: 2s}
alto: {path: /alto}
defaults: {probe: {type: none}}
streamers:
  - {name: home, ipv4: 127.0.0.2, pid: west}
  - {name: away, ipv4: 127.0.0.3, pid: east}
services:
  - {name: vod, hosts: [vod.example.com]}
"""


def maps(version, west_east):
    net, cost = json.loads(json.dumps(NETWORK_MAP)), json.loads(json.dumps(COST_MAP))
    net['meta']['vtag']['tag'] = version
    cost['meta']['dependent-vtags'][0]['tag'] = version
    cost['cost-map']['west']['east'] = west_east
    return {'net.json': net, 'cost.json': cost}


def fetch(port, path):
    c = http.client.HTTPConnection('127.0.0.1', port, timeout=20)
    c.request('GET', path)
    r = c.getresponse()
    body = r.read()
    c.close()
    return body if r.status == 200 else None


def paths(port):
    """URIs of the full network map and cost map."""
    text = fetch(port, '/alto')
    if not text:
        return None
    found = {}
    for r in json.loads(text)['resources'].values():
        if 'accepts' not in r:
            found.setdefault(r['media-type'], r['uri'])
    return [found['application/alto-networkmap+json'], found['application/alto-costmap+json']]


def bodies(port):
    where = paths(port)
    return where and [fetch(port, p) for p in where]


def same(a, b):
    left, right = bodies(a.ports['http']), bodies(b.ports['http'])
    return left and left[0] and left[1] and left == right


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Pair:
    def __init__(self, updates):
        self.port = free_port()   # A comes back at the same place
        self.a = Daemon(A % self.port, files=maps('v1', 10)).start()
        self.state = os.path.join(self.a.where, 'state')
        os.mkdir(self.state)
        self.b = Daemon(B % (self.state, 'http://127.0.0.1:%d/alto' % self.port, updates)).start()
        wait_for('the first maps', lambda: same(self.a, self.b))

    def change(self, version, cost):
        for name, content in maps(version, cost).items():
            write(os.path.join(self.a.where, name), content)

    def feed(self):
        return self.b.status()['feed']

    def cost(self):
        got = bodies(self.b.ports['http'])
        return got and json.loads(got[1])['cost-map']['west']['east']

    def stop(self):
        assert self.b.stop() == 0, self.b.log()
        if self.a.process.poll() is None:
            assert self.a.stop() == 0, self.a.log()


def follow(updates, mode):
    p = Pair(updates)
    wait_for('the mode', lambda: p.feed()['mode'] == mode)
    assert p.b.redirect('192.0.2.1') == '127.0.0.2'
    assert p.feed()['tag'] == 'v1', p.feed()
    why = p.b.cli('explain', '192.0.2.1', 'http://vod.example.com/film').stdout
    assert '127.0.0.1:%d/alto, tag v1, ' % p.port in why, why
    p.change('v1', 33)    # the costs alone
    wait_for('the new cost', lambda: p.cost() == 33)
    p.change('v2', 44)    # both
    wait_for('the new maps', lambda: p.cost() == 44 and same(p.a, p.b))
    assert p.feed()['tag'] == 'v2', p.feed()
    p.stop()


def test_over_an_update_stream():
    follow('sse', 'sse')


def test_over_tips():
    follow('tips', 'tips')


def test_by_polls():
    follow('poll', 'poll')


# Conformance: E-14, U-29.
def test_the_server_goes_and_comes_back():
    p = Pair('auto')
    p.a.process.kill()
    p.a.process.wait()
    wait_for('the failure', lambda: p.feed()['error'])
    assert p.b.redirect('192.0.2.1') == '127.0.0.2' and p.cost() == 10
    p.change('v2', 55)
    p.a = Daemon(A % p.port, files=maps('v2', 55)).start()
    wait_for('that it catches up', lambda: p.cost() == 55 and same(p.a, p.b), 20)
    p.stop()


def test_a_restart_begins_with_the_maps_of_before():
    p = Pair('auto')
    assert p.b.stop() == 0
    p.a.process.kill()
    p.a.process.wait()
    p.b = Daemon(B % (p.state, 'http://127.0.0.1:%d/alto' % p.port, 'auto')).start()
    wait_for('the kept maps', lambda: p.feed()['from_state'] and p.cost() == 10)
    assert p.b.redirect('192.0.2.1') == '127.0.0.2'
    assert 'kept from an earlier run' in p.b.cli('status').stdout
    p.a = Daemon(A % p.port, files=maps('v3', 66)).start()
    wait_for('that it catches up', lambda: p.cost() == 66 and same(p.a, p.b), 20)
    p.stop()


def test_a_map_that_loses_its_prefixes_is_held_back():
    p = Pair('auto')
    small = maps('v2', 77)
    small['net.json']['network-map'] = {'west': {'ipv4': ['0.0.0.0/0']}, 'east': {}, 'rest': {}}
    for name, content in small.items():
        write(os.path.join(p.a.where, name), content)
    wait_for('that it is held', lambda: p.feed()['held'])
    assert p.cost() == 10 and p.feed()['tag'] == 'v1'
    assert 'held back' in p.b.cli('status').stdout
    assert p.b.cli('maps', 'force').returncode == 0
    wait_for('that it is taken', lambda: p.cost() == 77)
    assert 'held back' in p.b.cli('maps', 'force', ok=False).stderr
    p.stop()


class Garbage(http.server.BaseHTTPRequestHandler):
    """Answers everything with what no ALTO server sends."""
    answers = [(200, 'application/alto-directory+json', b'{"meta": {'), (200, 'text/html', b'<html>'), (500, 'text/plain', b'no'),
               (200, 'application/alto-directory+json', b'\xff' * 1000), (302, 'text/plain', b'')]
    asked = 0

    def do_GET(self):
        status, kind, body = self.answers[Garbage.asked % len(self.answers)]
        Garbage.asked += 1
        self.send_response(status)
        self.send_header('Content-Type', kind)
        if status == 302:
            self.send_header('Location', self.path)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def test_garbage_leaves_the_last_good_map():
    p = Pair('auto')
    p.a.process.kill()
    p.a.process.wait()
    server = http.server.ThreadingHTTPServer(('127.0.0.1', p.port), Garbage)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        wait_for('some answers', lambda: Garbage.asked >= 8, 30)
        assert p.cost() == 10 and p.b.redirect('192.0.2.1') == '127.0.0.2'
        assert p.feed()['error'], p.feed()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    p.a = Daemon(A % p.port, files=maps('v4', 88)).start()
    wait_for('that it catches up', lambda: p.cost() == 88 and same(p.a, p.b), 20)
    p.stop()


main(globals())
