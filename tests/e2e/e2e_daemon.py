#!/usr/bin/env python3
# timeout: 240
"""The daemon as its operator meets it: start, health, maps that change, reloads good and bad, drain, stop."""
import json, os, pwd, re, signal, socket, subprocess, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from waymark_e2e import BIN, COST_MAP, Daemon, NETWORK_MAP, Streamer, main, wait_for, write

CONFIG = '''
workers: 2
access_log: {to: ./access.log, format: json}
listen: {http: ["127.0.0.1:0"], dns: ["127.0.0.1:0"], tracker_udp: ["127.0.0.1:0"], admin: ["127.0.0.1:0"]}
maps: {network: net.json, cost: cost.json, default_pid: rest}
http: {trusted_proxies: ["127.0.0.0/8"]}
dns:
  zones: [{name: example.com, ns: [{name: ns1.example.com, ipv4: 127.0.0.1}], soa: {rname: hostmaster.example.com}}]
defaults: {probe: {type: http, interval: 200ms, timeout: 150ms, up_after: 2, down_after: 2}}
streamers:
  - {name: west1, ipv4: 127.0.0.2, http_port: %(west)d, pid: west, capacity: 1000}
  - {name: east1, ipv4: 127.0.0.3, http_port: %(east)d, pid: east, capacity: 1000}
services:
  - {name: vod, hosts: [vod.example.com], dns: {ttl: 10s, answers: 1}}
'''
west, east = Streamer('127.0.0.2'), Streamer('127.0.0.3')
good = CONFIG % {'west': west.port, 'east': east.port}
d = Daemon(good, files={'net.json': NETWORK_MAP, 'cost.json': COST_MAP}).start()


def both_up():
    return all(s['ipv4'] == 'up' for s in d.status()['streamers'])


def test_sends_each_client_to_its_side():
    wait_for('both streamers are up', both_up)
    assert d.redirect('192.0.2.7') == '127.0.0.2'
    assert d.redirect('198.51.100.7') == '127.0.0.3'


def test_moves_when_a_streamer_fails_and_back():
    west.stop()
    wait_for('clients move', lambda: d.redirect('192.0.2.7') == '127.0.0.3')
    assert d.streamer('west1')['ipv4'] == 'down'
    assert d.metric('waymark_streamer_up{streamer="west1",family="ipv4"}') == 0
    west.start()
    wait_for('clients return', lambda: d.redirect('192.0.2.7') == '127.0.0.2')


def test_a_bad_status_is_down_too():
    east.status = 500
    wait_for('clients move', lambda: d.redirect('198.51.100.7') == '127.0.0.2')
    east.status = 200
    wait_for('clients return', lambda: d.redirect('198.51.100.7') == '127.0.0.3')


def test_with_nobody_healthy_still_answers():
    west.status = east.status = 500
    wait_for('both are down', lambda: all(s['ipv4'] == 'down' for s in d.status()['streamers']))
    assert d.redirect('192.0.2.7') == '127.0.0.2'
    west.status = east.status = 200
    wait_for('both are up', both_up)


def test_a_new_cost_map_is_seen_and_taken():
    serial = d.status()['serial']
    swapped = json.loads(json.dumps(COST_MAP))
    swapped['cost-map']['west'] = {'west': 10, 'east': 1, 'rest': 20}
    write(os.path.join(d.where, 'cost.json'), swapped)
    wait_for('a new view', lambda: d.status()['serial'] > serial)
    wait_for('the answer follows', lambda: d.redirect('192.0.2.7') == '127.0.0.3')
    write(os.path.join(d.where, 'cost.json'), COST_MAP)
    wait_for('the answer returns', lambda: d.redirect('192.0.2.7') == '127.0.0.2')


def test_a_map_that_never_rests_is_taken():
    serial, end = d.status()['serial'], time.monotonic() + 1.5
    while time.monotonic() < end:
        write(os.path.join(d.where, 'cost.json'), COST_MAP)
        time.sleep(0.05)
    assert d.status()['serial'] > serial
    wait_for('it rests', lambda: d.status()['error'] is None)


