"""Faults of a page: console messages, failed requests, axe-core, horizontal scrolling."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page, Response

_SERIOUS = ("serious", "critical")
_AXE = Axe()


class Watched:
    """Collects what the browser complains about while pages are open."""

    def __init__(self, page: Page) -> None:
        self.faults: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: {error}"))
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            where = message.location.get("url", "")
            self.faults.append(f"{where}: console {message.type}: {message.text}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.url}: {response.status}")


def accessibility_faults(page: Page, *rules: str, contrast: bool = True) -> list[str]:
    """The serious and critical faults that axe-core finds, each with the first element of it.

    Of all its rules, or of those named; without `contrast`, which takes most of its time, of all
    but that one.
    """
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if not contrast:
        options["rules"] = {"color-contrast": {"enabled": False}}
    if rules:
        options["runOnly"] = list(rules)
    found = _AXE.run(page, options=options).response["violations"]
    return [
        f"{fault['id']} ({fault['impact']}, {len(fault['nodes'])}x): {_where(fault)}"
        for fault in found
        if fault["impact"] in _SERIOUS
    ]


def _where(fault: dict[str, Any]) -> str:
    node = fault["nodes"][0]
    why = [check["message"] for check in [*node["any"], *node["all"], *node["none"]]][:1]
    return " | ".join([str(node["target"][0]), _short(node["html"]), *why])


def _short(html: str) -> str:
    return " ".join(html.split())[:160]


def overflowing_elements(page: Page) -> list[str]:
    """The first elements that make the page wider than the screen; [] if it fits."""
    wider = page.evaluate(
        """() => {
            const root = document.documentElement;
            if (root.scrollWidth <= root.clientWidth) return [];
            const clipped = (e) => e && e !== document.body &&
                (getComputedStyle(e).overflowX !== 'visible' || clipped(e.parentElement));
            const out = [...document.body.querySelectorAll('*')].filter((e) =>
                e.getBoundingClientRect().right > root.clientWidth + 1 &&
                !clipped(e.parentElement) && ![...e.children].some((c) =>
                    c.getBoundingClientRect().right > root.clientWidth + 1));
            return (out.length ? out : [document.body]).slice(0, 3).map((e) => e.outerHTML);
        }"""
    )
    return [_short(html) for html in wider]
