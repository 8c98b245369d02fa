"""Kernels as PyTorch calls: operation(kernel, device) makes operands and returns a function that
launches the kernel once."""

import torch
import torch.nn.functional as functional

from device import Unsupported

TORCH = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
FP8 = getattr(torch, "float8_e4m3fn", None)


def operation(kernel, device):
    return OPERATIONS[kernel["kind"]](kernel, device)


def filled(shape, dtype, device):
    """Normal numbers: zeros would draw less power and let some kernels skip work."""
    if dtype in TORCH:
        return torch.randn(shape, device=device, dtype=TORCH[dtype])
    if dtype == "fp8" and FP8 is not None:
        return torch.randn(shape, device=device, dtype=torch.bfloat16).to(FP8)
    if dtype == "int8":
        return torch.randint(-128, 128, shape, device=device, dtype=torch.int8)
    raise Unsupported(f"PyTorch multiplies no {dtype}")


def multiplication(a, b, dtype):
    """A function that computes a[m,k] b[n,k]^T as the library does for the format."""
    if dtype == "fp8":
        one = torch.ones((), device=a.device)
        return lambda: torch._scaled_mm(a, b.t(), scale_a=one, scale_b=one,
                                        out_dtype=torch.bfloat16)
    if dtype == "int8":
        return lambda: torch._int_mm(a, b.t())
    return lambda: functional.linear(a, b)


def checked_dtype(kernel):
    dtype = kernel["dtype"]
    if kernel.get("weight_dtype", dtype) != dtype:
        raise Unsupported(f"PyTorch has no {kernel['weight_dtype']} weights times {dtype}")
    return dtype


def gemm(kernel, device):
    dtype, groups = checked_dtype(kernel), kernel.get("groups", 1)
    m, n, k = kernel["m"], kernel["n"], kernel["k"]
    if groups == 1:
        return multiplication(filled((m, k), dtype, device), filled((n, k), dtype, device), dtype)
    if dtype not in TORCH:
        raise Unsupported(f"PyTorch has no batched multiplication in {dtype}")
    a, b = filled((groups, m, k), dtype, device), filled((groups, k, n), dtype, device)
    return lambda: torch.bmm(a, b)


def grouped_gemm(kernel, device):
    """Rows spread as evenly as they go. torch._grouped_mm where there is one, else one
    multiplication after another, as an engine without a grouped kernel would run them."""
    dtype, groups = checked_dtype(kernel), kernel["groups"]
    m, n, k = kernel["m"], kernel["n"], kernel["k"]
    counts = [m // groups + (1 if i < m % groups else 0) for i in range(groups)]
    a, b = filled((m, k), dtype, device), filled((groups, n, k), dtype, device)
    if dtype == "bf16" and hasattr(torch, "_grouped_mm"):
        ends = torch.tensor(counts, device=device).cumsum(0).to(torch.int32)
        weights = b.transpose(-2, -1)
        try:
            torch._grouped_mm(a, weights, offs=ends)
            return lambda: torch._grouped_mm(a, weights, offs=ends)
        except RuntimeError:
            pass  # Not on this architecture.
    runs, first = [], 0
    for group, count in enumerate(counts):
        runs.append(multiplication(a[first:first + count], b[group], dtype))
        first += count

    def run():
        for one in runs:
            one()
    return run


def flash_attention():
    try:
        import flash_attn
        return flash_attn
    except ImportError:
        return None


def attention_operands(kernel, queries, keys, device):
    """[batch, tokens, heads, head_dim] as flash-attn takes them."""
    dtype = checked_dtype(kernel)
    if dtype not in ("bf16", "fp16"):
        raise Unsupported(f"no attention in {dtype} in PyTorch")
    if kernel.get("kv_dtype", dtype) != dtype:
        raise Unsupported(f"no attention over a {kernel['kv_dtype']} cache in PyTorch")
    batch, width = kernel["batch"], kernel["head_dim"]
    v_width = kernel.get("v_head_dim", width)
    if kernel["kv_heads"] == 1 and v_width != width:
        raise Unsupported("no kernel for absorbed latent attention in PyTorch")
    return (filled((batch, queries, kernel["heads"], width), dtype, device),
            filled((batch, keys, kernel["kv_heads"], width), dtype, device),
            filled((batch, keys, kernel["kv_heads"], v_width), dtype, device))


def attention(kernel, queries, keys, device):
    q, k, v = attention_operands(kernel, queries, keys, device)
    window = kernel.get("window", 0)
    flash = flash_attention()
    if flash is not None and q.shape[-1] == v.shape[-1]:
        sides = (window - 1, 0) if window else (-1, -1)
        return lambda: flash.flash_attn_func(q, k, v, causal=queries > 1, window_size=sides)
    if window and window < keys:
        raise Unsupported("a sliding window needs flash-attn")
    q, k, v = (tensor.transpose(1, 2).contiguous() for tensor in (q, k, v))
    options = {"enable_gqa": True} if q.shape[1] != k.shape[1] else {}
    if queries == 1:
        return lambda: functional.scaled_dot_product_attention(q, k, v, **options)
    if queries == keys:
        return lambda: functional.scaled_dot_product_attention(q, k, v, is_causal=True, **options)
    from torch.nn.attention.bias import causal_lower_right
    mask = causal_lower_right(queries, keys)
    return lambda: functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, **options)


def prefill_attention(kernel, device):
    return attention(kernel, kernel["seq"], kernel.get("past", 0) + kernel["seq"], device)


def decode_attention(kernel, device):
    flash = flash_attention()
    if flash is None or not hasattr(flash, "flash_attn_with_kvcache"):
        return attention(kernel, 1, kernel["kv_len"], device)
    q, k, v = attention_operands(kernel, 1, kernel["kv_len"], device)
    lengths = torch.full((kernel["batch"],), kernel["kv_len"], dtype=torch.int32, device=device)
    return lambda: flash.flash_attn_with_kvcache(q, k, v, cache_seqlens=lengths)


def elementwise(kernel, device):
    """A copy reads one half of the bytes and writes the other."""
    source = torch.randn(max(1, kernel["bytes"] // 4), device=device).to(torch.bfloat16)
    target = torch.empty_like(source)
    return lambda: target.copy_(source)


OPERATIONS = {"gemm": gemm, "grouped_gemm": grouped_gemm, "prefill_attention": prefill_attention,
              "decode_attention": decode_attention, "elementwise": elementwise}
