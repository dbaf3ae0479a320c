#!/usr/bin/env python3
# timeout: 240
"""Who asks the ALTO server: HTTP Digest and client certificates, shown by curl; and what each of two upstream CDNs sees."""
import hashlib, json, os, re, subprocess, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from waymark_e2e import BIN, COST_MAP, Daemon, NETWORK_MAP, folder, main, wait_for, write

CONFIG = """
listen: {http: ["127.0.0.1:0"], https: ["127.0.0.1:0"], admin: ["127.0.0.1:0"]}
tls: {certificate: server.pem, key: server.key, client_ca: ca.pem}
maps: {network: net.json, cost: cost.json, default_pid: rest}
alto:
  path: /alto
  users_file: alto.users
  realm: cdns
  endpoint_properties: inventory
  client_groups:
    - {name: north, users: [north, "cert:cdn.north.example"]}
    - {name: south, users: [south, "cert:cdn.south.example"]}
  properties:
    - {id: inventory, map: props.json}
  cdni:
    - {id: for-north, advertisement: north.json, groups: [north]}
    - {id: for-south, advertisement: south.json, groups: [south]}
defaults: {probe: {type: none}}
streamers:
  - {name: home, ipv4: 127.0.0.2, pid: west}
services:
  - {name: vod, hosts: [vod.example.com]}
"""
JSON = 'application/alto-%s+json'
PROPS = {'meta': {}, 'property-map': {'ipv4:192.0.2.0/24': {'.access': 'fibre', 'priv:speed': '1G'},
                                      'ipv4:192.0.2.7': {'.access': 'copper'}}}


def advertisement(protocol):
    return {'meta': {}, 'cdni-advertisement': {'capabilities-with-footprints': [
        {'capability-type': 'FCI.DeliveryProtocol', 'capability-value': {'delivery-protocols': [protocol]},
         'footprints': [{'footprint-type': 'ipv4cidr', 'footprint-value': ['192.0.2.0/24']}]}]}}


def ha1(user, password, realm='cdns', kind='sha256'):
    return '%s:%s:%s\n' % (user, realm, hashlib.new(kind, ('%s:%s:%s' % (user, realm, password)).encode()).hexdigest())


def openssl(*words):
    subprocess.run(['openssl'] + list(words), check=True, capture_output=True, cwd=where)


def authority(name):
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj',
            '/CN=' + name, '-keyout', name + '.key', '-out', name + '.pem')


def certificate(ca, file, cn, *more):
    openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=' + cn,
            '-keyout', file + '.key', '-out', file + '.csr')
    openssl('x509', '-req', '-in', file + '.csr', '-CA', ca + '.pem', '-CAkey', ca + '.key', '-CAcreateserial', '-days',
            '2', '-out', file + '.pem', *more)


where = folder()
authority('ca')
authority('other')
write(os.path.join(where, 'san'), 'subjectAltName=IP:127.0.0.1')
certificate('ca', 'server', 'localhost', '-extfile', 'san')
certificate('ca', 'north', 'cdn.north.example')
certificate('ca', 'south', 'cdn.south.example')
certificate('ca', 'nobody', 'cdn.nobody.example')
certificate('other', 'forged', 'cdn.north.example')
USERS = write(os.path.join(where, 'alto.users'), ha1('north', 'n-secret') + ha1('south', 's-secret') + ha1('south', 's-secret', kind='md5'))
os.chmod(USERS, 0o640)
d = Daemon(CONFIG, where, files={'net.json': NETWORK_MAP, 'cost.json': COST_MAP, 'props.json': PROPS,
                                 'north.json': advertisement('https/1.1'), 'south.json': advertisement('http/1.1')}).start()


