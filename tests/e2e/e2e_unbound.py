#!/usr/bin/env python3
# labels: interop
# timeout: 120
"""A real resolver in between: unbound forwards client subnets to waymarkd and caches by the scopes that come back. Clients
of different PIDs get different answers through one cache, and a scope that is exact makes the cache serve neighbours."""
import os, re, shutil, subprocess, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from waymark_e2e import COST_MAP, Daemon, NETWORK_MAP, SLOW, folder, main, wait_for
import atexit, socket

UNBOUND = shutil.which('unbound') or '/usr/sbin/unbound'
if not os.path.exists(UNBOUND) or not shutil.which('dig'):
    print('SKIPPED: unbound and dig are needed (./dev test installs them)')
    sys.exit(77)

CONFIG = '''
workers: 1
listen: {dns: ["127.0.0.1:0"], admin: ["127.0.0.1:0"]}
maps: {network: net.json, cost: cost.json, default_pid: rest}
dns: {zones: [{name: example.com, ns: [{name: ns1.example.com, ipv4: 127.0.0.1}], soa: {rname: h.example.com}}]}
defaults: {probe: {type: none}}
streamers:
  - {name: west1, ipv4: 192.0.2.80, http_port: 80, pid: west}
  - {name: east1, ipv4: 198.51.100.80, http_port: 80, pid: east}
services: [{name: vod, hosts: [vod.example.com], dns: {ttl: 300s, answers: 1}}]
'''
d = Daemon(CONFIG, files={'net.json': NETWORK_MAP, 'cost.json': COST_MAP}).start()


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


PORT, where = free_port(), folder()
with open(os.path.join(where, 'unbound.conf'), 'w') as f:
    f.write('''server:
  interface: 127.0.0.1
  port: %d
  do-daemonize: no
  use-syslog: no
  logfile: ""
  username: ""
  chroot: ""
  directory: "%s"
  pidfile: "%s/pid"
  num-threads: 1
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  module-config: "subnetcache iterator"
  send-client-subnet: 127.0.0.1
  client-subnet-always-forward: yes
stub-zone:
  name: "example.com"
  stub-addr: 127.0.0.1@%d
remote-control:
  control-enable: no
''' % (PORT, where, where, d.ports['dns-udp']))
log = open(os.path.join(where, 'log'), 'wb')
unbound = subprocess.Popen([UNBOUND, '-d', '-c', os.path.join(where, 'unbound.conf')], stdout=log, stderr=log,
                           stdin=subprocess.DEVNULL)


def end():
    unbound.terminate()
    unbound.wait(20)


atexit.register(end)


def dig(subnet, *words):
    """(addresses, scope) as a client of the resolver sees them."""
    out = subprocess.run(['dig', '@127.0.0.1', '-p', str(PORT), 'vod.example.com', 'A', '+subnet=' + subnet, '+tries=1',
                          '+timeout=%d' % (5 * SLOW), *words], capture_output=True, text=True, check=False).stdout
    scope = re.search(r'CLIENT-SUBNET: \S+/\d+/(\d+)', out)
    return re.findall(r'IN\s+A\s+([0-9]\S+)', out), int(scope.group(1)) if scope else None


def asked():
    return d.metric('waymark_dns_queries_total{transport="udp"}')


def test_each_side_is_sent_to_its_own():
    wait_for('the resolver answers', lambda: dig('192.0.2.0/24')[0], 20)
    assert dig('192.0.2.0/24')[0] == ['192.0.2.80']
    assert dig('198.51.100.0/24')[0] == ['198.51.100.80']
    assert dig('192.0.2.0/24')[0] == ['192.0.2.80']


def test_the_cache_serves_those_in_the_scope():
    dig('198.51.100.0/24')
    before = asked()
    for _ in range(5):
        assert dig('198.51.100.0/24')[0] == ['198.51.100.80']
        assert dig('192.0.2.0/24')[0] == ['192.0.2.80']
    assert asked() == before, (before, asked())


def test_the_cache_does_not_serve_the_neighbours():
    before = asked()
    assert dig('198.51.101.0/24')[0]        # in PID rest: the /24 beside east's
    assert asked() == before + 1
    assert dig('198.51.100.0/24')[0] == ['198.51.100.80']


main(globals())
