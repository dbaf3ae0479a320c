#!/usr/bin/env python3
"""./dev bench [NAME]: waymark against its peers, and the benchmarks that run in one process.

The server has core 0, the load core 1; both sides of a comparison run at the same time and are asked in turn, ROUNDS
times. What counts is the server's CPU time a request (all its threads, from /proc): its median over the rounds, and
the quotient of the two medians. A line each:

    ratio NAME VALUE goal <= GOAL met|short

NAME given: only benchmarks whose name contains it. WAYMARK_SHARED: a folder with tools/make_isp.py (../shared).
"""
import argparse
import contextlib
import ipaddress
import json
import os
import pathlib
import random
import resource
import select
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

TOP = pathlib.Path(__file__).resolve().parent.parent
BUILD = TOP / "build/release"
BENCH = BUILD / "bench"
WAYMARKD = pathlib.Path(os.environ.get("WAYMARKD", BUILD / "waymarkd")).resolve()  # for comparing two builds
WORK = TOP / "build/bench"
DEMO = TOP / "conf/demo"
SHARED = pathlib.Path(os.environ.get("WAYMARK_SHARED", TOP.parent / "shared"))
ROUNDS = 7
RELOAD_SECONDS = 10
SERVER_CORE, LOAD_CORE = "0", "1"

HTTP_HOST = "vod.bench.example"
DNS_ZONE = "bench.example"
DNS_NAME = "vod.bench.example"
HASHES, PEERS = 100_000, 1_000_000
# Where the four streamers stand, and the address that each answers with.
STREAMERS = {"de-frankfurt": "192.0.2.1", "es-madrid": "192.0.2.2", "gb-london": "192.0.2.3",
             "hu-budapest": "192.0.2.4"}


class Skip(Exception):
    """A benchmark that cannot run here, and why."""


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pinned(core, argv):
    cores = os.sched_getaffinity(0)
    return (["taskset", "-c", core] if int(core) in cores and len(cores) > 1 else []) + [str(a) for a in argv]


def folder(name):
    path = WORK / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def debian(program, package):
    path = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not path:
        raise Skip(f"{program} is not here; Debian's package {package} has it")
    return path


class Server:
    """A server on its core, from start to stop; pid is the process that does the work."""

    def __init__(self, name, argv, ready, child=False, cwd=None, env=None):
        self.name = name
        WORK.mkdir(parents=True, exist_ok=True)
        self.log = WORK / f"{name}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(pinned(SERVER_CORE, argv), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=cwd, env=env)
        self.pid = self.process.pid
        deadline = time.monotonic() + 30
        while not ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise Skip(f"{name} did not start: {self.log.read_text(errors='replace')[-400:].strip()}")
            time.sleep(0.05)
        if child:
            self.pid = int(pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()[0])

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def tcp_ready(port):
    def ready():
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0
    return ready


def udp_ready(port, question):
    def ready():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            try:
                s.connect(("127.0.0.1", port))
                s.send(question)
                return bool(s.recv(2048))
            except OSError:
                return False
    return ready


DNS_QUESTION = (b"\x12\x34\0\0\0\1\0\0\0\0\0\0" +
                b"".join(bytes([len(x)]) + x.encode() for x in DNS_NAME.split(".")) + b"\0\0\1\0\1")
TRACKER_CONNECT = b"\0\0\4\x17\x27\x10\x19\x80" + b"\0\0\0\0" + b"abcd"


