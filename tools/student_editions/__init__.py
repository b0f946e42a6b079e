"""Student editions: section notebooks (MyST) turned into plain Jupyter notebooks without solutions.

`book` knows the pages and their numbers, `parsing` reads MyST Markdown and says where each construct stands,
`inline` and `blocks` (with `directives`) rewrite it, `citations` formats references, `notebook` puts the
cells together.
"""
