#!/usr/bin/env python3
# timeout: 120
"""The running daemon writes access logs, in both formats; `waymark replay` runs them through the configuration that made
them, which moves nothing, and through others, which move what the maps say."""
import json, os, subprocess, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from waymark_e2e import BIN, COST_MAP, Daemon, main, NETWORK_MAP, SLOW, write

CONFIG = '''
workers: 2
access_log: {to: ./access.log, format: %(format)s}
listen: {http: ["127.0.0.1:0"], admin: ["127.0.0.1:0"]}
maps: {network: net.json, cost: %(cost)s, default_pid: rest}
http: {trusted_proxies: ["127.0.0.0/8"]}
memory: {caches: 0}
defaults: {probe: {type: none}, policy: {load_weight: 0, origin_weight: 0, balance_from: 100%%}}
streamers:
  - {name: west1, ipv4: 192.0.2.80, http_port: 80, pid: west, cache_contents: 100, origin_pid: rest}
  - {name: east1, ipv4: 198.51.100.80, http_port: 80, pid: east, cache_contents: 100, origin_pid: rest}
services:
  - {name: vod, hosts: [vod.example.com], redirect: {cors: any}%(more)s}
'''
CLIENTS = 20    # of each side, five contents each
# To everybody, the east is nearer than the west.
TURNED = json.loads(json.dumps(COST_MAP))
TURNED['cost-map']['west'] = {'west': 9, 'east': 2, 'rest': 20}


def curl_load(d):
    """Forty clients, half of each side, for five contents, two pieces of each: with curl, over one connection."""
    port, lines = d.ports['http'], []
    for n in range(CLIENTS):
        for net in ('192.0.2.', '198.51.100.'):
            for content in range(5):
                for piece in ('a.ts', 'b.ts'):
                    lines += ['next', 'silent', 'output = /dev/null', 'header = "Host: vod.example.com"',
                              'header = "X-Forwarded-For: %s%d"' % (net, n + 1),
                              'url = http://127.0.0.1:%d/film%d/%s' % (port, content, piece)]
    subprocess.run(['curl', '-K', '-'], input='\n'.join(lines[1:]), text=True, check=True, timeout=60 * SLOW)
    return CLIENTS * 2 * 5 * 2


def made_log(format):
    """(daemon, how many questions): a daemon that wrote a log, and has ended."""
    d = Daemon(CONFIG % {'format': format, 'cost': 'cost.json', 'more': ''},
               files={'net.json': NETWORK_MAP, 'cost.json': COST_MAP, 'turned.json': TURNED}).start()
    sent = curl_load(d)
    # None of these is a question for a streamer: no service; a look at what is allowed.
    assert d.get('/film', headers={'Host': 'other.example.com'})[0] == 404
    assert d.get('/film', headers={'Host': 'vod.example.com', 'Origin': 'http://a', 'Access-Control-Request-Method': 'GET'},
                 method='OPTIONS')[0] in (200, 204)
    assert d.stop() == 0
    with open(d.where + '/access.log') as f:
        assert len(f.readlines()) == sent + 2
    return d, sent


def replay(d, *words, log='access.log', ok=True, stdin=None):
    done = subprocess.run([os.path.join(BIN, 'waymark'), 'replay', '--log', log] + list(words), cwd=d.where, stdin=stdin,
                          capture_output=True, text=True, timeout=60 * SLOW, check=False)
    assert (done.returncode == 0) == ok, (done.returncode, done.stderr)
    return done


def streamers(report):
    return {s['name']: (s['before']['sessions'], s['after']['sessions']) for s in report['streamers']}


LOGFMT, SENT = made_log('logfmt')
JSON, _ = made_log('json')
HALF = CLIENTS * 5      # sessions of a side: two pieces of a content are one


def test_what_made_the_log_moves_nothing():
    for d in (LOGFMT, JSON):
        r = json.loads(replay(d, '--config', 'waymark.yaml', '--json').stdout)
        assert r['log']['questions'] == SENT and r['log']['not_routed'] == 2 and r['log']['damaged'] == 0, r['log']
        assert r['moved_questions'] == 0 and r['moves'] == [], r['moves']
        assert streamers(r) == {'west1': (HALF, HALF), 'east1': (HALF, HALF)}, streamers(r)
        assert r['before']['cost'] == r['after']['cost'] == 1
        # Five contents for each cache: the first of each is a miss, at 20.
        assert r['after']['hits'] == r['before']['hits'] == 2 * (HALF - 5)
        assert r['after']['origin_cost'] == 2 * 5 * 20 / (2 * HALF)