def test_a_bad_map_leaves_the_last_good_view():
    serial = d.status()['serial']
    write(os.path.join(d.where, 'cost.json'), '{"meta": {}, "cost-map": {"west": {"west": -1}}}')
    wait_for('it is refused', lambda: d.status()['error'])
    status = d.status()
    assert status['serial'] == serial and 'cost.json' in status['error'], status
    assert d.redirect('192.0.2.7') == '127.0.0.2'
    write(os.path.join(d.where, 'cost.json'), COST_MAP)
    wait_for('a good one is taken', lambda: d.status()['error'] is None)


def test_a_bad_configuration_keeps_what_runs():
    serial = d.status()['serial']
    write(d.config, good.replace('capacity: 1000', 'capacty: 1000'))
    d.signal(signal.SIGHUP)
    wait_for('it is refused', lambda: d.logged('event=reload.failed'))
    assert 'capacity' in d.status()['error'], d.status()['error']
    assert d.status()['serial'] == serial
    assert d.redirect('192.0.2.7') == '127.0.0.2'
    assert d.cli('reload', ok=False).returncode == 1
    assert d.metric('waymark_reloads_total{result="error"}') == 2


def test_a_good_reload_changes_services_and_keeps_health():
    write(d.config, good.replace('hosts: [vod.example.com]', 'hosts: [vod.example.com, new.example.com]'))
    assert d.redirect('192.0.2.7', host='new.example.com') == 404
    d.cli('reload')
    wait_for('the new host', lambda: d.redirect('192.0.2.7', host='new.example.com') == '127.0.0.2')
    assert both_up()


def test_a_refused_reload_leaves_the_maps_of_before():
    write(os.path.join(d.where, 'torn.json'), '{"meta": {')
    write(d.config, good.replace('cost: cost.json', 'cost: torn.json'))
    assert d.cli('reload', ok=False).returncode == 1
    assert d.status()['sources']['cost_map']['path'].endswith('/cost.json'), d.status()['sources']
    serial = d.status()['serial']
    write(os.path.join(d.where, 'cost.json'), COST_MAP)
    wait_for('its map is still followed', lambda: d.status()['serial'] > serial)
    other = json.loads(json.dumps(NETWORK_MAP).replace('"v1"', '"v2"'))
    write(os.path.join(d.where, 'net2.json'), other)
    write(d.config, good.replace('net.json, cost: cost.json', 'net2.json').replace('pid: west', 'pid: wast'))
    assert d.cli('reload', ok=False).returncode == 1
    sources = d.status()['sources']
    assert sources['network_map']['tag'] == 'v1' and sources['cost_map']['pairs'] == 9, sources
    write(d.config, good)
    d.cli('reload')


def test_refused_configurations_leave_nothing_behind():
    many = '  - {name: %s%04d, ipv4: 127.0.0.9, http_port: 80, probe: {type: none}}\n'
    front, back = good.split('  - {name: west1')[0], '\nservices:' + good.split('\nservices:')[1]
    for letter in 'ab':
        write(d.config, front + ''.join(many % (letter, i) for i in range(4094)) +
              '  - {name: west1, ipv4: 127.0.0.2, http_port: 80, hit_ratio: 99%}\n' +
              '  - {name: zz, ipv4: 127.0.0.9, http_port: 80, pid: nowhere}' + back)
        done = d.cli('reload', ok=False)
        assert 'nowhere' in done.stderr, done.stderr
    write(d.config, front + ''.join(many % ('c', i) for i in range(4096)).rstrip() + back)
    d.cli('reload')
    write(d.config, good)
    d.cli('reload')
    wait_for('both streamers are up', both_up)


def test_drain_moves_new_clients_and_undrain_brings_them_back():
    d.cli('streamers', 'down', 'west1')
    wait_for('clients move', lambda: d.redirect('192.0.2.7') == '127.0.0.3')
    d.cli('streamers', 'up', 'west1')
    wait_for('clients return', lambda: d.redirect('192.0.2.7') == '127.0.0.2')
    d.cli('streamers', 'drain', 'west1')
    assert d.streamer('west1')['admin'] == 'drain'
    d.cli('streamers', 'undrain', 'west1')
    assert d.streamer('west1')['admin'] == 'up'
    assert d.cli('streamers', 'drain', 'nobody', ok=False).returncode == 1


