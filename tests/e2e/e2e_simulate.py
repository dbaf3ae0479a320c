#!/usr/bin/env python3
# timeout: 300
"""waymark simulate: every scenario of conf/simulate is read, a small one is run on all topologies, twice alike, with
JSON, plots and a table; what is wrong with a scenario is said with its place."""

import glob
import json
import os
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree

BIN = os.path.join(os.environ.get("WAYMARK_BIN", "build/dev"), "waymark")
SRC = os.environ.get("WAYMARK_SRC", ".")
ZOO = sorted(glob.glob(os.path.abspath(SRC) + "/tests/data/topology-zoo/*.graphml"))
# What a machine's speed decides.
TIMES = {"decide_ns", "sessions_per_second"}

SMALL = """
topologies: [%s]
streamers: {sites: 3, per_site: 2, capacity: 100, cache: 60}
demand: {contents: 800, session: 2m, flash_crowds: [{at: 12m, for: 3m, rank: 5, times: 10}]}
failures: [{streamer: 1, at: 16m, for: 2m}]
run: {duration: 20m, warmup: 10m}
"""


def simulate(*words):
    return subprocess.run([BIN, "simulate", *words], capture_output=True, text=True, timeout=250)


def without_times(value):
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if k not in TIMES}
    return [without_times(v) for v in value] if isinstance(value, list) else value


def main():
    assert len(ZOO) == 12, ZOO
    with tempfile.TemporaryDirectory() as work:
        scenario = os.path.join(work, "small.yaml")
        with open(scenario, "w") as f:
            f.write(SMALL % ", ".join(ZOO))

        runs = [simulate(scenario, "--json", "--svg", os.path.join(work, "plots")), simulate(scenario, "--json")]
        for run in runs:
            assert run.returncode == 0 and run.stderr == "", run.stderr
        docs = [json.loads(run.stdout) for run in runs]
        assert without_times(docs[0]) == without_times(docs[1]), "the same seed gave another result"
        assert [t["name"] for t in docs[0]["topologies"]] == [os.path.basename(p)[:-8] for p in ZOO]
        for topology in docs[0]["topologies"]:
            costs = {p["policy"]: p["median"]["cost"] for p in topology["policies"]}
            assert len(costs) == 7, costs
            bound = topology["bound"]
            assert 0 < bound["cost"] and abs(bound["client_cost"] + bound["origin_cost"] - bound["cost"]) < 1e-6, bound
            for policy in topology["policies"]:
                median = policy["median"]
                assert policy["runs"][0]["sessions"] > 1000
                assert abs(median["cost_to_bound"] - median["cost"] / bound["cost"]) < 1e-6
                assert median["cost_to_bound"] >= 1 or median["overload"] + median["failed"] > 0, (topology, policy)
                assert median["cost_to_slice_bound"] >= 1 or median["overload"] > 0, (topology, policy)
                parts = median["slice_bound_client"] + median["slice_bound_origin"]
                assert abs(parts - median["slice_bound"]) < 1e-6, (topology, policy)
                assert 0 < median["hit_ratio"] < 1 and median["cost"] > 0, (topology["name"], policy)
                assert abs(median["client_cost"] + median["origin_cost"] - median["cost"]) < 1e-6

        plots = glob.glob(os.path.join(work, "plots", "*.svg"))
        assert len(plots) == 12 * 7 + 15, len(plots)
        for plot in plots:
            ElementTree.parse(plot)

        run = simulate(scenario)
        assert run.returncode == 0 and "traffic-router" in run.stdout and "\nAt least " in run.stdout, run.stdout + run.stderr

        with open(scenario, "a") as f:
            f.write("policy: {bandd: 3%}\n")
        run = simulate(scenario)
        assert run.returncode == 1 and 'did you mean "band"' in run.stderr and ":7:" in run.stderr, run.stderr
        assert simulate().returncode == 2
        assert "cannot be opened" in simulate(os.path.join(work, "nowhere.yaml")).stderr

    for path in sorted(glob.glob(os.path.join(SRC, "conf", "simulate", "*.yaml"))):
        # Read whole, and refused for the one thing that is put behind it.
        with open(path) as f, tempfile.NamedTemporaryFile("w", suffix=".yaml", dir=os.path.dirname(path)) as copy:
            copy.write(f.read() + "\nnothing_of_ours: 1\n")
            copy.flush()
            run = simulate(copy.name)
            assert run.stderr.count("nothing_of_ours") >= 1 and run.stderr.count(": unknown key") == 1, run.stderr
    print("ok")


main()
