"""As much of PyTorch as hardware/measure touches, without a GPU: shapes are checked as the real
functions check them, and each kernel takes ten microseconds of a clock that only replays move."""

import sys
import types

KERNEL_SECONDS = 10e-6


class Tensor:
    def __init__(self, shape, dtype="float32"):
        self.shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
        self.dtype, self.device = dtype, "cuda:0"

    def to(self, dtype):
        return Tensor(self.shape, dtype)

    def t(self):
        assert len(self.shape) == 2
        return Tensor(self.shape[::-1], self.dtype)

    def transpose(self, a, b):
        shape = list(self.shape)
        shape[a], shape[b] = shape[b], shape[a]
        return Tensor(shape, self.dtype)

    def contiguous(self):
        return self

    def cumsum(self, axis):
        return self

    def __getitem__(self, at):
        if isinstance(at, slice):
            first, last, _ = at.indices(self.shape[0])
            return Tensor((last - first, *self.shape[1:]), self.dtype)
        assert at < self.shape[0]
        return Tensor(self.shape[1:], self.dtype)

    def add_(self, one):
        launch()

    def copy_(self, other):
        assert self.shape == other.shape
        launch()


clock = {"now": 0.0, "captured": None, "launched": 0}


def launch():
    clock["launched"] += 1
    if clock["captured"] is not None:
        clock["captured"].launches += 1


def filled(shape, device=None, dtype="float32"):
    return Tensor(shape, dtype)


def linear(a, b):
    assert a.shape[1] == b.shape[1], (a.shape, b.shape)
    launch()


def scaled_mm(a, b, scale_a, scale_b, out_dtype):
    assert a.dtype == b.dtype == "float8_e4m3fn" and a.shape[1] == b.shape[0]
    launch()


def bmm(a, b):
    assert a.shape[0] == b.shape[0] and a.shape[2] == b.shape[1], (a.shape, b.shape)
    launch()


def grouped_mm(a, b, offs):
    assert b.shape[0] == offs.shape[0] and a.shape[1] == b.shape[1], (a.shape, b.shape)
    launch()


def attention(q, k, v, is_causal=False, attn_mask=None, enable_gqa=False):
    assert k.shape[:3] == v.shape[:3] and q.shape[3] == k.shape[3]
    assert q.shape[1] == k.shape[1] or enable_gqa and q.shape[1] % k.shape[1] == 0
    assert attn_mask is None or attn_mask == (q.shape[2], k.shape[2])
    launch()


class CUDAGraph:
    launches = 0

    def replay(self):
        clock["now"] += self.launches * KERNEL_SECONDS


class Capture:
    def __init__(self, graph, stream=None):
        self.graph = graph

    def __enter__(self):
        clock["captured"] = self.graph

    def __exit__(self, *what):
        clock["captured"] = None


class Event:
    def __init__(self, enable_timing):
        assert enable_timing

    def record(self):
        self.at = clock["now"]

    def synchronize(self):
        pass

    def elapsed_time(self, end):
        return (end.at - self.at) * 1e3


class Stream:
    def __init__(self, device=None):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *what):
        pass

    def wait_stream(self, other):
        pass

    def synchronize(self):
        pass


def install():
    """Puts the modules where `import torch` finds them."""
    def module(name, **content):
        made = types.ModuleType(name)
        made.__dict__.update(content)
        sys.modules[name] = made
        return made

    properties = types.SimpleNamespace(name="Fake GPU", total_memory=80 << 30, uuid="0",
                                       L2_cache_size=50 << 20)
    cuda = module("torch.cuda", is_available=lambda: True, set_device=lambda device: None,
                  get_device_properties=lambda device: properties, Stream=Stream, Event=Event,
                  current_stream=lambda device: Stream(), stream=lambda stream: stream,
                  CUDAGraph=CUDAGraph, graph=Capture, empty_cache=lambda: None,
                  synchronize=lambda device=None: None, OutOfMemoryError=MemoryError)
    functional = module("torch.nn.functional", linear=linear,
                        scaled_dot_product_attention=attention)
    bias = module("torch.nn.attention.bias", causal_lower_right=lambda queries, keys: (queries, keys))
    nn = module("torch.nn", functional=functional, attention=module("torch.nn.attention", bias=bias))
    module("torch", __version__="0.fake", version=types.SimpleNamespace(cuda="0"), cuda=cuda, nn=nn,
           device=lambda name: types.SimpleNamespace(index=int(name.split(":")[1])),
           float32="float32", bfloat16="bfloat16", float16="float16", int8="int8", int32="int32",
           float8_e4m3fn="float8_e4m3fn", randn=filled, zeros=filled, ones=filled,
           randint=lambda low, high, shape, device=None, dtype=None: Tensor(shape, dtype),
           tensor=lambda values, device=None: Tensor((len(values),)),
           full=lambda shape, value, dtype=None, device=None: Tensor(shape, dtype),
           empty_like=lambda other: Tensor(other.shape, other.dtype), bmm=bmm,
           _scaled_mm=scaled_mm, _int_mm=lambda a, b: linear(a, b.t()), _grouped_mm=grouped_mm)
