#!/usr/bin/env python3
"""Redirects over TLS, asked by curl and openssl: scheme, resumption, versions, and a start that says what is wrong."""
import os, re, subprocess, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from waymark_e2e import BIN, Daemon, folder, main, wait_for, write

CONFIG = '''
workers: 1
listen: {http: ["127.0.0.1:0"], https: ["127.0.0.1:0"], admin: ["127.0.0.1:0"]}
tls: {certificate: ./cert.pem, key: ./key.pem}
streamers:
  - {name: one, host: one.example.com, ipv4: 127.0.0.2, http_port: 80, https_port: 443, probe: {type: none}}
services:
  - {name: vod, hosts: [vod.example.com]}
'''


def certificate(where, name='vod.example.com'):
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days',
                    '2', '-subj', '/CN=' + name, '-addext', 'subjectAltName=DNS:' + name, '-keyout',
                    os.path.join(where, 'key.pem'), '-out', os.path.join(where, 'cert.pem')], check=True,
                   capture_output=True)


where = folder()
certificate(where)
d = Daemon(CONFIG, where).start()


def curl(*words):
    return subprocess.run(['curl', '-sS', '--max-time', '20', '--cacert', os.path.join(where, 'cert.pem'), '--resolve',
                           'vod.example.com:%d:127.0.0.1' % d.ports['https']] + list(words) +
                          ['https://vod.example.com:%d/film/a.m3u8?x=1' % d.ports['https']],
                          capture_output=True, text=True, check=False)


def test_https_is_answered_with_https():
    out = curl('-I').stdout
    assert re.search(r'(?i)location: https://one\.example\.com/film/a\.m3u8\?x=1\s', out), out


def test_http_is_answered_with_http():
    status, headers, _ = d.get('/film/a.m3u8', headers={'Host': 'vod.example.com'})
    assert headers['location'] == 'http://one.example.com/film/a.m3u8', headers


def test_old_versions_are_refused():
    assert curl('-I', '--tls-max', '1.1', '--ciphers', 'DEFAULT@SECLEVEL=0').returncode != 0
    assert '302' in curl('-I', '--tls-max', '1.2').stdout


def test_a_session_is_resumed():
    session = os.path.join(where, 'session')
    at = ['openssl', 's_client', '-connect', '127.0.0.1:%d' % d.ports['https'], '-servername', 'vod.example.com', '-ign_eof']
    ask = 'GET /a/b HTTP/1.1\r\nHost: vod.example.com\r\nConnection: close\r\n\r\n'
    subprocess.run(at + ['-sess_out', session], input=ask, capture_output=True, text=True, timeout=30, check=False)
    out = subprocess.run(at + ['-sess_in', session], input=ask, capture_output=True, text=True, timeout=30,
                         check=False).stdout
    assert 'Reused, TLSv1.3' in out, out


def serial():
    out = subprocess.run(['openssl', 's_client', '-connect', '127.0.0.1:%d' % d.ports['https'], '-servername',
                          'vod.example.com'], input='', capture_output=True, text=True, timeout=30, check=False).stdout
    return subprocess.run(['openssl', 'x509', '-noout', '-serial'], input=out, capture_output=True, text=True,
                          check=True).stdout


def test_a_renewed_certificate_is_served_after_a_reload():
    before = serial()
    with open(os.path.join(where, 'key.pem')) as f:
        good = f.read()
    write(os.path.join(where, 'key.pem'), 'no key')
    assert d.cli('reload', ok=False).returncode == 1
    assert serial() == before
    write(os.path.join(where, 'key.pem'), good)
    certificate(where)
    d.cli('reload')
    wait_for('the new certificate', lambda: serial() != before)
    assert '302' in curl('-I').stdout


def test_a_missing_certificate_is_said_at_the_start():
    bad = folder()
    path = write(os.path.join(bad, 'waymark.yaml'), CONFIG)
    done = subprocess.run([os.path.join(BIN, 'waymarkd'), '-c', path], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 1 and 'cert.pem' in done.stderr, done.stderr


main(globals())
