#!/usr/bin/env python3
# timeout: 240
"""The ALTO server in operation: what it counts, what it says of new maps, and whom it turns away."""
import http.client, json, os, re, socket, subprocess, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from waymark_e2e import BIN, COST_MAP, Daemon, NETWORK_MAP, folder, main, wait_for, write

CONFIG = """
workers: 1
listen: {http: ["127.0.0.1:0"], admin: ["127.0.0.1:0"]}
http: {trusted_proxies: [127.0.0.2/32]%s}
maps: {network: net.json, cost: cost.json}
alto: {path: /alto, keep_alive: 1s%s}
"""
JSON = 'application/alto-%s+json'
GAP = {'meta': {'vtag': {'resource-id': 'net', 'tag': 'gap'}},
       'network-map': {'west': {'ipv4': ['0.0.0.0/1']}, 'east': {'ipv4': ['128.0.0.0/2']}, 'rest': {}}}


def daemon(http='', alto='', net=NETWORK_MAP):
    cost = json.loads(json.dumps(COST_MAP))
    cost['meta']['dependent-vtags'][0]['tag'] = net['meta']['vtag']['tag']
    return Daemon(CONFIG % (http, alto), files={'net.json': net, 'cost.json': cost}).start()


def ask(d, path, body=None, method=None, client=None, **headers):
    c = http.client.HTTPConnection('127.0.0.1', d.ports['http'], timeout=20, source_address=('127.0.0.2' if client else
                                                                                            '127.0.0.1', 0))
    headers = {k.replace('_', '-'): v for k, v in headers.items()}
    if client:
        headers['X-Forwarded-For'] = client
    c.request(method or ('GET' if body is None else 'POST'), path, body, headers)
    r = c.getresponse()
    got = r.status, r.headers, r.read()
    c.close()
    return got


def ready(d):
    wait_for('the catalog', lambda: ask(d, '/alto')[0] == 200)
    return d


def counted(d, resource, status):
    return d.metric('waymark_alto_requests_total{resource="%s",status="%s"}' % (resource, status))


# Conformance: O-05.
def test_requests_are_counted():
    d = ready(daemon(net=GAP, alto=', incomplete: true'))
    net = json.loads(ask(d, '/alto')[2])['resources']
    uri = next(r['uri'] for r in net.values() if r['media-type'] == JSON % 'networkmap' and 'accepts' not in r)

    def numbers():
        wait_for('a fold of the counters', lambda: d.metric('waymark_alto_bytes_total') is not None)
        return {k: d.metric(m) for k, m in
                (('bytes', 'waymark_alto_bytes_total'), ('same', 'waymark_alto_not_modified_total'),
                 ('misses', 'waymark_alto_lookup_misses_total'), ('streams', 'waymark_alto_streams'),
                 ('generations', 'waymark_alto_catalogs_total{result="ok"}'),
                 ('refused', 'waymark_alto_catalogs_total{result="error"}'),
                 ('at', 'waymark_alto_published_timestamp_seconds'))} | {
                     (r, s): counted(d, r, s) for r in ('networkmap', 'endpointprop') for s in ('2xx', '3xx', '4xx')}
    before = numbers()
    status, headers, body = ask(d, uri)
    assert ask(d, uri, If_None_Match=headers['ETag'])[0] == 304
    assert ask(d, uri, method='POST', body='{}')[0] == 405
    eps = {'properties': ['net.pid'], 'endpoints': ['ipv4:1.2.3.4', 'ipv4:203.0.113.1', 'ipv4:192.0.2.1']}
    status, _, answer = ask(d, '/alto/endpoint-prop', json.dumps(eps), Content_Type=JSON % 'endpointpropparams')
    assert status == 200 and len(json.loads(answer)['endpoint-properties']['ipv4:192.0.2.1']) == 0, answer
    stream = socket.create_connection(('127.0.0.1', d.ports['http']))
    text = json.dumps({'add': {'1': {'resource-id': 'net'}}})
    stream.sendall(('POST /alto/updates HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s' %
                    (JSON % 'updatestreamparams', len(text), text)).encode())
    assert b'200' in stream.recv(100)

    def grown():
        after = numbers()
        return after if after['same'] > before['same'] and after['streams'] == 1 and \
            after['endpointprop', '2xx'] > before['endpointprop', '2xx'] else None
    after = wait_for('the counts', grown)
    more = {k: after[k] - before[k] for k in after}
    assert more['networkmap', '2xx'] == 1 and more['networkmap', '3xx'] == 1 and more['networkmap', '4xx'] == 1, more
    assert more['endpointprop', '2xx'] == 1 and more['misses'] == 2 and more['same'] == 1, more
    assert more['bytes'] >= len(body) + len(answer), more
    assert before['at'] > time.time() - 60 and more['generations'] == 0
    stream.close()
    new = json.loads(json.dumps(GAP))
    new['meta']['vtag']['tag'] = 'gap2'
    cost = json.loads(json.dumps(COST_MAP))
    cost['meta']['dependent-vtags'][0]['tag'] = 'gap2'
    write(os.path.join(d.where, 'cost.json'), cost)
    write(os.path.join(d.where, 'net.json'), new)
    wait_for('the next generation', lambda: numbers()['generations'] > before['generations'] and numbers()['streams'] == 0)


