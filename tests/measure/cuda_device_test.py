"""The part of hardware/measure that drives a GPU, against a stand-in for PyTorch: operands have the
shapes that the row says, every launch is counted, what cannot run is left out by name."""

import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "hardware" / "measure"), str(HERE)]

import fake_torch  # noqa: E402

fake_torch.install()

from cuda_device import CudaDevice  # noqa: E402
from device import Unsupported  # noqa: E402
from work import Kernel  # noqa: E402

GEMM = {"kind": "gemm", "dtype": "bf16", "m": 16, "n": 512, "k": 256}
EXPERTS = {**GEMM, "kind": "grouped_gemm", "m": 10, "groups": 4}
DECODE = {"kind": "decode_attention", "dtype": "bf16", "batch": 2, "kv_len": 64, "heads": 8,
          "kv_heads": 2, "head_dim": 128}
PREFILL = {"kind": "prefill_attention", "dtype": "bf16", "batch": 2, "seq": 64, "heads": 8,
           "kv_heads": 2, "head_dim": 192, "v_head_dim": 128}
COPY = {"kind": "elementwise", "bytes": 1 << 20}


class OneKernel(unittest.TestCase):
    def setUp(self):
        self.device = CudaDevice("cuda")

    def seconds(self, **kernel):
        samples = self.device.samples(Kernel(kernel), 3)
        self.assertEqual(len(samples), 3)
        return samples[0]

    def test_every_kind_takes_one_launch(self):
        for kernel in (GEMM, {**GEMM, "dtype": "fp8"}, {**GEMM, "dtype": "int8"},
                       {**GEMM, "groups": 8}, EXPERTS, DECODE, PREFILL, {**PREFILL, "past": 32},
                       {**PREFILL, "kv_heads": 8}, COPY):
            self.assertAlmostEqual(self.seconds(**kernel) / fake_torch.KERNEL_SECONDS, 1, 6, kernel)
        launch = self.device.launch_seconds()
        self.assertAlmostEqual(launch / fake_torch.KERNEL_SECONDS, 1, 6)

    def test_experts_without_a_grouped_kernel_take_a_launch_each(self):
        seconds = self.seconds(**{**EXPERTS, "dtype": "fp8"})
        self.assertAlmostEqual(seconds / fake_torch.KERNEL_SECONDS, 4, 6)

    def test_what_the_library_lacks_is_left_out_by_name(self):
        for kernel, reason in (({**GEMM, "weight_dtype": "int4"}, "int4 weights"),
                               ({**GEMM, "dtype": "fp4"}, "fp4"),
                               ({**DECODE, "kv_dtype": "fp8"}, "fp8 cache"),
                               ({**DECODE, "kv_heads": 1, "head_dim": 576, "v_head_dim": 512},
                                "latent attention"),
                               ({**PREFILL, "window": 16}, "flash-attn"),
                               ({**COPY, "bytes": 1 << 40}, "does not fit")):
            with self.assertRaisesRegex(Unsupported, reason):
                self.seconds(**kernel)

    def test_no_power_meter_means_no_power(self):
        self.seconds(**GEMM)
        if not self.device.energy.works:
            self.assertIsNone(self.device.power(Kernel(GEMM), 0.01))

    def test_operands_take_turns_unless_the_cache_may_stay_warm(self):
        def copies():
            self.seconds(**GEMM)
            return len(self.device.runs)
        cold = copies()
        self.device.keep_cache_warm = True
        self.assertEqual((cold, copies()), (64, 1))


if __name__ == "__main__":
    unittest.main()
