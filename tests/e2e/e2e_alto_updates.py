#!/usr/bin/env python3
# timeout: 300
"""Update streams and TIPS views of the daemon, as a client sees them over its sockets: what is kept open stays open, what
changes arrives, and nothing of it holds up the end of the server or the answers to others."""
import http.client, json, os, signal, socket, sys, threading, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from waymark_e2e import COST_MAP, Daemon, NETWORK_MAP, SLOW, main, wait_for, write

CONFIG = """
workers: 3
listen: {http: ["127.0.0.1:0"], admin: ["127.0.0.1:0"]}
http: {trusted_proxies: [127.0.0.0/8]}
maps: {network: net.json, cost: cost.json, default_pid: rest}
alto:
  path: /alto
  keep_alive: 1s
  client_groups:
%(groups)s
  properties:
    - {id: inventory, map: props.json}
    - {id: plan, map: props.json, groups: [partner]}
    - {id: ledger, map: props.json, groups: [staff]}
"""
PARTNER = '    - {name: partner, clients: [198.51.100.0/24]}\n'
STAFF = '    - {name: staff, clients: [203.0.113.0/24]}\n'
PROPS = {'meta': {}, 'property-map': {'ipv4:192.0.2.0/24': {'.access': 'fibre'}}}
JSON = 'application/alto-%s+json'
COST = 'net-cost-num-routingcost'

d = Daemon(CONFIG % {'groups': PARTNER + STAFF},
           files={'net.json': NETWORK_MAP, 'cost.json': COST_MAP, 'props.json': PROPS}).start()


def ask(method, path, body=None, kind=None, client=None, timeout=20):
    """(status, JSON or bytes)"""
    c = http.client.HTTPConnection('127.0.0.1', d.ports['http'], timeout=timeout * SLOW)
    headers = {'Content-Type': JSON % kind} if kind else {}
    if client:
        headers['X-Forwarded-For'] = client
    try:
        c.request(method, path, None if body is None else json.dumps(body), headers)
        r = c.getresponse()
        raw = r.read()
    finally:
        c.close()
    try:
        return r.status, json.loads(raw)
    except ValueError:
        return r.status, raw


def change(west_east):
    cost = json.loads(json.dumps(COST_MAP))
    cost['cost-map']['west']['east'] = west_east
    write(os.path.join(d.where, 'cost.json'), cost)


class Stream:
    """An update stream: its events are (type, data id, JSON)."""

    def __init__(self, add, client='192.0.2.1', version='1.1', then=b'', receive=None):
        body = json.dumps({'add': add})
        self.s = socket.socket()
        if receive:
            self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        self.s.settimeout(20 * SLOW)
        self.s.connect(('127.0.0.1', d.ports['http']))
        self.s.sendall(('POST /alto/updates HTTP/%s\r\nHost: x\r\nX-Forwarded-For: %s\r\nContent-Type: %s\r\n'
                        'Content-Length: %d\r\n\r\n%s' % (version, client, JSON % 'updatestreamparams', len(body), body)
                        ).encode() + then)
        self.f = self.s.makefile('rb')
        self.status = int(self.f.readline().split()[1])
        self.headers = {}
        while line := self.f.readline().strip():
            name, value = line.decode().split(':', 1)
            self.headers[name.lower()] = value.strip()
        self.chunked = self.headers.get('transfer-encoding') == 'chunked'
        self.text, self.comments, self.ended = b'', 0, False

    def more(self):
        """False: the body is complete, or the connection is gone."""
        if not self.chunked:
            got = self.f.readline()
            self.text += got
            return bool(got)
        size = self.f.readline()
        if not size:
            return False
        n = int(size, 16)
        self.text += self.f.read(n)
        self.f.readline()
        self.ended = n == 0
        return n > 0

    def event(self):
        """None: the stream is over."""
        while True:
            while b'\n\n' not in self.text:
                if not self.more():
                    return None
            one, self.text = self.text.split(b'\n\n', 1)
            if one.startswith(b':'):
                self.comments += 1
                continue
            lines = [line.split(b': ', 1) for line in one.split(b'\n')]
            kind, _, data_id = lines[0][1].decode().partition(',')
            assert lines[0][0] == b'event' and all(name == b'data' for name, _ in lines[1:]), one
            return kind, data_id, json.loads(b'\n'.join(value for _, value in lines[1:]))

    def event_of(self, data_id):
        while e := self.event():
            if e[1] == data_id:
                return e
        raise AssertionError('the stream is over')

    def control(self):
        kind, _, value = self.event()
        assert kind == JSON % 'updatestreamcontrol', kind
        return value

    def close(self):
        self.f.close()
        self.s.close()


