#!/usr/bin/env python3
# timeout: 120
"""Geography, advertisements and maps behind links are read again when they change, each kind for itself; a bad one
leaves the last good one, and says so."""
import json, os, shutil, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from waymark_e2e import COST_MAP, Daemon, NETWORK_MAP, SRC, main, wait_for, write

MMDB = os.path.join(SRC, 'tests/data/mmdb')


def advertisement(*prefixes):
    return {'capabilities': [{'capability-type': 'FCI.DeliveryProtocol',
                              'capability-value': {'delivery-protocols': ['http/1.1', 'https/1.1']},
                              'footprints': [{'footprint-type': 'ipv4cidr', 'footprint-value': list(prefixes)}]}]}


CONFIG = """
listen: {http: ["127.0.0.1:0"], admin: ["127.0.0.1:0"]}
http: {trusted_proxies: [127.0.0.0/8]}
maps: {network: maps/net.json, cost: maps/cost.json, cost_maps: [maps/delay.json]}
geo:
  databases: [country.mmdb]
defaults: {probe: {type: none}}
streamers:
  - {name: home, ipv4: 127.0.0.2, pid: west, footprints: [{type: ipv4cidr, values: [192.0.2.0/24]}]}
  - {name: british, ipv4: 127.0.0.3, pid: west, footprints: [{type: countrycode, values: [GB]}]}
downstreams:
  - {name: partner, advertisement: partner.json, http_host: partner.example.net, cost: 5}
services:
  - name: vod
    hosts: [vod.example.com]
    costs: [{metric: routingcost}, {metric: delay-ow, weight: 0.5}]
    downstreams: [partner]
    admit: {deny: {prefixes: [192.0.2.128/25]}}
    bypass: {http_url: 'http://origin.example.net{path}{query}'}
"""


def maps_folder(where, name, tag='v1'):
    os.makedirs(os.path.join(where, name))
    net, cost = json.loads(json.dumps(NETWORK_MAP)), json.loads(json.dumps(COST_MAP))
    net['meta']['vtag']['tag'] = tag
    cost['meta']['dependent-vtags'][0]['tag'] = tag
    write(os.path.join(where, name, 'net.json'), net)
    write(os.path.join(where, name, 'cost.json'), cost)
    cost['meta']['cost-type']['cost-metric'] = 'delay-ow'
    write(os.path.join(where, name, 'delay.json'), cost)


d = Daemon(CONFIG, files={'partner.json': advertisement('198.51.100.0/24')})
# As Kubernetes mounts a ConfigMap: maps/net.json -> ..data/net.json, ..data -> ..first.
os.makedirs(os.path.join(d.where, 'maps'))
maps_folder(d.where, 'maps/..first')
os.symlink('..first', os.path.join(d.where, 'maps/..data'))
for name in ('net.json', 'cost.json', 'delay.json'):
    os.symlink('..data/' + name, os.path.join(d.where, 'maps', name))
shutil.copy(os.path.join(MMDB, 'GeoLite2-Country-Test.mmdb'), os.path.join(d.where, 'country.mmdb'))
d.start()

BRITON = '2.125.160.217'    # GB in the test data


def source(kind):
    return d.status()['sources'][kind]


def test_each_source_is_shown():
    sources = d.status()['sources']
    assert sources['network_map']['tag'] == 'v1' and sources['cost_maps'][0]['metric'] == 'delay-ow', sources
    assert sources['geo']['places'] > 2 and sources['advertisements'][0]['footprints'] == 1, sources
    text = d.cli('status').stdout
    assert 'places' in text and 'footprints' in text, text


def test_clients_go_where_the_footprints_say():
    assert d.redirect('192.0.2.1') == '127.0.0.2'
    assert d.redirect(BRITON) == '127.0.0.3'
    assert d.redirect('198.51.100.1') == 'partner.example.net'
    assert d.redirect('203.0.113.1') == 'origin.example.net'


