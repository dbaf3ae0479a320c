#!/usr/bin/env python3
# labels: interop
# timeout: 180
"""HTTP/2 for ALTO clients: nginx in front of the daemon, curl behind it. Maps, update streams and long polls come through."""
import json, os, shutil, socket, subprocess, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from waymark_e2e import COST_MAP, Daemon, NETWORK_MAP, SLOW, folder, main, wait_for, write

NGINX = shutil.which('nginx') or '/usr/sbin/nginx'
if not os.path.exists(NGINX) or 'HTTP2' not in subprocess.run(['curl', '-V'], capture_output=True, text=True,
                                                              check=False).stdout:
    print('SKIPPED: no nginx, or a curl without HTTP/2')
    sys.exit(77)

CONFIG = """
listen: {http: ["127.0.0.1:0"], admin: ["127.0.0.1:0"]}
http: {trusted_proxies: [127.0.0.0/8]}
maps: {network: net.json, cost: cost.json}
alto: {path: /alto, keep_alive: 1s}
"""
FRONT = """
worker_processes 1;
daemon off;
pid %(where)s/nginx.pid;
error_log %(where)s/nginx.log;
events {}
http {
  access_log off;
  client_body_temp_path %(where)s/body;
  proxy_temp_path %(where)s/proxy;
  fastcgi_temp_path %(where)s/f; uwsgi_temp_path %(where)s/u; scgi_temp_path %(where)s/s;
  server {
    listen 127.0.0.1:%(port)d ssl http2;
    ssl_certificate %(where)s/cert.pem;
    ssl_certificate_key %(where)s/key.pem;
    location / {
      proxy_pass http://127.0.0.1:%(back)d;
      proxy_http_version 1.1;
      proxy_buffering off;
      proxy_read_timeout 1h;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
    }
  }
}
"""
JSON = 'application/alto-%s+json'
COST = 'net-cost-num-routingcost'

where = folder()
subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
                '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', where + '/key.pem', '-out',
                where + '/cert.pem'], check=True, capture_output=True)
d = Daemon(CONFIG, files={'net.json': NETWORK_MAP, 'cost.json': COST_MAP}).start()
with socket.socket() as free:
    free.bind(('127.0.0.1', 0))
    PORT = free.getsockname()[1]
URL = 'https://127.0.0.1:%d' % PORT
front = subprocess.Popen([NGINX, '-p', where, '-c', write(where + '/nginx.conf', FRONT % {
    'where': where, 'port': PORT, 'back': d.ports['http']})], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def curl(path, body=None, kind=None):
    words = ['curl', '-sSN', '-i', '--http2', '--cacert', where + '/cert.pem', '--max-time', str(30 * SLOW)]
    if body is not None:
        words += ['-H', 'Content-Type: ' + JSON % kind, '-d', json.dumps(body)]
    return subprocess.Popen(words + [path if path.startswith('https:') else URL + path], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def ask(*words):
    """(status, headers, JSON); each answer came over HTTP/2."""
    out, err = curl(*words).communicate()
    head, _, body = out.partition(b'\r\n\r\n')
    lines = head.decode().split('\r\n')
    if not lines[0]:
        return 0, {}, err
    version, status = lines[0].split()[:2]
    assert version == 'HTTP/2', lines
    return int(status), dict(line.split(': ', 1) for line in lines[1:]), json.loads(body)


def change(west_east):
    cost = json.loads(json.dumps(COST_MAP))
    cost['cost-map']['west']['east'] = west_east
    write(os.path.join(d.where, 'cost.json'), cost)


def test_maps_and_requests():
    wait_for('the front', lambda: ask('/alto')[0] == 200)
    status, headers, got = ask('/alto/' + COST)
    assert status == 200 and headers['content-type'] == JSON % 'costmap' and got['cost-map'] == COST_MAP['cost-map'], got
    status, _, got = ask('/alto/net-endpoint-cost', {'cost-type': COST_MAP['meta']['cost-type'], 'endpoints': {
        'srcs': ['ipv4:192.0.2.1'], 'dsts': ['ipv4:198.51.100.1']}}, 'endpointcostparams')
    assert status == 200 and got['endpoint-cost-map']['ipv4:192.0.2.1'] == {'ipv4:198.51.100.1': 10}, got


# Conformance: Q-16.
def test_a_long_poll():
    status, _, view = ask('/alto/tips', {'resource-id': COST}, 'tipsparams')
    assert status == 200, view
    graph = view['tips-view-summary']['updates-graph-summary']
    uri, end = view['tips-view-uri'], graph['end-seq']
    uri = uri if uri.startswith('/') else '/' + uri.split('://', 1)[1].split('/', 1)[1]
    status, _, first = ask('%s/ug/%d/%d' % (uri, graph['start-edge-rec']['seq-i'], graph['start-edge-rec']['seq-j']))
    assert status == 200 and first['cost-map'] == COST_MAP['cost-map'], first
    poll = curl('%s/ug/%d/%d' % (uri, end, end + 1))
    wait_for('the poll waits', lambda: d.metric('waymark_alto_tips_polls') == 1)
    assert poll.poll() is None
    change(44)
    head, _, body = poll.communicate()[0].partition(b'\r\n\r\n')
    assert head.startswith(b'HTTP/2 200'), head
    assert json.loads(body)['cost-map'] == {'west': {'east': 44}}, body


# Conformance: Q-16.
def test_an_update_stream():
    stream = curl('/alto/updates', {'add': {'cost': {'resource-id': COST}}}, 'updatestreamparams')
    assert stream.stdout.readline().startswith(b'HTTP/2 200')

    def event():
        lines = []
        while line := stream.stdout.readline().rstrip(b'\r\n'):
            lines.append(line)
        return lines
    assert any(line.startswith(b'content-type: text/event-stream') for line in event())

    def event_of(kind):
        while True:
            lines = event()
            assert lines or stream.poll() is None, stream.stderr.read()
            if lines and lines[0] == b'event: ' + kind:
                return json.loads(b'\n'.join(line[6:] for line in lines[1:]))
    was = event_of((JSON % 'costmap').encode() + b',cost')['cost-map']['west']['east']
    began = time.monotonic()
    change(was + 11)
    patch = event_of(b'application/merge-patch+json,cost')
    assert patch['cost-map'] == {'west': {'east': was + 11}}, patch
    assert time.monotonic() - began < 5 * SLOW
    stream.kill()
    stream.communicate()
    wait_for('the stream is given up', lambda: d.metric('waymark_alto_streams') == 0)


try:
    main(globals())
finally:
    front.terminate()
    front.wait()
