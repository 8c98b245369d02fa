#!/usr/bin/env python3
"""Runs the commands in our documents and compares what they quote with what is printed.

    python3 docs/quotes.py [FILE.md ...]           check (all documents without FILE)
    python3 docs/quotes.py --write [FILE.md ...]   bring the quotes up to date

A document is run in an empty directory that holds only links to scenarios/ and to the program
(./moesim), in one shell:
- ```yaml NAME   is saved as NAME,
- ```sh          is run; a command that fails ends the test,
- ```text        after it is what it prints, whole, or with lines of `...` for what is left out.
Other blocks are not touched. A figure in the text (with a decimal point, or before a unit) has to
be in a file, in what a command printed, or in a scenario that one names: of its chapter (##) in the
cookbook, of its chapter or one before in the tutorial, anywhere in the README or in ACCURACY.md.
--write cannot change those and names them. keys.md, metrics.md and profiles.md are what one command
prints.

MOESIM_PROGRAM names the program; without it the launcher builds what is there.
"""

import difflib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("MOESIM_PROGRAM", ROOT / "moesim"))
PAGES = {
    "keys.md": ["list", "keys", "--markdown"],
    "metrics.md": ["list", "metrics", "--markdown"],
    "profiles.md": ["list", "profile-keys", "--markdown"],
}
CHAPTERS_STAND_ALONE = {"README.md": False, "tutorial.md": False, "cookbook.md": True}
FIGURES_FROM = {"README.md": ["ACCURACY.md"]}  # Pages whose figures a text may repeat.
SKIP = "..."
MARK = "=== end of block ==="
UNITS = r"%|USD|GiB|GB|TB|MB|kB|ms|s|us|J|W|kW|MW|kWh|MWh|kg|nat|tokens|requests|GPUs"
NUMBER = r"\d+(?:,\d{3})*"
FIGURE = re.compile(rf"(?<![\w.,-]){NUMBER}(?:\.\d+(?![\w.])|(?= (?:{UNITS})\b| %))")


class Block:
    """A fenced block: its kind, file name, lines, and the number of its first line."""

    def __init__(self, info, first):
        words = info.split()
        self.kind = words[0] if words else ""
        self.name = words[1] if len(words) > 1 else ""
        self.first = first
        self.lines = []


def read_blocks(lines):
    blocks, block = [], None
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            if block:
                block.lines.append(line)
        elif block:
            blocks.append(block)
            block = None
        else:
            block = Block(line[3:], number + 1)
    return blocks


def script_of(blocks):
    """One shell script: files as here-documents, a mark after the output of each command block."""
    parts = ["exec 2>&1", "set -e"]
    for block in blocks:
        if block.kind == "yaml" and block.name:
            parts += [f"cat > '{block.name}' <<'END OF FILE'", *block.lines, "END OF FILE"]
        elif block.kind == "sh":
            parts += [*block.lines, f"echo '{MARK}'"]
    return "\n".join(parts) + "\n"


