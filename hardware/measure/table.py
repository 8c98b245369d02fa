"""The CSV file: one line per measurement, written as soon as it is taken; what is there is kept."""

import csv
import os

import work

NOTES = ["device", "driver", "library", "date", "launch"]


class TableError(Exception):
    """A file that cannot be continued; the message says why and what to do."""


class Table:
    """Rows on disk. Opening an existing file keeps its rows and its notes."""

    def __init__(self, path, notes):
        self.path = path
        self.notes = dict(notes)
        self.done = set()
        if os.path.exists(path) and os.path.getsize(path) > 0:
            self._continue_file()
        else:
            self._start_file()

    def _start_file(self):
        with open(self.path, "w", encoding="utf-8", newline="") as file:
            for key in NOTES:
                file.write(f"# {key}: {self.notes[key]}\n")
            file.write(",".join(work.COLUMNS) + "\n")

    def _continue_file(self):
        with open(self.path, encoding="utf-8", newline="") as file:
            lines = file.read().split("\n")
        # A line that was cut short (power failure, full disk) has no line end: measure it again.
        cut = lines.pop()
        notes = dict(note.split(": ", 1) for note in
                     (line[1:].strip() for line in lines if line.startswith("#")) if ": " in note)
        for key in ("device", "driver", "library"):
            if notes.get(key) != self.notes[key]:
                raise TableError(f"{self.path}: {key}: {notes.get(key)}: this machine has "
                                 f"{self.notes[key]}; give another file with --out")
        rows = [line for line in lines if line and not line.startswith("#")]
        if not rows or rows[0] != ",".join(work.COLUMNS):
            raise TableError(f"{self.path}: header: other columns than this program writes; "
                             "give another file with --out")
        for row in csv.DictReader(rows):
            self.done.add(work.kernel_from(row).key())
        self.notes = notes
        if cut:
            with open(self.path, "w", encoding="utf-8", newline="") as file:
                file.write("\n".join(lines) + "\n")

    def add(self, kernel, seconds, watts):
        cells = [str(kernel.get(column, "")) for column in work.SHAPE]
        cells += [f"{seconds:.6g}", "" if watts is None else f"{watts:.4g}"]
        with open(self.path, "a", encoding="utf-8", newline="") as file:
            file.write(",".join(cells) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.done.add(kernel.key())
