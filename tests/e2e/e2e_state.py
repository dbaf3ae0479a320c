#!/usr/bin/env python3
# timeout: 240
"""What survives: admin states and what is popular come back, also after SIGKILL at any moment under load, and the state
file is whole at any time. What is asked for most is shown."""
import json, os, random, signal, subprocess, sys, threading, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from waymark_e2e import BIN, Daemon, SANITIZED, Streamer, main, wait_for
import http.client

SEED = int(os.environ.get('WAYMARK_SEED', time.time_ns() & 0xffffffff))
random.seed(SEED)
print('seed %d' % SEED)
KILLS = 6 if SANITIZED else 30
STREAMERS = [Streamer('127.0.0.2'), Streamer('127.0.0.3'), Streamer('127.0.0.4')]


def config(where):
    state = os.path.join(where, 'state')
    os.makedirs(state, exist_ok=True)
    return """
workers: 2
listen: {http: ["127.0.0.1:0"], admin: ["127.0.0.1:0"]}
http: {trusted_proxies: [127.0.0.0/8]}
state_directory: state
memory: {caches: 4 MiB, popular_half_life: 30s}
defaults:
  probe: {interval: 300ms, timeout: 250ms, dwell: 0s}
  policy: {count_window: 0s}
streamers:
%s
services:
  - {name: vod, hosts: [vod.example.com]}
  - {name: live, hosts: [live.example.com]}
""" % '\n'.join('  - {name: s%d, ipv4: %s, http_port: %d, capacity: 100000}' % (i, s.address, s.port)
                for i, s in enumerate(STREAMERS))


class Load(threading.Thread):
    """Asks without end, whatever happens to the daemon."""

    def __init__(self, port_of):
        super().__init__(daemon=True)
        self.port_of, self.answers, self.ended = port_of, 0, False

    def run(self):
        n = 0
        while not self.ended:
            try:
                c = http.client.HTTPConnection('127.0.0.1', self.port_of(), timeout=2)
                for _ in range(200):
                    if self.ended:
                        break
                    n += 1
                    path = '/hot/a.ts' if n % 3 else '/f%d/a.ts' % random.randrange(500)
                    c.request('GET', path, headers={'Host': 'vod.example.com',
                                                    'X-Forwarded-For': '192.0.2.%d' % (n % 250)})
                    c.getresponse().read()
                    self.answers += 1
            except (OSError, http.client.HTTPException, KeyError, IndexError):
                time.sleep(0.01)


def restarted(d):
    """The log of a run begins anew, so that ports are those of this run."""
    if os.path.exists(d.log_path):
        os.rename(d.log_path, d.log_path + '.old')
    return d.start()


def test_state_survives_kills_at_any_moment():
    d = Daemon('')
    with open(d.config, 'w') as f:
        f.write(config(d.where))
    d.start()
    wait_for('all are up', lambda: all(s['ipv4'] == 'up' for s in d.status()['streamers']))
    d.cli('streamers', 'drain', 's1')
    path = os.path.join(d.where, 'state/state.json')
    wait_for('it is written', lambda: os.path.exists(path) and '"drain"' in open(path).read())
    loads = [Load(lambda: d.ports['http']) for _ in range(2)]
    for t in loads:
        t.start()
    for i in range(KILLS):
        time.sleep(random.uniform(0.02, 0.7))
        d.process.kill()
        d.process.wait()
        with open(path) as f:
            state = json.load(f)     # whole, whenever it was
        assert {s['name']: s['admin'] for s in state['streamers']}['s1'] == 'drain', (i, state)
        assert abs(state['wall_ms'] / 1000 - time.time()) < 60, (i, state['wall_ms'])  # the first one, too
        restarted(d)
        assert d.logged('event=state.restored') == 1, d.log()
        assert not d.logged('event=state.refused'), d.log()
        assert d.streamer('s1')['admin'] == 'drain', (i, d.status())
        assert d.streamer('s0')['admin'] == 'up'
    for t in loads:
        t.ended = True
    for t in loads:
        t.join(10)
    assert sum(t.answers for t in loads) > 100, [t.answers for t in loads]
    assert not os.path.exists(path + '.bad')
    assert d.stop() == 0, d.log()


