#!/usr/bin/env python3
# timeout: 240
"""Every configuration in conf/ runs: each is started, on free ports in place of its own and as the user that we are,
answers its admin port, and stops."""
import glob, os, re, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from waymark_e2e import Daemon, SRC, main, wait_for

FILES = [os.path.join(SRC, 'conf/waymark.yaml')] + sorted(glob.glob(os.path.join(SRC, 'conf/examples/*.yaml')))


def on_free_ports(text):
    """The same, but for ports and account; an admin port is added where the file leaves it to the default."""
    text = re.sub(r'^(user|group): .*$', '', text, flags=re.M)
    head, listen, rest = re.split(r'^(listen:\n(?:[ #].*\n)*)', text, maxsplit=1, flags=re.M)
    listen = re.sub(r'"(\[[^]]*\]|[0-9.]+):[0-9]+"', r'"\1:0"', listen)
    if not re.search(r'^ +admin:', listen, flags=re.M):
        listen += '  admin: ["127.0.0.1:0"]\n'
    return head + listen + rest


def neighbours(path):
    """The files beside it that a configuration may name."""
    found = {}
    for name in glob.glob(os.path.join(os.path.dirname(path), '*.json')):
        with open(name) as f:
            found[os.path.basename(name)] = f.read()
    return found


def test_each_starts_answers_and_stops():
    assert len(FILES) >= 4, FILES
    for path in FILES:
        with open(path) as f:
            d = Daemon(on_free_ports(f.read()), files=neighbours(path))
        d.start()
        assert d.status()['state'] == 'serving', path
        assert d.get('/healthz', 'admin')[0] == 200
        assert d.stop() == 0, d.log()
        print('     ' + os.path.relpath(path, SRC))


def test_the_minimal_one_redirects():
    with open(os.path.join(SRC, 'conf/examples/minimal.yaml')) as f:
        d = Daemon(on_free_ports(f.read())).start()
    assert d.redirect(host='video.example.com') in ('192.0.2.10', '192.0.2.11')
    d.stop()


main(globals())
