"""What all style sheets have in common."""

from __future__ import annotations

import re

from demo.place import ROOT

RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")


def test_code_and_prompts_show_each_character_by_itself() -> None:
    """The font's ligatures would draw `<|` as one sign; a `font` property turns them on again."""
    wrong = [
        f"{sheet.name}: {selector.strip()}"
        for sheet in (ROOT / "static" / "css").glob("*.css")
        for selector, body in RULE.findall(sheet.read_text())
        if re.search(r"font(-family)?:[^;]*var\(--mono\)", body)
        and "font-variant-ligatures: none" not in body
    ]

    assert wrong == []