def test_an_order_is_kept_at_once():
    d = Daemon('')
    with open(d.config, 'w') as f:
        f.write(config(d.where))
    d.start()
    path = os.path.join(d.where, 'state/state.json')
    d.cli('streamers', 'down', 's2')
    wait_for('it is written', lambda: os.path.exists(path) and '"down"' in open(path).read(), 1.5)
    d.process.kill()
    d.process.wait()
    restarted(d)
    assert d.streamer('s2')['admin'] == 'down'
    d.cli('streamers', 'up', 's2')
    assert d.stop() == 0
    restarted(d)
    assert d.streamer('s2')['admin'] == 'up'
    assert d.stop() == 0


def test_who_was_down_serves_nobody_behind_a_restart():
    d = Daemon('')
    with open(d.config, 'w') as f:
        f.write(config(d.where))
    d.start()
    path = os.path.join(d.where, 'state/state.json')
    STREAMERS[2].stop()
    wait_for('it is down', lambda: d.streamer('s2')['ipv4'] == 'down')
    wait_for('it is written', lambda: os.path.exists(path) and
             {s['name']: s['ipv4'] for s in json.load(open(path))['streamers']}['s2'] == 'down')
    d.process.kill()
    d.process.wait()
    restarted(d)
    assert d.streamer('s2')['ipv4'] == 'down', d.status()
    wait_for('it is probed', lambda: d.metric('waymark_probes_total{result="bad"}') >= 1)
    assert d.streamer('s2')['ipv4'] == 'down', d.status()
    assert not d.logged('event=streamer.down'), d.log()    # it was so all the time
    STREAMERS[2].start()
    wait_for('it is up', lambda: d.streamer('s2')['ipv4'] == 'up')
    assert d.stop() == 0


def test_a_damaged_state_is_put_aside():
    d = Daemon('')
    with open(d.config, 'w') as f:
        f.write(config(d.where))
    path = os.path.join(d.where, 'state/state.json')
    with open(path, 'w') as f:
        f.write('{"waymark-state": 1, "wall_ms": ')
    d.start()
    assert d.logged('event=state.refused') == 1, d.log()
    assert os.path.exists(path + '.bad')
    assert d.status()['state_file']['directory'].endswith('/state')
    assert d.stop() == 0


def ask(d, path, host, times):
    c = http.client.HTTPConnection('127.0.0.1', d.ports['http'], timeout=10)
    for i in range(times):
        c.request('GET', path, headers={'Host': host, 'X-Forwarded-For': '192.0.2.%d' % (i % 250)})
        c.getresponse().read()
    c.close()


def test_top_shows_what_is_asked_for_most():
    d = Daemon('')
    with open(d.config, 'w') as f:
        f.write(config(d.where))
    d.start()
    ask(d, '/hot/seg1.ts', 'vod.example.com', 200)
    ask(d, '/warm/seg1.ts', 'vod.example.com', 50)
    ask(d, '/cold/seg1.ts', 'vod.example.com', 3)
    ask(d, '/other/seg1.ts', 'live.example.com', 100)

    def top(*words):
        return [r['key'] for r in json.loads(d.cli('top', *words, '--json').stdout)['top']]
    wait_for('all is counted', lambda: len(top()) == 4)
    assert top() == ['/hot/', '/other/', '/warm/', '/cold/'], top()
    assert top('-n', '1') == ['/hot/']
    assert top('--service', 'vod') == ['/hot/', '/warm/', '/cold/']
    lines = d.cli('top').stdout.split('\n')
    assert 'sessions/s' in lines[0] and '/hot/' in lines[1] and 'vod' in lines[1], lines
    assert 'no service' in d.cli('top', '--service', 'nobody', ok=False).stderr
    assert d.get('/top?n=0', 'admin')[0] == 400
    # A service that goes takes its contents along; those of the others stay, though their numbers change.
    with open(d.config) as f:
        text = f.read()
    with open(d.config, 'w') as f:
        f.write(text.replace('  - {name: live, hosts: [live.example.com]}\n',
                             '  - {name: all, hosts: [a.example.com]}\n'))
    d.cli('reload')
    assert top() == ['/hot/', '/warm/', '/cold/'], top()
    ask(d, '/hot/seg1.ts', 'vod.example.com', 5)
    # ... and it is known after a restart.
    assert d.stop() == 0
    restarted(d)
    assert top() == ['/hot/', '/warm/', '/cold/'], top()
    assert d.status()['memory']['cache_bytes'] > 1 << 20
    assert d.stop() == 0


main(globals())
