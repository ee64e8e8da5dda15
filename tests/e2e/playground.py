"""The playground as its user sees it."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


class PlaygroundPage:
    """Finds things on the page by what a person would call them."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.editor: Locator = page.get_by_role("textbox", name="Prompt and completion")
        self.status: Locator = page.locator("[data-chip]")
        self.message: Locator = page.locator("[data-message]")

    def open(self) -> PlaygroundPage:
        self.page.goto("/playground/")
        return self

    def write(self, text: str) -> None:
        self.editor.fill(text)

    def set(self, label: str, value: str) -> None:
        self.page.get_by_label(label, exact=True).fill(value)

    def run(self) -> None:
        self.editor.press("Control+Enter")

    def stop(self) -> None:
        self.editor.press("Escape")

    def text(self) -> str:
        return self.editor.input_value()

    def wait_for_text_beyond(self, text: str) -> None:
        self.page.wait_for_function(
            "([editor, length]) => editor.value.length > length",
            arg=[self.editor.element_handle(), len(text)],
            timeout=60_000,
        )

    def watch_it_grow(self) -> list[int]:
        """The lengths of the text, each time it had grown, until the run ended."""
        lengths = [len(self.text())]
        while not self.has_ended():
            now = len(self.text())
            if now != lengths[-1]:
                lengths.append(now)
            self.page.wait_for_timeout(20)
        return lengths

    def has_ended(self) -> bool:
        return self.status.inner_text().startswith(("Finished", "Stopped", "Failed"))

    def wait_until_finished(self) -> None:
        expect(self.status).to_contain_text("Finished", timeout=180_000)
