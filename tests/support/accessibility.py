"""axe-core's rules, on a page that is open in the browser."""

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

# A formula has its MathML beside it for screen readers; axe would look through each of its hundred pieces.
WITHOUT_FORMULAS = {"exclude": [["mjx-container"]]}
# Both compare the colours of thousands of words, which takes seconds: they run on a page of each kind. The
# contrast of all text is measured by tests/book/layout.js.
OF_COLOUR = ("color-contrast", "link-in-text-block")

RUN = """async ([context, options]) => {
  const grave = (await axe.run(context, options)).violations.filter(v => /serious|critical/.test(v.impact));
  return grave.flatMap(v => v.nodes.map(n => `${v.id}: ${n.target.join(" ")}: ${n.html.slice(0, 150)}`));
}"""


def violations(page: Page, context: dict, **options) -> list[str]:
    """What axe-core finds serious or critical in an open page: rule, place and text of each."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    return page.evaluate(RUN, [context, {"resultTypes": ["violations"], **options}])
