#!/usr/bin/env python3
# timeout: 400
"""`waymark alto check` against the daemon with everything on, where nothing may fail, and against the same server behind a
proxy that breaks one thing at a time, where just that must be noticed."""
import csv, http.client, http.server, json, os, re, subprocess, sys, threading
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import alto_world
from waymark_e2e import BIN, SLOW, SRC, main

JSON = 'application/alto-%s+json'


class Handler(http.server.BaseHTTPRequestHandler):
    """Passes on what `answer` of the server gives: (status, headers, body)."""
    protocol_version = 'HTTP/1.1'

    def run(self):
        length = int(self.headers.get('Content-Length', 0))
        body = b''
        if self.headers.get('Transfer-Encoding') == 'chunked':
            while True:
                n = int(self.rfile.readline(), 16)
                body += self.rfile.read(n)
                self.rfile.readline()
                if not n:
                    break
        elif length <= 1 << 20:
            body = self.rfile.read(length)
        else:
            self.rfile.read1(65536)
        status, headers, body = (413, {}, b'') if length > 1 << 20 else self.server.answer(
            self.command, self.path, dict(self.headers), body)
        if status is None:                                  # the answer is a stream, and body its text
            self.wfile.write(body)
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ('content-length', 'transfer-encoding', 'connection', 'date', 'server'):
                self.send_header(name, value)
        if self.command != 'HEAD':
            self.send_header('Content-Length', str(len(body)))
        if 'Connection' in headers or length > 1 << 20:
            self.send_header('Connection', 'close')
            self.close_connection = True
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    do_GET = do_POST = do_HEAD = do_OPTIONS = run

    def log_message(self, *words):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answer):
        super().__init__(('127.0.0.1', 0), Handler)
        self.answer = answer
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        self.url = 'http://127.0.0.1:%d' % self.server_address[1]

    def handle_error(self, *words):
        pass                                                # the checks close when they have seen enough


other = Server(lambda *q: (200, {'Content-Type': JSON % 'directory'},
                           b'{"meta":{"default-alto-network-map":"far"},"resources":{}}'))
d = alto_world.start('  links:\n    - {id: elsewhere, uri: "%s/ird"}' % other.url)
URL = 'http://127.0.0.1:%d/alto' % d.ports['http']


def check(url, *words, status=None):
    done = subprocess.run([os.path.join(BIN, 'waymark'), 'alto', 'check', url, '--json', *words], capture_output=True,
                          text=True, timeout=120 * SLOW, check=False)
    assert status is None or done.returncode == status, (done.returncode, done.stdout, done.stderr)
    assert done.stdout, done.stderr
    return {row['id']: row for row in json.loads(done.stdout)}


# What a server with this configuration does not have.
NOT_OFFERED = {'T-09', 'F-10', 'F-12', 'X-01'}


# Conformance: T-01, T-02, T-05, T-07, T-08, T-11, T-12, T-13, T-15, T-16, T-17, T-18, T-19.
# Conformance: E-01, E-02, E-03, E-04, E-05, E-06, E-07, E-08, E-09, E-10, E-11, E-12, E-15.
# Conformance: I-01, I-03, I-04, I-05, I-06, I-08, I-10, N-13, M-01, M-02, M-03, M-04, M-05, M-06, C-01, C-02, C-03, C-04.
# Conformance: F-01, F-02, F-03, F-04, F-05, F-06, F-07, F-08, F-09, F-11, F-13, P-01, P-02, P-03, P-04, P-05, P-07.
# Conformance: S-01, S-02, S-04, S-05, S-06, S-08, X-02, X-03, X-04, X-05, X-06, X-07, X-08, X-09, X-11, X-14.
# Conformance: D-01, D-03, D-04, D-05, D-06, D-07, D-08, D-10, Y-01, Y-06, Y-07, Y-10, Y-11, Y-12.
# Conformance: K-01, K-02, K-08, K-09, K-10, K-11, V-01, V-02, V-03, V-04, V-05, V-06, V-08, V-09, V-10, V-12.
# Conformance: U-01, U-03, U-04, U-05, U-07, U-08, U-09, U-17, Q-01, Q-02, Q-03, Q-04, Q-05, Q-06, Q-07, Q-08.
def test_our_own_server_fails_nothing():
    rows = check(URL, status=0)
    wrong = [r for r in rows.values() if r['verdict'] != ('not offered' if r['id'] in NOT_OFFERED else 'pass')]
    assert not wrong and len(rows) > 120, wrong


