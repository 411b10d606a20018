"""Plots what sealfold-bench printed: reads JSON Lines, writes SVG files into a folder.

One file for each group of lines whose names begin alike (fold_f32, fold_bf16: fold). Each line is a
bar of its ratio to what it is compared with, from the least to the greatest repeat a whisker, and a
mark at 1. Uses Python's standard library only.
"""

import argparse
import collections
import html
import json
import pathlib

ROW_HEIGHT = 26
LABEL_WIDTH = 330
BAR_WIDTH = 420
MARGIN = 12
STYLE = ("text{font:13px sans-serif;fill:#222}.note{fill:#666;font-size:11px}"
         ".bar{fill:#3b7ea1}.whisker{stroke:#16394a;stroke-width:1.5}"
         ".one{stroke:#b3541e;stroke-dasharray:4 3}")


def groups_of(lines):
    groups = collections.OrderedDict()
    for line in lines:
        groups.setdefault(line["name"].split("_")[0], []).append(line)
    return groups


def label_of(line):
    return " ".join([line["name"]] + [f"{k}={v}" for k, v in line.get("where", {}).items()])


def svg_of(title, lines):
    scale_max = max([1.05] + [line["max"] / line["against_median"] for line in lines])

    def x(ratio):
        return LABEL_WIDTH + BAR_WIDTH * ratio / scale_max

    height = MARGIN * 2 + ROW_HEIGHT * (len(lines) + 1)
    width = LABEL_WIDTH + BAR_WIDTH + 90
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">',
        f"<style>{STYLE}</style>",
        f'<text x="{MARGIN}" y="{MARGIN + 12}">{html.escape(title)}: ratio to what each is '
        "compared with</text>",
    ]
    for row, line in enumerate(lines):
        y = MARGIN + ROW_HEIGHT * (row + 1)
        middle = y + ROW_HEIGHT / 2 - 3
        ratio = line["ratio"]
        low, high = (line[k] / line["against_median"] for k in ("min", "max"))
        out += [
            f"<g><title>{html.escape(line['against'])}</title>",
            f'<text x="{MARGIN}" y="{middle + 4}">{html.escape(label_of(line))}</text>',
            f'<rect class="bar" x="{x(0):.1f}" y="{y}" width="{x(ratio) - x(0):.1f}" '
            f'height="{ROW_HEIGHT - 8}"/>',
            f'<line class="whisker" x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{middle:.1f}" '
            f'y2="{middle:.1f}"/>',
            f'<text class="note" x="{x(max(ratio, high)) + 6:.1f}" y="{middle + 4}">'
            f'{ratio:.2f} ({line["median"]:.3g} {html.escape(line["unit"])})</text></g>',
        ]
    out += [
        f'<line class="one" x1="{x(1):.1f}" x2="{x(1):.1f}" y1="{MARGIN + ROW_HEIGHT - 4}" '
        f'y2="{height - MARGIN}"/>',
        "</svg>",
    ]
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lines", type=pathlib.Path, help="JSON Lines of sealfold-bench")
    parser.add_argument("folder", type=pathlib.Path, help="where the SVG files go")
    arguments = parser.parse_args()
    lines = [json.loads(text) for text in arguments.lines.read_text().splitlines() if text]
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name, group in groups_of(lines).items():
        (arguments.folder / f"{name}.svg").write_text(svg_of(name, group))


if __name__ == "__main__":
    main()