# Conformance: O-06.
def test_a_new_map_is_said_in_the_log():
    d = ready(daemon())
    net, cost = json.loads(json.dumps(NETWORK_MAP)), json.loads(json.dumps(COST_MAP))
    net['meta']['vtag']['tag'] = cost['meta']['dependent-vtags'][0]['tag'] = 'v2'
    pids = net['network-map']
    pids['east']['ipv4'].append('127.0.0.0/8')     # moves
    pids['west']['ipv4'] = ['192.0.2.0/25']        # one goes, one comes
    pids['north'] = {'ipv4': ['203.0.113.0/24']}   # comes with its PID
    write(os.path.join(d.where, 'cost.json'), cost)
    write(os.path.join(d.where, 'net.json'), net)
    line = wait_for('the line', lambda: re.search('event=map.changed.*', d.log())).group()
    for part in ('resource=net', 'old_tag="v1"', 'new_tag="v2"', 'pids_added=1', 'pids_removed=0', 'prefixes_added=2',
                 'prefixes_removed=1', 'prefixes_moved=1'):
        assert part in line.split(), (part, line)
    d.cli('reload')
    assert d.logged('event=map.changed') == 1   # the same map again is none


# Conformance: I-05.
def test_ids_outlive_new_maps_and_a_restart():
    d = ready(daemon(alto=', streamers_id: streamers'))

    def ids():
        got = json.loads(ask(d, '/alto')[2])['resources']
        return sorted((i, r['uri'], r['media-type'], r.get('accepts')) for i, r in got.items())
    before = ids()
    assert len(before) == len({i for i, *_ in before}) > 5, before
    net, cost = json.loads(json.dumps(NETWORK_MAP)), json.loads(json.dumps(COST_MAP))
    net['meta']['vtag']['tag'] = cost['meta']['dependent-vtags'][0]['tag'] = 'v2'
    net['network-map']['north'] = {'ipv4': ['203.0.113.0/24']}
    write(os.path.join(d.where, 'cost.json'), cost)
    write(os.path.join(d.where, 'net.json'), net)
    wait_for('the new map', lambda: json.loads(ask(d, '/alto/net')[2])['meta']['vtag']['tag'] == 'v2')
    assert ids() == before
    d.stop()
    os.remove(d.log_path)
    ready(d.start())
    assert ids() == before