def curl(path, *words, user=None, cert=None, tls=False):
    """(status, headers, body) of the last answer; the status of no answer is 0."""
    words = list(words)
    if user:
        words += ['--digest', '-u', user]
    if cert:
        tls = True
        words += ['--cert', os.path.join(where, cert + '.pem'), '--key', os.path.join(where, cert + '.key')]
    url = '%s://127.0.0.1:%d' % ('https' if tls else 'http', d.ports['https' if tls else 'http'])
    done = subprocess.run(['curl', '-sS', '-i', '--max-time', '20', '--cacert', os.path.join(where, 'ca.pem')] + words +
                          [url + path],
                          capture_output=True, check=False)
    out = done.stdout.decode()
    if done.returncode:
        return 0, {}, done.stderr.decode()
    head, _, body = out[out.rindex('HTTP/1.1 '):].partition('\r\n\r\n')
    headers = dict((k.lower(), v.strip()) for k, _, v in (line.partition(':') for line in head.split('\r\n')[1:]))
    return int(head.split()[1]), headers, body


wait_for('the catalog', lambda: curl('/alto')[0] == 200)


def protocols(got):
    return json.loads(got[2])['cdni-advertisement']['capabilities-with-footprints'][0]['capability-value'][
        'delivery-protocols']


# Conformance: T-10.
def test_who_has_shown_nobody_is_asked():
    status, headers, body = curl('/alto/for-north')
    assert status == 401 and headers['content-type'] == JSON % 'error', (status, headers, body)
    assert headers['www-authenticate'].startswith('Digest ') and 'realm="cdns"' in headers['www-authenticate'], headers
    assert 'https/1.1' not in body and json.loads(body)['meta']['code'], body
    assert curl('/alto/nothing')[0] == 404
    assert curl('/alto/net')[0] == 200    # everybody's resources ask for nothing
    assert curl('/alto/for-north-filter', '-X', 'POST', '-d', '{}')[0] == 401


# Conformance: T-10, K-14.
def test_digest_with_the_right_and_the_wrong_password():
    assert protocols(curl('/alto/for-north', user='north:n-secret')) == ['https/1.1']
    assert protocols(curl('/alto/for-south', user='south:s-secret')) == ['http/1.1']
    for user in ('north:s-secret', 'north:', 'nobody:n-secret', 'south:n-secret'):
        status, headers, body = curl('/alto/for-north', user=user)
        assert status == 401 and 'https/1.1' not in body, (user, status, body)
        assert headers['content-type'] == JSON % 'error', headers
    # a wrong password is refused where none is needed, too: the asker believes that it counts
    assert curl('/alto/net', '-H', 'Authorization: Digest username="north"')[0] in (400, 401)
    assert curl('/alto/for-north', '-H', 'Authorization: Basic bm9ydGg6bi1zZWNyZXQ=')[0] == 401


# Conformance: K-14.
def test_neither_upstream_cdn_reads_what_is_the_others():
    for user, other in (('north:n-secret', '/alto/for-south'), ('south:s-secret', '/alto/for-north')):
        for path, words in ((other, ()), (other + '-filter', ('-H', 'Content-Type: ' + JSON % 'cdnifilter', '-d',
                                                              '{"cdni-capabilities": []}'))):
            status, _, body = curl(path, *words, user=user)
            assert status == 404 and 'delivery-protocols' not in body, (user, path, status, body)
    for cert, other in (('north', '/alto/for-south'), ('south', '/alto/for-north'), ('nobody', '/alto/for-north')):
        status, _, body = curl(other, cert=cert)
        assert status in (401, 404) and 'delivery-protocols' not in body, (cert, status, body)


# Conformance: T-10, K-14.
def test_client_certificates():
    assert protocols(curl('/alto/for-north', cert='north')) == ['https/1.1']
    assert protocols(curl('/alto/for-south', cert='south')) == ['http/1.1']
    assert curl('/alto/net', tls=True)[0] == 200                       # none is required
    assert curl('/alto/for-north', tls=True)[0] == 401
    assert curl('/alto/for-north', cert='forged')[0] == 0              # of another authority: no connection
    assert protocols(curl('/alto/for-north', tls=True, user='north:n-secret')) == ['https/1.1']


# Conformance: K-14, O-04.
def test_each_finds_its_own_in_the_directory():
    def ids(*words, **who):
        return {i for i in json.loads(curl(*words, **who)[2])['resources'] if i.startswith('for-')}
    north, south = {'for-north', 'for-north-filter'}, {'for-south', 'for-south-filter'}
    assert ids('/alto') == set()
    assert ids('/alto', cert='nobody') == set()
    assert ids('/alto', cert='north') == north and ids('/alto', cert='south') == south
    # the directory asks nobody who he is, unless he wishes to be asked
    assert curl('/alto?user')[0] == 401
    assert ids('/alto?user', user='north:n-secret') == north and ids('/alto?user', user='south:s-secret') == south


