#!/usr/bin/env python3
"""medians.py RESULTS.jsonl SINCE: medians (min-max) of the scenarios run since then, a row a scenario and figure, a column a peer."""
import collections, json, os, statistics, sys
rows, peers = collections.defaultdict(lambda: collections.defaultdict(list)), []
for line in open(sys.argv[1]):
    d = json.loads(line)
    if d["t"] < int(sys.argv[2]) or "error" in d:
        continue
    if d["peer"] not in peers:
        peers.append(d["peer"])
    for key in ("ops_s", "MB_s", "p50_ms", "p99_ms", "srv_cpu_ms_per_op", "kB_per_conn", "srv_pss_MB", "ready_ms"):
        if isinstance(d.get(key), (int, float)):
            rows[d["scenario"], key][d["peer"]].append(d[key])
    for key, value in d.items():
        if isinstance(value, dict) and isinstance(value.get("ms"), (int, float)):
            rows[d["scenario"], key + " ms"][d["peer"]].append(value["ms"])
        elif isinstance(value, list) and value and isinstance(value[0], dict) and "name" in value[0]:
            for one in value:
                rows[d["scenario"], one["name"] + " ms"][d["peer"]].append(one.get("ms", one.get("median_ms", 0)))
print("| scenario | figure | " + " | ".join(peers) + " |\n|" + "---|" * (2 + len(peers)))
for (scenario, key), by in rows.items():
    cells = [f"{statistics.median(v):.4g} ({min(v):.4g}-{max(v):.4g})" if (v := by.get(p)) else "-" for p in peers]
    print(f"| {scenario} | {key} | " + " | ".join(cells) + " |")
