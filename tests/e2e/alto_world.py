"""A daemon that publishes all that its ALTO server can: what the tests of the command line's ALTO client ask."""
import time
from email.utils import formatdate
from waymark_e2e import COST_MAP, Daemon, NETWORK_MAP

CONFIG = """
listen: {http: ["127.0.0.1:0"], dns: ["127.0.0.1:0"], admin: ["127.0.0.1:0"]}
maps: {network: net.json, cost: cost.json, default_pid: rest}
alto:
  path: /alto
  keep_alive: 1s
  streamers_id: streamers
  cdni_id: cdni
  facts_every: 1s
  networks:
    - {id: alt, map: alt.json, costs: [alt-cost.json, alt-delay.json, alt-calendar.json]}
  properties:
    - {id: inventory, map: props.json}
  cdni:
    - {id: partner, advertisement: cdni.json}
  paths:
    - {id: path, cost_map: path.json, properties: ane.json}
%(more)s
defaults: {probe: {type: none}}
streamers:
  - {name: home, ipv4: 127.0.0.2, pid: west, capacity: 100}
  - {name: away, ipv4: 127.0.0.3, pid: east, capacity: 100}
services:
  - {name: vod, hosts: [vod.example.com]}
"""
VTAG = {'resource-id': 'alt', 'tag': 'a1'}


def costs(metric, factor, calendar=None):
    meta = {'dependent-vtags': [VTAG], 'cost-type': {'cost-mode': 'numerical', 'cost-metric': metric}}
    rows = {'A': {'A': 1, 'B': 7, 'C': 9}, 'B': {'A': 7, 'B': 1}, 'C': {'A': 9, 'C': 1}}
    if metric == 'routingcost':
        rows['B']['C'] = 12.5
    if calendar:
        meta['calendar-response-attributes'] = [
            {'calendar-start-time': formatdate(time.time() // 3600 * 3600, usegmt=True), 'time-interval-size': 3600,
             'number-of-intervals': calendar, 'repeated': 4}]
    one = (lambda v: [v * factor + k for k in range(calendar)]) if calendar else (lambda v: v * factor)
    return {'meta': meta, 'cost-map': {s: {d: one(v) for d, v in row.items()} for s, row in rows.items()}}


FILES = {
    'net.json': NETWORK_MAP, 'cost.json': COST_MAP,
    'alt.json': {'meta': {'vtag': VTAG},
                 'network-map': {'A': {'ipv4': ['192.0.2.0/24'], 'ipv6': ['2001:db8:1::/48']},
                                 'B': {'ipv4': ['198.51.100.0/24']},
                                 'C': {'ipv4': ['0.0.0.0/0'], 'ipv6': ['::/0']}}},
    'alt-cost.json': costs('routingcost', 1), 'alt-delay.json': costs('delay-ow', 1000),
    'alt-calendar.json': costs('hopcount', 2, 4),
    'props.json': {'meta': {}, 'property-map': {
        'ipv4:192.0.2.0/24': {'.access': 'fibre', '.isp': 'one'}, 'ipv4:192.0.2.0/28': {'.access': 'dsl'},
        'ipv6:2001:db8:1::/48': {'.access': 'fibre'}}},
    'cdni.json': {'meta': {}, 'cdni-advertisement': {'capabilities-with-footprints': [
        {'capability-type': 'FCI.DeliveryProtocol', 'capability-value': {'delivery-protocols': ['http/1.1', 'https/1.1']},
         'footprints': [{'footprint-type': 'ipv4cidr', 'footprint-value': ['192.0.2.0/24']}]},
        {'capability-type': 'FCI.AcquisitionProtocol', 'capability-value': {'acquisition-protocols': ['https/1.1']}}]}},
    'path.json': {'meta': {'dependent-vtags': [{'resource-id': 'net', 'tag': 'v1'}],
                           'cost-type': {'cost-mode': 'array', 'cost-metric': 'ane-path'}},
                  'cost-map': {'west': {'east': ['L1', 'L2'], 'rest': ['L1']}, 'east': {'west': ['L2', 'L1']}}},
    'ane.json': {'meta': {}, 'property-map': {'.ane:L1': {'max-reservable-bandwidth': 1000000000},
                                              '.ane:L2': {'max-reservable-bandwidth': 5000000000}}},
}


def start(more='', **files):
    return Daemon(CONFIG % {'more': more}, files={**FILES, **files}).start()
