#!/usr/bin/env python3
"""Measures the kernels of a model on this machine and writes a table that a moesim device profile
can name. README.md tells how; `measure.py --help` lists the options."""

import argparse
import datetime
import os
import statistics
import subprocess
import sys
import time

import work
from device import Unsupported, open_device
from table import Table, TableError

HERE = os.path.dirname(os.path.abspath(__file__))
POWER_SECONDS = 1.2
SPREAD_TO_MENTION = 0.1  # Of the samples, over their median.
CACHED_TOKENS = 4 << 20  # Decoding sequences times context, at most.


def arguments_of(argv):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", action="append", default=[], metavar="NAME",
                        help="one that `moesim list models` knows, or a config.json (repeatable)")
    parser.add_argument("--tp", type=int, default=1)
    parser.add_argument("--ep", type=int, default=1)
    parser.add_argument("--attention-dp", type=int, default=1)
    parser.add_argument("--weights", help="format of the weights, e.g. fp8")
    parser.add_argument("--experts", help="format of the experts' weights")
    parser.add_argument("--kv", help="format of the KV cache")
    parser.add_argument("--shapes", action="append", default=[], metavar="FILE",
                        help="output of `moesim show MODEL --kernels`, if moesim is not here")
    parser.add_argument("--moesim", help="the moesim program (default: the launcher above)")
    parser.add_argument("--out", default="measured.csv")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, or recorded:FILE")
    parser.add_argument("--quick", action="store_true", help="a coarse grid, no power")
    parser.add_argument("--no-power", action="store_true")
    parser.add_argument("--warm-cache", action="store_true",
                        help="let operands stay in the L2 cache between launches")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--max-tokens", type=int, default=16384, help="of one step")
    parser.add_argument("--max-batch", type=int, default=256, help="decoding sequences")
    parser.add_argument("--max-context", type=int, default=32768)
    parser.add_argument("--collectives", metavar="FILE",
                        help="measure the links between the GPUs here into FILE instead")
    parser.add_argument("--hardware", default="", help="name of the device profile, for FILE")
    parser.add_argument("--dry-run", action="store_true", help="print what would be measured")
    arguments = parser.parse_args(argv)
    for name in ("tp", "ep", "attention_dp", "repeats", "max_tokens", "max_batch", "max_context"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name.replace('_', '-')}: at least 1 expected")
    if not arguments.model and not arguments.shapes and not arguments.collectives:
        parser.error("--model NAME or --shapes FILE expected")
    return arguments


def shapes_of_model(arguments, name):
    program = arguments.moesim or os.path.join(HERE, "..", "..", "moesim")
    command = [program, "show", name, "--kernels", "--tp", str(arguments.tp), "--ep",
               str(arguments.ep), "--attention-dp", str(arguments.attention_dp)]
    for option in ("weights", "experts", "kv"):
        if getattr(arguments, option):
            command += [f"--{option}", getattr(arguments, option)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        sys.exit(f"{program}: {error.strerror}; give --moesim, or --shapes with the output of "
                 f"`moesim show {name} --kernels` from elsewhere")
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    return work.read_shapes(done.stdout)


def all_shapes(arguments):
    shapes = []
    for name in arguments.model:
        shapes += shapes_of_model(arguments, name)
    for path in arguments.shapes:
        try:
            with open(path, encoding="utf-8") as file:
                shapes += work.read_shapes(file.read())
        except (OSError, ValueError) as error:
            sys.exit(f"{path}: {error}: the output of `moesim show MODEL --kernels` expected")
    unknown = sorted({shape.get("kind", "nothing") for shape in shapes} - set(work.GRIDS))
    if unknown or not shapes:
        sys.exit(f"shapes: {', '.join(unknown) or 'none'}: kinds {', '.join(work.GRIDS)} expected")
    return shapes


class Progress:
    """One line per kernel; on a terminal each replaces the one before."""

    def __init__(self, total):
        self.total, self.count, self.start = total, 0, time.monotonic()
        self.terminal = sys.stderr.isatty()

    def show(self, text):
        self.count += 1
        spent = time.monotonic() - self.start
        left = spent / self.count * (self.total - self.count)
        line = f"[{self.count}/{self.total}, {left / 60:.0f} min left] {text}"
        sys.stderr.write(f"\r\033[K{line}" if self.terminal else line + "\n")
        sys.stderr.flush()

    def close(self):
        if self.terminal:
            sys.stderr.write("\n")


def measure(device, table, kernels, arguments):
    """Measures what the table does not hold yet; {reason: number of kernels left out}."""
    left_out = {}
    progress = Progress(len(kernels))
    take_power = not (arguments.quick or arguments.no_power)
    try:
        for kernel in kernels:
            try:
                times = device.samples(kernel, arguments.repeats)
            except Unsupported as reason:
                left_out[str(reason)] = left_out.get(str(reason), 0) + 1
                progress.show(f"{kernel}: left out: {reason}")
                continue
            seconds = statistics.median(times)
            watts = device.power(kernel, POWER_SECONDS) if take_power else None
            table.add(kernel, seconds, watts)
            spread = (max(times) - min(times)) / seconds
            progress.show(f"{kernel}: {seconds * 1e6:.1f} us" +
                          (f", {watts:.0f} W" if watts is not None else "") +
                          (f", spread {spread:.0%}" if spread > SPREAD_TO_MENTION else ""))
    finally:
        progress.close()
    return left_out


def notes_of(device):
    launch = device.launch_seconds()
    return {**device.describe(), "date": datetime.date.today().isoformat(),
            "launch": f"{launch * 1e6:.3g} us"}


def main(argv):
    arguments = arguments_of(argv)
    if arguments.collectives:
        import collectives
        return collectives.main(arguments)
    shapes = all_shapes(arguments)
    limits = {"tokens": arguments.max_tokens, "batch": arguments.max_batch,
              "context": arguments.max_context, "cached": CACHED_TOKENS}
    kernels = work.plan(shapes, 4 if arguments.quick else 2, limits)
    if arguments.dry_run:
        print(",".join(work.SHAPE))
        for kernel in kernels:
            print(",".join(kernel.key()))
        return 0
    try:
        device = open_device(arguments.device)
        device.keep_cache_warm = arguments.warm_cache
        table = Table(arguments.out, notes_of(device))
    except (OSError, TableError, Unsupported) as error:
        sys.exit(str(error))
    todo = [kernel for kernel in kernels if kernel.key() not in table.done]
    print(f"{arguments.out}: {len(kernels)} kernels, {len(kernels) - len(todo)} there already",
          file=sys.stderr)
    try:
        left_out = measure(device, table, todo, arguments)
    except KeyboardInterrupt:
        print(f"\ninterrupted: {arguments.out} holds {len(table.done)} rows; the same command goes "
              "on from there", file=sys.stderr)
        return 130
    for reason, count in sorted(left_out.items()):
        print(f"left out: {count} kernels: {reason}", file=sys.stderr)
    print(f"{arguments.out} holds {len(table.done)} rows; name it in a device profile: "
          f"measured: [{os.path.basename(arguments.out)}]", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