def test_rows_are_those_of_the_table():
    with open(os.path.join(SRC, 'tests/data/alto-conformance/rows.tsv'), encoding='utf-8') as f:
        table = {r['id']: r for r in csv.DictReader(f, delimiter='\t', quoting=csv.QUOTE_NONE)}
    for row in check(URL, '--rows', 'T-09').values():
        assert row['why'], row
    for row in check(URL).values():
        assert row['level'] == table[row['id']]['level'] and 'S' in table[row['id']]['who'], (row, table[row['id']])


def test_the_report_for_people():
    done = subprocess.run([os.path.join(BIN, 'waymark'), 'alto', 'check', URL], capture_output=True, text=True,
                          timeout=120 * SLOW, check=False)
    assert done.returncode == 0 and re.search(r'^\d+ pass, 0 fail, %d not offered$' % len(NOT_OFFERED), done.stdout, re.M)


# ---- one thing broken at a time

class Q:
    """A request on its way: method, path (without the folder), headers, body."""

    def __init__(self, method, path, headers, body):
        self.method, self.headers, self.body = method, headers, body
        self.path = path
        self.name = path[len('/alto'):].lstrip('/')
        try:
            self.doc = json.loads(body)
        except (ValueError, RecursionError):
            self.doc = None
        self.doc = self.doc if isinstance(self.doc, dict) else {}