def test_the_admin_port_wants_its_header():
    assert d.get('/reload', 'admin', method='POST')[0] == 403
    assert d.get('/reload', 'admin')[0] == 405
    assert d.get('/healthz', 'admin')[:1] == (200,)


def test_the_command_line_speaks():
    explained = json.loads(d.cli('explain', '192.0.2.7', 'http://vod.example.com/film/x.m3u8', '--json').stdout)
    assert explained['chosen'] == 'west1' and explained['pid'] == 'west', explained
    assert explained['chosen'] == json.loads(d.cli('explain', '192.0.2.7', '--service', 'vod', '--json').stdout)['chosen']
    assert 'west1' in d.cli('explain', '192.0.2.7', 'http://vod.example.com/film/x.m3u8').stdout
    located = json.loads(d.cli('locate', '198.51.100.9', '203.0.113.1', '--json').stdout)
    assert [x['pid'] for x in located] == ['east', 'rest'] and located[0]['scope'] == 24, located
    assert 'view' in d.cli('status').stdout
    assert json.loads(d.cli('check', d.config, '--json').stdout)['ok']
    bad = write(os.path.join(d.where, 'bad.yaml'), good.replace('capacity: 1000', 'capacty: 1000', 1))
    checked = json.loads(d.cli('check', bad, '--json', ok=False).stdout)
    assert not checked['ok'] and len(checked['problems']) == 1, checked
    problem = checked['problems'][0]
    assert problem['line'] == 11 and problem['column'] > 1 and not problem['warning'], problem
    assert 'capacity' in problem['text'], problem
    lost = write(os.path.join(d.where, 'lost.yaml'), good.replace('pid: west', 'pid: wast'))
    checked = json.loads(d.cli('check', lost, '--json', ok=False).stdout)
    assert not checked['ok'] and 'wast' in checked['problems'][-1]['text'], checked
    assert 'wast' in d.cli('check', lost, ok=False).stderr
    assert len(json.loads(d.cli('streamers', '--json').stdout)) == 2
    assert json.loads(d.cli('status', '--json').stdout)['version']
    assert d.cli('nonsense', ok=False).returncode == 2


def test_explain_takes_a_url_as_http_does():
    even = json.loads(json.dumps(COST_MAP))
    even['cost-map']['rest'] = {'west': 15, 'east': 15, 'rest': 1}
    serial = d.status()['serial']
    write(os.path.join(d.where, 'cost.json'), even)
    wait_for('a new view', lambda: d.status()['serial'] > serial)
    where = {'127.0.0.2': 'west1', '127.0.0.3': 'east1'}
    for i in range(12):
        path = '/d%d/x.ts?from=/e%d/y' % (i, i)
        sent = where[d.redirect('203.0.113.1', path=path, host='VOD.Example.com')]
        for url in 'http://VOD.Example.com' + path, 'http://vod.example.com.:8080' + path:
            said = json.loads(d.cli('explain', '203.0.113.1', url, '--json').stdout)
            assert said['chosen'] == sent, (path, url, sent, said)
    serial = d.status()['serial']
    write(os.path.join(d.where, 'cost.json'), COST_MAP)
    wait_for('the map of before', lambda: d.status()['serial'] > serial)


def test_a_hangup_while_it_starts_does_not_end_it():
    other = Daemon(good, files={'net.json': NETWORK_MAP, 'cost.json': COST_MAP})
    with open(other.log_path, 'ab') as log:
        other.process = subprocess.Popen([os.path.join(BIN, 'waymarkd'), '-c', other.config], stdout=log, stderr=log,
                                         stdin=subprocess.DEVNULL, cwd=other.where)
    while not other.logged('event=view.published') and not other.ended():
        pass
    other.signal(signal.SIGHUP)
    other.signal(signal.SIGUSR1)
    wait_for('it starts', lambda: other.logged('event=started') or other.ended())
    wait_for('the reload', lambda: other.logged('event=reload.done') or other.ended())
    assert other.stop() == 0


