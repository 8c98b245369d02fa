"""The schemas as other programs see them: valid by the standard's own meta-schema, and a report
fits. Needs MOESIM_PROGRAM and Debian's python3-jsonschema."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

try:
    from jsonschema import Draft202012Validator
except ImportError:
    print("python3-jsonschema is missing")
    sys.exit(77)

MOESIM = os.environ["MOESIM_PROGRAM"]
SCENARIO = {
    "schema": 1,
    "name": "small",
    "workload": {
        "requests": {"closed_loop": {"concurrency": 2, "requests": 6}},
        "lengths": {"input": 16, "output": 4},
        "slo": {"ttft_p99": "2 s"},
    },
    "cases": [
        {
            "name": "<script>|",
            "model": {"name": "olmoe-1b-7b", "top_k": 4},
            "cluster": {"node": "workstation-rtx-4090"},
            "router": {"bank_sequences": 16, "bank_sequence_tokens": 16, "baselines": ["balanced"]},
            "power_limit": "300 W",
        }
    ],
}


def schema(name):
    command = [MOESIM, "schema", name]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


class Schemas(unittest.TestCase):
    def test_both_are_schemas(self):
        for name in ("report", "scenario"):
            Draft202012Validator.check_schema(schema(name))

    def test_a_scenario_fits_and_its_slips_do_not(self):
        check = Draft202012Validator(schema("scenario"))
        self.assertEqual(list(check.iter_errors(SCENARIO)), [])
        for section, key, value in (
            ("cluster", "node", 8),
            ("cluster", "noeds", 1),
            ("router", "tokens", "calibratd"),
            ("router", "bank_sequences", 8),
            ("model", "top_k", 0),
        ):
            changed = json.loads(json.dumps(SCENARIO))
            changed["cases"][0][section][key] = value
            self.assertFalse(check.is_valid(changed), f"{section}.{key}")
        for limit in ("2", "2 sec", "-1 s", "0 s", 2):
            changed = json.loads(json.dumps(SCENARIO))
            changed["workload"]["slo"]["ttft_p99"] = limit
            self.assertFalse(check.is_valid(changed), limit)

    def test_a_report_fits(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "small.yaml"
            file.write_text(json.dumps(SCENARIO, indent=1))
            command = [MOESIM, "run", file, "--out", folder, "--markdown", "--quiet"]
            environment = {**os.environ, "XDG_CACHE_HOME": folder}
            subprocess.run(command, check=True, env=environment)
            report = json.loads((pathlib.Path(folder) / "report.json").read_text())
            summary = (pathlib.Path(folder) / "report.md").read_text()
        check = Draft202012Validator(schema("report"))
        self.assertEqual(list(check.iter_errors(report)), [])
        report["cases"][0]["metrics"]["surprise"] = 1
        self.assertFalse(check.is_valid(report))
        self.assertIn("&#60;script&#62;&#124;", summary)
        self.assertNotIn("<", summary)


if __name__ == "__main__":
    unittest.main()