def explained(client):
    doc = json.loads(d.cli('explain', client, 'http://vod.example.com/film/a.ts', '--json').stdout)
    return doc['route']


def test_explain_says_who_serves():
    assert explained('192.0.2.1') == {'to': 'streamers', 'why': None, 'downstream': None}
    assert explained('198.51.100.1')['to'] == 'downstream' and explained('198.51.100.1')['downstream'] == 'partner'
    assert explained('203.0.113.1')['to'] == 'bypass' and explained('203.0.113.1')['why']
    assert explained(BRITON.rsplit('.', 1)[0] + '.217')['to'] == 'streamers'
    denied = explained('192.0.2.200')
    assert denied['to'] == 'denied' and denied['why'], denied
    assert d.redirect('192.0.2.200') == 403
    assert 'denied' in d.cli('explain', '192.0.2.200', '--service', 'vod').stdout


def test_an_advertisement_is_read_again():
    write(os.path.join(d.where, 'partner.json'), advertisement('203.0.113.0/24'))
    wait_for('it is taken', lambda: d.redirect('203.0.113.1') == 'partner.example.net')
    assert d.redirect('198.51.100.1') == 'origin.example.net'


def test_a_bad_advertisement_leaves_the_last_good_one():
    serial = d.status()['serial']
    write(os.path.join(d.where, 'partner.json'), '{"capabilities": [{"capability-type": 7}]}')
    wait_for('it is refused', lambda: source('advertisements')[0]['error'])
    assert d.redirect('203.0.113.1') == 'partner.example.net' and d.status()['serial'] == serial
    write(os.path.join(d.where, 'partner.json'), advertisement('203.0.113.0/24'))
    wait_for('a good one is taken', lambda: not source('advertisements')[0]['error'])


def test_a_database_is_read_again():
    loads = d.metric('waymark_geo_loads_total')
    bad = os.path.join(d.where, 'country.mmdb.new')
    shutil.copy(os.path.join(MMDB, 'GeoIP2-City-Test-Invalid-Node-Count.mmdb'), bad)
    os.rename(bad, os.path.join(d.where, 'country.mmdb'))
    wait_for('it is refused', lambda: source('geo')['error'])
    assert d.redirect(BRITON) == '127.0.0.3'
    # Other kinds are taken meanwhile.
    write(os.path.join(d.where, 'partner.json'), advertisement('198.51.100.0/24'))
    wait_for('it is taken', lambda: d.redirect('198.51.100.1') == 'partner.example.net')
    shutil.copy(os.path.join(MMDB, 'GeoLite2-City-Test.mmdb'), bad)
    os.rename(bad, os.path.join(d.where, 'country.mmdb'))
    wait_for('a good one is taken', lambda: not source('geo')['error'])
    assert d.metric('waymark_geo_loads_total') > loads
    assert d.redirect(BRITON) == '127.0.0.3'


def test_a_folder_that_a_link_is_moved_to_is_read():
    maps_folder(d.where, 'maps/..second', 'v2')
    os.symlink('..second', os.path.join(d.where, 'maps/..tmp'))
    os.rename(os.path.join(d.where, 'maps/..tmp'), os.path.join(d.where, 'maps/..data'))
    wait_for('it is taken', lambda: source('network_map')['tag'] == 'v2')
    shutil.rmtree(os.path.join(d.where, 'maps/..first'))
    maps_folder(d.where, 'maps/..third', 'v3')
    os.symlink('..third', os.path.join(d.where, 'maps/..tmp'))
    os.rename(os.path.join(d.where, 'maps/..tmp'), os.path.join(d.where, 'maps/..data'))
    wait_for('so is the next', lambda: source('network_map')['tag'] == 'v3')
    write(os.path.join(d.where, 'maps/..third/cost.json'), '{}')
    wait_for('a file in it is watched too', lambda: source('cost_map')['error'])


def test_it_stops():
    assert d.stop() == 0, d.log()


main(globals())
