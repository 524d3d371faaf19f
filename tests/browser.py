"""Tabs in a real browser: what the console says against a page fails the test, and what axe finds is told shortly."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def tab(browser: Any, url: str, **options: Any) -> Iterator[Any]:
    """A tab at ``url``; ``options`` are those of Playwright's contexts."""
    context = browser.new_context(viewport={"width": 1200, "height": 900}, **options)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(url)
    yield page
    context.close()
    assert said == []


@contextmanager
def ready(browser: Any, url: str, **options: Any) -> Iterator[Any]:
    """A tab on a server's page that has its models."""
    with tab(browser, url, **options) as found:
        found.wait_for_selector("#state[data-state=ready]")
        yield found


def serious(page: Any) -> list[tuple[str, str]]:
    """What axe finds that is serious or worse: the rule, and the first place."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")
    found = axe.Axe().run(page).response["violations"]
    return [(each["id"], each["nodes"][0]["html"][:200]) for each in found if each["impact"] in ("serious", "critical")]


def stands(page: Any) -> None:
    """A page of its own, in both themes and on a phone: nothing serious, and no wider than it may be."""
    for theme in ("light", "dark"):
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        assert serious(page) == []
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_timeout(200)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
