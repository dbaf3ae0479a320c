"""Real caches from Debian, each started by a test on a loopback address of its own in front of one nginx origin, and
stopped with it: nginx, varnish, haproxy, squid and trafficserver, each with its own statistics page. Standard library
only; a cache whose program is not there raises Missing."""
import atexit, http.server, os, shutil, signal, socket, subprocess, threading
from waymark_e2e import SLOW, folder, wait_for, write


class Missing(Exception):
    """A program is not installed."""


def program(name):
    path = shutil.which(name, path=os.environ.get('PATH', '') + ':/usr/sbin:/sbin')
    if not path:
        raise Missing('%s is not installed' % name)
    return path


def free_port(address):
    with socket.create_server((address, 0)) as s:
        return s.getsockname()[1]


def connects(address, port):
    try:
        socket.create_connection((address, port), timeout=1).close()
        return True
    except OSError:
        return False


class Server:
    """A foreign program in the foreground; its own process group, so that its children end with it."""

    def __init__(self, address, words, ports, where, env=None):
        self.address, self.words, self.ports, self.where, self.env = address, words, ports, where, env
        self.process = None
        self.start()
        atexit.register(self.kill)

    @property
    def port(self):
        return self.ports[0]

    def start(self):
        with open(os.path.join(self.where, 'output'), 'ab') as out:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(self.words, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                            cwd=self.where, env=dict(os.environ, **(self.env or {})),
                                            start_new_session=True)
        try:
            wait_for('%s listens' % self.words[0], lambda: self.process.poll() is not None or
                     all(connects(self.address, p) for p in self.ports), 30)
        except AssertionError as e:
            raise AssertionError('%s\n%s' % (e, self.output())) from e
        if self.process.poll() is not None:
            raise AssertionError('%s ended with %s:\n%s' % (self.words, self.process.returncode, self.output()))
        return self

    def output(self):
        with open(os.path.join(self.where, 'output'), errors='replace') as f:
            return f.read()[-4000:]

    def kill(self):
        """Ends the whole group at once, as a power cut would."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10 * SLOW)
            wait_for('the port is free', lambda: not connects(self.address, self.port))


# ---- the origin

def origin(address='127.0.0.9', contents=40, size=200000):
    """Serves /c0/seg.ts, /c1/seg.ts, ..., each the same size and good for an hour."""
    where, port = folder(), free_port(address)
    for i in range(contents):
        os.makedirs('%s/www/c%d' % (where, i))
        with open('%s/www/c%d/seg.ts' % (where, i), 'wb') as f:
            f.write(bytes([i]) * size)
    write(where + '/nginx.conf', '''
daemon off; worker_processes 1; pid %(w)s/pid; error_log %(w)s/error.log;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path %(w)s/b; proxy_temp_path %(w)s/p; fastcgi_temp_path %(w)s/f;
  uwsgi_temp_path %(w)s/u; scgi_temp_path %(w)s/s;
  server { listen %(a)s:%(p)d; root %(w)s/www; add_header Cache-Control "public, max-age=3600"; }
}''' % {'w': where, 'a': address, 'p': port})
    return Server(address, [program('nginx'), '-p', where, '-c', where + '/nginx.conf', '-e', where + '/error.log'],
                  [port], where)


# ---- caches: each returns a Server whose ports[0] is where clients go

def nginx(address, source):
    """stub_status under /status."""
    where, port = folder(), free_port(address)
    os.chmod(where, 0o777)
    write(where + '/nginx.conf', '''
daemon off; worker_processes 1; pid %(w)s/pid; error_log %(w)s/error.log;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path %(w)s/b; proxy_temp_path %(w)s/p; fastcgi_temp_path %(w)s/f;
  uwsgi_temp_path %(w)s/u; scgi_temp_path %(w)s/s;
  proxy_cache_path %(w)s/cache keys_zone=one:1m;
  server {
    listen %(a)s:%(p)d;
    location = /status { stub_status; }
    location / { proxy_pass http://%(oa)s:%(op)d; proxy_cache one; }
  }
}''' % {'w': where, 'a': address, 'p': port, 'oa': source.address, 'op': source.port})
    return Server(address, [program('nginx'), '-p', where, '-c', where + '/nginx.conf', '-e', where + '/error.log'],
                  [port], where)


def haproxy(address, source):
    """Statistics as CSV under /stats;csv of the same port, frontend "http"."""
    where, port = folder(), free_port(address)
    write(where + '/haproxy.cfg', '''
global
  maxconn 200
defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 10s
cache small
  total-max-size 64
  max-object-size 1000000
  max-age 3600
frontend http
  bind %s:%d
  maxconn 100
  stats enable
  stats uri /stats
  default_backend origin
backend origin
  http-request cache-use small
  http-response cache-store small
  server one %s:%d
''' % (address, port, source.address, source.port))
    return Server(address, [program('haproxy'), '-db', '-f', where + '/haproxy.cfg'], [port], where)


def squid(address, source):
    """mgr:counters under /squid-internal-mgr/counters, the digest under /squid-internal-periodic/store_digest. It keeps
    everything under http://vod.example.com:PORT, whatever host was asked."""
    where, port = folder(), free_port(address)
    os.chmod(where, 0o777)
    write(where + '/squid.conf', '''
http_port %(a)s:%(p)d accel defaultsite=vod.example.com:%(p)d no-vhost
cache_peer %(oa)s parent %(op)d 0 no-query originserver name=origin
visible_hostname vod.example.com
unique_hostname %(a)s
acl all_of_us src 127.0.0.0/8
http_access allow all_of_us
cache_mem 64 MB
cache_dir ufs %(w)s/disk 64 4 4
maximum_object_size_in_memory 2 MB
digest_generation on
digest_rebuild_period 2 seconds
digest_rewrite_period 2 seconds
access_log none
cache_log %(w)s/cache.log
cache_store_log none
pid_filename %(w)s/pid
coredump_dir %(w)s
logfile_rotate 0
shutdown_lifetime 0 seconds
''' % {'a': address, 'p': port, 'w': where, 'oa': source.address, 'op': source.port})
    words = [program('squid'), '-N', '-f', where + '/squid.conf']     # a digest is kept on disk alone
    subprocess.run(words + ['-z'], check=True, capture_output=True, timeout=60 * SLOW)
    return Server(address, words, [port], where)


