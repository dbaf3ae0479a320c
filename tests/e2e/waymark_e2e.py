"""What the end-to-end tests share: the built daemon on loopback with free ports, small streamers, clients, and waiting
for a condition, never for a time. Standard library only."""
import atexit, http.client, http.server, json, os, re, shutil, signal, socket, subprocess, sys, tempfile, threading, time
import traceback

BIN = os.path.abspath(os.environ.get('WAYMARK_BIN', 'build/dev'))
SRC = os.environ.get('WAYMARK_SRC', os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
SANITIZED = bool(os.environ.get('WAYMARK_SANITIZE'))
SLOW = 5 if SANITIZED else 1     # every limit of time is this much longer under a sanitizer

# Two PIDs and a default: what most tests need. Addresses are documentation ranges (RFC 5737, RFC 3849).
NETWORK_MAP = {'meta': {'vtag': {'resource-id': 'net', 'tag': 'v1'}},
               'network-map': {'west': {'ipv4': ['192.0.2.0/24', '127.0.0.0/8'], 'ipv6': ['2001:db8:1::/48']},
                               'east': {'ipv4': ['198.51.100.0/24'], 'ipv6': ['2001:db8:2::/48']},
                               'rest': {'ipv4': ['0.0.0.0/0'], 'ipv6': ['::/0']}}}
COST_MAP = {'meta': {'dependent-vtags': [{'resource-id': 'net', 'tag': 'v1'}],
                     'cost-type': {'cost-mode': 'numerical', 'cost-metric': 'routingcost'}},
            'cost-map': {'west': {'west': 1, 'east': 10, 'rest': 20}, 'east': {'west': 10, 'east': 1, 'rest': 20},
                         'rest': {'west': 15, 'east': 16, 'rest': 1}}}


def folder():
    """A folder that goes when the test ends."""
    path = tempfile.mkdtemp(prefix='waymark-e2e-')
    os.chmod(path, 0o755)
    atexit.register(shutil.rmtree, path, True)
    return path


def write(path, content):
    """Writes whole and renames, as an operator's script should."""
    text = content if isinstance(content, str) else json.dumps(content)
    with open(path + '.new', 'w') as f:
        f.write(text)
    os.rename(path + '.new', path)
    return path


def wait_for(what, test, seconds=10):
    end = time.monotonic() + seconds * SLOW
    while True:
        got = test()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError('%s: not within %g s' % (what, seconds * SLOW))
        time.sleep(0.02)


class Streamer:
    """A small HTTP server on its own loopback address, that can be stopped, started and told to fail."""

    def __init__(self, address='127.0.0.1', port=0):
        self.address, self.status = address, 200
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(outer.status)
                self.send_header('Content-Length', '0')
                self.end_headers()

            def log_message(self, *words):
                pass
        self.handler = Handler
        self.port = port
        self.server = None
        self.start()
        atexit.register(self.stop)

    def start(self):
        http.server.ThreadingHTTPServer.allow_reuse_address = True
        self.server = http.server.ThreadingHTTPServer((self.address, self.port), self.handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None


class Daemon:
    """waymarkd with this configuration. ports['http'], ['dns-udp'], ['admin'], ... are read from its log."""

    def __init__(self, config, where=None, files=None):
        self.where = where or folder()
        self.config = os.path.join(self.where, 'waymark.yaml')
        for name, content in (files or {}).items():
            write(os.path.join(self.where, name), content)
        write(self.config, config)
        self.log_path = os.path.join(self.where, 'log')
        self.process = None
        atexit.register(self.kill)

    def start(self):
        with open(self.log_path, 'ab') as log:
            self.process = subprocess.Popen([os.path.join(BIN, 'waymarkd'), '-c', self.config], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, cwd=self.where)
        wait_for('the daemon starts', lambda: self.logged('event=started') or self.ended(), 30)
        if self.process.poll() is not None:
            raise AssertionError('waymarkd ended with %s:\n%s' % (self.process.returncode, self.log()))
        return self

    def ended(self):
        return self.process.poll() is not None

    def log(self):
        with open(self.log_path, errors='replace') as f:
            return f.read()

    def logged(self, text):
        return self.log().count(text)

    @property
    def ports(self):
        return {k: int(p) for k, p in re.findall(r'event=listen kind=(\S+) address=\S+ port=(\d+)', self.log())}

    def signal(self, signo):
        self.process.send_signal(signo)

    def stop(self, seconds=20):
        """SIGTERM, and the exit status."""
        self.signal(signal.SIGTERM)
        return self.process.wait(seconds * SLOW)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def get(self, path, kind='http', headers=None, method='GET'):
        """(status, headers, body) of one request."""
        c = http.client.HTTPConnection('127.0.0.1', self.ports[kind], timeout=10 * SLOW)
        try:
            c.request(method, path, headers=headers or {})
            r = c.getresponse()
            return r.status, dict((k.lower(), v) for k, v in r.getheaders()), r.read()
        finally:
            c.close()

    def status(self):
        return json.loads(self.get('/status', 'admin')[2])

    def metric(self, name):
        """The value of a metric line, labels and all; None when it is not there."""
        for line in self.get('/metrics', 'admin')[2].decode().split('\n'):
            if line.startswith(name + ' '):
                return float(line.split()[-1])
        return None

    def streamer(self, name):
        return next(s for s in self.status()['streamers'] if s['name'] == name)

    def cli(self, *words, ok=True):
        done = subprocess.run([os.path.join(BIN, 'waymark'), '--admin', '127.0.0.1:%d' % self.ports['admin']] +
                              list(words), capture_output=True, text=True, timeout=30 * SLOW, check=False)
        if ok and done.returncode:
            raise AssertionError('waymark %s: %s' % (' '.join(words), done.stderr))
        return done

    def redirect(self, client='192.0.2.1', path='/film/index.m3u8', host='vod.example.com'):
        """The host that the client is sent to, or the status."""
        status, headers, _ = self.get(path, headers={'Host': host, 'X-Forwarded-For': client})
        found = re.match(r'https?://(\[[^]]*\]|[^:/]*)', headers.get('location', ''))
        return found.group(1) if status in (302, 307, 308) and found else status


def main(scope):
    """Runs every function test_* of the caller, in order; a failure prints what and ends with 1."""
    failed = 0
    for name, test in [(k, v) for k, v in scope.items() if k.startswith('test_')]:
        try:
            test()
            print('ok   ' + name, flush=True)
        except Exception:   # noqa: every kind of failure is a failed test
            failed += 1
            print('FAIL ' + name, flush=True)
            traceback.print_exc()
    sys.exit(1 if failed else 0)
