"""The command line."""

import argparse
import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from .compare import Difference, differences
from .exchange import Exchange
from .explained import Verdict, judge, read
from .pli import Pli
from .scenario import Scenario, every_scenario
from .server import Server
from .synapse import Synapse

EXPLANATIONS = Path(__file__).parent.parent / "differences.toml"


def main() -> int:
    """Runs the scenarios; returns 1 if something is unexplained or explained in vain."""
    options = _options()
    scenarios = every_scenario()
    if options.list:
        print("\n".join(scenario.name for scenario in scenarios))
        return 0
    chosen = [entry for entry in scenarios if not options.only or entry.name in options.only]
    if unknown := set(options.only) - {entry.name for entry in scenarios}:
        print(f"interop: no scenario is called {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    explanations = read(EXPLANATIONS)

    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pli-interop-") as folder:
        root = Path(folder)
        pli_server, synapse_server = Pli(root / "pli", options.pli), Synapse(root / "synapse")
        with pli_server, synapse_server, ThreadPoolExecutor(2) as both:
            ours = both.submit(_play, chosen, pli_server)
            theirs = both.submit(_play, chosen, synapse_server)
            pli, synapse = ours.result(), theirs.result()
        if options.save:
            _save(options.save, {"pli": pli, "synapse": synapse})
            for server in (pli_server, synapse_server):
                (options.save / server.log.name).write_bytes(server.log.read_bytes())

    found: list[Difference] = []
    for entry in chosen:
        found += differences(entry.name, pli[entry.name], synapse[entry.name])
    verdict = judge(found, explanations, {entry.name for entry in chosen}, not options.only)
    _report(verdict)
    requests = sum(
        bool(exchange.method) for exchanges in synapse.values() for exchange in exchanges
    )
    print(
        f"interop: {len(chosen)} scenarios, {requests} requests, {verdict.explained} explained "
        f"differences, {time.monotonic() - started:.0f} s"
    )
    failed = len(verdict.unexplained) + len(verdict.needless)
    print(f"{len(chosen)} passed, 0 failed" if not failed else f"0 passed, {failed} failed")
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="interop", description=__doc__)
    parser.add_argument("--pli", type=Path, required=True, help="the pli binary")
    parser.add_argument("--only", nargs="+", default=[], metavar="SCENARIO", help="run only these")
    parser.add_argument("--list", action="store_true", help="list the scenarios and run nothing")
    parser.add_argument("--save", type=Path, help="write answers and logs into this directory")
    return parser.parse_args()


def _play(scenarios: list[Scenario], server: Server) -> dict[str, list[Exchange]]:
    played = {}
    for entry in scenarios:
        exchanges, ended = entry.play(server.url)
        if ended:
            print(f"interop: {entry.name} ended early with {server.name}: {ended}", file=sys.stderr)
        played[entry.name] = exchanges
    return played


def _report(verdict: Verdict) -> None:
    for difference in verdict.unexplained:
        print(f"not explained: {difference}")
    for entry in verdict.needless:
        print(f"explained, but not so any more (take it out of {EXPLANATIONS.name}): {entry}")


def _save(folder: Path, answers: dict[str, dict[str, list[Exchange]]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for server, played in answers.items():
        plain = {name: [asdict(entry) for entry in entries] for name, entries in played.items()}
        (folder / f"{server}.json").write_text(json.dumps(plain, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    sys.exit(main())
