"""What to measure: shapes from `moesim show MODEL --kernels`, each over a grid of extents."""

import csv
import io

# Columns of a measured table; the format is described in hardware/profiles/README.md.
COLUMNS = ["kind", "dtype", "weight_dtype", "kv_dtype", "m", "n", "k", "groups", "batch", "seq",
           "past", "kv_len", "heads", "kv_heads", "head_dim", "v_head_dim", "window", "bytes",
           "time_s", "power_w"]
SHAPE = [column for column in COLUMNS if column not in ("time_s", "power_w")]
NUMBERS = [column for column in SHAPE if column != "kind" and not column.endswith("dtype")]

ELEMENT_BYTES = {"fp32": 4, "bf16": 2, "fp16": 2, "fp8": 1, "int8": 1, "fp4": 0.5, "int4": 0.5}


class Kernel(dict):
    """One row: column name -> text or whole number; absent = empty."""

    def key(self):
        return tuple(str(self.get(column, "")) for column in SHAPE)

    def __str__(self):
        numbers = [f"{c} {self[c]}" for c in NUMBERS if c in self]
        return " ".join([self["kind"], self.get("dtype", ""), *numbers])


def kernel_from(row):
    """A Kernel from a CSV row; empty cells are left out."""
    kernel = Kernel()
    for column in SHAPE:
        cell = (row.get(column) or "").strip()
        if cell:
            kernel[column] = int(cell) if column in NUMBERS else cell
    return kernel


def read_shapes(text):
    """Shapes without extents, as `moesim show MODEL --kernels` prints them."""
    return [kernel_from(row) for row in csv.DictReader(io.StringIO(text))]


def flops_and_bytes(kernel):
    """FLOPs, and bytes read and written once, of one launch."""
    kind = kernel["kind"]
    if kind == "elementwise":
        return 0, kernel["bytes"]
    element = ELEMENT_BYTES[kernel["dtype"]]
    if kind in ("gemm", "grouped_gemm"):
        m, n, k, groups = kernel["m"], kernel["n"], kernel["k"], kernel.get("groups", 1)
        rows = m * groups if kind == "gemm" else m
        stored = ELEMENT_BYTES[kernel.get("weight_dtype", kernel["dtype"])]
        return 2 * rows * n * k, groups * n * k * stored + rows * (k * element + 2 * n)
    batch, heads, kv_heads = kernel["batch"], kernel["heads"], kernel["kv_heads"]
    width = kernel["head_dim"] + kernel.get("v_head_dim", kernel["head_dim"])
    cached = ELEMENT_BYTES[kernel.get("kv_dtype", "bf16")]
    queries = kernel.get("seq", 1)
    keys = kernel["kv_len"] if kind == "decode_attention" else kernel.get("past", 0) + queries
    seen = keys if kind == "decode_attention" else keys - (queries - 1) / 2
    window = kernel.get("window", 0)
    if window:
        seen = min(seen, window)
    return (2 * heads * width * batch * queries * seen,
            batch * width * (kv_heads * keys * cached + heads * queries * 2))


def powers(first, last, factor):
    """first, first factor, ... below last, and last itself."""
    values = []
    while first < last:
        values.append(first)
        first *= factor
    return values + [last]


def _gemm(shape, factor, limits):
    for m in powers(1, limits["tokens"], factor):
        yield {"m": m}


def _grouped(shape, factor, limits):
    for groups in powers(1, shape.get("groups", 1), factor):
        for rows in powers(1, 1024, factor):
            if groups * rows <= 8 * limits["tokens"]:
                yield {"groups": groups, "m": groups * rows}


def _prefill(shape, factor, limits):
    for batch in powers(1, 16, factor):
        for seq in powers(64, limits["tokens"], factor):
            for past in (0, 8192, limits["context"]):
                if batch * seq <= limits["tokens"] and seq + past <= limits["context"] + 8192:
                    yield {"batch": batch, "seq": seq, "past": past}


def _decode(shape, factor, limits):
    for batch in powers(1, limits["batch"], factor):
        for kv_len in powers(64, limits["context"], factor):
            if batch * kv_len <= limits["cached"]:
                yield {"batch": batch, "kv_len": kv_len}


def _traffic(shape, factor, limits):
    for size in powers(1 << 14, 1 << 30, factor):
        yield {"bytes": size}


GRIDS = {"gemm": _gemm, "grouped_gemm": _grouped, "prefill_attention": _prefill,
         "decode_attention": _decode, "elementwise": _traffic}


def plan(shapes, factor, limits):
    """All kernels to measure, each shape over its grid; `factor` between neighbours, at most 4."""
    kernels, seen = [], set()
    for shape in shapes:
        for extent in GRIDS[shape["kind"]](shape, factor, limits):
            kernel = Kernel(shape)
            if kernel["kind"] == "gemm" and kernel.get("groups") == 1:
                del kernel["groups"]
            kernel.update(extent)
            if kernel.get("window") == 0:
                del kernel["window"]
            if kernel.key() not in seen:
                seen.add(kernel.key())
                kernels.append(kernel)
    return kernels
