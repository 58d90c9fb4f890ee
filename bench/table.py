# SPDX-License-Identifier: ISC
"""The table that the bench prints: figures, ratios, goals, and by how much a goal is missed."""


class Goal:
    """What a ratio (or, when `absolute`, our figure itself) has to reach, and a stretch beyond."""

    def __init__(self, ours, theirs, goal, stretch=None, lower=False, absolute=False, unit=""):
        self.ours, self.theirs, self.goal, self.stretch = ours, theirs, goal, stretch
        self.lower, self.absolute, self.unit = lower, absolute, unit

    def ratio(self):
        if not self.ours or not self.theirs:
            return None
        return self.theirs / self.ours if self.lower else self.ours / self.theirs

    def short(self):
        """By which part the goal is missed, 0 when it is reached; None when nobody can tell."""
        if self.goal is None or self.ours is None:
            return None
        if self.absolute:
            return max(0, self.ours / self.goal - 1)
        return None if self.ratio() is None else max(0, 1 - self.ratio() / self.goal)

    def missed(self):
        """A sentence about a goal that is missed, or None."""
        if not self.short():
            return None
        if self.absolute:
            return (f"{number(self.ours)} {self.unit} instead of {self.goal:g}: "
                    f"{self.short():.0%} too much")
        return f"{self.ratio():.1f}× instead of {self.goal:g}×: {self.short():.0%} short"

    def cells(self):
        ratio = self.ratio()
        goal = ""
        if self.goal is not None:
            sign, times = ("≤ ", "") if self.absolute else ("≥ ", "×")
            goal = f"{sign}{self.goal:g}{times}"
            if self.stretch:
                goal += f" [{self.stretch:g}{times}]"
        return [number(self.ours), number(self.theirs), "" if ratio is None else f"{ratio:.1f}×",
                goal]


class Row:
    """One line: our figure beside the peer's, and perhaps both again with the peer at its best."""

    def __init__(self, figure, unit, ours, theirs, goal, stretch=None, best=None, **more):
        self.figure, self.unit = figure, unit
        self.usual = Goal(ours, theirs, goal, stretch, unit=unit, **more)
        self.best = Goal(*best, unit=unit, **more) if best else None

    def goals(self):
        return [(self.figure, self.usual)] + (
            [(f"{self.figure}, peer at its best", self.best)] if self.best else [])

    def cells(self):
        short = [goal.short() for _, goal in self.goals() if goal.goal is not None]
        verdict = "NO" if any(short) else "" if None in short or not short else "yes"
        return [self.figure, self.unit, *self.usual.cells(),
                *(self.best.cells() if self.best else [""] * 4), verdict]


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def print_table(rows):
    titles = ["figure", "unit", "Hayauma", "peer", "ratio", "goal [stretch]", "kept open", "peer's best",
              "ratio", "goal [stretch]", "reached"]
    lines = [titles, *(row.cells() for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(titles))]
    for at, line in enumerate(lines):
        print("| " + " | ".join(cell.ljust(w) if i < 2 else cell.rjust(w)
                                for i, (cell, w) in enumerate(zip(line, widths))) + " |")
        if at == 0:
            print("|" + "|".join("-" * (w + 2) for w in widths) + "|")
    missed = [f"  {figure.strip()}: {goal.missed()}" for row in rows for figure, goal in row.goals()
              if goal.missed()]
    if missed:
        print("\nmissed:\n" + "\n".join(missed))
