"""Times of NCCL collectives between the GPUs of this machine, as a table that `moesim validate`
scores: measured against what moesim's link model predicts for them."""

import csv
import os
import statistics
import sys

COLUMNS = ["id", "op", "hardware", "n_gpus", "n_nodes", "ep", "network", "message_bytes", "tokens",
           "hidden", "topk", "experts", "sms", "dtype", "metric", "value", "unit", "engine",
           "suspect", "source", "notes", "series"]
OPERATIONS = ["all_reduce", "all_gather", "reduce_scatter", "alltoall"]
SIZES = [1 << power for power in range(10, 31)]  # 1 KiB to 1 GiB
GRAPH_LAUNCHES = 20
WARM_UP = 5


def sizes_of(arguments):
    return SIZES[::2] if arguments.quick else SIZES


def rows_of(arguments, gpus, times, library):
    """CSV rows of {(op, bytes): seconds}. Sizes are those of nccl-tests: the whole buffer."""
    for (op, size), seconds in times:
        yield {"id": f"own-{op}-{gpus}-{size}", "op": op, "hardware": arguments.hardware,
               "n_gpus": gpus, "n_nodes": 1, "network": "nvlink", "message_bytes": size,
               "dtype": "bf16", "metric": "time_s", "value": f"{seconds:.6g}", "unit": "s",
               "engine": library, "source": "own measurement",
               "series": f"{op}|{arguments.hardware}|{gpus}"}


def write_rows(path, rows):
    """Appends; a new file gets the header first."""
    fresh = not os.path.exists(path) or os.path.getsize(path) == 0
    with open(path, "a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if fresh:
            writer.writeheader()
        for row in rows:
            writer.writerow(row)


def done_ids(path):
    if not os.path.exists(path):
        return set()
    with open(path, encoding="utf-8", newline="") as file:
        return {row["id"] for row in csv.DictReader(file)}


def launch_of(op, size, gpus, torch, distributed):
    """A function that starts the collective once; `size` bytes as nccl-tests count them."""
    elements = max(gpus, size // 2 // gpus * gpus)
    whole = torch.ones(elements, device="cuda", dtype=torch.bfloat16)
    part = torch.ones(elements // gpus, device="cuda", dtype=torch.bfloat16)
    if op == "all_reduce":
        return lambda: distributed.all_reduce(whole)
    if op == "all_gather":
        return lambda: distributed.all_gather_into_tensor(whole, part)
    if op == "reduce_scatter":
        return lambda: distributed.reduce_scatter_tensor(part, whole)
    other = torch.empty_like(whole)
    return lambda: distributed.all_to_all_single(other, whole)


def time_of(run, repeats, torch, distributed):
    for _ in range(WARM_UP):
        run()
    torch.cuda.synchronize()
    samples = []
    for _ in range(repeats):
        distributed.barrier()
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        for _ in range(GRAPH_LAUNCHES):
            run()
        end.record()
        end.synchronize()
        samples.append(begin.elapsed_time(end) * 1e-3 / GRAPH_LAUNCHES)
    return statistics.median(samples)


def worker(rank, gpus, port, arguments):
    import torch
    import torch.distributed as distributed
    torch.cuda.set_device(rank)
    distributed.init_process_group("nccl", init_method=f"tcp://127.0.0.1:{port}", rank=rank,
                                   world_size=gpus)
    library = "NCCL " + ".".join(str(part) for part in torch.cuda.nccl.version())
    done = done_ids(arguments.collectives)
    for op in OPERATIONS:
        for size in sizes_of(arguments):
            if f"own-{op}-{gpus}-{size}" in done:
                continue
            seconds = time_of(launch_of(op, size, gpus, torch, distributed), arguments.repeats,
                              torch, distributed)
            if rank == 0:
                write_rows(arguments.collectives,
                           rows_of(arguments, gpus, [((op, size), seconds)], library))
                print(f"{op} {size} B on {gpus} GPUs: {seconds * 1e6:.1f} us", file=sys.stderr)
    distributed.barrier()
    distributed.destroy_process_group()


def main(arguments):
    if not arguments.hardware:
        sys.exit("--hardware: the name of the device profile expected, e.g. h100-sxm-80gb")
    if arguments.device.startswith("recorded:"):
        return replay(arguments)
    import socket

    import torch
    gpus = torch.cuda.device_count()
    if gpus < 2:
        sys.exit(f"{gpus} GPU here: collectives need at least two")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    try:
        torch.multiprocessing.spawn(worker, (gpus, port, arguments), nprocs=gpus)
    except KeyboardInterrupt:
        print(f"\ninterrupted: {arguments.collectives} keeps what it has", file=sys.stderr)
        return 130
    return 0


def replay(arguments):
    """A recording here is a table of collectives: op, n_gpus, message_bytes, value."""
    with open(arguments.device[len("recorded:"):], encoding="utf-8", newline="") as file:
        recorded = list(csv.DictReader(file))
    done = done_ids(arguments.collectives)
    for row in recorded:
        key = (row["op"], int(row["message_bytes"]))
        if f"own-{key[0]}-{row['n_gpus']}-{key[1]}" in done:
            continue
        write_rows(arguments.collectives,
                   rows_of(arguments, int(row["n_gpus"]), [(key, float(row["value"]))], "recorded"))
    return 0
