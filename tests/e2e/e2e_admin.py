#!/usr/bin/env python3
# timeout: 90
"""What others than the operator ask of the admin port: reports with a token. And costs that change with the time of day:
the view of the next slot is there when it begins."""
import datetime, http.client, json, os, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from waymark_e2e import COST_MAP, Daemon, NETWORK_MAP, main, wait_for, write

TOKEN = 'a-token-of-many-characters'
CONFIG = """
listen: {http: ["127.0.0.1:0"], admin: ["127.0.0.1:0"]}
http: {trusted_proxies: [127.0.0.0/8]}
admin: {report_token_file: report.token}
maps: {network: net.json, cost: cost.json}
defaults: {probe: {type: none}}
streamers:
  - {name: west1, ipv4: 127.0.0.2, pid: west, capacity: 100, reports: true}
  - {name: east1, ipv4: 127.0.0.3, pid: east, capacity: 100}
services:
  - {name: vod, hosts: [vod.example.com]}
"""

d = Daemon(CONFIG, files={'net.json': NETWORK_MAP, 'cost.json': COST_MAP, 'report.token': TOKEN + '\n'})
os.chmod(os.path.join(d.where, 'report.token'), 0o640)
d.start()


def report(body, token=TOKEN, scheme='Bearer ', to=None, **more):
    c = http.client.HTTPConnection('127.0.0.1', (to or d).ports['admin'], timeout=10)
    headers = {'Authorization': scheme + token} if token is not None else {}
    headers.update({k.replace('_', '-'): v for k, v in more.items()})
    c.request('POST', '/report', body if isinstance(body, str) else json.dumps(body), headers)
    r = c.getresponse()
    answer = r.status, json.loads(r.read())
    c.close()
    return answer


def test_nobody_reports_without_the_token():
    good = {'streamer': 'west1', 'sessions': 1}
    for token in (None, '', TOKEN[:-1], TOKEN + 'x', 'x' * len(TOKEN), TOKEN.upper()):
        status, answer = report(good, token)
        assert status == 401 and 'report_token_file' in answer['error'], (token, status, answer)
    assert report(good, scheme='Basic ')[0] == 401
    assert d.metric('waymark_reports_total{result="denied"}') == 7
    assert d.metric('waymark_reports_total{result="ok"}') == 0
    assert d.get('/report', 'admin')[0] == 405


def test_a_report_counts():
    assert d.redirect('192.0.2.1') == '127.0.0.2'
    assert report({'streamer': 'west1', 'sessions': 99, 'capacity': 100})[0] == 200
    wait_for('a full streamer is avoided', lambda: d.redirect('192.0.2.1') == '127.0.0.3')
    assert report({'streamer': 'west1', 'sessions': 1, 'capacity': 100})[0] == 200
    wait_for('it is not any more', lambda: d.redirect('192.0.2.1') == '127.0.0.2')


def test_a_bad_report_is_refused():
    assert report({'streamer': 'nobody', 'sessions': 1})[0] == 404
    assert report({'streamer': 'east1', 'sessions': 1})[0] == 409
    assert report({'streamer': 'west1', 'sessions': -1})[0] == 400
    assert report('{"streamer"')[0] == 400
    assert report('[' * 4096)[0] == 400
    assert report(json.dumps({'streamer': 'west1', 'sessions': 1}) + ' ' * 4096)[0] == 413
    assert report({'streamer': 'west1', 'sessions': 1}, Content_Encoding='gzip')[0] == 415
    assert d.metric('waymark_reports_total{result="error"}') == 6


def test_without_a_token_reports_are_off():
    off = Daemon(CONFIG.replace('admin: {report_token_file: report.token}', '').replace(', reports: true', ''),
                 files={'net.json': NETWORK_MAP, 'cost.json': COST_MAP})
    off.start()
    for token in (None, '', TOKEN):
        status, answer = report({'streamer': 'west1', 'sessions': 1}, token, to=off)
        assert status == 403 and 'report_token_file' in answer['error'], (token, status, answer)
    assert off.metric('waymark_reports_total{result="denied"}') == 3
    assert off.stop() == 0, off.log()


def test_a_token_that_all_can_read_is_warned_of():
    os.chmod(os.path.join(d.where, 'report.token'), 0o644)
    checked = d.cli('check', d.config)
    assert 'warning: admin.report_token_file' in checked.stderr and 'chmod' in checked.stderr, checked
    write(os.path.join(d.where, 'report.token'), 'short')
    assert 'has no token' in d.cli('check', d.config, ok=False).stderr


def test_the_next_slot_of_a_calendar_is_taken_when_it_begins():
    # Two slots, the first of which ends in some seconds: west is near in the one, east in the other.
    end = int(time.time()) + 4
    start = datetime.datetime.fromtimestamp(end - 3600, datetime.timezone.utc)
    cost = json.loads(json.dumps(COST_MAP))
    cost['meta']['calendar-response-attributes'] = [{
        'calendar-start-time': start.strftime('%a, %d %b %Y %H:%M:%S GMT'),
        'time-interval-size': 3600, 'number-of-intervals': 2}]
    cost['cost-map'] = {a: {b: [1 if b == 'west' else 50, 1 if b == 'east' else 50] for b in ('west', 'east', 'rest')}
                        for a in ('west', 'east', 'rest')}
    write(os.path.join(d.where, 'cost.json'), cost)
    wait_for('it is taken', lambda: d.status()['calendar_ends_s'] is not None, 3)
    assert d.redirect('203.0.113.1') == '127.0.0.2'
    left = d.status()['calendar_ends_s']
    assert 0 <= left <= 4, left
    wait_for('the slot ends', lambda: d.redirect('203.0.113.1') == '127.0.0.3', 8)
    assert time.time() >= end
    assert (d.status()['calendar_ends_s'] or 3600) > 3000


def test_it_stops():
    assert d.stop() == 0, d.log()


main(globals())
