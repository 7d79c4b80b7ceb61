"""Makes the table of values in the chart's README from the comments of its values.yaml that begin with two dashes.

    python3 deploy/tests/values_table.py

The table stands between two marks, and a test compares it with what this makes. (readme-generator-for-helm wants each key named
again in its comment; a comment here stands above its key and needs none.)
"""

import pathlib
import re

CHART = pathlib.Path(__file__).parent.parent.parent / "helm/switchboard"
README = CHART / "README.md"
BEGIN, END = "<!-- values -->\n", "<!-- end of values -->\n"


def rows(text):
    """Of each key with a comment: its path, its default, its comment."""
    path, comment = [], []
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        line = line.strip()
        key = re.match(r"(\w+):\s*(.*)$", line)
        if line.startswith("# -- "):
            comment = [line.removeprefix("# -- ")]
        elif line.startswith("# ") and comment:
            comment.append(line.removeprefix("# "))
        elif key:
            path = [(depth, name) for depth, name in path if depth < indent] + [(indent, key[1])]
            if comment:
                yield ".".join(name for _, name in path), key[2], " ".join(comment)
            comment = []
        else:
            comment = []


def table(text):
    lines = ["| key | default | meaning |", "| --- | --- | --- |"]
    for key, default, comment in rows(text):
        default = f"`{default}`" if default else "see values.yaml"
        lines.append(f"| `{key}` | {default} | {comment.replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


def readme_with_table():
    before, rest = README.read_text().split(BEGIN)
    return before + BEGIN + table((CHART / "values.yaml").read_text()) + END + rest.split(END)[1]


if __name__ == "__main__":
    README.write_text(readme_with_table())