def test_the_access_log_has_a_line_a_request():
    d.redirect('192.0.2.99', path='/log/me.ts')
    path = os.path.join(d.where, 'access.log')

    def line():
        with open(path) as f:
            return next((json.loads(x) for x in f if '/log/me.ts' in x), None)
    note = wait_for('the line', line)
    assert note['streamer'] == 'west1' and note['pid'] == 'west' and note['client'] == '192.0.2.99', note
    assert note['serial'] == d.status()['serial'] and note['why'] and 'us' in note, note
    os.rename(path, path + '.1')
    d.signal(signal.SIGUSR1)
    wait_for('the log is opened anew', lambda: os.path.exists(path))


def test_root_is_given_up():
    if os.getuid() != 0:
        print('     not root: nothing to give up')
        return
    other = Daemon('user: nobody\n' + good, files={'net.json': NETWORK_MAP, 'cost.json': COST_MAP}).start()
    with open('/proc/%d/status' % other.process.pid) as f:
        status = f.read()
    nobody = pwd.getpwnam('nobody')
    assert re.search(r'^Uid:\t%d\t%d\t%d\t%d$' % ((nobody.pw_uid,) * 4), status, re.M), status
    assert re.search(r'^Gid:\t%d\t%d\t%d\t%d$' % ((nobody.pw_gid,) * 4), status, re.M), status
    assert re.search(r'^NoNewPrivs:\t1$', status, re.M) and re.search(r'^CapEff:\t0+$', status, re.M), status
    assert other.redirect('192.0.2.7') == '127.0.0.2'
    assert other.stop() == 0


def test_a_second_daemon_on_the_same_port_is_refused():
    fixed = good.replace('http: ["127.0.0.1:0"]', 'http: ["127.0.0.1:%d"]' % d.ports['http'])
    path = write(os.path.join(d.where, 'second.yaml'), fixed)
    done = subprocess.run([os.path.join(BIN, 'waymarkd'), '-c', path], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 1 and 'another process listens there' in done.stderr, done.stderr


def test_a_second_daemon_on_the_same_udp_port_is_refused():
    fixed = good.replace('tracker_udp: ["127.0.0.1:0"]', 'tracker_udp: ["127.0.0.1:%d"]' % d.ports['tracker-udp'])
    other = Daemon(fixed, files={'net.json': NETWORK_MAP, 'cost.json': COST_MAP})
    try:
        other.start()
    except AssertionError:
        assert other.logged('another process listens there'), other.log()
    else:
        raise AssertionError('it takes half of the datagrams of the first one')


def test_another_process_may_have_the_port_of_the_other_family():
    with socket.socket() as s:
        s.bind(('0.0.0.0', 0))
        s.listen()
        try:
            with socket.socket(socket.AF_INET6) as probe:
                probe.bind(('::1', 0))
        except OSError:
            print('     no IPv6 here')
            return
        fixed = good.replace('http: ["127.0.0.1:0"]', 'http: ["[::]:%d"]' % s.getsockname()[1])
        assert Daemon(fixed, files={'net.json': NETWORK_MAP, 'cost.json': COST_MAP}).start().stop() == 0


def test_an_open_connection_is_finished_when_it_stops():
    port = d.ports['http']
    s = socket.create_connection(('127.0.0.1', port), timeout=20)
    s.sendall(b'GET /a/b HTTP/1.1\r\nHost: vod.exam')
    time.sleep(0.1)
    d.signal(signal.SIGTERM)
    wait_for('nobody listens any more', lambda: socket.socket().connect_ex(('127.0.0.1', port)) != 0)
    s.sendall(b'ple.com\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n')
    answer = b''
    while True:
        got = s.recv(4096)
        if not got:
            break
        answer += got
    assert answer.startswith(b'HTTP/1.1 302'), answer
    assert re.search(rb'(?i)\r\nconnection: close', answer), answer
    assert d.process.wait(20) == 0
    assert d.logged('event=stopped') == 1


main(globals())
