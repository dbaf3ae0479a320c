#!/usr/bin/env python3
# timeout: 240
"""The ALTO server as its user meets it: the daemon publishes the maps that it routes by, over its own HTTP port."""
import gzip, http.client, json, os, sys, threading, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from waymark_e2e import COST_MAP, Daemon, NETWORK_MAP, main, wait_for, write

CONFIG = """
listen: {http: ["127.0.0.1:0"], admin: ["127.0.0.1:0"]}
http: {trusted_proxies: [127.0.0.0/8]}
maps: {network: net.json, cost: cost.json, default_pid: rest}
alto:
  path: /alto
  streamers_id: streamers
  cdni_id: cdni
  facts_every: 1s
  client_groups:
    - {name: partner, clients: [198.51.100.0/24]}
  properties:
    - {id: inventory, map: props.json, groups: [partner]}
defaults: {probe: {type: none}}
streamers:
  - {name: home, ipv4: 127.0.0.2, pid: west, capacity: 100}
  - {name: away, ipv4: 127.0.0.3, pid: east, capacity: 100}
services:
  - {name: vod, hosts: [vod.example.com]}
"""
PROPS = {'meta': {}, 'property-map': {'ipv4:192.0.2.0/24': {'.access': 'fibre'}}}
JSON = 'application/alto-%s+json'

d = Daemon(CONFIG, files={'net.json': NETWORK_MAP, 'cost.json': COST_MAP, 'props.json': PROPS}).start()


def ask(method, path, body=None, client=None, **headers):
    """(status, headers, JSON or bytes)"""
    c = http.client.HTTPConnection('127.0.0.1', d.ports['http'], timeout=20)
    headers = {k.replace('_', '-'): v for k, v in headers.items()}
    if client:
        headers['X-Forwarded-For'] = client
    c.request(method, path, None if body is None else json.dumps(body), headers)
    r = c.getresponse()
    raw = r.read()
    c.close()
    if r.headers.get('Content-Encoding') == 'gzip':
        raw = gzip.decompress(raw)
    try:
        value = json.loads(raw)
    except ValueError:
        value = raw
    return r.status, r.headers, value


def post(path, kind, body, **more):
    return ask('POST', path, body, Content_Type=JSON % kind, **more)


def directory(client=None):
    status, headers, got = wait_for('the catalog', lambda: (lambda a: a if a[0] == 200 else None)(ask('GET', '/alto', client=client)))
    assert headers['Content-Type'] == JSON % 'directory'
    return got


def entry(media, accepts=None, **having):
    """The one resource of these kinds; having: id begins with."""
    all = [(i, r) for i, r in directory()['resources'].items()
           if r['media-type'] == JSON % media and r.get('accepts') == (JSON % accepts if accepts else None)]
    all = [(i, r) for i, r in all if i.startswith(having.get('id', ''))]
    assert all, (media, accepts, directory())
    return all[0]


# Conformance: I-01, I-02, I-03, N-13.
def test_the_directory_names_what_is_served():
    got = directory()
    assert got['meta']['default-alto-network-map'] == 'net', got['meta']
    for name, r in got['resources'].items():
        for used in r.get('uses', []):
            assert used in got['resources'], (name, used)
        for cost in r.get('capabilities', {}).get('cost-type-names', []):
            assert cost in got['meta']['cost-types'], (name, cost)


# Conformance: M-01, C-01, C-03, T-05.
def test_the_maps_are_those_that_clients_are_sent_by():
    name, r = entry('networkmap')
    status, headers, net = ask('GET', r['uri'])
    assert status == 200 and headers['Content-Type'] == r['media-type'] and net['meta']['vtag']['tag'] == 'v1', net
    assert net['network-map'].keys() == NETWORK_MAP['network-map'].keys()
    name, r = entry('costmap')
    status, headers, cost = ask('GET', r['uri'])
    assert status == 200 and cost['cost-map'] == COST_MAP['cost-map'], cost
    assert cost['meta']['dependent-vtags'] == [net['meta']['vtag']]
    assert d.redirect('192.0.2.1', host='vod.example.com') == '127.0.0.2'


