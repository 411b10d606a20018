"""Plots what sealfold-bench printed: reads JSON Lines, writes SVG files into a folder.

One file for each table of docs/PERFORMANCE.md (TABLES below), and one for each other group of lines
whose names begin alike. A line that is a point of a series ("where") becomes a point of a curve of
its name over that; any other becomes a bar. Both show the ratio to what a line is compared with,
from the least to the greatest repeat a whisker, and a mark at 1. Uses Python's standard library
only.
"""

import argparse
import collections
import html
import json
import math
import pathlib

TABLES = {
    "open_fold": ("open_fold_", "vs_numpy_average", "confidential_vs_plain"),
    "chunk_bytes": ("chunk_bytes",),
    "staging": ("staging_",),
    "fold": ("fold_", "exact_vs_float"),
    "round_vs_grpc": ("round_vs_",),
    "round_1000_small": ("round_1000_small",),
    "idle_connections": ("idle_",),
    "peak_memory": ("peak_memory",),
    "cost_per_byte": ("cost_per_byte",),
    "cost_per_participant": ("cost_per_participant",),
    "evidence": ("evidence_",),
}
ROW_HEIGHT = 26
LABEL_WIDTH = 330
BAR_WIDTH = 420
CURVE_HEIGHT = 260
MARGIN = 12
AXIS_WIDTH = 48
COLOURS = ("#3b7ea1", "#b3541e", "#3f8f4f", "#7d4fa8", "#8a7a1e", "#a83f5f")
STYLE = ("text{font:13px sans-serif;fill:#222}.note{fill:#666;font-size:11px}"
         ".bar{fill:#3b7ea1}.whisker{stroke:#16394a;stroke-width:1.5}"
         ".one{stroke:#b3541e;stroke-dasharray:4 3}.axis{stroke:#999}")


def table_of(line):
    for table, prefixes in TABLES.items():
        if line["name"].startswith(prefixes):
            return table
    return line["name"].split("_")[0]


def tables_of(lines):
    tables = collections.OrderedDict()
    for line in lines:
        tables.setdefault(table_of(line), []).append(line)
    return tables


def ratios_of(line):
    """(least, median, greatest) of a line's ratio."""
    return tuple(line[k] / line["against_median"] for k in ("min", "median", "max"))


def label_of(line):
    return " ".join([line["name"]] + [f"{k}={v:g}" for k, v in line.get("where", {}).items()])


def document(height, title, body):
    width = LABEL_WIDTH + BAR_WIDTH + 90
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height:.0f}">',
        f"<style>{STYLE}</style>",
        f'<text x="{MARGIN}" y="{MARGIN + 12}">{html.escape(title)}: ratio to what each is '
        "compared with</text>", *body, "</svg>"
    ]) + "\n"


def bars(lines, top):
    scale_max = max([1.05] + [ratios_of(line)[2] for line in lines])

    def x(ratio):
        return LABEL_WIDTH + BAR_WIDTH * ratio / scale_max

    out = []
    for row, line in enumerate(lines):
        y = top + ROW_HEIGHT * row
        middle = y + ROW_HEIGHT / 2 - 3
        low, ratio, high = ratios_of(line)
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
    bottom = top + ROW_HEIGHT * len(lines)
    out.append(f'<line class="one" x1="{x(1):.1f}" x2="{x(1):.1f}" y1="{top - 4}" '
               f'y2="{bottom}"/>')
    return out, bottom


def curves(series, top):
    """One picture of several named series over the same thing, which is drawn by its logarithm."""
    what = next(iter(series[0][1][0]["where"]))
    points = [(name, [(line["where"][what], line) for line in lines]) for name, lines in series]
    logs = [math.log(at) for _, line in points for at, _ in line]
    left, right = min(logs), max(logs)
    high = max([1.05] + [ratios_of(line)[2] for _, p in points for _, line in p])
    width = LABEL_WIDTH + BAR_WIDTH - AXIS_WIDTH
    bottom = top + CURVE_HEIGHT

    def x(at):
        part = (math.log(at) - left) / (right - left) if right > left else 0.5
        return MARGIN + AXIS_WIDTH + (width - 2 * AXIS_WIDTH) * part

    def y(ratio):
        return bottom - CURVE_HEIGHT * ratio / high

    ends = f'x1="{MARGIN + AXIS_WIDTH - 12}" x2="{width}"'
    out = [f'<line class="axis" {ends} y1="{bottom}" y2="{bottom}"/>']
    for ratio in (0, high / 2, high):
        out.append(f'<text class="note" x="{MARGIN}" y="{y(ratio) + 4:.1f}">{ratio:.2f}</text>')
    for at in sorted({at for _, p in points for at, _ in p}):
        out.append(f'<text class="note" x="{x(at) - 10:.1f}" y="{bottom + 16}">{at:g}</text>')
    out.append(f'<text class="note" x="{width}" y="{bottom + 16}">{html.escape(what)}</text>')
    out.append(f'<line class="one" {ends} y1="{y(1):.1f}" y2="{y(1):.1f}"/>')
    for index, (name, p) in enumerate(points):
        colour = COLOURS[index % len(COLOURS)]
        path = " ".join(f"{x(at):.1f},{y(ratios_of(line)[1]):.1f}" for at, line in p)
        out.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{path}"/>')
        for at, line in p:
            least, ratio, greatest = ratios_of(line)
            note = f"{label_of(line)}: {ratio:.2f} ({line['median']:.3g} {line['unit']})"
            out += [
                f"<g><title>{html.escape(note)}; against {html.escape(line['against'])}</title>",
                f'<circle cx="{x(at):.1f}" cy="{y(ratio):.1f}" r="3.5" fill="{colour}"/>',
                f'<line stroke="{colour}" x1="{x(at):.1f}" x2="{x(at):.1f}" '
                f'y1="{y(least):.1f}" y2="{y(greatest):.1f}"/></g>',
            ]
        out.append(f'<text x="{width + 8}" y="{top + 14 + 18 * index}" style="fill:{colour}">'
                   f"{html.escape(name)}</text>")
    return out, bottom + 2 * ROW_HEIGHT


def svg_of(title, lines):
    series = collections.OrderedDict()
    for line in lines:
        if "where" in line:
            series.setdefault(line["name"], []).append(line)
    series = [(name, points) for name, points in series.items() if len(points) > 1]
    drawn = {name for name, _ in series}
    top = MARGIN + ROW_HEIGHT
    body = []
    if series:
        body, top = curves(series, top)
    rest = [line for line in lines if line["name"] not in drawn]
    if rest:
        more, top = bars(rest, top)
        body += more
    return document(top + MARGIN, title, body)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lines", type=pathlib.Path, help="JSON Lines of sealfold-bench")
    parser.add_argument("folder", type=pathlib.Path, help="where the SVG files go")
    arguments = parser.parse_args()
    lines = [json.loads(text) for text in arguments.lines.read_text().splitlines() if text]
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables_of(lines).items():
        (arguments.folder / f"{name}.svg").write_text(svg_of(name, table))


if __name__ == "__main__":
    main()
