"""Words of the glossary in the sections: the first mention links to the entry and tells its meaning.

Pointing at a linked word shows the entry as the link's title, without any script; a touch follows the
link. A word with everyday meanings ("gate", "code") stands in the glossary's front matter under
``not_linked``.
"""

import json
import re
from collections.abc import Iterator
from itertools import groupby

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

PAGE = "glossary"
# Where a link would get in the way, or is one already.
CLOSED = (nodes.title, nodes.reference, nodes.literal, nodes.literal_block, nodes.table, nodes.caption)


def entries(doctree: nodes.document) -> Iterator[tuple[str, str, str, str]]:
    """Each term of the glossary with its anchor, its meaning in plain words, and the label of its section."""
    for item in doctree.findall(nodes.definition_list_item):
        definition = next(item.findall(nodes.definition))
        section = next((x["reftarget"] for x in definition.findall(addnodes.pending_xref)), "")
        words = (text for text in definition.findall(nodes.Text) if not inside(text, addnodes.pending_xref))
        spoken = " ".join(word for text in words for word in text.astext().split())
        for term in item.findall(nodes.term):
            yield term.astext(), term["ids"][0], spoken, section


def inside(node: nodes.Node, *kinds: type) -> bool:
    """Whether one of the nodes around this one is of one of the kinds."""
    while (node := node.parent) is not None:
        if isinstance(node, kinds):
            return True
    return False


def remember(app: Sphinx, doctree: nodes.document) -> None:
    """Note the entries as the glossary is read."""
    if app.env.docname == PAGE:
        plain = json.loads(app.env.metadata[PAGE].get("not_linked", "[]"))  # MyST keeps lists as JSON
        app.env.course_glossary = {each[0]: each[1:] for each in entries(doctree) if each[0] not in plain}


def rewrite_all(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Every page is written again when the glossary has been read again."""
    linked = getattr(env, "course_glossary", {})
    changed = linked != getattr(env, "course_glossary_written", None)
    env.course_glossary_written = dict(linked)
    return sorted(env.found_docs) if changed else []


def pattern(terms: list[str]) -> re.Pattern[str]:
    """What finds any of the terms as a whole word, the longest first, in the singular or with an s."""
    any_of = "|".join(map(spelling, sorted(terms, key=len, reverse=True)))
    return re.compile(rf"(?<![\w-])({any_of})(?![\w-])")


def spelling(term: str) -> str:
    """A pattern of one term: a name in capitals as it is, a word also at the beginning of a sentence."""
    first, rest = term[0], re.escape(term[1:]).replace(r"\ ", r"\s+")  # a line may end between two words
    begin = re.escape(first) if first.isupper() else f"[{re.escape(first)}{re.escape(first.upper())}]"
    return f"{begin}{rest}s?"


def join_lines(doctree: nodes.document) -> None:
    """Make one text of those that stand side by side: each line of the source is one of its own."""
    for paragraph in list(doctree.findall(nodes.paragraph)):
        for parent in [paragraph, *paragraph.findall(nodes.emphasis), *paragraph.findall(nodes.strong)]:
            runs = groupby(list(parent.children), key=lambda child: isinstance(child, nodes.Text))
            parent.children = []
            for is_text, run in runs:
                parent += nodes.Text("".join(each.astext() for each in run)) if is_text else list(run)


def link(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link the first mention of each term in a section, but for the terms that it explains itself."""
    glossary = getattr(app.env, "course_glossary", {})
    if not docname.startswith("chapters/") or not glossary:
        return
    own = docname.rpartition("/")[2]
    found = pattern(list(glossary))
    join_lines(doctree)
    known = {spelled: term for term in glossary for spelled in (term, term[:1].upper() + term[1:])}
    done = {anchor for anchor, _, section in glossary.values() if section == own}
    for text in list(doctree.findall(nodes.Text)):
        if not inside(text, nodes.paragraph) or inside(text, *CLOSED):
            continue
        parts, rest = [], text.astext()
        while match := found.search(rest):
            said = match[1]
            one_line = " ".join(said.split())
            term = known.get(one_line) or known[one_line.removesuffix("s")]
            anchor, meaning, _ = glossary[term]
            parts.append(nodes.Text(rest[: match.start()]))
            if anchor in done:
                parts.append(nodes.Text(said))
            else:
                done.add(anchor)
                address = f"{app.builder.get_relative_uri(docname, PAGE)}#{anchor}"
                kind = {"internal": True, "classes": ["glossary-word"]}
                parts.append(nodes.reference("", said, refuri=address, reftitle=meaning, **kind))
            rest = rest[match.end() :]
        if any(isinstance(part, nodes.reference) for part in parts):
            text.parent.replace(text, [*parts, nodes.Text(rest)])


def setup(app: Sphinx) -> None:
    """Called by the extension of the book."""
    app.connect("doctree-read", remember)
    app.connect("env-updated", rewrite_all)
    app.connect("doctree-resolved", link)
