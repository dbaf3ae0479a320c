#!/usr/bin/env python3
"""The demo of `./dev run`: four nginx as streamers, one waymarkd, and clients of several countries asking it over
HTTP, DNS and BitTorrent. With --check it runs on free ports, verifies every answer, stops everything that it started
and exits 0 or 1; without, it shows the answers and leaves all running until Ctrl-C."""
import argparse, json, os, re, shutil, signal, socket, subprocess, sys, tempfile, time
import urllib.error, urllib.parse, urllib.request

SRC = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STREAMERS = {'madrid': '127.0.0.11', 'milan': '127.0.0.12', 'frankfurt': '127.0.0.13', 'stockholm': '127.0.0.14'}
# Addresses of universities: country, address, the nearest streamer, the next one when that is gone.
CLIENTS = [('Portugal', '193.136.192.1', 'madrid'), ('Greece', '147.102.222.1', 'milan'),
           ('Finland', '128.214.4.1', 'stockholm')]
NEXT_OF_MADRID = 'milan'
PORTS = {'HTTP': 8080, 'DNS': 8053, 'TRACKER': 6969, 'ADMIN': 8953, 'STREAMER': 8081}
HOST = 'vod.cdn.example.net'
PATH = '/film/index.m3u8'
FAILOVER_S = 5.0        # 2 bad probes, 500 ms apart, and room for a busy machine


class Failed(Exception):
    pass


def free_ports():
    """Ports that are free now on all addresses that want them."""
    ports, held = {}, []
    for name in PORTS:
        for _ in range(50):
            first = socket.socket()
            first.bind(('127.0.0.1', 0))
            port, group = first.getsockname()[1], [first]
            try:
                wanted = list(STREAMERS.values()) if name == 'STREAMER' else []
                for address in wanted:
                    s = socket.socket()
                    group.append(s)
                    s.bind((address, port))
                if name in ('DNS', 'TRACKER'):
                    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    group.append(s)
                    s.bind(('127.0.0.1', port))
            except OSError:
                for s in group:
                    s.close()
                continue
            held += group
            ports[name] = port
            break
        else:
            raise Failed('no free port for ' + name)
    for s in held:
        s.close()
    return ports