def run(blocks, name):
    """What each command block printed, as lists of lines."""
    commands = [block for block in blocks if block.kind == "sh"]
    with tempfile.TemporaryDirectory() as top:
        folder = pathlib.Path(top)
        (folder / "bin").mkdir()
        (folder / "bin" / "moesim").symlink_to(PROGRAM)
        (folder / "work").mkdir()
        (folder / "work" / "scenarios").symlink_to(ROOT / "scenarios")
        (folder / "work" / "moesim").symlink_to(PROGRAM)
        environment = {**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-c", script_of(blocks)],
            cwd=folder / "work",
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
    outputs = [[]]
    for line in done.stdout.splitlines():
        if line == MARK:
            outputs.append([])
        else:
            outputs[-1].append(line.rstrip())
    if done.returncode != 0:
        block = commands[len(outputs) - 1]
        print("\n".join(outputs[-1]))
        sys.exit(f"{name}:{block.first + 1}: exit code {done.returncode} of\n"
                 + "\n".join(block.lines))
    return dict(zip(commands, outputs))


def missing_line(quote, output):
    """The number of the first quoted line that is not where the quote says, or None."""
    at, free = 0, False
    for number, line in enumerate(quote):
        if line == SKIP:
            free = True
            continue
        ends = range(at, len(output)) if free else range(at, min(at + 1, len(output)))
        found = next((i for i in ends if output[i] == line.rstrip()), None)
        if found is None:
            return number
        at, free = found + 1, False
    return None if free or at == len(output) else len(quote) - 1


def shape(line):
    return re.sub(r"\s+", " ", re.sub(r"\d[\d,.]*", "#", line))


def label(line):
    return re.split(r"\s{2,}", line.strip())[0]


def place_of(line, output, start):
    """Where the quoted line stands now: the same, else with its label, else what is nearest."""
    later = range(start, len(output))
    for alike in (str.rstrip, label, shape):
        for i in later:
            if line.strip() and alike(output[i]) == alike(line):
                return i
    ratio = {i: difflib.SequenceMatcher(None, line, output[i]).ratio() for i in later if output[i]}
    best = max(ratio, key=ratio.get, default=None)
    return best if best is not None and ratio[best] > 0.6 else None


def renewed(quote, output):
    """The same choice of lines from a new output."""
    if SKIP not in quote:
        return output
    new, at, skips = [], 0, False
    for line in quote:
        if line == SKIP:
            skips = True
            continue
        if not line.strip():
            if at < len(output) and not output[at] and not skips:
                new.append("")
                at += 1
            continue
        found = place_of(line, output, at)
        if found is None:
            skips = True
            continue
        if (skips or found != at) and (not new or new[-1] != SKIP):
            new.append(SKIP)
        new.append(output[found])
        at, skips = found + 1, False
    return new + [SKIP] if at < len(output) else new


def figures_of(text):
    return {figure.replace(",", "") for figure in re.findall(NUMBER + r"(?:\.\d+)?", text)}


def scenarios_in(block):
    names = re.findall(r"scenarios/[\w-]+\.yaml", "\n".join(block.lines))
    return [(ROOT / name).read_text() for name in names]


def page_named(name):
    return ROOT / name if name == "README.md" else ROOT / "docs" / name


def figures_from(name):
    pages = [(ROOT / page).read_text() for page in FIGURES_FROM.get(name, [])]
    return figures_of("\n".join(pages))


def stray_figures(lines, blocks, outputs, chapters_stand_alone, elsewhere=frozenset()):
    """Line numbers and figures of the text that neither their chapter nor `elsewhere` has."""
    known = set(elsewhere)
    inside = {n for b in blocks for n in range(b.first - 1, b.first + len(b.lines) + 1)}
    heads = [n for n, line in enumerate(lines) if line.startswith("## ") and n not in inside]
    for start, end in zip([0, *heads], [*heads, len(lines)]):
        if chapters_stand_alone:
            known = set(elsewhere)
        for block in blocks:
            if start <= block.first < end and block.kind != "text":
                said = block.lines + outputs.get(block, []) + scenarios_in(block)
                known |= figures_of("\n".join(said))
        for n in range(start, end):
            if n in inside or lines[n].startswith("#"):
                continue
            for figure in FIGURE.findall(re.sub(r"`[^`]*`|\]\([^)]*\)", "", lines[n])):
                if figure.replace(",", "") not in known:
                    yield n, figure


def check_story(path, write):
    lines = path.read_text().splitlines()
    blocks = read_blocks(lines)
    outputs = run(blocks, path.name)
    faults, changes, output = [], [], None
    for block in blocks:
        if block.kind == "sh":
            output = outputs[block]
        elif block.kind == "text" and output is not None:
            wrong = missing_line(block.lines, output)
            if wrong is None:
                continue
            changes.append((block, renewed(block.lines, output)))
            faults.append(f"{path.name}:{block.first + wrong + 1}: not printed (any more):\n"
                          f"  {block.lines[wrong] if block.lines else ''}")
    for number, figure in stray_figures(lines, blocks, outputs, CHAPTERS_STAND_ALONE[path.name],
                                        figures_from(path.name)):
        print(f"{path.name}:{number + 1}: {figure} is in no output of its chapter:\n"
              f"  {lines[number]}")
        faults.append("")
    if write and changes:
        for block, new in reversed(changes):
            lines[block.first:block.first + len(block.lines)] = new
        path.write_text("\n".join(lines) + "\n")
        print(f"{path.name}: {len(changes)} quotes renewed; read the text around them")
        return True
    for fault in filter(None, faults):
        print(fault)
    return not faults


def check_page(path, write):
    printed = subprocess.run([PROGRAM, *PAGES[path.name]], check=True, capture_output=True).stdout
    if write:
        path.write_bytes(printed)
    same = path.read_bytes() == printed
    if not same:
        print(f"{path.name}: not what moesim {' '.join(PAGES[path.name])} prints")
    return same


def main():
    arguments = sys.argv[1:]
    write = "--write" in arguments
    names = [pathlib.Path(a).name for a in arguments if a != "--write"]
    names = names or [*PAGES, *CHAPTERS_STAND_ALONE]
    done = [(check_page if name in PAGES else check_story)(page_named(name), write)
            for name in names]
    if not all(done):
        print("python3 docs/quotes.py --write renews quotes; the text around them is yours")
        sys.exit(1)


if __name__ == "__main__":
    main()