# Conformance: M-04.
def test_a_map_with_gaps_is_refused():
    d = ready(daemon())
    write(os.path.join(d.where, 'net.json'), GAP)
    cost = json.loads(json.dumps(COST_MAP))
    cost['meta']['dependent-vtags'][0]['tag'] = 'gap'
    write(os.path.join(d.where, 'cost.json'), cost)
    wait_for('the refusal', lambda: d.logged('event=alto.refused'))
    assert re.search(r'event=alto\.refused .*no PID has 192\.0\.0\.0', d.log()), d.log()
    assert json.loads(ask(d, '/alto/net')[2])['meta']['vtag']['tag'] == 'v1'    # the generation before
    done = subprocess.run([os.path.join(BIN, 'waymarkd'), '--check', '-c', d.config], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 1 and '192.0.0.0' in done.stderr + done.stdout, done
    d = ready(daemon(net=GAP, alto=', incomplete: true'))
    assert json.loads(ask(d, '/alto/net')[2])['network-map'] == {k: v for k, v in GAP['network-map'].items()}


# Conformance: O-03, E-13.
def test_who_asks_too_often_waits():
    d = ready(daemon(alto=', client_rate: 0.5, client_burst: 5'))
    got = [ask(d, '/alto/net', client='192.0.2.1') for _ in range(8)]
    assert [g[0] for g in got] == [200] * 5 + [429] * 3, [g[0] for g in got]
    assert got[-1][1]['Retry-After'] and got[-1][1]['Content-Type'] == JSON % 'error'
    assert json.loads(got[-1][2])['meta']['code']
    assert ask(d, '/alto/net', client='192.0.2.2')[0] == 200    # his own bucket
    v6 = [ask(d, '/alto/net', client='2001:db8:0:%x::1' % i)[0] for i in range(6)]
    assert v6 == [200] * 5 + [429], v6                          # one /56
    assert wait_for('the count', lambda: d.metric('waymark_alto_limited_total') == 4)
    wait_for('a token', lambda: ask(d, '/alto/net', client='192.0.2.1')[0] == 200)


# Conformance: S-03.
def test_a_stranger_cannot_say_that_he_is_another():
    d = ready(daemon())
    body = json.dumps({'cost-type': COST_MAP['meta']['cost-type'], 'endpoints': {'dsts': ['ipv4:198.51.100.1']}})

    def source(client=None, **headers):
        status, _, got = ask(d, '/alto/net-endpoint-cost', body, client=client,
                             Content_Type=JSON % 'endpointcostparams', **headers)
        assert status == 200, got
        return list(json.loads(got)['endpoint-cost-map'])
    assert source(client='198.51.100.7') == ['ipv4:198.51.100.7']            # by the proxy that is trusted
    assert source(X_Forwarded_For='198.51.100.7') == ['ipv4:127.0.0.1']      # by anybody else
    assert source(Forwarded='for=198.51.100.7') == ['ipv4:127.0.0.1']


# Conformance: O-03.
def test_connections_and_sizes_are_bounded():
    d = ready(daemon(http=', connections_per_client: 3', alto=', streams_per_client: 1, body_size: 2 KiB'))
    assert ask(d, '/alto/endpoint-prop', b'x' * 3000, Content_Type=JSON % 'endpointpropparams')[0] == 413
    text = json.dumps({'add': {'1': {'resource-id': 'net'}}})
    request = ('POST /alto/updates HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s' %
               (JSON % 'updatestreamparams', len(text), text)).encode()

    def connect(address='127.0.0.1'):
        s = socket.create_connection(('127.0.0.1', d.ports['http']), source_address=(address, 0), timeout=20)
        s.sendall(request)
        return s
    first = connect()
    assert first.recv(12) == b'HTTP/1.1 200'
    second = connect()
    assert second.recv(12) in (b'HTTP/1.1 503', b'HTTP/1.1 429')     # a second stream of one client
    other = connect('127.0.0.3')
    assert other.recv(12) == b'HTTP/1.1 200'
    idle = [socket.create_connection(('127.0.0.1', d.ports['http']), timeout=20) for _ in range(6)]
    refused = 0
    for s in idle:
        try:
            s.sendall(b'GET /alto/net HTTP/1.1\r\nHost: x\r\n\r\n')
            refused += s.recv(12) != b'HTTP/1.1 200'
        except OSError:
            refused += 1
    assert refused >= 3, refused
    assert ask(d, '/alto/net', client='192.0.2.9')[0] == 200    # from another address
    for s in idle + [first, second, other]:
        s.close()


main(globals())
