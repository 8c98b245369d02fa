"""A timeline of real runs, as strict as a viewer may be: every rule of the Trace Event Format that
the file rests on (Google, "Trace Event Format", 2016), and nesting to the nanosecond. Needs
MOESIM_PROGRAM."""

import collections
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

MOESIM = os.environ["MOESIM_PROGRAM"]
WORKLOAD = {
    "requests": {"closed_loop": {"concurrency": 6, "requests": 12}},
    "lengths": {"input": 64, "output": 12},
}
NODE = "workstation-4x-rtx-4090"


def case(name, **keys):
    return {"name": name, "model": "qwen3-8b", "cluster": {"node": NODE}, **keys}


# Pipelines, whose activations travel beside the steps, twice; pools of their own; experts.
CASES = [
    case("pipeline", parallel={"tp": 2, "pp": 2}),
    case("longer pipeline", parallel={"tp": 1, "pp": 4}),
    case("pools", parallel={"tp": 2}, prefill={"tp": 2}),
    {
        "name": "experts",
        "model": "olmoe-1b-7b",
        "cluster": {"node": NODE},
        "parallel": {"attention_dp": 4},
        "router": {"bank_sequences": 16, "bank_sequence_tokens": 16},
    },
]
# Phase: keys that it must have beside ph, pid, tid, ts and name, and those that it may have.
KEYS = {
    "M": ({"args"}, set()),
    "X": ({"dur", "args"}, set()),
    "i": ({"s"}, {"args"}),
    "C": ({"args"}, set()),
    "b": ({"cat", "id"}, {"args"}),
    "e": ({"cat", "id"}, {"args"}),
}
COMMON = {"ph", "pid", "tid", "ts", "name"}


def nanoseconds(microseconds):
    return round(microseconds * 1000)


def refuse(word):
    raise ValueError(f"{word} is no JSON")


class Trace(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            scenario = {"schema": 1, "name": "traced", "workload": WORKLOAD, "cases": CASES}
            (pathlib.Path(folder) / "a.yaml").write_text(json.dumps(scenario))
            command = [MOESIM, "run", "a.yaml", "--out", "out", "--quiet", "--samples", "0"]
            command += ["--trace-steps", "0:40"]
            ended = subprocess.run(command, cwd=folder, capture_output=True, text=True)
            if ended.returncode != 0:
                raise RuntimeError(ended.stderr)
            cls.trace = json.loads(
                (pathlib.Path(folder) / "out" / "trace.json").read_text(),
                parse_constant=refuse,
            )
        cls.events = cls.trace["traceEvents"]

    def of_phase(self, *phases):
        return [event for event in self.events if event["ph"] in phases]

    def test_the_file_is_the_object_form(self):
        self.assertIn(self.trace["displayTimeUnit"], ("ms", "ns"))
        self.assertIsInstance(self.trace["otherData"], dict)
        self.assertEqual({event["ph"] for event in self.events}, set(KEYS))

    def test_every_event_has_its_keys_and_no_other(self):
        for event in self.events:
            needed, allowed = KEYS[event["ph"]]
            keys = set(event)
            self.assertLessEqual(COMMON | needed, keys, event)
            self.assertLessEqual(keys, COMMON | needed | allowed, event)
            for key in ("pid", "tid"):
                self.assertIs(type(event[key]), int, event)
                self.assertTrue(0 <= event[key] < 2**31, event)
            self.assertIsInstance(event["name"], str)
            self.assertTrue(event["name"], event)
            self.assertIn(type(event["ts"]), (int, float), event)
            self.assertGreaterEqual(event["ts"], 0)
            self.assertIsInstance(event.get("args", {}), dict)
            if event["ph"] == "X":
                self.assertGreater(event["dur"], 0, event)
            if event["ph"] == "i":
                self.assertIn(event["s"], ("g", "p", "t"))
            if event["ph"] == "C":
                self.assertTrue(event["args"], event)
                for value in event["args"].values():
                    self.assertIn(type(value), (int, float), event)

    def test_every_process_and_thread_has_one_name(self):
        names = collections.Counter()
        for event in self.of_phase("M"):
            kind = event["name"]
            self.assertIn(kind, ("process_name", "process_sort_index", "thread_name"))
            value = event["args"]["sort_index" if kind.endswith("index") else "name"]
            self.assertIs(type(value), int if kind.endswith("index") else str, event)
            names[kind, event["pid"], event["tid"] if kind == "thread_name" else 0] += 1
        self.assertEqual(set(names.values()), {1})
        for event in self.of_phase("X", "b", "e"):
            self.assertIn(("thread_name", event["pid"], event["tid"]), names, event)
        for event in self.events:
            self.assertIn(("process_name", event["pid"], 0), names, event)

    def test_spans_of_a_thread_come_in_order_and_nest(self):
        open_spans = collections.defaultdict(list)
        latest = collections.defaultdict(int)
        for event in self.of_phase("X"):
            thread = event["pid"], event["tid"]
            begin = nanoseconds(event["ts"])
            end = begin + nanoseconds(event["dur"])
            self.assertGreaterEqual(begin, latest[thread], event)
            latest[thread] = begin
            outer = open_spans[thread]
            while outer and outer[-1] <= begin:
                outer.pop()
            if outer:
                self.assertLessEqual(end, outer[-1], event)
            outer.append(end)
            self.assertLessEqual(len(outer), 2, event)

    def test_counters_go_forward(self):
        latest = collections.defaultdict(int)
        for event in self.of_phase("C"):
            track = event["pid"], event["name"]
            self.assertGreaterEqual(event["ts"], latest[track], event)
            latest[track] = event["ts"]

    # Ids hold for all processes of a file, not for one alone.
    def test_asynchronous_events_come_in_pairs_of_their_own(self):
        pairs = collections.defaultdict(list)
        for event in self.of_phase("b", "e"):
            pairs[event["cat"], event["id"]].append(event)
        self.assertGreater(len(pairs), 2)
        for events in pairs.values():
            self.assertEqual([event["ph"] for event in events], ["b", "e"], events)
            begin, end = events
            self.assertLessEqual(begin["ts"], end["ts"])
            for key in ("pid", "tid", "name"):
                self.assertEqual(begin[key], end[key])


if __name__ == "__main__":
    unittest.main()
