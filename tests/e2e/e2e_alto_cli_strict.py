#!/usr/bin/env python3
# timeout: 120
"""What the command line refuses of ALTO servers that answer in form but not in sense."""
import http.server, json, os, subprocess, sys, threading
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from waymark_e2e import BIN, SLOW, main

JSON = 'application/alto-%s+json'
PATHS = 'multipart/related;type=' + JSON % 'costmap'
PV = {'cost-mode': 'array', 'cost-metric': 'ane-path'}
NUM = {'cost-mode': 'numerical', 'cost-metric': 'routingcost'}
DIRECTORY = {'meta': {'cost-types': {'pv': PV, 'num': NUM}, 'default-alto-network-map': 'net'}, 'resources': {
    'net': {'uri': '/net', 'media-type': JSON % 'networkmap'},
    'eps': {'uri': '/eps', 'media-type': JSON % 'endpointprop', 'accepts': JSON % 'endpointpropparams',
            'capabilities': {'prop-types': ['net.pid', 'priv:x']}},
    'pv': {'uri': '/pv', 'media-type': PATHS, 'accepts': JSON % 'costmapfilter', 'uses': ['net'],
           'capabilities': {'cost-type-names': ['pv', 'num'], 'max-cost-types': 2, 'ane-property-names': []}}}}
ELEMENTS = {'meta': {}, 'property-map': {'.ane:a1': {}, '.ane:a2': {}}}
answer = {}     # path -> (Content-Type, bytes)


class Handler(http.server.BaseHTTPRequestHandler):
    def reply(self):
        self.rfile.read(int(self.headers.get('Content-Length', 0)))
        kind, body = (JSON % 'directory', json.dumps(DIRECTORY).encode()) if self.path == '/' else answer[self.path]
        self.send_response(200)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = reply

    def log_message(self, *words):
        pass


server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
URL = 'http://127.0.0.1:%d/' % server.server_address[1]


def run(*words):
    done = subprocess.run([os.path.join(BIN, 'waymark'), 'alto'] + list(words), capture_output=True, text=True,
                          timeout=60 * SLOW, check=False)
    return done.returncode, done.stdout + done.stderr


def eps(value, *more):
    answer['/eps'] = JSON % 'endpointprop', json.dumps({'meta': {}, 'endpoint-properties': {
        'ipv4:192.0.2.1': {'priv:x': value}}}).encode()
    return run('eps', URL, '--props', 'priv:x', '--endpoints', '192.0.2.1', *more)


# Conformance: P-08.
def test_properties_of_endpoints_are_strings():
    code, text = eps('fibre')
    assert code == 0 and 'fibre' in text, text
    for value in (7, None, True, ['fibre'], {'a': 'fibre'}):
        code, text = eps(value)
        assert code == 1 and 'endpoint-properties.ipv4:192.0.2.1.priv:x' in text, (value, text)
    assert eps(7, '--lenient')[0] == 0


def paths(costs, *parts, types=None):
    meta = {'multi-cost-types': types, 'cost-type': {}} if types else {'cost-type': PV}
    first = {'meta': meta, 'cost-map': {'A': {'B': costs}}}
    kinds = (JSON % 'costmap', JSON % 'propmap', JSON % 'propmap')
    body = ''.join('--x\r\nContent-Type: %s\r\nContent-ID: <p%d@x>\r\n\r\n%s\r\n' % (kinds[i], i, json.dumps(p))
                   for i, p in enumerate((first,) + parts)) + '--x--\r\n'
    answer['/pv'] = PATHS + ';boundary=x', body.encode()
    return run('filter', URL, 'pv', '--srcs', 'A', '--dsts', 'B', '--cost', 'array:ane-path')


# Conformance: V-11.
def test_paths_have_both_parts_and_names():
    code, text = paths(['a1', 'a2'], ELEMENTS)
    assert code == 0 and 'a2' in text, text
    assert paths([], ELEMENTS)[0] == 0
    assert paths([['a1'], 5], ELEMENTS, types=[PV, NUM])[0] == 0
    assert paths([None, 5], ELEMENTS, types=[PV, NUM])[0] == 0
    code, text = paths(['a1'])
    assert code == 1 and 'properties of their elements' in text and 'a1' not in text, text
    code, text = paths(['a1'], {'meta': {}})
    assert code == 1 and 'no property map' in text, text
    for bad in (['a 1'], [''], ['x' * 65], ['a/b'], [5], [None], [['a1']], 5, 'a1', {}):
        code, text = paths(bad, ELEMENTS)
        assert code == 1 and 'the path from A to B' in text, (bad, text)
    for bad in ([['a 1'], 5], [7, 5], ['a1', 5]):
        code, text = paths(bad, ELEMENTS, types=[PV, NUM])
        assert code == 1 and 'the path from A to B' in text, (bad, text)


main(globals())