# Conformance: S-02, S-03, S-07.
def test_endpoint_costs_are_of_the_client_that_asks():
    name, r = entry('endpointcost', 'endpointcostparams')
    body = {'cost-type': {'cost-mode': 'numerical', 'cost-metric': 'routingcost'},
            'endpoints': {'dsts': ['ipv4:192.0.2.9', 'ipv4:198.51.100.9']}}
    status, _, got = post(r['uri'], 'endpointcostparams', body, client='198.51.100.7')
    assert status == 200, got
    assert got['endpoint-cost-map'] == {'ipv4:198.51.100.7': {'ipv4:192.0.2.9': 10, 'ipv4:198.51.100.9': 1}}, got


# Conformance: T-11, T-12, T-13, T-15.
def test_validators_and_codings():
    name, r = entry('costmap')
    status, headers, whole = ask('GET', r['uri'])
    etag = headers['ETag']
    assert ask('GET', r['uri'], If_None_Match=etag)[0] == 304
    assert ask('GET', r['uri'], If_None_Match='"other"')[0] == 200
    head = ask('HEAD', r['uri'])
    assert head[0] == 200 and head[1]['ETag'] == etag and head[2] == b''
    assert 'Accept-Encoding' in headers['Vary']
    status, headers, got = ask('GET', r['uri'], Accept_Encoding='gzip')
    assert got == whole and (headers.get('Content-Encoding') != 'gzip' or headers['ETag'] != etag)


# Conformance: E-01, E-15, T-02.
def test_errors_are_alto_errors():
    name, r = entry('networkmap')
    for status, got in ((405, ask('POST', r['uri'], {})), (406, ask('GET', r['uri'], Accept='text/html')),
                        (404, ask('GET', '/alto/nothing'))):
        assert got[0] == status and got[1]['Content-Type'] == JSON % 'error', got
    assert ask('POST', r['uri'], {})[1]['Allow']


# Conformance: O-04.
def test_groups_see_more():
    assert 'inventory' not in directory()['resources']
    theirs = directory(client='198.51.100.1')['resources']
    assert 'inventory' in theirs, theirs
    assert ask('GET', theirs['inventory']['uri'], client='192.0.2.1')[0] in (401, 404)
    status, _, got = ask('GET', theirs['inventory']['uri'], client='198.51.100.1')
    assert status == 200 and got['property-map'] == PROPS['property-map'], got


def test_the_streamers_are_entities():
    r = directory()['resources']['streamers']
    status, headers, got = ask('GET', r['uri'])
    assert status == 200 and headers['Content-Type'] == JSON % 'propmap', got
    assert any('home' in entity for entity in got['property-map']), got
    status, _, got = ask('GET', directory()['resources']['cdni']['uri'])
    assert status == 200 and got['cdni-advertisement']['capabilities-with-footprints'], got


# Conformance: C-07, O-01, M-03.
def test_a_new_map_is_served_as_one_generation_and_a_bad_one_is_not():
    net, cost = json.loads(json.dumps(NETWORK_MAP)), json.loads(json.dumps(COST_MAP))
    mixed, stop = [], threading.Event()

    def reader():
        while not stop.is_set():
            n = ask('GET', entry('networkmap')[1]['uri'])[2]['meta']['vtag']
            c = ask('GET', entry('costmap')[1]['uri'])[2]
            again = ask('GET', entry('networkmap')[1]['uri'])[2]['meta']['vtag']
            want = {'v1': 10, 'v2': 77}[c['meta']['dependent-vtags'][0]['tag']]
            if c['cost-map']['west']['east'] != want or (n == again and c['meta']['dependent-vtags'] != [n]):
                mixed.append((n, c))

    t = threading.Thread(target=reader)
    t.start()
    net['meta']['vtag']['tag'] = 'v2'
    cost['meta']['dependent-vtags'][0]['tag'] = 'v2'
    cost['cost-map']['west']['east'] = 77
    write(os.path.join(d.where, 'net.json'), net)
    write(os.path.join(d.where, 'cost.json'), cost)
    wait_for('the new map', lambda: ask('GET', entry('costmap')[1]['uri'])[2]['cost-map']['west']['east'] == 77)
    write(os.path.join(d.where, 'cost.json'), 'not a map')
    time.sleep(0.6)
    stop.set()
    t.join()
    assert not mixed, mixed[0]
    assert ask('GET', entry('costmap')[1]['uri'])[2]['cost-map']['west']['east'] == 77


main(globals())
