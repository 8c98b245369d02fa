"""A machine that is not there: replays the times of a recording, a table in which a shape may stand
several times, one row per repetition. For tests of the program and dry runs of a plan."""

import csv

import work
from device import Device, Unsupported


class RecordedDevice(Device):
    def __init__(self, path):
        self.notes = {}
        self.samples_of = {}
        self.power_of = {}
        self.calls = 0
        with open(path, encoding="utf-8", newline="") as file:
            lines = file.read().splitlines()
        for line in lines:
            if line.startswith("#") and ": " in line:
                key, value = line[1:].strip().split(": ", 1)
                self.notes[key] = value
        for row in csv.DictReader(line for line in lines if not line.startswith("#")):
            key = work.kernel_from(row).key()
            self.samples_of.setdefault(key, []).append(float(row["time_s"]))
            if row.get("power_w"):
                self.power_of[key] = float(row["power_w"])

    def describe(self):
        return {key: self.notes[key] for key in ("device", "driver", "library")}

    def launch_seconds(self):
        number, unit = self.notes["launch"].split()
        return float(number) * {"s": 1, "ms": 1e-3, "us": 1e-6}[unit]

    def memory_bytes(self):
        return 80 << 30

    def samples(self, kernel, count):
        recorded = self.samples_of.get(kernel.key())
        if recorded is None:
            raise Unsupported("not in the recording")
        self.calls += 1
        limit = int(self.notes.get("interrupt_after", 0))
        if limit and self.calls > limit:
            raise KeyboardInterrupt
        return [recorded[i % len(recorded)] for i in range(count)]

    def power(self, kernel, seconds):
        return self.power_of.get(kernel.key())
