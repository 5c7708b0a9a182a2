"""What MkDocs asks of us: the parts of the site, pages from elsewhere, and nothing from outside.

The parts are those of https://diataxis.fr: a tutorial, how-to pages, concepts, reference; and
beside them operations and decisions. A page that no part names is a how-to page.
"""

from __future__ import annotations

import logging
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = ("ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/report.md")
PARTS: dict[str, tuple[str, ...]] = {
    "Start": ("index.md",),
    "Tutorial": ("tutorial.md",),
    "How to": (),
    "Concepts": (
        "concepts/*.md",
        "ARCHITECTURE.md",
        "scoring.md",
        "quality.md",
        "overload.md",
        "faults.md",
    ),
    "Reference": (
        "cli.md",
        "features.md",
        "reference/*.md",
        "artifact.md",
        "events.md",
        "filters.md",
        "benchmarks/report.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ),
    "Operations": (
        "capacity.md",
        "size.md",
        "load.md",
        "logs.md",
        "tracing.md",
        "docker.md",
        "kubernetes.md",
        "redis.md",
        "access.md",
        "models.md",
        "soak.md",
        "runbooks/README.md",
        "runbooks/*.md",
    ),
    "Decisions": ("decisions/*.md",),
}
_LINK = re.compile(r"(\]\()([^)\s]+)")
_LOADED = re.compile(r"<(?:script|img|iframe|source)[^>]* src=\"?(https?:)?//")
_STYLED = re.compile(r"<link[^>]* href=\"?(https?:)?//")
_OUT = re.compile(r"<a[^>]* href=\"([a-z]+:[^\"]*)\"")
_log = logging.getLogger("mkdocs.hooks.braid")


def on_config(config: Any) -> Any:
    """Lay the pages out in their parts."""
    docs = Path(config.docs_dir)
    pages = [path.relative_to(docs).as_posix() for path in sorted(docs.rglob("*.md"))]
    pages += [name for name in ELSEWHERE if (ROOT / name).exists()]
    parts: dict[str, list[str]] = {}
    for title, patterns in PARTS.items():
        parts[title] = []
        for pattern in patterns:
            found = [page for page in pages if fnmatch(page, pattern)]
            parts[title] += found
            pages = [page for page in pages if page not in found]
    parts["How to"] += pages
    config.nav = [{title: content} for title, content in parts.items() if content]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the pages, and their plots, that live outside of docs/."""
    plots = sorted((ROOT / "benchmarks" / "plots").glob("*.svg"))
    for name in (*ELSEWHERE, *(plot.relative_to(ROOT).as_posix() for plot in plots)):
        if (ROOT / name).exists():
            files.append(File(name, str(ROOT), config.site_dir, config.use_directory_urls))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Mend links between docs/ and the rest: in the site the two are one folder."""
    of_docs = page.file.src_uri not in ELSEWHERE
    depth = page.file.src_uri.count("/")

    def mended(link: re.Match[str]) -> str:
        target = link[2]
        if of_docs and target.startswith("../" * (depth + 1)):
            target = target.removeprefix("../")
        elif not of_docs and target.startswith("../" * depth + "docs/"):
            target = "../" * depth + target.removeprefix("../" * depth + "docs/")
        return link[1] + target

    return _LINK.sub(mended, markdown)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Warn of what a reader's browser would fetch from elsewhere, and of links that cannot be."""
    if _LOADED.search(output) or _STYLED.search(output):
        _log.warning("%s fetches something from outside", page.file.src_uri)
    for link in _OUT.findall(output):
        address = urlsplit(link)
        here = address.scheme == "http" and address.hostname == "127.0.0.1"  # the reader's service
        if not here and (address.scheme != "https" or not address.hostname):
            _log.warning("%s links to %s, which is no https address", page.file.src_uri, link)
    return output
