"""MyST Markdown as tokens which know where they stand in their source."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import yaml
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

from student_editions.errors import StudentEditionError

InlineRule = Callable[[StateInline, bool], bool]
EXTENSIONS = ("amsmath", "colon_fence", "deflist", "dollarmath")
INLINE_RULES = {
    "myst_role": "myst_role",
    "link": "link_open",
    "autolink": "link_open",
    "image": "image",
    "backticks": "code_inline",
    "footnote_ref": "footnote_ref",
    "math_inline": "math_inline",
}
DIRECTIVE = re.compile(r"\{([a-zA-Z0-9_\-+:]+)\}\s*(.*)")
OPTION = re.compile(r":([a-zA-Z0-9_\-]+):\s?(.*)")


def make_parser(extensions: Iterable[str] = EXTENSIONS) -> MarkdownIt:
    """A MyST parser whose inline tokens carry `meta["span"]`: where they start and end in their text."""
    md = create_md_parser(MdParserConfig(enable_extensions=set(extensions)), RendererHTML)
    rules = {rule.name: rule.fn for rule in md.inline.ruler.__rules__}
    for name, token_type in INLINE_RULES.items():
        md.inline.ruler.at(name, _remember_span(rules[name], token_type))
    return md


def _remember_span(rule: InlineRule, token_type: str) -> InlineRule:
    def remembering(state: StateInline, silent: bool) -> bool:
        start, count = state.pos, len(state.tokens)
        bracketed = token_type == "link_open" and state.src[start : start + 1] == "["
        label_end = state.md.helpers.parseLinkLabel(state, start) if bracketed else -1
        state.pos = start
        matched = rule(state, silent)
        if matched and not silent:
            token = next((t for t in state.tokens[count:] if t.type == token_type), None)
            if token is not None:
                token.meta = {**token.meta, "span": (start, state.pos), "label_end": label_end}
        return matched

    return remembering


@dataclass(frozen=True)
class Directive:
    """A parsed directive: ```` ```{name} argument ````, its options and its body."""

    name: str
    argument: str
    options: dict[str, str]
    body: str


def read_directive(token: Token) -> Directive | None:
    """The directive in a fence token; None for ordinary code and for everything else."""
    match = DIRECTIVE.fullmatch(token.info.strip()) if token.type in ("fence", "colon_fence") else None
    if match is None:
        return None
    lines = token.content.split("\n")
    options: dict[str, str] = {}
    if lines and lines[0].strip() == "---":
        if "---" not in (rest := [line.strip() for line in lines[1:]]):
            raise StudentEditionError(f"directive {match[1]!r}: its options have no closing ---")
        end = rest.index("---") + 1
        options = {k: str(v) for k, v in (yaml.safe_load("\n".join(lines[1:end])) or {}).items()}
        lines = lines[end + 1 :]
    else:
        while lines and (option := OPTION.fullmatch(lines[0].strip())):
            options[option[1]] = option[2].strip()
            lines = lines[1:]
    return Directive(match[1], match[2].strip(), options, "\n".join(lines).strip("\n"))