def view(resource, client='192.0.2.1', **more):
    status, got = ask('POST', '/alto/tips', {'resource-id': resource, **more}, 'tipsparams', client)
    assert status == 200, got
    return '/' + got['tips-view-uri'].split('/', 3)[3], got['tips-view-summary']['updates-graph-summary']


def ready():
    return wait_for('the updates', lambda: ask('POST', '/alto/tips', {'resource-id': 'net'}, 'tipsparams')[0] == 200)


ready()


# Conformance: U-07, U-08, U-17.
def test_a_stream_brings_the_maps_and_then_the_changes():
    s = Stream({'n': {'resource-id': 'net'}, 'c': {'resource-id': COST}})
    assert s.status == 200 and s.headers['content-type'] == 'text/event-stream', s.headers
    assert s.control()['control-uri'].startswith('/alto/updates/')
    assert [s.event()[1] for _ in range(2)] == ['n', 'c']
    change(11)
    kind, _, value = s.event_of('c')
    assert kind == 'application/merge-patch+json' and value['cost-map'] == {'west': {'east': 11}}, value
    wait_for('signs of life', lambda: s.more() and (b':\n\n' in s.text))
    s.close()


def test_an_old_client_gets_a_stream_until_the_connection_ends():
    s = Stream({'n': {'resource-id': 'net'}}, version='1.0')
    assert s.status == 200 and not s.chunked
    s.control()
    assert s.event()[1] == 'n'
    s.close()


# A view is kept while its client does not ask for a few seconds, and so is the URI that it was given.
# Conformance: Q-13.
def test_a_view_outlives_a_pause():
    uri, graph = view('net')
    time.sleep(3)
    status, _ = ask('GET', '%s/ug/0/%d' % (uri, graph['end-seq']))
    assert status == 200, status


# Conformance: Q-07.
def test_a_long_poll_is_answered_with_the_change():
    uri, graph = view(COST)
    end = graph['end-seq']
    threading.Timer(0.3, change, [12]).start()
    status, got = ask('GET', '%s/ug/%d/%d' % (uri, end, end + 1))
    assert status == 200 and got['cost-map'] == {'west': {'east': 12}}, got


# Without destinations, too, the client is who is asked about: two clients do not share an answer.
def test_endpoint_costs_to_the_client_are_those_of_each_client():
    asked = {'cost-type': {'cost-mode': 'numerical', 'cost-metric': 'routingcost'}, 'endpoints': {'srcs': ['ipv4:192.0.2.9']}}
    for client in ('192.0.2.77', '198.51.100.77'):
        s = Stream({'e': {'resource-id': 'net-endpoint-cost', 'input': asked}}, client=client)
        assert s.status == 200, s.status
        s.control()
        got = s.event()[2]['endpoint-cost-map']
        assert list(got['ipv4:192.0.2.9']) == ['ipv4:' + client], (client, got)
        s.close()


# Conformance: U-23, U-24, U-25.
def test_control_over_another_connection():
    s = Stream({'n': {'resource-id': 'net'}})
    uri = s.control()['control-uri']
    s.event()
    assert ask('POST', uri, {'add': {'c': {'resource-id': COST}}, 'remove': ['n']}, 'updatestreamparams')[0] == 204
    assert s.control() == {'started': ['c'], 'stopped': ['n'], 'description': 'by request'}
    assert s.event()[1] == 'c'
    assert ask('POST', uri, {'remove': ['other']}, 'updatestreamparams')[0] == 400
    assert ask('POST', uri, {'remove': []}, 'updatestreamparams')[0] == 204
    assert s.control()['stopped'] == ['c'] and s.event() is None and s.ended
    assert ask('POST', uri, {'remove': []}, 'updatestreamparams')[0] == 404
    s.close()