def load(program, to, pid, **options):
    argv = [BENCH / program, "--to", to, "--pid", str(pid)]
    for name, value in options.items():
        argv += [f"--{name}", str(value)]
    done = subprocess.run(pinned(LOAD_CORE, argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    if not done.stdout.startswith("{"):
        raise Skip(f"{program}: {done.stderr.strip() or 'said nothing'}")
    result = json.loads(done.stdout)
    if result["bad"] or not result["answers"]:
        raise Skip(f"{program} against {to}: {result['bad']} wrong answers of {result['answers'] + result['bad']}: "
                   f"{done.stderr.strip()[:300]}")
    return result


def verdict(name, value, goal, digits=2):
    print(f"ratio {name} {value:.{digits}f} goal <= {goal:.{digits}f} {'met' if value <= goal else 'short'}", flush=True)


def compare(goals, sides, program, options):
    """goals: [(name, other side, goal)]; sides: {name: (address, pid)} with "waymark" as one; a warm-up first."""
    found = {side: [] for side in sides}
    rounds = ROUNDS
    for number in range(rounds + 1):
        for side, (to, pid) in sides.items():
            result = load(program, to, pid, seed=number + 1, **options)
            if number:
                found[side].append(result)
    medians = {}
    for side, results in found.items():
        cpu = sorted(r["cpu_us"] for r in results)
        medians[side] = statistics.median(cpu)
        lost = sum(r["lost"] for r in results)
        print(f"  {side}: {medians[side]:.3f} us a request ({cpu[0]:.3f} to {cpu[-1]:.3f} in {rounds} runs of "
              f"{results[0]['answers']}), {statistics.median(r['per_second'] for r in results):.0f} a second"
              f"{f', {lost} not answered' if lost else ''}")
    for name, other, goal in goals:
        if "waymark" in medians and other in medians:
            verdict(name, medians["waymark"] / medians[other], goal)


# The peers

def nginx():
    program, port, work = debian("nginx", "nginx"), free_port(), folder("nginx")
    paths = "\n".join(f"  {kind}_temp_path {work}/{kind};"
                      for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (work / "nginx.conf").write_text(f"""daemon off;
worker_processes 1;
pid {work}/pid;
error_log stderr crit;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
{paths}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ return 302 http://edge1.{DNS_ZONE}$request_uri; }}
  }}
}}
""")
    return Server("nginx", [program, "-p", work, "-c", work / "nginx.conf"], tcp_ready(port), child=True), port


def demo_maps():
    """(prefixes by PID, costs) of the demo, and the file of all prefixes that load_dns asks for."""
    network = json.loads((DEMO / "networkmap.json").read_text())["network-map"]
    costs = json.loads((DEMO / "costmap.json").read_text())["cost-map"]
    WORK.mkdir(parents=True, exist_ok=True)
    path = WORK / "prefixes.txt"
    path.write_text("".join(f"{p}\n" for pid in network.values() for family in pid.values() for p in family))
    return network, costs, path


def gdnsd():
    program, port, work = debian("gdnsd", "gdnsd"), free_port(socket.SOCK_DGRAM), folder("gdnsd")
    network, costs, _ = demo_maps()
    # gdnsd refuses networks inside the IPv6 ranges that stand for IPv4 ones.
    embedded = [ipaddress.ip_network(n) for n in ("::/32", "2001::/32", "2002::/16", "64:ff9b::/96")]
    lines = []
    for pid, families in network.items():
        order = sorted(STREAMERS, key=lambda s, pid=pid: (costs[pid].get(s, float("inf")), s))
        for family in families.values():
            for text in family:
                net = ipaddress.ip_network(text)
                if net.prefixlen == 0 or any(net.version == 6 and net.subnet_of(e) for e in embedded):
                    continue
                lines.append(f"{text} => [ {', '.join(order)} ]\n")
    for name in ("zones", "geoip", "run", "state"):
        (work / name).mkdir()
    (work / "geoip/nets").write_text("".join(lines))
    centers = ", ".join(STREAMERS)
    dcmap = "\n".join(f"          {name} => {address}" for name, address in STREAMERS.items())
    (work / "config").write_text(f"""options => {{
  listen => 127.0.0.1:{port}
  udp_threads => 1
  tcp_threads => 1
  run_dir => {work}/run
  state_dir => {work}/state
}}
plugins => {{
  geoip => {{
    maps => {{ demo => {{ nets => nets, datacenters => [ {centers} ] }} }}
    resources => {{
      vod => {{
        map => demo
        dcmap => {{
{dcmap}
        }}
      }}
    }}
  }}
}}
""")
    (work / "zones" / DNS_ZONE).write_text("@ 86400 SOA ns1 hostmaster 1 7200 1800 1209600 60\n@ 86400 NS ns1\n"
                                           "ns1 86400 A 192.0.2.53\nvod 30 DYNA geoip!vod\n")
    return Server("gdnsd", [program, "-c", work, "start"], udp_ready(port, DNS_QUESTION)), port


def respond_udp():
    port = free_port(socket.SOCK_DGRAM)
    return Server("respond_udp", [BENCH / "respond_udp", f"127.0.0.1:{port}"], udp_ready(port, DNS_QUESTION)), port


def hashes_file():
    """Debian's opentracker serves listed info-hashes only, so both trackers are asked for the same list."""
    path = WORK / "hashes.txt"
    numbers = random.Random(7)
    WORK.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{numbers.getrandbits(160):040x}\n" for _ in range(HASHES)))
    return path


def opentracker(workers):
    program, port, work = debian("opentracker", "opentracker"), free_port(socket.SOCK_DGRAM), folder("opentracker")
    shutil.copy(hashes_file(), work / "whitelist.txt")
    work.chmod(0o755)
    (work / "conf").write_text(f"listen.udp.workers {workers}\nlisten.udp 127.0.0.1:{port}\n"
                               f"access.whitelist whitelist.txt\ntracker.rootdir {work}\ntracker.user nobody\n")
    return Server("opentracker", [program, "-f", work / "conf"], udp_ready(port, TRACKER_CONNECT)), port


def tracker_map():
    """The demo's network map, and in it the addresses that load_tracker's peers have, /22 by /22 in another PID."""
    body = json.loads((DEMO / "networkmap.json").read_text())
    pids = sorted(p for p in body["network-map"] if p != "world")
    for k in range(64):
        body["network-map"][pids[k % len(pids)]].setdefault("ipv4", []).append(f"127.128.{4 * k}.0/22")
    path = WORK / "networkmap-tracker.json"
    path.write_text(json.dumps(body))
    return path


def waymark(want):
    """waymarkd with one worker, listening for each of want: "http", "dns", "tracker_udp". (server, port of the first)"""
    ports = {kind: free_port(socket.SOCK_STREAM if kind == "http" else socket.SOCK_DGRAM) for kind in want}
    admin, work = free_port(), folder("waymark")
    listen = "".join(f'  {kind}: ["127.0.0.1:{port}"]\n' for kind, port in ports.items())
    streamers = "".join(f"  - {{name: {pid}, ipv4: {address}, pid: {pid}}}\n" for pid, address in STREAMERS.items())
    (work / "waymark.yaml").write_text(f"""workers: 1
log: {{level: warn}}
access_log: {{to: off}}
listen:
{listen}  admin: ["127.0.0.1:{admin}"]
maps:
  network: "{tracker_map() if "tracker_udp" in want else DEMO / "networkmap.json"}"
  cost: "{DEMO}/costmap.json"
  default_pid: world
dns:
  zones:
    - name: {DNS_ZONE}
      ns: [{{name: ns1.{DNS_ZONE}, ipv4: 192.0.2.53}}]
tracker: {{min_interval: 0s}}
defaults:
  probe: {{type: none}}
streamers:
{streamers}services:
  - name: vod
    hosts: [{HTTP_HOST}]
    any_info_hash: true
    dns: {{ttl: 30s, answers: 1}}
""")
    def ready():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{admin}/healthz", timeout=1) as answer:
                return answer.status == 200
        except OSError:
            return False
    server = Server("waymark", [WAYMARKD, "-c", work / "waymark.yaml"], ready)
    return server, ports[want[0]], ports


def side(stack, started):
    server, port, *_ = started
    stack.enter_context(server)
    return f"127.0.0.1:{port}", server.pid


def with_waymark(sides, stack, want):
    try:
        sides["waymark"] = side(stack, waymark([want]))
    except Skip as why:
        print(f"  waymark is left out: {why}")


# The benchmarks

def http_bench(mode, count, goal):
    name = f"http-302-{mode}"
    with contextlib.ExitStack() as stack:
        sides = {}
        with_waymark(sides, stack, "http")
        sides["nginx"] = side(stack, nginx())
        compare([(name, "nginx", goal)], sides, "load_http",
                {"mode": mode, "count": count, "connections": 32, "host": HTTP_HOST})


def dns_bench():
    _, _, prefixes = demo_maps()
    with contextlib.ExitStack() as stack:
        sides = {}
        with_waymark(sides, stack, "dns")
        sides["trivial"] = side(stack, respond_udp())
        sides["gdnsd"] = side(stack, gdnsd())
        compare([("dns-udp-trivial", "trivial", 1.20), ("dns-udp-gdnsd", "gdnsd", 1.00)], sides, "load_dns",
                {"name": DNS_NAME, "count": 200_000, "prefixes": prefixes})


def tracker_bench():
    hashes = hashes_file()
    with contextlib.ExitStack() as stack:
        sides = {}
        with_waymark(sides, stack, "tracker_udp")
        sides["opentracker"] = side(stack, opentracker(1))
        for name, (to, pid) in sides.items():
            result = load("load_tracker", to, pid, hashes=hashes, peers=PEERS, preload=1)
            print(f"  {name}: {PEERS} peers in {HASHES} swarms announced at {result['cpu_us']:.3f} us each")
        compare([("tracker-udp", "opentracker", 0.65)], sides, "load_tracker",
                {"hashes": hashes, "peers": PEERS, "count": 200_000})


def reload_bench():
    """HTTP at half of its peak, then DNS, then both (each at half of the core), SIGHUP after SIGHUP: how many answers fail."""
    _, _, prefixes = demo_maps()
    with contextlib.ExitStack() as stack:
        server, _, ports = waymark(["http", "dns"])
        stack.enter_context(server)
        asked = {"load_http": ["--to", f"127.0.0.1:{ports['http']}", "--host", HTTP_HOST],
                 "load_dns": ["--to", f"127.0.0.1:{ports['dns']}", "--name", DNS_NAME, "--prefixes", prefixes]}

        def start(program, count, rate):
            argv = [BENCH / program, *asked[program], "--count", count, "--rate", rate]
            return subprocess.Popen(pinned(LOAD_CORE, argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True)

        def phase(rates):
            """Loads of these rates with a reload every quarter of a second; the number of answers that fail."""
            loads = {p: start(p, int(rate * RELOAD_SECONDS), int(rate)) for p, rate in rates.items()}
            reloads = failed = 0
            while any(l.poll() is None for l in loads.values()):
                server.process.send_signal(signal.SIGHUP)
                reloads += 1
                time.sleep(0.25)
            for program, process in loads.items():
                out, err = process.communicate()
                result = json.loads(out) if out.startswith("{") else {"bad": 1, "lost": 0, "answers": 0, "per_second": 0}
                failed += result["bad"] + result["lost"]
                print(f"  {program}: {result['answers']} answers at {result['per_second']:.0f} a second, {result['bad']} "
                      f"wrong, {result['lost']} missing, {reloads} reloads {err.strip()[:200]}")
            return failed

        peaks = {p: json.loads(start(p, 100_000, 0).communicate()[0])["per_second"] for p in asked}
        failed = sum(phase({p: peak / 2}) for p, peak in peaks.items())
        failed += phase({p: peak / 4 for p, peak in peaks.items()})
        if server.process.poll() is not None:
            failed += 1
            print(f"  waymarkd ended: {server.log.read_text(errors='replace')[-300:]}")
        verdict("reload-under-load", failed, 0, digits=0)


def isp_files():
    """The files of a large synthetic ISP, made once."""
    maker = SHARED / "tools/make_isp.py"
    out = WORK / "isp-full"
    if not (out / "costmap.json").exists():
        if not maker.exists():
            return None
        print(f"  making the files of a full-size ISP in {out.relative_to(TOP)}")
        out.mkdir(parents=True, exist_ok=True)
        subprocess.run(["/usr/bin/python3", maker, "--preset", "full", "--only", "networkmap.json,costmap.json",
                        "--out", out], check=True, stdout=subprocess.DEVNULL)
    return out


class Alto:
    """waymarkd, one worker, with the maps of a large ISP and its ALTO server; its files are its own, to be changed."""

    def __init__(self):
        isp = isp_files()
        if not isp:
            raise Skip(f"{SHARED}/tools/make_isp.py is not here to make the maps of a large ISP")
        self.port, self.admin, self.work = free_port(), free_port(), folder("alto")
        for name in ("networkmap.json", "costmap.json"):
            shutil.copy(isp / name, self.work / name)
        (self.work / "waymark.yaml").write_text(f"""workers: 1
log: {{level: info}}
listen: {{http: ["127.0.0.1:{self.port}"], admin: ["127.0.0.1:{self.admin}"]}}
http: {{trusted_proxies: [127.0.0.0/8], connections: 20000}}
maps: {{network: networkmap.json, cost: costmap.json}}
alto: {{path: /alto, streams_per_client: 10000, queue: 8 MiB}}
defaults: {{probe: {{type: none}}}}
streamers: [{{name: one, ipv4: 192.0.2.1}}]
services: [{{name: vod, hosts: [{HTTP_HOST}]}}]
""")
        self.server = Server("alto", [WAYMARKD, "-c", self.work / "waymark.yaml"],
                             lambda: self.status()["alto"]["compress_ms"] > 0)
        self.to = f"127.0.0.1:{self.port}"
        net = json.loads((self.work / "networkmap.json").read_text())["network-map"]
        self.pids = sorted(net)
        self.hosts = [prefix.split("/")[0] for pid in self.pids for prefix in net[pid].get("ipv4", [])[:3]]
        self.base = "/alto/" + next(i for i in self.get("/alto")["resources"] if i.endswith("-filter")).split("-cost-filter")[0]
        self.base = self.base.removesuffix("-filter")

    def get(self, path, port=None):
        with urllib.request.urlopen(f"http://127.0.0.1:{port or self.port}{path}", timeout=30) as answer:
            return json.load(answer)

    def status(self):
        try:
            return self.get("/status", self.admin)
        except OSError:
            return {"alto": {"compress_ms": 0}}

    def memory(self, what="VmRSS"):
        text = pathlib.Path(f"/proc/{self.server.pid}/status").read_text()
        return int(next(l for l in text.splitlines() if l.startswith(what)).split()[1]) / 1024

    def request(self, name, path, kind=None, body=None, fields=()):
        text = json.dumps(body) if body else ""
        lines = [f"{'POST' if body else 'GET'} {path} HTTP/1.1", "Host: bench.example", *fields]
        if body:
            lines += [f"Content-Type: application/alto-{kind}+json", f"Content-Length: {len(text)}"]
        file = self.work / name
        file.write_text("\r\n".join(lines) + "\r\n\r\n" + text)
        return file

    def cpu_us(self, name, request, count, status=200):
        """Median CPU time of the server for one such request, keep-alive."""
        found = [load("load_http", self.to, self.server.pid, seed=n + 1, count=count, connections=32, request=request,
                      status=status)["cpu_us"] for n in range(ROUNDS + 1)][1:]
        print(f"  {name}: {statistics.median(found):.2f} us a request ({min(found):.2f} to {max(found):.2f})")
        return statistics.median(found)


def alto_bench():
    """The ALTO server at the size of a large ISP: requests, then 5,000 event streams, then two generations at once."""
    rc = {"cost-mode": "numerical", "cost-metric": "routingcost"}
    with contextlib.ExitStack() as stack:
        alto = Alto()
        stack.enter_context(alto.server)
        pick = random.Random(1)

        def ecs(n):
            some = [f"ipv4:{h}" for h in pick.sample(alto.hosts, n + 1)]
            return alto.request(f"ecs{n}", f"{alto.base}-endpoint-cost", "endpointcostparams",
                                {"cost-type": rc, "endpoints": {"srcs": some[:1], "dsts": some[1:]}})
        ten, many = alto.cpu_us("ECS, 10 destinations", ecs(10), 40_000), alto.cpu_us("ECS, 1,000", ecs(1000), 2_000)
        verdict("alto-ecs", ten, 40)
        verdict("alto-ecs-pair", (many - ten) / 990, 1.5)
        pids = pick.sample(alto.pids, 20)
        verdict("alto-filter", alto.cpu_us("filtered cost map, 10 x 10, a constraint", alto.request(
            "filter", f"{alto.base}-cost-filter", "costmapfilter",
            {"cost-type": rc, "pids": {"srcs": pids[:10], "dsts": pids[10:]}, "constraints": ["le 100"]}), 40_000), 1e6 / 15_000)
        cost_path = f"{alto.base}-cost-num-routingcost"
        with urllib.request.urlopen(urllib.request.Request(f"http://{alto.to}{cost_path}", method="HEAD"), timeout=30) as head:
            etag = head.headers["ETag"]
        verdict("alto-304", alto.cpu_us("304 on the whole cost map", alto.request(
            "not-modified", cost_path, fields=[f"If-None-Match: {etag}"]), 100_000, status=304), 15)
        print(f"  resident with one generation: {alto.memory():.0f} MB")
        alto_streams_bench(alto)
        alto_generations_bench(alto)


def change_maps(alto, tag, prefixes=0.0, costs=0.0):
    """In this share of the PIDs a prefix goes, this share of the costs grows, and both maps have a new tag."""
    pick = random.Random(tag)
    net = json.loads((alto.work / "networkmap.json").read_text())
    cost = json.loads((alto.work / "costmap.json").read_text())
    net["meta"]["vtag"]["tag"] = cost["meta"]["dependent-vtags"][0]["tag"] = tag
    for groups in net["network-map"].values():
        if len(groups.get("ipv4", [])) > 1 and pick.random() < prefixes:
            groups["ipv4"].pop()
    for row in cost["cost-map"].values() if costs else []:
        for key in row:
            if pick.random() < costs:
                row[key] += 1
    for name, doc in (("networkmap", net), ("costmap", cost)):
        (alto.work / f"{name}.new").write_text(json.dumps(doc, separators=(",", ":")))
    for name in ("networkmap", "costmap"):
        (alto.work / f"{name}.new").rename(alto.work / f"{name}.json")


STREAMS = 5000


def alto_streams_bench(alto):
    """STREAMS subscribers of the network map, who have the newest; then one patch of about 400 kB to all of them."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    net = alto.get(f"{alto.base}")["meta"]["vtag"]
    body = json.dumps({"add": {"net": {"resource-id": net["resource-id"], "tag": net["tag"]}}})
    request = (f"POST /alto/updates HTTP/1.1\r\nHost: bench.example\r\nContent-Type: application/alto-updatestreamparams+json"
               f"\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()
    before, poller, streams = alto.memory(), select.epoll(), {}
    for number in range(STREAMS):
        s = socket.create_connection(("127.0.0.1", alto.port), source_address=(f"127.0.{2 + number // 250}.{1 + number % 250}", 0))
        s.sendall(request)
        s.setblocking(False)
        poller.register(s, select.EPOLLIN)
        streams[s.fileno()] = [s, 0]

    def read(seconds, done):
        """Reads whatever comes until done(); (first, last) byte's time."""
        first = last = None
        end = time.monotonic() + seconds
        while not done() and time.monotonic() < end:
            for fd, _ in poller.poll(0.2):
                try:
                    n = len(streams[fd][0].recv(1 << 20))
                except BlockingIOError:
                    continue
                if n == 0:
                    raise Skip("the server has closed a stream")
                streams[fd][1] += n
                last = time.monotonic()
                first = first or last
        return first, last

    read(60, lambda: all(s[1] > 100 for s in streams.values()))
    read(3, lambda: False)
    opened = alto.memory()
    start = [s[1] for s in streams.values()]
    change_maps(alto, "bench-1", prefixes=0.12)
    want = 200_000
    first, last = read(90, lambda: all(s[1] - b > want for s, b in zip(streams.values(), start)))
    first2, last2 = read(3, lambda: False)
    size = statistics.median(s[1] - b for s, b in zip(streams.values(), start))
    late = sum(s[1] - b <= want for s, b in zip(streams.values(), start))
    peak = alto.memory("VmHWM")
    for s, _ in streams.values():
        s.close()
    print(f"  {STREAMS} streams: {opened - before:.0f} MB when open; a patch of {size / 1000:.0f} kB to all, "
          f"{late} did not get it; peak {peak:.0f} MB")
    if late or not first:
        raise Skip("not all streams got the patch")
    verdict("alto-sse-first-to-last", (last2 or last) - first if last2 and last2 - last < 1 else last - first, 3)
    verdict("alto-sse-kB-a-stream", max(opened - before, alto.memory() - before) * 1024 / STREAMS, 64)


def alto_generations_bench(alto):
    """Both maps change while a client still reads the old ones: how long it takes, and what is resident then."""
    holders = []
    for path in (alto.base, f"{alto.base}-cost-num-routingcost"):
        s = socket.create_connection(("127.0.0.1", alto.port))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: bench.example\r\n\r\n".encode())
        holders.append(s)
    time.sleep(1)
    was = alto.status()
    change_maps(alto, "bench-2", prefixes=0.1, costs=0.1)
    end = time.monotonic() + 30
    now = was
    while time.monotonic() < end and (now["alto"]["serial"] == was["alto"]["serial"] or
                                      now["sources"]["network_map"]["tag"] != "bench-2" or now["alto"]["age_s"] < 1):
        time.sleep(0.2)
        now = alto.status()
    resident = alto.memory()
    for s in holders:
        s.close()
    read = now["sources"]
    verdict("alto-published-ms", read["network_map"]["read_ms"] + read["cost_map"]["read_ms"] + now["alto"]["text_ms"], 400,
            digits=0)
    print(f"  read: network map {read['network_map']['read_ms']} ms, cost map {read['cost_map']['read_ms']} ms; "
          f"texts {now['alto']['text_ms']} ms, compressed {now['alto']['compress_ms']} ms")
    verdict("alto-resident-MB", resident, 250)


def process_bench(program):
    """A benchmark of its own, which prints its ratio line. Those that read a large ISP's maps are given the files."""
    argv = [program]
    if program.name.startswith(("bench_load_", "bench_alto_maps")):
        isp = isp_files()
        if not isp:
            raise Skip(f"{SHARED}/tools/make_isp.py is not here to make the maps of a large ISP")
        argv += [isp / name for name in ([] if "network" in program.name else ["costmap.json"]) + ["networkmap.json"]]
    done = subprocess.run(pinned(SERVER_CORE, argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          cwd=TOP)
    sys.stdout.write(done.stdout)
    if done.returncode:
        raise Skip(f"{program.name} ended with {done.returncode}")


def benchmarks():
    yield "http-302-keepalive", lambda: http_bench("keepalive", 200_000, 0.90)
    yield "http-302-pipelined", lambda: http_bench("pipelined", 400_000, 0.20)
    yield "http-302-newconn", lambda: http_bench("newconn", 40_000, 1.00)
    yield "dns-udp", dns_bench
    yield "tracker-udp", tracker_bench
    yield "reload-under-load", reload_bench
    yield "alto", alto_bench
    for program in sorted(BENCH.glob("bench_*")):
        if program.is_file() and os.access(program, os.X_OK):
            yield program.name.removeprefix("bench_").replace("_", "-"), lambda p=program: process_bench(p)


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("name", nargs="?", default="", help="only benchmarks whose name contains this")
    ap.add_argument("--rounds", type=int, default=ROUNDS, help=f"times that each side is asked ({ROUNDS}); 5 at least for a figure")
    args = ap.parse_args()
    globals()["ROUNDS"] = args.rounds
    sys.stdout.reconfigure(line_buffering=True)
    chosen = [(name, run) for name, run in benchmarks() if args.name in name]
    if not chosen:
        sys.exit(f"no benchmark is called like \"{args.name}\"; there are: {', '.join(n for n, _ in benchmarks())}")
    if len(os.sched_getaffinity(0)) < 2:
        print("note: one core only, server and load share it: figures of CPU time hold, those of speed do not")
    left_out = []
    for name, run in chosen:
        print(f"== {name}", flush=True)
        try:
            run()
        except Skip as why:
            print(f"  left out: {why}")
            left_out.append(name)
    if left_out:
        print(f"left out: {', '.join(left_out)}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
