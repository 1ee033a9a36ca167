"""How the site is made: prose in Markdown, the reference from the docstrings."""

import re

from sphinx.util.typing import stringify_annotation

import thalweg
from thalweg import arrays

project = "Thalweg"
author = "The Thalweg authors"
copyright = author
release = thalweg.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_*"]
myst_heading_anchors = 3

autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_preserve_defaults = True
maximum_signature_line_length = 90
napoleon_use_ivar = True  # a field is described once, among the "Attributes" of its class
napoleon_custom_sections = [("Reference", "References")]
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = f"Thalweg {release}"
html_show_sphinx = False

ALIASES = {stringify_annotation(getattr(arrays, name), "smart"): name for name in arrays.__all__}


def name_arrays(app, what, name, obj, options, signature, returns):
    """Write Floats where the code says Floats, not what NumPy makes of it."""

    def shorten(text):
        for long, short in ALIASES.items():
            text = text and text.replace(long, short)
        return text

    return shorten(signature), shorten(returns)


def keep_as_written(app, what, name, obj, options, lines):
    """Protect what would be read as markup: |x|, a colon in a property's first line, an author's initial."""
    for i, line in enumerate(lines):
        if "``" not in line and not line.lstrip().startswith((">>>", "...")):
            lines[i] = re.sub(r"^(\s*[A-Z])\. ", r"\1\\. ", line.replace("|", r"\|"))
    if what == "property" and lines:
        lines[0] = lines[0].replace(": ", " – ")


def describe_once(app, what, name, obj, skip, options):
    """Leave to the page of public names what is public; the pages of the rooms have the rest."""
    if re.fullmatch(r"set_\w+_request", name):  # made by scikit-learn, in its own words
        return True
    elsewhere = app.env.docname != "reference/thalweg" and name in thalweg.__all__
    return True if elsewhere and obj is getattr(thalweg, name) else None


def setup(app):
    app.connect("autodoc-process-signature", name_arrays)
    app.connect("autodoc-process-docstring", keep_as_written, priority=400)  # before napoleon, at 500
    app.connect("autodoc-skip-member", describe_once)