# The lock that all workers share is not held for a list of any length.
def test_a_long_list_of_removals_stops_nobody():
    s = Stream({'n': {'resource-id': 'net'}})
    uri = s.control()['control-uri']
    for i in range(15):
        add = {'x%d-%d' % (i, k): {'resource-id': 'net', 'tag': 'v1'} for k in range(63)}
        assert ask('POST', uri, {'add': add}, 'updatestreamparams')[0] == 204
        assert ask('POST', uri, {'remove': list(add)}, 'updatestreamparams')[0] == 204
    began = time.monotonic()
    status, got = ask('POST', uri, {'remove': ['%x' % i for i in range(90000)]}, 'updatestreamparams')
    took = time.monotonic() - began
    assert status == 400 and got['meta']['field'] == 'remove', got
    assert took < 0.4 * SLOW, took
    s.close()


# What a pipelining client sends behind a stream waits; its end is noticed all the same.
def test_a_client_that_goes_is_forgotten():
    wait_for('the end of those before', lambda: d.status()['alto']['streams'] == 0)
    open_ones = [Stream({'n': {'resource-id': 'net'}}, then=b'GET /alto HTTP/1.1\r\nHost: x\r\n\r\n' * 400) for _ in range(5)]
    wait_for('the streams', lambda: d.status()['alto']['streams'] == 5)
    for s in open_ones:
        s.close()
    wait_for('their end', lambda: d.status()['alto']['streams'] == 0)


# Groups that are written in another order are the same groups to who has a stream open; who is in one no longer loses what
# it may see, and cannot ask for what others may.
def test_groups_change_under_open_streams():
    s = Stream({'p': {'resource-id': 'plan'}, 'n': {'resource-id': 'net'}}, client='198.51.100.7')
    uri = s.control()['control-uri']
    assert sorted(s.event()[1] for _ in range(2)) == ['n', 'p']
    write(d.config, CONFIG % {'groups': STAFF + PARTNER})
    d.signal(signal.SIGHUP)
    wait_for('the reload', lambda: 'ledger' in ask('GET', '/alto', client='203.0.113.1')[1]['resources'] and
             d.logged('event=reload.done'))
    time.sleep(1.5)
    status, got = ask('POST', uri, {'add': {'l': {'resource-id': 'ledger'}}}, 'updatestreamparams')
    assert status == 400, (status, got)
    other = json.loads(json.dumps(PROPS))
    other['property-map']['ipv4:192.0.2.0/24']['.access'] = 'copper'
    write(os.path.join(d.where, 'props.json'), other)
    d.signal(signal.SIGHUP)
    e = s.event()
    assert e[1] == 'p' and 'copper' in json.dumps(e[2]), e
    write(d.config, CONFIG % {'groups': STAFF + PARTNER.replace('198.51.100.0', '198.51.7.0')})
    d.signal(signal.SIGHUP)
    e = s.event()
    assert e[2].get('stopped') == ['p'], e
    s.close()


# A resource that is offered no longer: its substreams stop, its views close, others go on.
def test_a_resource_vanishes():
    s = Stream({'i': {'resource-id': 'inventory'}, 'c': {'resource-id': COST}})
    s.control()
    s.event(), s.event()
    uri, graph = view('inventory')
    end, poll = graph['end-seq'], []
    waiting = threading.Thread(target=lambda: poll.append(ask('GET', '%s/ug/%d/%d' % (uri, end, end + 1))[0]))
    waiting.start()
    wait_for('the poll', lambda: d.status()['alto']['polls'] >= 1)
    gone = (CONFIG % {'groups': PARTNER + STAFF}).replace('    - {id: inventory, map: props.json}\n', '')
    write(d.config, gone)
    d.signal(signal.SIGHUP)
    assert s.event()[2].get('stopped') == ['i']
    waiting.join(20 * SLOW)
    assert poll == [404], poll
    change(13)
    assert s.event_of('c')[2]['cost-map'] == {'west': {'east': 13}}
    s.close()


def test_the_server_ends_with_streams_open():
    streams = [Stream({'n': {'resource-id': 'net'}}) for _ in range(20)]
    uri, graph = view(COST)
    end, poll = graph['end-seq'], []
    waiting = threading.Thread(target=lambda: poll.append(ask('GET', '%s/ug/%d/%d' % (uri, end, end + 1))[0]))
    waiting.start()
    wait_for('the poll', lambda: d.status()['alto']['polls'] >= 1)
    began = time.monotonic()
    assert d.stop() == 0, d.log()
    assert time.monotonic() - began < 3 * SLOW and not d.logged('event=drain.cut_off'), d.log()
    waiting.join(20 * SLOW)
    assert poll == [503], poll
    for s in streams:
        while s.event():
            pass
        assert not s.ended   # a stream that breaks off does not look complete
        s.close()


main(globals())