class Bridge:
    """varnishstat -j over HTTP: varnish has no statistics page of its own."""

    def __init__(self, address, where):
        stat = program('varnishstat')

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                done = subprocess.run([stat, '-j', '-n', where], capture_output=True, check=False)
                self.send_response(200 if done.returncode == 0 else 503)
                self.send_header('Content-Type', 'application/json')
                self.send_header('Content-Length', str(len(done.stdout)))
                self.end_headers()
                self.wfile.write(done.stdout)

            def log_message(self, *words):
                pass
        self.server = http.server.ThreadingHTTPServer((address, 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


def varnish(address, source):
    """.stats_port is the bridge's."""
    where, port = folder(), free_port(address)
    os.chmod(where, 0o777)
    server = Server(address, [program('varnishd'), '-F', '-n', where + '/v', '-a', '%s:%d' % (address, port), '-b',
                              '%s:%d' % (source.address, source.port), '-s', 'malloc,64m', '-T', 'none', '-p',
                              'thread_pool_min=5', '-p', 'thread_pool_max=100'], [port], where)
    server.stats_port = Bridge(address, where + '/v').port
    return server


def trafficserver(address, source):
    """stats_over_http under /_stats (JSON; CSV with Accept: text/csv)."""
    where, port = folder(), free_port(address)
    os.chmod(where, 0o777)
    etc = where + '/etc'
    for d in ('etc', 'cache', 'log', 'run'):
        os.mkdir('%s/%s' % (where, d))
        os.chmod('%s/%s' % (where, d), 0o777)
    write(where + '/runroot.yaml', '''
prefix: %(w)s
exec_prefix: /usr
bindir: /usr/bin
sbindir: /usr/sbin
sysconfdir: %(w)s/etc
datadir: %(w)s/cache
includedir: /usr/include
libdir: /usr/lib/x86_64-linux-gnu
libexecdir: /usr/lib/trafficserver/modules
localstatedir: %(w)s/run
runtimedir: %(w)s/run
logdir: %(w)s/log
cachedir: %(w)s/cache
''' % {'w': where})
    write(etc + '/records.config', '''
CONFIG proxy.config.http.server_ports STRING %d:ip-in=%s
CONFIG proxy.config.url_remap.remap_required INT 1
CONFIG proxy.config.reverse_proxy.enabled INT 1
CONFIG proxy.config.http.cache.required_headers INT 0
CONFIG proxy.config.cache.ram_cache.size INT 33554432
CONFIG proxy.config.exec_thread.autoconfig INT 0
CONFIG proxy.config.exec_thread.limit INT 1
CONFIG proxy.config.log.logging_enabled INT 0
CONFIG proxy.config.admin.user_id STRING #-1
CONFIG proxy.config.diags.output.status STRING E
''' % (port, address))
    write(etc + '/remap.config', 'map http://%s:%d/ http://%s:%d/\nmap / http://%s:%d/\n' % (
        address, port, source.address, source.port, source.address, source.port))
    write(etc + '/plugin.config', 'stats_over_http.so\n')
    write(etc + '/storage.config', '%s/cache 64M\n' % where)
    write(etc + '/ip_allow.yaml', 'ip_allow:\n  - apply: in\n    ip_addrs: 127.0.0.0/8\n    action: allow\n    methods: ALL\n')
    return Server(address, [program('traffic_server'), '--run-root=' + where + '/runroot.yaml'], [port], where,
                  {'TS_RUNROOT': where})