def other(d, name, cost='cost.json', more=''):
    return write(os.path.join(d.where, name), CONFIG % {'format': 'json', 'cost': cost, 'more': more})


def test_another_cost_map():
    """The west's clients go to the east, at 2 instead of 1; its own stay."""
    for d in (LOGFMT, JSON):
        other(d, 'turned.yaml', 'turned.json')
        r = json.loads(replay(d, '--config', 'turned.yaml', '--json').stdout)
        assert streamers(r) == {'west1': (HALF, 0), 'east1': (HALF, 2 * HALF)}, streamers(r)
        assert r['moves'] == [{'from': {'kind': 'streamer', 'name': 'west1'}, 'to': {'kind': 'streamer', 'name': 'east1'},
                               'sessions': HALF, 'questions': SENT // 2}], r['moves']
        assert r['before']['cost'] == 1 and r['after']['cost'] == 1.5
        assert r['after']['hits'] == 2 * HALF - 5
        # The log does not matter but for its questions.
        r = json.loads(replay(d, '--config', 'waymark.yaml', '--old', 'turned.yaml', '--json').stdout)
        assert streamers(r) == {'west1': (0, HALF), 'east1': (2 * HALF, HALF)}, streamers(r)
        assert r['before']['config'] == 'turned.yaml' and r['moved_sessions'] == HALF


def test_who_is_denied():
    other(JSON, 'denied.yaml', more=', admit: {deny: {prefixes: [198.51.100.0/24]}}')
    r = json.loads(replay(JSON, '--config', 'denied.yaml', '--json').stdout)
    assert [(e['kind'], e['before']['sessions'], e['after']['sessions']) for e in r['elsewhere']] == [('denied', 0, HALF)]
    assert streamers(r) == {'west1': (HALF, HALF), 'east1': (HALF, 0)}


def test_the_table():
    other(LOGFMT, 'turned.yaml', 'turned.json')
    out = replay(LOGFMT, '--config', 'turned.yaml').stdout
    rows = {line.split()[0]: line.split() for line in out.split('\n\n')[1].splitlines()}
    assert rows['west1'][1:4] == [str(HALF), '0', '-100.0'], rows['west1']
    assert rows['east1'][1:4] == [str(HALF), str(2 * HALF), '+100.0'], rows['east1']
    assert rows['all'][1:4] == [str(2 * HALF), str(2 * HALF), '0'], rows['all']
    assert 'moved     %d of %d sessions (50.00 %%)' % (HALF, 2 * HALF) in out, out
    assert 'model' in out
    assert replay(LOGFMT, '--config', 'turned.yaml').stdout == out      # the same each time


def test_damaged_lines_and_standard_input():
    path = os.path.join(JSON.where, 'damaged.log')
    with open(path, 'w') as f, open(JSON.where + '/access.log') as log:
        lines = log.readlines()
        f.writelines(lines[:10] + ['{"time":"torn\n', '\x1b[31mred\n'] + lines[10:] + [lines[0][:40]])
    r = json.loads(replay(JSON, '--config', 'waymark.yaml', '--json', log='damaged.log').stdout)
    assert r['log']['damaged'] == 3 and r['log']['questions'] == SENT
    assert [d.split(' ')[0] for d in r['log']['first_damaged']] == ['damaged.log:11:', 'damaged.log:12:',
                                                                    'damaged.log:%d:' % (len(lines) + 3)]
    out = replay(JSON, '--config', 'waymark.yaml', log='damaged.log').stdout
    assert 'damaged   damaged.log:11: ' in out and '\x1b' not in out, out
    with open(path) as f:
        assert json.loads(replay(JSON, '--config', 'waymark.yaml', '--json', log='-', stdin=f).stdout)['log']['damaged'] == 3


def test_errors_say_where():
    assert 'nowhere.log' in replay(JSON, '--config', 'waymark.yaml', log='nowhere.log', ok=False).stderr
    write(os.path.join(JSON.where, 'wrong.yaml'), 'workers: many\n')
    assert replay(JSON, '--config', 'wrong.yaml', ok=False).stderr.startswith('wrong.yaml:1:')
    other(JSON, 'nomap.yaml', 'nomap.json')
    assert 'nomap' in replay(JSON, '--config', 'nomap.yaml', ok=False).stderr
    assert replay(JSON, ok=False).returncode == 2


if __name__ == '__main__':
    main(globals())
