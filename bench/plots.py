"""Plots as SVG, drawn by gnuplot: lines that carry their names, and bars.

The background is left out and the colours are of middle brightness, so that a plot can be read on a
light page and on a dark one.
"""

import math
import subprocess

GREY = "#7d8590"
FAINT = "#c07d8590"             # the same, three quarters transparent
COLOURS = ["#2f81f7", "#2da44e", "#a371f7", "#d9822b", "#e5534b", "#1b9aaa", "#bf5fa0"]

# In pixels; text is about so high.
WIDTH, HEIGHT = 760, 400
LINE_HEIGHT = 15
MARGINS = {"left": 80, "right": 230, "top": 40, "bottom": 65}


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def short(value):
    """12,345 as 12.3k."""
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.3g}"


def gnuplot(commands):
    subprocess.run(["gnuplot"], input="\n".join(commands) + "\n", check=True, text=True)


def frame(path, title, height):
    edges = {"left": MARGINS["left"] / WIDTH, "right": 1 - MARGINS["right"] / WIDTH,
             "top": 1 - MARGINS["top"] / height, "bottom": MARGINS["bottom"] / height}
    return [f"set terminal svg size {WIDTH},{height} dynamic noenhanced font 'Helvetica,Arial,sans-serif,13'",
            f"set output {quoted(path)}",
            f"set title {quoted(title)} offset 0,0.3 textcolor rgb '{GREY}'",
            *[f"set {edge[0]}margin at screen {place}" for edge, place in edges.items()],
            f"set border 3 linecolor rgb '{GREY}'", "unset key",
            f"set grid linecolor rgb '{FAINT}' dashtype 1 linewidth 0.5",
            "set tics nomirror scale 0.5"]


class Axis:
    """Where values lie between 0 and 1, and which of them are marked."""

    def __init__(self, title, values, log=False, ticks=None):
        self.title, self.log, self.ticks = title, log, ticks
        low, high = min(values), max(values)
        if log:
            low, high = low / 1.15, high * 1.15
            self.ticks = ticks or self.decades(low, high)
        elif ticks is None:
            low, high = 0, high * 1.08
            self.ticks = self.steps(high)
        self.low, self.high = low, high

    @staticmethod
    def steps(high):
        """From 0 on, four to nine of them."""
        power = 10.0 ** math.floor(math.log10(high / 4))
        step = power * max(step for step in (1, 2, 5) if step * power <= high / 4)
        return [(step * n, short(step * n)) for n in range(math.floor(high / step) + 1)]

    @staticmethod
    def decades(low, high):
        steps = (1, 2, 5) if high / low < 200 else (1,)
        marks = [step * 10.0 ** power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)))
                 for step in steps]
        return [(mark, short(mark)) for mark in marks if low <= mark <= high]

    def place(self, value):
        scale = math.log if self.log else float
        return (scale(value) - scale(self.low)) / (scale(self.high) - scale(self.low))

    def commands(self, axis):
        text = f"textcolor rgb '{GREY}'"
        marks = ", ".join(f"{quoted(name)} {value!r}" for value, name in self.ticks)
        return [f"set {axis}range [{self.low!r}:{self.high!r}]", f"set {axis}tics ({marks}) {text}",
                f"set {axis}label {quoted(self.title)} {text}",
                *([f"set logscale {axis}"] if self.log else [])]


def spread(places, distance):
    """The places, in ascending order, moved apart until each is so far from the next, about where they were."""
    groups = []
    for place in places:
        groups.append([place])
        while len(groups) > 1:
            (*_, below, above) = groups
            if start(above, distance) - start(below, distance) >= distance * len(below):
                break
            groups[-2:] = [below + above]
    return [start(group, distance) + distance * n for group in groups for n in range(len(group))]


def start(group, distance):
    """Where the lowest of a group lies that keeps its distances."""
    return sum(group) / len(group) - distance * (len(group) - 1) / 2


def lines(path, title, x_axis, y_axis, series):
    """series: (name, [(x, y), ...]) pairs; each line has its name at its right end."""
    distance = LINE_HEIGHT / (HEIGHT - MARGINS["top"] - MARGINS["bottom"])
    ends = sorted((y_axis.place(points[-1][1]), number) for number, (_, points) in enumerate(series))
    heights = dict(zip((number for _, number in ends), spread([place for place, _ in ends], distance)))
    commands = frame(path, title, HEIGHT) + x_axis.commands("x") + y_axis.commands("y")
    data, plots = [], []
    for number, (name, points) in enumerate(series):
        colour = COLOURS[number % len(COLOURS)]
        data += [f"$line{number} << end", *[f"{x!r} {y!r}" for x, y in points], "end"]
        plots.append(f"$line{number} with linespoints linewidth 2 pointtype 7 pointsize 0.4 linecolor rgb '{colour}'")
        place = x_axis.place(points[-1][0])
        commands.append(f"set label {quoted(name)} at graph {place + 0.02:.4f},{heights[number]:.4f} left "
                        f"textcolor rgb '{colour}'")
    gnuplot(commands[:2] + data + commands[2:] + ["plot " + ", ".join(plots)])


def bars(path, title, axis_title, values, names=short):
    """values: (name, value, number of the colour) triples, from top to bottom."""
    height = MARGINS["top"] + MARGINS["bottom"] + 30 * len(values)
    axis = Axis(axis_title, [value for _, value, _ in values])
    axis.high *= 1.1
    commands = frame(path, title, height) + axis.commands("x")
    marks = ", ".join(f"{quoted(name)} {-number}" for number, (name, _, _) in enumerate(values))
    commands += [f"set lmargin at screen {MARGINS['right'] / WIDTH}", f"set rmargin at screen {1 - 30 / WIDTH}",
                 f"set yrange [{-len(values) + 0.5}:0.5]", "unset grid", "set border 2", "set ytics scale 0",
                 f"set ytics ({marks}) textcolor rgb '{GREY}'", "set style fill solid noborder", "set xtics scale 0.5"]
    data, plots = [], []
    for number, (name, value, colour) in enumerate(values):
        data += [f"$bar{number} << end", f"0 {-number} 0 {value!r} {-number - 0.32} {-number + 0.32}", "end"]
        plots.append(f"$bar{number} using 1:2:3:4:5:6 with boxxyerror linecolor rgb '{COLOURS[colour]}'")
        commands.append(f"set label {quoted(names(value))} at first {value!r},{-number} left offset 0.5,0 "
                        f"textcolor rgb '{GREY}'")
    gnuplot(commands[:2] + data + commands[2:] + ["plot " + ", ".join(plots)])