# Conformance: P-02, P-04, P-06.
def test_properties_of_addresses_are_those_of_the_map():
    eps = json.loads(curl('/alto')[2])['resources']['endpoint-prop']
    assert eps['capabilities']['prop-types'] == ['net.pid', 'inventory.access', 'priv:speed'], eps

    def ask(*properties):
        body = {'properties': properties, 'endpoints': ['ipv4:192.0.2.7', 'ipv4:192.0.2.8', 'ipv4:198.51.100.1']}
        status, _, text = curl('/alto/endpoint-prop', '-H', 'Content-Type: ' + JSON % 'endpointpropparams', '-d',
                               json.dumps(body))
        return status, json.loads(text)
    status, got = ask('inventory.access', 'net.pid', 'priv:speed')
    assert status == 200 and got['endpoint-properties'] == {
        'ipv4:192.0.2.7': {'inventory.access': 'copper', 'net.pid': 'west', 'priv:speed': '1G'},
        'ipv4:192.0.2.8': {'inventory.access': 'fibre', 'net.pid': 'west', 'priv:speed': '1G'},
        'ipv4:198.51.100.1': {'net.pid': 'east'}}, got
    status, got = ask('inventory.colour')
    assert status == 400 and got['meta'] == dict(got['meta'], code='E_INVALID_FIELD_VALUE', field='properties',
                                                 value='inventory.colour'), got


def test_users_are_read_again_with_a_reload():
    write(USERS, ha1('north', 'n-secret') + 'south:cdns:nothing\n')
    os.chmod(USERS, 0o640)
    assert d.cli('reload', ok=False).returncode == 1
    assert protocols(curl('/alto/for-south', user='south:s-secret')) == ['http/1.1']
    write(USERS, ha1('north', 'another'))
    os.chmod(USERS, 0o640)
    d.cli('reload')
    wait_for('the new users', lambda: curl('/alto/for-north', user='north:another')[0] == 200)
    assert curl('/alto/for-north', user='north:n-secret')[0] == 401
    assert curl('/alto/for-south', user='south:s-secret')[0] == 401


def check(**changes):
    """What waymarkd --check says of the configuration with these changes."""
    text = CONFIG
    for was, new in changes.items():
        assert was in text, was
        text = text.replace(was, new)
    path = write(os.path.join(where, 'check.yaml'), text)
    done = subprocess.run([os.path.join(BIN, 'waymarkd'), '--check', '-c', path], capture_output=True, text=True,
                          timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def test_what_is_wrong_is_said_by_check():
    for changes, says in (({}, None), ({'alto.users': 'missing.users'}, r'check\.yaml:7:15: alto\.users_file: .*missing\.users'),
                          ({'ca.pem': 'missing.pem'}, r'tls\.client_ca: .*missing\.pem'),
                          ({'realm: cdns': "realm: 'a:b'"}, r'alto\.realm: '),
                          ({'endpoint_properties: inventory': 'endpoint_properties: nothing'},
                           r'alto\.endpoint_properties: "nothing"')):
        code, text = check(**changes)
        assert (code == 0) == (says is None), (changes, text)
        assert says is None or re.search(says, text), (changes, text)
    write(os.path.join(where, 'bad.users'), ha1('north', 'n') + '# fine\nsouth:cdns:xyz\n')
    code, text = check(**{'alto.users': 'bad.users'})
    assert code and re.search(r'check\.yaml:7:15: alto\.users_file: .*bad\.users: line 3: ', text), text


def test_who_needs_a_certificate_gets_no_connection_without():
    global d
    d.stop()
    os.remove(d.log_path)
    d = Daemon(CONFIG.replace('client_ca: ca.pem', 'client_ca: ca.pem, client_required: true'), where).start()
    wait_for('the catalog', lambda: curl('/alto', cert='nobody')[0] == 200)
    assert curl('/alto', tls=True)[0] == 0
    assert curl('/alto', cert='forged')[0] == 0


main(globals())