class R:
    """Its answer."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.type = headers.get('Content-Type', '')

    @property
    def doc(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @doc.setter
    def doc(self, value):
        self.body = json.dumps(value).encode()


def forward(q):
    c = http.client.HTTPConnection('127.0.0.1', d.ports['http'], timeout=20)
    headers = {k: v for k, v in q.headers.items() if k.lower() not in ('host', 'connection', 'transfer-encoding',
                                                                       'content-length')}
    c.putrequest(q.method, q.path, skip_accept_encoding=True, skip_host=True)
    for name, value in {**headers, 'Host': q.headers.get('Host', 'localhost')}.items():
        if name.lower() != 'accept-encoding' or q.path != '/alto':      # faults are put into what can be read
            c.putheader(name, value)
    if q.method == 'POST':
        c.putheader('Content-Length', str(len(q.body)))
    c.endheaders(q.body if q.method == 'POST' else None)
    r = c.getresponse()
    if r.headers.get('Content-Type') == 'text/event-stream':
        text = b''
        while text.count(b'\n\n') < 2 or text.count(b'\n:') < 1:
            text += r.read1(65536)
        c.close()
        return R(200, dict(r.headers), text)
    got = R(r.status, dict(r.headers), r.read())
    c.close()
    return got


def broken(before=None, after=None):
    """A server with a fault: before changes the request, after the answer."""
    def answer(method, path, headers, body):
        q = Q(method, path, headers, body)
        if before:
            before(q)
        r = forward(q)
        if after:
            after(q, r)
        if r.type == 'text/event-stream':
            return None, {}, b'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n' + r.body
        return r.status, r.headers, r.body
    return Server(answer)


def on(test, change):
    """after: where test(q, r), the JSON is changed."""
    def after(q, r):
        if test(q, r):
            doc = r.doc
            if doc is not None:
                made = change(doc)
                r.doc = doc if made is None else made
                r.headers.pop('ETag', None)
    return after


def of(kind, method=None):
    return lambda q, r: r.status == 200 and r.type == JSON % kind and (not method or q.method == method)


def directory(change):
    return on(of('directory'), change)


def each(change, test=lambda name, r: True):
    """after: every resource of the directory that passes."""
    return directory(lambda doc: [change(r) for name, r in doc['resources'].items() if test(name, r)] and None)


def header(name, value, test=lambda q, r: True):
    def after(q, r):
        if test(q, r):
            r.headers.pop(name, None)
            if value is not None:
                r.headers[name] = value
    return after


def status(old, new, test=lambda q, r: True):
    def after(q, r):
        if r.status == old and test(q, r):
            r.status = new
    return after


def error(change):
    return on(lambda q, r: r.status == 400 and (r.doc or {}).get('meta'), lambda doc: change(doc['meta']))


def accepted(q, r):
    if r.status == 400:
        r.status, r.body = 200, b'{}'


def request(test, change):
    def before(q):
        if q.doc and test(q):
            change(q.doc)
            q.body = json.dumps(q.doc).encode()
    return before


def swap(mapping, key):
    return lambda meta: meta.update({key: mapping.get(meta.get(key), meta.get(key))})


def set_at(path, value):
    """Sets a member, None takes it out."""
    def change(doc):
        *way, last = path.split('/')
        for step in way:
            doc = doc.get(step, {})
        if value is None:
            doc.pop(last, None)
        else:
            doc[last] = value
    return change


def map_costs(change):
    """Every cost of a map."""
    def do(doc):
        for name in ('cost-map', 'endpoint-cost-map'):
            for row in doc.get(name, {}).values():
                for dst in row:
                    row[dst] = change(row[dst])
    return do


def twice(q):
    return re.search(rb'(?:"ipv4:192\.0\.2\.1"(,\s*)?){2}', q.body)


def text(old, new, test=lambda q, r: True):
    def after(q, r):
        if test(q, r):
            r.body = re.sub(old, new, r.body)
    return after


def counter(change):
    """change(doc, n) with the number of the answer."""
    n = [0]

    def do(doc):
        n[0] += 1
        change(doc, n[0])
    return do


def is_multi(q, r):
    return 'multi-cost-types' in q.doc and r.status == 200


def is_path(q, r):
    return r.type.startswith('multipart/')


def is_stream(q, r):
    return r.type == 'text/event-stream'


def tips(path, value):
    return on(of('tips'), set_at('tips-view-summary/updates-graph-summary/' + path if path else 'tips-view-uri', value))


def edge(q, r):
    return '/ug/' in q.path and r.status == 200


is_network = lambda name, r: r['media-type'] == JSON % 'networkmap' and 'accepts' not in r
is_cost = lambda name, r: r['media-type'] == JSON % 'costmap' and 'accepts' not in r
is_pv = lambda name, r: r['media-type'].startswith('multipart')

# fault: (before, after, rows that must fail)
FAULTS = {
    'closes each connection': (None, header('Connection', 'close'), 'T-01'),
    '404 for the wrong method': (None, status(405, 404), 'T-02'),
    '405 without Allow': (None, header('Allow', None), 'T-02 T-16'),
    'a charset on every answer': (None, lambda q, r: r.headers.update({'Content-Type': r.type + ';charset=utf-8'}),
                                  'T-05 I-01 E-01'),
    'does not look at Accept': (lambda q: q.headers.pop('Accept', None), None, 'T-07 Q-08'),
    'does not look at Content-Type': (lambda q: q.headers.update({'Content-Type': JSON % 'networkmapfilter'})
                                      if q.headers.get('Content-Type') == 'text/plain' else None, None, 'T-08'),
    'no ETag': (None, header('ETag', None), 'T-11 T-12'),
    'never 304': (lambda q: q.headers.pop('If-None-Match', None), None, 'T-11'),
    'one ETag': (None, header('ETag', '"x"'), 'T-12'),
    'no gzip': (lambda q: q.headers.pop('Accept-Encoding', None), None, 'T-13'),
    'gzip without Vary': (None, header('Vary', None), 'T-13'),
    'no HEAD': (None, status(200, 405, lambda q, r: q.method == 'HEAD'), 'T-15'),
    'no OPTIONS': (None, lambda q, r: setattr(r, 'status', 405) if q.method == 'OPTIONS' else None, 'T-16'),
    'knows unknown members': (None, on(lambda q, r: b'no-such-member' in q.body, set_at('x', 1)), 'T-17'),
    'any bytes': (lambda q: setattr(q, 'body', q.body.replace(b'\xff', b'x')), None, 'T-18'),
    'any depth': (None, status(400, 200, lambda q, r: b'[[[[' in q.body), 'T-19'),
    'a byte order mark': (None, lambda q, r: setattr(r, 'body', b'\xef\xbb\xbf' + r.body)
                          if q.headers.get('Accept', '') == '' and r.type == JSON % 'directory' else None, 'T-18'),
    'errors are plain JSON': (None, header('Content-Type', 'application/json', lambda q, r: r.status >= 400), 'E-01 E-15'),
    'codes of its own': (None, error(set_at('code', 'E_WRONG')), 'E-02 E-04 E-05 E-06 E-07 E-08 E-09 E-10 E-11'),
    'other statuses': (None, status(400, 422), 'E-03 E-04 E-05 E-06 E-07 E-08 E-09 E-10'),
    'missing is invalid': (None, error(swap({'E_MISSING_FIELD': 'E_INVALID_FIELD_VALUE'}, 'code')),
                           'E-06 F-01 P-01 S-01 X-04 Y-10 U-03 U-05 Q-02'),
    'types are values': (None, error(swap({'E_INVALID_FIELD_TYPE': 'E_INVALID_FIELD_VALUE'}, 'code')), 'E-07 U-05'),
    'everything is accepted': (None, accepted, 'E-03 E-04 E-05 F-06 F-09 P-01 P-02 P-07 S-01 S-02 X-04 X-05 X-09 X-11 X-14 '
                                               'D-05 Y-11 Y-12 K-09 V-04 U-04'),
    'values are no strings': (None, error(lambda m: m.update(value=5) if 'value' in m else None), 'E-08 E-09 E-10 P-07'),
    'no fields': (None, error(set_at('field', None)), 'E-06 E-07 E-08 E-10 E-11'),
    'fields the other way': (None, error(swap({'cost-type/cost-mode': 'cost-mode/cost-type'}, 'field')), 'E-11'),
    'several codes': (None, error(lambda m: m.update(code=[m['code']])), 'E-12 E-02'),
    'no default network map': (None, directory(set_at('meta/default-alto-network-map', None)), 'I-03'),
    'a default that is none': (None, directory(set_at('meta/default-alto-network-map', 'cdni')), 'I-03'),
    'cost types not defined': (None, directory(set_at('meta/cost-types', {})), 'I-04 C-01 N-13'),
    'ids twice': (None, directory(set_at('resources/again', {'uri': '/alto?again', 'media-type': JSON % 'directory'})), 'I-05'),
    'cost maps use nothing': (None, each(set_at('uses', None), is_cost), 'I-06'),
    'maps are missing': (None, status(200, 404, of('networkmap', 'GET')), 'I-08 M-01'),
    'no vtag': (None, on(of('networkmap'), set_at('meta/vtag', None)), 'M-02 F-04'),
    'a tag with a blank': (None, on(of('networkmap'), set_at('meta/vtag/tag', 'a b')), 'M-02'),
    'a tag for each answer': (None, on(of('networkmap'), counter(lambda doc, n: set_at('meta/vtag/tag', str(n))(doc))),
                              'M-03 F-04 C-03'),
    'a hole in the map': (None, on(of('networkmap'), lambda doc: [g.get('ipv4', []).remove('0.0.0.0/0') for g in
                                                                  doc['network-map'].values() if '0.0.0.0/0' in
                                                                  g.get('ipv4', [])] and None), 'M-04'),
    'a prefix in two PIDs': (None, on(of('networkmap'), lambda doc: [g.setdefault('ipv4', []).append('203.0.113.0/24') for g in
                                                                     doc['network-map'].values()] and None), 'M-05'),
    'PIDs by chance': (None, on(of('endpointprop'), lambda doc: [e.update({k: 'x' for k in e}) for e in
                                                                 doc['endpoint-properties'].values()] and None), 'M-06'),
    'no routingcost': (None, directory(lambda doc: [t.update({'cost-metric': 'tput'}) for t in
                                                    doc['meta']['cost-types'].values()] and None), 'C-01 N-13'),
    'two types for a map': (None, each(lambda r: r['capabilities']['cost-type-names'].append('x'), is_cost), 'C-02 I-04'),
    'another type in meta': (None, on(of('costmap'), set_at('meta/cost-type', {'cost-mode': 'ordinal',
                                                                               'cost-metric': 'x'})), 'C-03 F-13'),
    'no dependent-vtags': (None, on(of('costmap'), set_at('meta/dependent-vtags', [])), 'C-03 F-13'),
    'null costs': (None, on(of('costmap', 'GET'), map_costs(lambda v: None)), 'C-04 D-04'),
    'all PIDs always': (request(lambda q: q.name.endswith('-filter') and 'pids' in q.doc and isinstance(q.doc['pids'], list),
                                set_at('pids', [])), None, 'F-01 F-03'),
    'all address types': (request(lambda q: True, set_at('address-types', None)), None, 'F-02 F-05'),
    'empty PIDs stay': (None, on(of('networkmap', 'POST'), set_at('network-map/nobody', {})), 'F-05 F-01 F-03'),
    'all pairs always': (request(lambda q: isinstance(q.doc.get('pids'), dict), set_at('pids', {})), None, 'F-07 F-11'),
    'no constraints': (request(lambda q: True, set_at('constraints', None)), None, 'F-08 S-08'),
    'twice is more': (None, on(lambda q, r: r.status == 200 and twice(q), set_at('x', 1)), 'P-03 S-04 Y-10'),
    'no PID properties': (None, each(set_at('capabilities/prop-types', []),
                                     lambda n, r: r['media-type'] == JSON % 'endpointprop'), 'P-04'),
    'no tags of properties': (None, on(of('endpointprop'), set_at('meta/dependent-vtags', [])), 'P-05'),
    'sources of its own': (None, on(of('endpointcost'), lambda doc: doc['endpoint-cost-map'].update(
        {'ipv4:9.9.9.9': {}, 'ipv4:9.9.9.8': {}})), 'S-02'),
    'costs are strings': (None, on(of('endpointcost'), map_costs(str)), 'S-05'),
    'another type of ends': (None, on(of('endpointcost'), set_at('meta/cost-type/cost-metric', 'x')), 'S-05'),
    'ends use maps': (None, each(set_at('uses', ['net']), lambda n, r: r['media-type'] == JSON % 'endpointcost'), 'S-06'),
    'two ways of constraints': (None, each(set_at('capabilities/testable-cost-type-names', ['no-such']),
                                           lambda n, r: n == 'alt-cost-filter'), 'X-02 X-03'),
    'the other order': (None, on(is_multi, map_costs(lambda v: v[::-1])), 'X-06 X-14'),
    'a cost type of several': (None, on(is_multi, set_at('meta/cost-type', {'cost-mode': 'numerical'})), 'X-07'),
    'one is a number': (None, on(lambda q, r: is_multi(q, r) and len(q.doc['multi-cost-types']) == 1, map_costs(lambda v: v[0])),
                        'X-08'),
    'no alternatives': (request(lambda q: 'or-constraints' in q.doc, set_at('or-constraints', None)), None, 'X-11'),
    'a calendar of nothing': (None, each(lambda r: r['capabilities']['calendar-attributes'][0].update(
        {'number-of-intervals': 0}), lambda n, r: 'calendar-attributes' in r.get('capabilities', {})), 'D-01'),
    'calendars without being asked': (None, on(lambda q, r: of('costmap')(q, r), map_costs(lambda v: v if isinstance(v, list)
                                                                                           else [v])), 'D-03 D-04 D-06'),
    'short calendars': (None, on(lambda q, r: q.doc.get('calendared') == [True] and r.status == 200, map_costs(
        lambda v: v[1:])), 'D-07'),
    'a start that is none': (None, text(rb'"calendar-start-time":"[^"]*"', b'"calendar-start-time":"now"'), 'D-08'),
    'a start to come': (None, text(rb'"calendar-start-time":"[^"]*"',
                                   b'"calendar-start-time":"Sat, 01 Jan 2980 00:00:00 GMT"'), 'D-08'),
    'constraints on calendars': (None, on(lambda q, r: 'calendared' in q.doc and 'constraints' in q.doc and r.status == 200,
                                          set_at('cost-map', {})), 'D-10'),
    'no mappings': (None, each(set_at('capabilities/mappings', None), lambda n, r: r['media-type'] == JSON % 'propmap'), 'Y-01'),
    'nothing is inherited': (None, on(of('propmap', 'POST'), set_at('property-map', {})), 'Y-06'),
    'tags of nobody': (None, on(of('propmap', 'GET'), set_at('meta/dependent-vtags', [{'resource-id': 'x', 'tag': 'y'}])),
                       'Y-07'),
    'no advertisement': (None, on(of('cdni'), set_at('cdni-advertisement', {})), 'K-01'),
    'no tag': (None, on(of('cdni'), set_at('meta/vtag', None)), 'K-02'),
    'all capabilities always': (request(lambda q: 'cdni-capabilities' in q.doc, set_at('cdni-capabilities', [])), None, 'K-08'),
    'a tag for each filter': (None, on(of('cdni', 'POST'), set_at('meta/vtag/tag', 'other')), 'K-11 K-08'),
    'other capabilities': (None, on(of('cdni', 'POST'), lambda doc: [c.update({'capability-value': {}}) for c in doc[
        'cdni-advertisement']['capabilities-with-footprints']] and None), 'K-10 K-08'),
    'no path vector type': (None, each(lambda r: r['capabilities'].update({'cost-type-names': ['num-routingcost']}), is_pv),
                            'V-01'),
    'no type of the parts': (None, each(set_at('media-type', 'multipart/related'), is_pv), 'V-02'),
    'constraints of paths': (None, each(set_at('capabilities/cost-constraints', True), is_pv), 'V-03'),
    'the end is missing': (None, text(rb'--\r\n$|--$', b'', is_path), 'V-05'),
    'no Content-IDs': (None, text(rb'Content-ID: [^\r]*\r\n', b'', is_path), 'V-05'),
    'parts that do not belong together': (None, text(rb'("dependent-vtags":\[\{"resource-id":"path-path-cost\.[^}]*"tag":")',
                                                     rb'\1x', is_path), 'V-06'),
    'elements without entities': (None, text(rb'"\.ane:', b'".ane:x', is_path), 'V-08'),
    'a negative bandwidth': (None, text(rb'("max-reservable-bandwidth":)', rb'\1-', is_path), 'V-09'),
    'another domain': (None, text(rb'"\.ane:', b'"priv:x:', is_path), 'V-10'),
    'fixed names': (None, text(rb'[0-9a-f]{8}-([12])', rb'e\1', is_path), 'V-12'),
    'no increments': (None, each(set_at('capabilities/incremental-change-media-types', None)), 'U-01 Q-01'),
    'events without substream': (None, text(rb'(event: application/alto-networkmap\+json),\w+', rb'\1', is_stream), 'U-07'),
    'no control': (None, text(rb'updatestreamcontrol', b'x', is_stream), 'U-08'),
    'no control-uri': (None, text(rb'control-uri', b'x', is_stream), 'U-08'),
    'old maps in the stream': (None, text(rb'("tag":")', rb'\1old', is_stream), 'U-09'),
    'no view': (None, tips('', None), 'Q-03 Q-06'),
    'no summary': (None, on(of('tips'), set_at('tips-view-summary', {})), 'Q-03 Q-05'),
    'one view': (None, tips('', '/alto/tips/one'), 'Q-04'),
    'starts in the middle': (None, tips('start-edge-rec/seq-i', 7), 'Q-05'),
    'edges are missing': (None, status(200, 404, edge), 'Q-06 Q-07'),
    'other snapshots': (None, on(edge, set_at('x', 1)), 'Q-07'),
    'no future': (None, status(425, 500), 'Q-08'),
}


def test_the_proxy_alone_breaks_nothing():
    rows = check(broken().url + '/alto')
    wrong = [r for r in rows.values() if r['verdict'] == 'fail']
    assert not wrong, wrong


def test_what_is_broken_is_noticed():
    unnoticed = []
    for name, (before, after, ids) in FAULTS.items():
        s = broken(before, after)
        rows = check(s.url + '/alto', '--rows', ','.join(ids.split()))
        s.shutdown()
        s.server_close()
        for i in ids.split():
            if rows[i]['verdict'] != 'fail':
                unnoticed.append((name, i, rows[i]['verdict'], rows[i]['why']))
    assert not unnoticed, '\n'.join(map(str, unnoticed))


def test_a_must_that_fails_is_the_exit_status():
    check(broken(None, status(405, 404)).url + '/alto', '--rows', 'T-02', status=1)
    check(broken(None, header('ETag', None)).url + '/alto', '--rows', 'T-11', status=0)


main(globals())
