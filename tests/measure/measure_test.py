"""hardware/measure from end to end against a recorded device: the table that it writes goes into a
profile, and moesim's numbers change as the table says. Needs MOESIM_PROGRAM."""

import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
MEASURE = TOP / "hardware" / "measure"
MOESIM = os.environ["MOESIM_PROGRAM"]
sys.path.insert(0, str(MEASURE))

import work  # noqa: E402

MODEL = "olmoe-1b-7b"
NOTES = {"device": "Recorded H100", "driver": "1.2", "library": "none", "launch": "2 us"}
PEAK, BANDWIDTH = 989e12, 3.35e12
GRID = ["--quick", "--max-tokens", "1024", "--max-batch", "16", "--max-context", "1024"]
SCENARIO = """schema: 1
name: small
seed: 1
workload:
  requests: {static: {batch: 16}}
  lengths: {input: 64, output: 32}
cases:
  - name: moe
    model: olmoe-1b-7b
    dtype: {weights: bf16, experts: bf16, kv: bf16}
    cluster: {node: ./node.yaml}
    parallel: {tp: 1}
    router: {bank_sequences: 16, bank_sequence_tokens: 16}
"""


def run(*command, check=True):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          check=False, timeout=300)
    if check and done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stderr}")
    return done


def seconds_of(kernel, slowness):
    """A launch and `slowness` times what the data sheet would take."""
    flops, size = work.flops_and_bytes(kernel)
    return 2e-6 + slowness * (flops / PEAK + size / BANDWIDTH)


class Measure(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="moesim-measure-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        devices = TOP / "hardware" / "profiles"
        device = (devices / "devices" / "h100-sxm-80gb.yaml").read_text()
        (self.folder / "plain.yaml").write_text(device)
        (self.folder / "mine.yaml").write_text(device + "measured: [t.csv]\n")
        node = (devices / "nodes" / "dgx-h100.yaml").read_text()
        self.assertIn("device: h100-sxm-80gb", node)
        self.node = node.replace("device: h100-sxm-80gb", "device: DEVICE")
        (self.folder / "small.yaml").write_text(SCENARIO)

    def measure(self, *options, check=True):
        return run(sys.executable, MEASURE / "measure.py", "--model", MODEL, "--moesim", MOESIM,
                   *GRID, "--out", self.folder / "t.csv", *options, check=check)

    def plan(self):
        lines = self.measure("--dry-run").stdout.splitlines()
        return [work.kernel_from(row) for row in csv.DictReader(lines)]

    def record(self, slowness, kernels=None, **notes):
        """A recording of the plan: every kernel three times, the median as told, one outlier."""
        path = self.folder / "recording.csv"
        with open(path, "w", encoding="utf-8") as file:
            for key, value in {**NOTES, **notes}.items():
                file.write(f"# {key}: {value}\n")
            file.write(",".join(work.SHAPE + ["time_s", "power_w"]) + "\n")
            for kernel in self.plan() if kernels is None else kernels:
                for factor in (1, 0.99, 30):
                    cells = [*kernel.key(), repr(factor * seconds_of(kernel, slowness)), "400"]
                    file.write(",".join(cells) + "\n")
        return f"recorded:{path}"

    def rows(self):
        lines = (self.folder / "t.csv").read_text().splitlines()
        return list(csv.DictReader(line for line in lines if not line.startswith("#")))

    def report(self, device):
        (self.folder / "node.yaml").write_text(self.node.replace("DEVICE", device))
        out = self.folder / "out"
        done = run(MOESIM, "run", self.folder / "small.yaml", "--out", out, "--quiet", check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads((out / "report.json").read_text())

    def test_table_changes_what_moesim_says(self):
        self.measure("--device", self.record(slowness=1.3))
        self.assertGreater(len(self.rows()), 100)
        plain = self.report("plain")["cases"][0]["metrics"]
        fast = self.report("mine")
        metrics = fast["cases"][0]["metrics"]
        self.assertEqual(plain["kernel_time_measured_share"], 0)
        self.assertGreater(metrics["kernel_time_measured_share"], 0.9)
        self.assertIn("Recorded H100", json.dumps(fast))
        checked = run(MOESIM, "check", self.folder / "small.yaml").stdout
        self.assertIn("Measured on Recorded H100", checked)
        self.assertIn("rows for 9 of the 9 kernel shapes of a rank\n", checked)
        (self.folder / "t.csv").unlink()
        self.measure("--device", self.record(slowness=13))
        slow = self.report("mine")["cases"][0]["metrics"]
        # Launches and collectives stay, kernels take ten times as long.
        self.assertGreater(slow["tpot_mean_s"], 2 * metrics["tpot_mean_s"])
        kernels = [m["time_compute_s"] + m["time_memory_s"] for m in (metrics, slow)]
        self.assertAlmostEqual(kernels[1] / kernels[0], 10, delta=1)

    def test_rows_are_medians_with_power_where_asked_for(self):
        kernels = self.plan()[:3]
        device = self.record(2, kernels)
        done = self.measure("--device", device)
        for row, kernel in zip(self.rows(), kernels):
            self.assertAlmostEqual(float(row["time_s"]) / seconds_of(kernel, 2), 1, places=4)
            self.assertEqual(row["power_w"], "")  # --quick takes none.
        self.assertIn("kernels: not in the recording", done.stderr)
        (self.folder / "t.csv").unlink()
        path = self.folder / "shapes.csv"
        path.write_text(run(MOESIM, "show", MODEL, "--kernels").stdout)
        run(sys.executable, MEASURE / "measure.py", "--shapes", path, "--out",
            self.folder / "t.csv", "--device", device)
        self.assertEqual({row["power_w"] for row in self.rows()}, {"400"})

    def test_interrupted_run_keeps_its_rows_and_goes_on(self):
        device = self.record(2, interrupt_after="5")
        first = self.measure("--device", device, check=False)
        self.assertEqual(first.returncode, 130)
        self.assertEqual(len(self.rows()), 5)
        with open(self.folder / "t.csv", "a", encoding="utf-8") as file:
            file.write("gemm,bf16,bf16")  # As a full disk leaves it.
        self.measure("--device", device, check=False)
        self.assertEqual(len(self.rows()), 10)
        self.measure("--device", self.record(2))
        keys = [work.kernel_from(row).key() for row in self.rows()]
        self.assertEqual(keys, [kernel.key() for kernel in self.plan()])

    def test_table_of_another_machine_is_not_continued(self):
        self.measure("--device", self.record(2))
        done = self.measure("--device", self.record(2, device="Recorded A100"), check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("device: Recorded H100: this machine has Recorded A100", done.stderr)

    def test_collectives_become_a_table_that_validate_scores(self):
        recording = self.folder / "links.csv"
        recording.write_text("op,n_gpus,message_bytes,value\nall_reduce,8,1048576,3e-5\n"
                             "alltoall,8,1048576,2.5e-5\n")
        out = self.folder / "collectives.csv"
        for _ in range(2):  # The second time everything is there already.
            run(sys.executable, MEASURE / "measure.py", "--collectives", out, "--hardware",
                "h100-sxm-80gb", "--device", f"recorded:{recording}")
        self.assertEqual(len(out.read_text().splitlines()), 3)
        predictions = self.folder / "predictions.csv"
        run(MOESIM, "validate", out, "--out", predictions)
        with open(predictions, encoding="utf-8") as file:
            self.assertEqual(len(list(csv.DictReader(file))), 2)


if __name__ == "__main__":
    unittest.main()