class Demo:
    def __init__(self, build, check):
        self.build, self.check = build, check
        self.state = tempfile.mkdtemp(prefix='waymark-demo-')
        os.chmod(self.state, 0o755)     # nginx reads it as another user
        self.ports = free_ports() if check else dict(PORTS)
        self.children = {}

    def say(self, text):
        print('\n\033[1m' + text + '\033[0m' if sys.stdout.isatty() else '\n# ' + text, flush=True)

    # ---- processes -----------------------------------------------------------------------------------------------
    def start(self, name, argv, log):
        out = open(os.path.join(self.state, log), 'ab')
        self.children[name] = subprocess.Popen(argv, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                               start_new_session=True)

    def log_tail(self, log):
        with open(os.path.join(self.state, log), errors='replace') as f:
            return ''.join(f.readlines()[-15:])

    def start_streamer(self, name):
        address, folder = STREAMERS[name], os.path.join(self.state, name)
        os.makedirs(os.path.join(folder, 'www/film'), exist_ok=True)
        hls = os.path.join(SRC, 'conf/demo/hls')
        for file in os.listdir(hls):
            for www in ('www', 'www/film'):
                shutil.copy(os.path.join(hls, file), os.path.join(folder, www, file))
        conf = os.path.join(folder, 'nginx.conf')
        user = 'user root;' if os.getuid() == 0 else ''
        with open(conf, 'w') as f:
            f.write('''%s daemon off; master_process off; worker_processes 1; pid %s/nginx.pid; error_log stderr;
events { worker_connections 256; }
http {
    access_log off; types { application/vnd.apple.mpegurl m3u8; video/mp2t ts; }
    client_body_temp_path %s/t1; proxy_temp_path %s/t2; fastcgi_temp_path %s/t3; uwsgi_temp_path %s/t4;
    scgi_temp_path %s/t5;
    server { listen %s:%d; root %s/www; add_header X-Streamer %s; }
}
''' % (user, folder, folder, folder, folder, folder, folder, address, self.ports['STREAMER'], folder, name))
        nginx = shutil.which('nginx') or '/usr/sbin/nginx'
        self.start(name, [nginx, '-c', conf, '-p', folder, '-e', 'stderr'], name + '.log')

    def start_daemon(self):
        with open(os.path.join(SRC, 'conf/demo/waymark.yaml')) as f:
            text = f.read()
        words = dict({k: str(v) for k, v in self.ports.items()}, STATE=self.state,
                     CONF=os.path.join(SRC, 'conf/demo'))
        conf = os.path.join(self.state, 'waymark.yaml')
        with open(conf, 'w') as f:
            f.write(re.sub('@([A-Z]+)@', lambda m: words.get(m.group(1), m.group(0)), text))
        self.start('waymarkd', [os.path.join(self.build, 'waymarkd'), '-c', conf], 'waymarkd.log')

    def wait(self, what, seconds, test):
        """Waits for a condition, never for a time."""
        began = time.monotonic()
        while True:
            for name, child in self.children.items():
                if child.poll() is not None:
                    log = name + '.log'
                    raise Failed('%s ended with %s:\n%s' % (name, child.returncode, self.log_tail(log)))
            if test():
                return time.monotonic() - began
            if time.monotonic() - began > seconds:
                raise Failed('%s: not within %g s\n%s' % (what, seconds, self.log_tail('waymarkd.log')))
            time.sleep(0.02)

    def healthy(self):
        try:
            status = json.loads(self.run(self.cli('status', '--json'), show=False))
        except (Failed, ValueError):
            return False
        return all(s['ipv4'] == 'up' for s in status['streamers'])

    def stop(self):
        for name in ['waymarkd'] + list(STREAMERS):
            child = self.children.pop(name, None)
            if not child or child.poll() is not None:
                continue
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        shutil.rmtree(self.state, ignore_errors=True)

    # ---- asking --------------------------------------------------------------------------------------------------
    def cli(self, *words):
        return [os.path.join(self.build, 'waymark'), '--admin', '127.0.0.1:%d' % self.ports['ADMIN']] + list(words)

    def run(self, argv, show=True):
        if show:
            print('$ ' + ' '.join(os.path.basename(a) if a.startswith(self.build) else a for a in argv), flush=True)
        done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
        if done.returncode:
            raise Failed('%s: exit %d: %s' % (' '.join(argv), done.returncode, done.stderr.strip()))
        return done.stdout

    def expect(self, what, got, wanted):
        if got != wanted:
            raise Failed('%s: got %s, wanted %s' % (what, got, wanted))
        print('  -> %s: %s' % (what, got), flush=True)

    def streamer_at(self, address):
        return {v: k for k, v in STREAMERS.items()}.get(address, address)

    def redirect(self, client, show=True):
        out = self.run(['curl', '-sI', '--max-time', '5', '-H', 'X-Forwarded-For: ' + client, '--resolve',
                        '%s:%d:127.0.0.1' % (HOST, self.ports['HTTP']),
                        'http://%s:%d%s' % (HOST, self.ports['HTTP'], PATH)], show)
        head = out.replace('\r', '').strip().split('\n')
        if show:
            print('\n'.join('  ' + line for line in head), flush=True)
        if ' 302 ' not in head[0] + ' ':
            return head[0]
        location = next((line.split(': ', 1)[1] for line in head if line.lower().startswith('location: ')), '')
        url = urllib.parse.urlsplit(location)
        if url.path != PATH:
            raise Failed('the redirect lost the path: ' + location)
        return self.streamer_at(url.hostname)

    def resolve(self, client, show=True):
        out = self.run(['dig', '@127.0.0.1', '-p', str(self.ports['DNS']), HOST, 'A', '+subnet=%s/24' % client,
                        '+tries=1', '+timeout=2', '+noall', '+answer', '+comments'], show)
        lines = [x for x in out.split('\n') if 'IN\tA' in x or 'CLIENT-SUBNET' in x or 'status:' in x]
        if show:
            print('\n'.join('  ' + line for line in lines), flush=True)
        addresses = [x.split('\t')[-1].split()[-1] for x in lines if 'IN\tA' in x]
        return self.streamer_at(addresses[0]) if addresses else 'nobody'

    def announce(self, client, port, left=1000):
        """One BitTorrent announce over HTTP; the answer's compact peers as (address, port), in order."""
        query = urllib.parse.urlencode({'info_hash': b'waymark demo torrent', 'peer_id': b'-WM0001-%012d' % port,
                                        'port': port, 'uploaded': 0, 'downloaded': 0, 'left': left, 'compact': 1,
                                        'event': 'started', 'numwant': 10})
        req = urllib.request.Request('http://127.0.0.1:%d/announce?%s' % (self.ports['HTTP'], query),
                                     headers={'X-Forwarded-For': client})
        with urllib.request.urlopen(req, timeout=5) as answer:
            body = answer.read()
        found = re.search(rb'5:peers(\d+):', body)
        if not found:
            raise Failed('the tracker answered %r' % body)
        raw = body[found.end():found.end() + int(found.group(1))]
        return [(socket.inet_ntoa(raw[i:i + 4]), int.from_bytes(raw[i + 4:i + 6], 'big'))
                for i in range(0, len(raw), 6)]

    # ---- the show ------------------------------------------------------------------------------------------------
    def show_clients(self):
        for country, client, near in CLIENTS:
            self.say('A client in %s (%s) asks over HTTP and DNS' % (country, client))
            self.expect('redirected to', self.redirect(client), near)
            self.expect('first address', self.resolve(client), near)

    def show_tracker(self):
        self.say('Six peers in three countries announce one torrent; who asks is given the near ones first')
        peers = {'Portugal': ['193.136.192.10', '193.136.192.11'], 'Greece': ['147.102.222.10', '147.102.222.11'],
                 'Finland': ['128.214.4.10', '128.214.4.11']}
        port = 7000
        for addresses in peers.values():
            for address in addresses:
                port += 1
                self.announce(address, port)
        for country, client in (('Portugal', '193.136.192.20'), ('Greece', '147.102.222.20'),
                                ('Finland', '128.214.4.20')):
            got = [a for a, _ in self.announce(client, 7100 + len(country))]
            print('  a peer in %s (%s) is given: %s' % (country, client, ', '.join(got)))
            self.expect('its own country first', sorted(got[:2]), sorted(peers[country]))

    def show_explain(self):
        self.say('Why? The decision for the client in Portugal')
        print(self.run(self.cli('explain', CLIENTS[0][1], 'http://%s%s' % (HOST, PATH))), flush=True)

    def show_failure(self):
        client = CLIENTS[0][1]
        self.say('The streamer in Madrid dies (kill -9); clients move as soon as the health check sees it')
        child = self.children.pop('madrid')
        child.kill()
        child.wait()
        took = self.wait('redirects move', FAILOVER_S, lambda: self.redirect(client, False) != 'madrid')
        self.expect('redirected to', self.redirect(client), NEXT_OF_MADRID)
        self.expect('first address', self.resolve(client), NEXT_OF_MADRID)
        print('  moved after %.1f s' % took)
        self.say('It comes back, and so do its clients')
        self.start_streamer('madrid')
        took = self.wait('redirects return', FAILOVER_S, lambda: self.redirect(client, False) == 'madrid')
        print('  returned after %.1f s' % took, flush=True)

    def play(self):
        self.say('Starting four streamers (nginx) and waymarkd')
        for name in STREAMERS:
            self.start_streamer(name)
        self.start_daemon()
        self.wait('all streamers are up', 15, self.healthy)
        print(self.run(self.cli('status')), flush=True)
        self.show_clients()
        self.show_tracker()
        self.show_explain()
        self.show_failure()

    def stay(self):
        self.say('Everything stays up until Ctrl-C. Try it:')
        print("""  curl -I -H 'X-Forwarded-For: 130.59.1.1' -H 'Host: %s' http://127.0.0.1:%d%s
  dig @127.0.0.1 -p %d %s +subnet=130.59.1.0/24
  %s explain 130.59.1.1 http://%s%s
  %s status
  curl http://127.0.0.1:%d/metrics
Access log: %s/access.log""" % (HOST, self.ports['HTTP'], PATH, self.ports['DNS'], HOST,
                               os.path.relpath(os.path.join(self.build, 'waymark')), HOST, PATH,
                               os.path.relpath(os.path.join(self.build, 'waymark')), self.ports['ADMIN'],
                               self.state), flush=True)
        while True:
            for name, child in self.children.items():
                if child.poll() is not None:
                    raise Failed('%s ended with %s:\n%s' % (name, child.returncode, self.log_tail(name + '.log')))
            time.sleep(0.5)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--check', action='store_true', help='verify unattended, on free ports, and stop')
    p.add_argument('--build', default=os.path.join(SRC, 'build/release'), help='where waymarkd and waymark are')
    a = p.parse_args()

    def leave(signo, frame):
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, leave)
    demo = Demo(os.path.abspath(a.build), a.check)
    try:
        demo.play()
        if not a.check:
            demo.stay()
        print('\ndemo: every answer is as it should be')
        return 0
    except KeyboardInterrupt:
        print('\ndemo: stopping')
        return 0 if not a.check else 1
    except (Failed, OSError, urllib.error.URLError, subprocess.TimeoutExpired) as e:
        print('\ndemo: FAILED: %s' % e, file=sys.stderr)
        return 1
    finally:
        demo.stop()


if __name__ == '__main__':
    sys.exit(main())
