"""docs/quotes.py notices what has changed and says where."""

import importlib.util
import pathlib
import unittest

FILE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "quotes.py"
SPEC = importlib.util.spec_from_file_location("quotes", FILE)
quotes = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(quotes)

PRINTED = ["Cost", "", "cost  2.00 USD", "time  5 ms", "the end"]


class Quotes(unittest.TestCase):
    def test_a_whole_quote_and_one_with_gaps_are_there(self):
        self.assertIsNone(quotes.missing_line(PRINTED, PRINTED))
        self.assertIsNone(quotes.missing_line(["...", "cost  2.00 USD", "...", "the end"], PRINTED))

    def test_the_first_line_that_is_not_there_is_named(self):
        for quote, wrong in (
            (["...", "cost  2.01 USD", "..."], 1),
            (["...", "time  5 ms", "...", "cost  2.00 USD", "..."], 3),
            (["Cost", "cost  2.00 USD", "..."], 1),
            (PRINTED[:-1], 3),
        ):
            self.assertEqual(quotes.missing_line(quote, PRINTED), wrong, quote)

    def test_a_renewed_quote_keeps_its_choice_of_lines(self):
        now = ["Cost", "", "cost  3.00 USD", "note", "time  6 ms", "the end"]
        old = ["...", "cost  2.00 USD", "time  5 ms", "..."]
        new = quotes.renewed(old, now)
        self.assertEqual(new, ["...", "cost  3.00 USD", "...", "time  6 ms", "..."])
        self.assertIsNone(quotes.missing_line(new, now))

    def test_figures_of_the_text_have_to_be_printed_in_their_chapter(self):
        text = ["## One", "It costs 2.00 USD.", "```sh", "x", "```", "## Two", "2.00 USD, 7 ms."]
        blocks = quotes.read_blocks(text)
        outputs = {blocks[0]: PRINTED}
        alone = list(quotes.stray_figures(text, blocks, outputs, True))
        self.assertEqual(alone, [(6, "2.00"), (6, "7")])
        self.assertEqual(list(quotes.stray_figures(text, blocks, outputs, False)), [(6, "7")])
        self.assertEqual(list(quotes.stray_figures(text, blocks, outputs, True, {"2.00", "7"})), [])

    def test_the_readme_may_repeat_the_figures_of_the_accuracy_page_and_lies_at_the_root(self):
        self.assertTrue(quotes.page_named("README.md").is_file())
        self.assertTrue(quotes.page_named("tutorial.md").is_file())
        self.assertIn("1520", quotes.figures_from("README.md"))
        self.assertEqual(quotes.figures_from("tutorial.md"), set())

    def test_the_readme_shows_a_part_of_what_its_command_prints(self):
        blocks = quotes.read_blocks(quotes.page_named("README.md").read_text().splitlines())
        kinds = [block.kind for block in blocks if block.kind in ("sh", "text")]
        self.assertEqual(kinds, ["sh", "text"])
        quote = next(block.lines for block in blocks if block.kind == "text")
        self.assertIn(quotes.SKIP, quote)
        self.assertLessEqual(len(quote), 40)


if __name__ == "__main__":
    unittest.main()
