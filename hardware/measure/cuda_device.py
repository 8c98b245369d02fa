"""A CUDA GPU through PyTorch: kernels replayed from a CUDA graph and timed with events, power from
NVML's energy counter."""

import subprocess
import time

import torch

import work
from device import Device, Unsupported
from operations import operation

GRAPH_SECONDS = 5e-3  # Length of one sample: long against the start of a graph.
MOST_LAUNCHES = 2000
WARM_UP = 3
MOST_COPIES = 64
SHARE_OF_MEMORY = 0.4  # That operands and their copies may take.
SETTLE_SECONDS = 0.3   # Before power is read, so that clocks and power have settled.


class CudaDevice(Device):
    def __init__(self, name):
        if not torch.cuda.is_available():
            raise Unsupported("PyTorch sees no CUDA device here")
        self.device = torch.device(name if ":" in name else name + ":0")
        torch.cuda.set_device(self.device)
        self.properties = torch.cuda.get_device_properties(self.device)
        self.keep_cache_warm = False
        self.graph = None
        self.launches = 1
        self.energy = EnergyMeter(self.device.index, getattr(self.properties, "uuid", None))

    def describe(self):
        libraries = f"torch {torch.__version__}, CUDA {torch.version.cuda}"
        try:
            import flash_attn
            libraries += f", flash-attn {flash_attn.__version__}"
        except ImportError:
            pass
        return {"device": self.properties.name, "driver": driver_version(), "library": libraries}

    def memory_bytes(self):
        return self.properties.total_memory

    def launch_seconds(self):
        one = torch.zeros(1, device=self.device)
        return sorted(self._time([lambda: one.add_(1)], 7))[3]

    def samples(self, kernel, count):
        self.graph = None
        torch.cuda.empty_cache()
        flops, size = work.flops_and_bytes(kernel)
        budget = SHARE_OF_MEMORY * self.memory_bytes()
        if size > budget:
            raise Unsupported("does not fit into the memory")
        # A serving step reads every layer's weights once, so they never wait in the L2 cache:
        # enough copies of the operands take turns to push each other out.
        cache = getattr(self.properties, "L2_cache_size", 64 << 20)
        copies = 1 if self.keep_cache_warm else int(min(MOST_COPIES, budget // size,
                                                        1 + 2 * cache // size))
        try:
            runs = [operation(kernel, self.device) for _ in range(max(1, copies))]
            return self._time(runs, count)
        except torch.cuda.OutOfMemoryError as error:
            self.graph = None
            raise Unsupported("does not fit into the memory") from error
        except (RuntimeError, NotImplementedError, AttributeError, TypeError, ValueError) as error:
            self.graph = None
            raise Unsupported(str(error).strip().split("\n")[0][:120] or type(error).__name__) \
                from error

    def _time(self, runs, count):
        """Seconds of one launch, `count` times; the runs take turns inside one graph."""
        stream = torch.cuda.Stream(self.device)
        stream.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(stream):
            for run in runs:
                run()
            stream.synchronize()
            start = time.perf_counter()
            for _ in range(WARM_UP):
                runs[0]()
            stream.synchronize()
            once = (time.perf_counter() - start) / WARM_UP
        turns = max(1, round(min(MOST_LAUNCHES, GRAPH_SECONDS / max(once, 1e-6)) / len(runs)))
        self.launches = turns * len(runs)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            for _ in range(turns):
                for run in runs:
                    run()
        self.graph, self.runs = graph, runs
        for _ in range(WARM_UP):
            graph.replay()
        return [self._replay(graph) for _ in range(count)]

    def _replay(self, graph):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        graph.replay()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) * 1e-3 / self.launches

    def power(self, kernel, seconds):
        if self.graph is None or not self.energy.works:
            return None
        self._run_for(SETTLE_SECONDS)
        return self.energy.mean_power(lambda: self._run_for(seconds))

    def _run_for(self, seconds):
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            for _ in range(4):
                self.graph.replay()
            torch.cuda.synchronize(self.device)


class EnergyMeter:
    """Mean power from NVML's energy counter; where there is none, from its power reading before
    and after (an average over about a second on recent GPUs)."""

    def __init__(self, index, uuid):
        self.works = False
        try:
            import pynvml
            pynvml.nvmlInit()
            self.nvml = pynvml
            self.handle = (pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}".encode()) if uuid
                           else pynvml.nvmlDeviceGetHandleByIndex(index))
            self.works = True
        except Exception:  # No pynvml, no NVML, a GPU behind a virtual machine: nvidia-smi.
            self.nvml = None
            self.index = str(uuid and f"GPU-{uuid}" or index)
            self.works = self._from_tool() is not None

    def mean_power(self, run):
        if self.nvml is None:
            run()
            return self._from_tool()
        try:
            before, start = self._millijoules(), time.perf_counter()
            run()
            joules = (self._millijoules() - before) * 1e-3
            return joules / (time.perf_counter() - start)
        except self.nvml.NVMLError:
            run()
            return self.nvml.nvmlDeviceGetPowerUsage(self.handle) * 1e-3

    def _millijoules(self):
        return self.nvml.nvmlDeviceGetTotalEnergyConsumption(self.handle)

    def _from_tool(self):
        return number_or_none(smi("power.draw", self.index))


def smi(field, index):
    command = ["nvidia-smi", f"--query-gpu={field}", "--format=csv,noheader,nounits", "-i", index]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True,
                              timeout=30).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def number_or_none(text):
    try:
        return float(text)
    except ValueError:
        return None


def driver_version():
    return smi("driver_version", "0") or "unknown"
