#!/usr/bin/python3
# labels: interop
# timeout: 240
"""Real downloads between real clients that know each other through the tracker alone: libtorrent seeds; libtorrent, over
UDP and over HTTP, and aria2 fetch. Skipped where neither Debian's python3-libtorrent nor aria2 is installed."""
import hashlib, os, shutil, subprocess, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from waymark_e2e import Daemon, folder, main, SLOW, wait_for
try:
    import libtorrent as lt
except ImportError:
    print('SKIP: no python3-libtorrent')
    sys.exit(77)

def client(address, path, where):
    """Nothing but the tracker tells it of peers."""
    s = lt.session({'listen_interfaces': '%s:0' % address, 'enable_dht': False, 'enable_lsd': False,
                    'enable_upnp': False, 'enable_natpmp': False, 'allow_multiple_connections_per_ip': True,
                    'alert_mask': lt.alert.category_t.tracker_notification | lt.alert.category_t.error_notification})
    os.makedirs(where, exist_ok=True)
    return s, s.add_torrent({'ti': lt.torrent_info(path), 'save_path': where})


def fetch(address, path, where):
    """A client of its own process, for libtorrent shares connection ids between the sessions of one. Announces again
    now and then: the seed may have been a moment later."""
    session, handle = client(address, path, where)
    end, again = time.monotonic() + 60 * SLOW, time.monotonic() + 2
    while not handle.status().is_seeding:
        if time.monotonic() > end:
            sys.exit('no download within the time: %s\n%s' %
                     (handle.status().state, '\n'.join(a.message() for a in session.pop_alerts())))
        if time.monotonic() > again:
            handle.force_reannounce(0, -1, lt.reannounce_flags_t.ignore_min_interval)
            again += 2
        time.sleep(0.05)
    end = time.monotonic() + 10 * SLOW
    while time.monotonic() < end and not any('completed' in a.message() for a in session.pop_alerts()):
        time.sleep(0.05)


if len(sys.argv) == 5 and sys.argv[1] == 'fetch':
    fetch(*sys.argv[2:])
    sys.exit(0)

CONFIG = '''
workers: 2
listen: {http: ["127.0.0.1:0"], tracker_udp: ["127.0.0.1:0"], admin: ["127.0.0.1:0"]}
tracker: {interval: 10s, min_interval: 5s, peer_timeout: 60s}
'''
SIZE = 3 << 20
d = Daemon(CONFIG).start()
base = folder()
content = os.urandom(SIZE)
sessions = []


def trackers():
    return {'udp': 'udp://127.0.0.1:%d/announce' % d.ports['tracker-udp'],
            'http': 'http://127.0.0.1:%d/announce' % d.ports['http']}


def torrent(name, tracker):
    """A torrent of our file with that tracker alone, and the seed's folder."""
    where = os.path.join(base, name)
    os.makedirs(where)
    with open(os.path.join(where, 'film.bin'), 'wb') as f:
        f.write(content + name.encode())       # another info-hash for each
    files = lt.file_storage()
    lt.add_files(files, os.path.join(where, 'film.bin'))
    t = lt.create_torrent(files, flags=lt.create_torrent.v1_only)
    t.add_tracker(tracker)
    lt.set_piece_hashes(t, where)
    path = os.path.join(base, name + '.torrent')
    with open(path, 'wb') as f:
        f.write(lt.bencode(t.generate()))
    return path, where


def seed(name, kind):
    path, where = torrent(name, trackers()[kind])
    session, handle = client('127.0.1.5', path, where)
    sessions.append(session)
    wait_for('the seed has checked its file', lambda: handle.status().is_seeding, 30)
    before = d.metric('waymark_tracker_seeds')
    wait_for('the seed is in the swarm', lambda: d.metric('waymark_tracker_seeds') >= max(1, before), 30)
    return path


def right(where, name):
    with open(os.path.join(where, 'film.bin'), 'rb') as f:
        assert hashlib.sha256(f.read()).digest() == hashlib.sha256(content + name.encode()).digest()


def fetch_with_libtorrent(kind):
    name = 'libtorrent-' + kind
    path = seed(name, kind)
    to = os.path.join(base, name + '-leecher')
    done = subprocess.run([sys.executable, os.path.abspath(__file__), 'fetch', '127.0.2.5', path, to],
                          capture_output=True, text=True, timeout=100 * SLOW, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    right(to, name)
    wait_for('it has said so', lambda: d.metric(
        'waymark_tracker_announces_total{transport="%s",event="completed"}' % kind) >= 1, 30)


def test_libtorrent_over_udp():
    fetch_with_libtorrent('udp')


def test_libtorrent_over_http():
    fetch_with_libtorrent('http')


def fetch_with_aria2(kind):
    name = 'aria2-' + kind
    program = shutil.which('aria2c')
    if not program:
        print('     (no aria2: left out)')
        return
    path = seed(name, kind)
    to = os.path.join(base, name + '-leecher')
    done = subprocess.run([program, '--no-conf', '--dir', to, '--seed-time=0', '--enable-dht=false', '--bt-enable-lpd=false',
                           '--enable-peer-exchange=false', '--listen-port=42000-42999', '--summary-interval=0',
                           '--bt-tracker-interval=2', '--console-log-level=warn', path],
                          capture_output=True, text=True, timeout=100 * SLOW, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    right(to, name)


def test_aria2_over_http():
    fetch_with_aria2('http')


def test_no_errors_were_seen():
    assert d.metric('waymark_tracker_failures_total{transport="http"}') == 0
    assert d.metric('waymark_tracker_failures_total{transport="udp"}') == 0
    sessions.clear()                        # they say "stopped"
    assert d.stop() == 0


main(globals())
