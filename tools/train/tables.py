# SPDX-License-Identifier: Apache-2.0
"""Questions about small tables, written in Markdown, as comma-separated values or in lines; the work quotes the rows used."""

import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from compose import distinct, expand, expand_all, number, numbered, pick, show, solved
from words import NAMES

TOWNS = ("Rome", "Paris", "Oslo", "London", "Madrid", "Berlin", "Vienna", "Lisbon", "Athens", "Dublin", "Prague", "Warsaw", "Cairo",
         "Lima", "Tokyo", "Delhi", "Boston", "Chicago", "Denver", "Toronto")
COLORS = ("red", "blue", "green", "yellow", "white", "black", "brown", "gray")
WARES = ("apple", "pear", "pen", "cup", "lamp", "chair", "kite", "drum", "ball", "soap", "bread", "cheese", "honey", "rope", "brush", "towel",
         "candle", "mirror", "clock", "basket")
ANIMALS = ("cat", "dog", "horse", "rabbit", "cow", "goat", "sheep", "duck", "hen", "donkey", "fox", "otter", "owl", "bear", "camel", "zebra",
           "lizard", "turtle", "parrot", "pony")


class Column(NamedTuple):
    """A column's name and how its values are drawn: whole numbers between two bounds, or some of a few words."""
    name: str
    values: tuple[Any, ...]

    @property
    def counts(self) -> bool:
        return isinstance(self.values[0], int)


def _counted(name: str, low: int, high: int) -> Column:
    return Column(name, (low, high))


# What a table is about: the first column, what its values are, how one is named in a sentence, what the rows are, who asks
# for one of them, and what else is known.
TOPICS: tuple[tuple[str, tuple[str, ...], str, str, str, tuple[Column, ...]], ...] = (
    ("name", NAMES, "", "people", "Who", (
        _counted("age", 6, 90), Column("city", TOWNS), _counted("score", 2, 99), _counted("height", 90, 199), Column("team", COLORS),
        _counted("weight", 20, 99), Column("job", ("doctor", "baker", "teacher", "pilot", "nurse", "farmer")),
        Column("pet", ("cat", "dog", "rabbit", "parrot", "pony")))),
    ("item", WARES, "the ", "items", "Which item", (
        _counted("price", 2, 99), _counted("stock", 2, 99), Column("color", COLORS), _counted("weight", 2, 90), _counted("size", 2, 60),
        Column("shelf", ("top", "middle", "bottom")))),
    ("city", TOWNS, "", "cities", "Which city", (
        _counted("temperature", 2, 40), _counted("rainfall", 2, 99), _counted("altitude", 2, 150), _counted("area", 10, 199),
        Column("weather", ("sunny", "cloudy", "rainy", "windy", "snowy")), Column("river", ("wide", "narrow", "long", "short")))),
    ("animal", ANIMALS, "the ", "animals", "Which animal", (
        _counted("age", 2, 30), _counted("weight", 2, 99), Column("color", COLORS), _counted("speed", 5, 80),
        Column("food", ("grass", "seeds", "fish", "leaves", "meat")), Column("place", ("barn", "yard", "field", "forest")))),
)

# {row} and {other} are two rows' first values, {rows} what the rows are, {first} the first column, {Who} asks for a row;
# {column} is asked about, {a} stands before its name; {value} and {k} are values of it.
TRAINING = expand_all({
    "cell": (
        "What is the {column} of {row}?", "[Give|Tell me|Find|Look up|Say] the {column} of {row}.", "Which {column} does {row} have?",
        "What is {row}'s {column}?", "What does the table say about the {column} of {row}?", "[Find|Look up] {row}. What is the {column}?",
        "Under {column}, what is written for {row}?", "What {column} is given for {row}?",
        "What is the entry for {row} in the column {column}?", "For {row}, what is the {column}?", "Read the {column} of {row} from the table.", "[Give|Find] {row}'s {column}.",
        "Say what {row}'s {column} is.", "What is the {column} listed for {row}?", "The table has {row} in it. What {column} is next to it?"),
    "largest": (
        "Which {first} has the [largest|highest|greatest] {column}?", "[Find|Tell me|Give|Say] the {first} with the [largest|highest] {column}.",
        "What {first} is listed with the [largest|highest] {column}?", "In the column {column}, which {first} has the largest number?",
        "Of all {rows}, which one has the highest {column}?", "{Who} has the [largest|highest] {column}?",
        "The {column} of which {first} is the [largest|highest]?", "Look at the column {column}. Which {first} has the largest value?"),
    "smallest": (
        "Which {first} has the [smallest|lowest|least] {column}?", "[Find|Tell me|Give|Say] the {first} with the [smallest|lowest] {column}.",
        "What {first} is listed with the [smallest|lowest] {column}?", "In the column {column}, which {first} has the smallest number?",
        "Of all {rows}, which one has the lowest {column}?", "{Who} has the [smallest|lowest] {column}?",
        "The {column} of which {first} is the [smallest|lowest]?", "Look at the column {column}. Which {first} has the smallest value?"),
    "sum_cells": (
        "What is the [sum|total] of the {column} of {row} and the {column} of {other}?",
        "[Add|Add up] the {column} of {row} and the {column} of {other}.", "[Find|Compute|Tell me] the sum of the {column} for {row} and {other}.",
        "What do the values of {column} for {row} and {other} add up to?", "If you add the {column} of {row} and that of {other}, what do you get?",
        "What is the {column} of {row} and {other} together?", "What is the total {column} of {row} and {other}?",
        "Take the {column} of {row} and add the {column} of {other}. What is the result?", "Look up the {column} of {row} and {other}. What is the sum?",
        "What is the [sum|total] of {row}'s {column} and {other}'s {column}?", "[Add|Add up] {row}'s {column} and {other}'s {column}.",
        "[Find|Give] the {column} of {row} plus the {column} of {other}.", "What total do {row}'s {column} and that of {other} give?",
        "How much do {row}'s {column} and {other}'s {column} make together?", "Add {other}'s {column} to that of {row}.",
        "Sum up the values of {column} for {row} and {other}.", "How much {column} do {row} and {other} have together?"),
    "difference": (
        "What is the difference between the {column} of {row} and the {column} of {other}?",
        "By how much is the {column} of {row} [larger|higher] than the {column} of {other}?",
        "How much [larger|higher] is the {column} of {row} than that of {other}?",
        "[Find|Compute|Tell me] the difference in {column} between {row} and {other}.",
        "If you take the {column} of {other} away from the {column} of {row}, what is left?",
        "By how much does the {column} of {row} exceed that of {other}?", "Subtract the {column} of {other} from the {column} of {row}.",
        "How much [lower|smaller] is the {column} of {other} than that of {row}?",
        "Look up the {column} of {row} and {other}. What is the difference?",
        "How much [larger|greater] is {row}'s {column} than {other}'s {column}?", "What is the difference between {row}'s {column} and {other}'s?",
        "By how much is {row}'s {column} [higher|larger] than {other}'s?", "[Find|Compute] how much {row}'s {column} exceeds {other}'s.",
        "[Give|Tell me] how much higher the {column} of {row} is than that of {other}.", "Take away the {column} of {other} from that of {row}.",
        "What is left of {row}'s {column} after {other}'s {column} is taken away?", "What is {row}'s {column} minus {other}'s {column}?",
        "How much lower is {other}'s {column} than {row}'s?", "Give the difference of the values of {column}: {row} and {other}."),
    "total": (
        "What is the [sum|total] of the column {column}?", "[Add up|Sum up] the column {column}.", "What is the total {column} of all {rows}?",
        "What is the sum of all numbers under {column}?", "[Find|Compute|Tell me] the total of the column {column}.",
        "What do all values of {column} add up to?", "What do you get when you add the {column} of every {first}?",
        "What is the {column} of all {rows} together?", "Add all the values in the column {column}. What is the result?",
        "What is the [sum|total] of the {column} of all {rows}?", "Tell me what all values under {column} add up to.", "Add up everything under {column}.",
        "[Give|Say] the sum of all values in the column {column}.", "How much is the {column} of all {rows} in total?",
        "What do the numbers under {column} make together?", "Compute the sum of every {column} in the table."),
    "count_equal": (
        "How many {rows} have {value} as their {column}?", "Count the {rows} whose {column} is {value}.", "In how many rows is the {column} {value}?",
        "[Find|Tell me] how many {rows} have {value} as {column}.", "How often is {value} the {column}?",
        "How many times does {value} appear under {column}?", "For how many {rows} is the {column} {value}?",
        "How many {rows} are listed with {value} as {column}?", "How many rows show {value} [under|in the column] {column}?",
        "Count how often {value} is written [under|in the column] {column}."),
    "count_greater": (
        "How many {rows} have {a} {column} [above|greater than|higher than] {k}?", "Count the {rows} whose {column} is [above|greater than] {k}.",
        "In how many rows is the {column} [above|greater than] {k}?", "[Find|Tell me] how many {rows} have {a} {column} above {k}.",
        "For how many {rows} is the {column} [higher|greater] than {k}?", "How many values of {column} are [above|greater than] {k}?",
        "How many {rows} are listed with {a} {column} [above|greater than] {k}?"),
    "which_equal": (
        "Which {rows} have {value} as their {column}? Give a list.", "List the {rows} whose {column} is {value}.",
        "List [all|the] {rows} that have {value} as {column}.", "Give a list of the {rows} with {value} as {column}.",
        "[Write|Give] as a list: which {rows} have {value} as {column}?", "For which {rows} is the {column} {value}? Write a list.",
        "Find all rows with {value} under {column} and list the {rows}.", "Which {rows} show {value} under {column}? [Write|Give] a list.",
        "List every {first} whose {column} is {value}.", "Write a list of all {rows} whose {column} is {value}.",
        "In which rows is the {column} {value}? List the {rows}.", "List the {rows} with {value} in the column {column}."),
    "which_greater": (
        "Which {rows} have {a} {column} [above|greater than] {k}? Give a list.", "List the {rows} whose {column} is [above|greater than|higher than] {k}.",
        "List [all|the] {rows} that have {a} {column} above {k}.", "Give a list of the {rows} with {a} {column} [above|greater than] {k}.",
        "[Write|Give] as a list: which {rows} have {a} {column} above {k}?", "For which {rows} is the {column} greater than {k}? Write a list.",
        "List every {first} whose {column} is [above|greater than] {k}.", "Find all rows with {a} {column} above {k} and list the {rows}."),
    "find": (
        "Which {first} has {a} {column} of {value}?", "[Find|Tell me|Give|Say] the {first} whose {column} is {value}.",
        "Which {first} is listed with {a} {column} of {value}?", "The {column} of which {first} is {value}?",
        "In which row is the {column} {value}? Give the {first}.", "What {first} has {value} as its {column}?",
        "Look for {value} under {column}. Which {first} is it?", "{Who} has {a} {column} of {value}?", "Which {first} has {value} under {column}?",
        "[Find|Tell me|Give|Say] the {first} that has {value} in the column {column}.", "[Find|Say] which {first} has {value} as {column}.",
        "For one {first} the {column} is {value}. Which one is it?", "The table lists {value} under {column}. For which {first}?",
        "Tell me for which {first} {value} is written under {column}.", "The number {value} is in the column {column}. Which {first} does it belong to?"),
    "rows": (
        "How many {rows} are in the table?", "How many rows does the table have, not counting its names of columns?", "Count the {rows} [in|of] the table.",
        "How many {rows} does the table [list|show]?", "[Find|Tell me|Give] the number of {rows} in the table.", "How many {rows} are listed?",
        "What is the number of {rows} listed?", "How many different {rows} are [shown|written|given] in the table?",
        "The table lists some {rows}. How many [are there|does it list]?"),
})
HELD_OUT = expand_all({
    "cell": ("Tell me {row}'s {column}.", "What {column} does {row} have?", "In the column {column}, what is the entry for {row}?",
             "Look at {row} in the table. What is the {column}?", "Which {column} is listed for {row}?"),
    "largest": ("Find which {first} has the largest {column}.", "What {first} has the highest {column}?",
                "Of the {rows}, which one has the largest {column}?", "Which of the {rows} has the greatest {column}?"),
    "smallest": ("Find which {first} has the smallest {column}.", "What {first} has the lowest {column}?",
                 "Of the {rows}, which one has the smallest {column}?", "Which of the {rows} has the least {column}?"),
    "sum_cells": ("What is the sum of the values of {column} for {row} and {other}?", "Add the {column} of {other} to the {column} of {row}.",
                  "Together, what is the {column} of {row} and {other}?", "What do you get when you add {row}'s {column} and {other}'s {column}?"),
    "difference": ("Find the difference between {row}'s {column} and {other}'s {column}.",
                   "Take the {column} of {other} from the {column} of {row}. What is left?", "How much higher is {row}'s {column} than {other}'s?",
                   "What is the difference in {column} between {row} and {other}?"),
    "total": ("Add all the numbers under {column}.", "What does the column {column} add up to?", "Find the sum of the {column} of all {rows}.",
              "Tell me the total {column} of all {rows} together."),
    "count_equal": ("What is the number of {rows} with {value} as {column}?", "Tell me in how many rows the {column} is {value}.",
                    "How many of the {rows} have {value} as their {column}?", "Count the rows with {value} under {column}."),
    "count_greater": ("What is the number of {rows} with {a} {column} above {k}?", "Tell me in how many rows the {column} is greater than {k}.",
                      "How many of the {rows} have {a} {column} higher than {k}?", "Count the rows with {a} {column} above {k}."),
    "which_equal": ("Which of the {rows} have {value} as {column}? Write a list.", "Find the {rows} whose {column} is {value} and give a list.",
                    "List every {first} with {value} as {column}.", "Tell me as a list which {rows} have {value} under {column}."),
    "which_greater": ("Which of the {rows} have {a} {column} above {k}? Write a list.", "Find the {rows} whose {column} is greater than {k} and give a list.",
                      "List every {first} with {a} {column} above {k}.", "Tell me as a list which {rows} have {a} {column} higher than {k}."),
    "find": ("Tell me which {first} has {a} {column} of {value}.", "What {first} is listed with {a} {column} of {value}?",
             "For which {first} is the {column} {value}?", "Find {value} in the column {column}. Which {first} has it?"),
    "rows": ("Tell me how many {rows} the table lists.", "How many {rows} does the table have?", "What is the number of {rows} in the table?",
             "Count how many {rows} are listed."),
})
TRAINING_FRAMES = expand((
    "{table}\n\n{question}", "{table}\n{question}", "{question}\n\n{table}", "{question}\n{table}", "{question} Use the table below.\n{table}",
    "[Here is a table|Look at this table|This is a table of {rows}|A table of {rows}|Table|Read this table]:\n{table}\n[|\n]{question}",
    "[Use|Read] the table to answer.\n{table}\n{question}"))
HELD_OUT_FRAMES = (
    "Look at the table:\n{table}\n\n{question}", "Here is a table of {rows}:\n{table}\n{question}", "Read the table.\n{table}\n{question}",
    "{question} The table is below:\n{table}")

Row = list[Any]


class Table(NamedTuple):
    """Rows of values under columns; the first column tells the rows apart."""
    first: str
    article: str
    rows_name: str
    who: str
    columns: list[Column]
    rows: list[Row]

    def quote(self, row: Row) -> str:
        """A row as the work quotes it, whatever form the table has."""
        return f"{row[0]}: " + ", ".join([f"{column.name} {value}" for column, value in zip(self.columns, row[1:])])


def _values(rng: random.Random, column: Column, count: int) -> list[Any]:
    if column.counts:
        return distinct(rng, range(column.values[0], column.values[1] + 1), count)
    some = distinct(rng, column.values, min(3, len(column.values) - 1))
    return [pick(rng, some) for _ in range(count)]


def _table(rng: random.Random) -> Table:
    first, keys, article, rows_name, who, all_columns = pick(rng, TOPICS)
    columns = distinct(rng, all_columns, number(rng, 1, 3))
    if not any(column.counts for column in columns):
        columns[0] = next(column for column in all_columns if column.counts)
    count = number(rng, 3, 6)
    values = zip(distinct(rng, keys, count), *[_values(rng, column, count) for column in columns])
    return Table(first, article, rows_name, who, columns, [list(row) for row in values])


def _markdown(table: Table) -> str:
    names = [table.first] + [column.name for column in table.columns]
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in table.rows])


def _comma_separated(table: Table) -> str:
    return "\n".join([",".join([table.first] + [column.name for column in table.columns])] + [",".join(map(str, row)) for row in table.rows])


def _lines(table: Table) -> str:
    return "\n".join(map(table.quote, table.rows))


FORMS: tuple[Callable[[Table], str], ...] = (_markdown, _comma_separated, _lines)
Worked = tuple[dict[str, Any], Sequence[str], Any]  # what the question names, the work, the answer


def _column(rng: random.Random, table: Table, counts: bool) -> int:
    """The place in a row of a column with numbers, or one with words if there is any."""
    fitting = [place for place, column in enumerate(table.columns, 1) if column.counts == counts]
    return pick(rng, fitting) if fitting else 1


def _cell(rng: random.Random, table: Table) -> Worked:
    row, place = pick(rng, table.rows), number(rng, 1, len(table.columns))
    name = table.columns[place - 1].name
    return {"row": table.article + row[0], "column": name}, [table.quote(row), f"{name} {row[place]}"], row[place]


def _extreme(choose: Callable[..., Row]) -> Callable[[random.Random, Table], Worked]:
    def work(rng: random.Random, table: Table) -> Worked:
        place = _column(rng, table, True)
        best, lines = table.rows[0], [f"{table.rows[0][0]} {table.rows[0][place]}"]
        for row in table.rows[1:]:
            best = choose(best, row, key=lambda each: each[place])
            lines.append(f"{row[0]} {row[place]}: {best[0]} {best[place]}")
        return {"column": table.columns[place - 1].name}, lines, best[0]
    return work


def _two_cells(rng: random.Random, table: Table, operator: str) -> Worked:
    place = _column(rng, table, True)
    row, other = distinct(rng, table.rows, 2)
    if operator == "-" and row[place] < other[place]:
        row, other = other, row
    a, b = row[place], other[place]
    value = a + b if operator == "+" else a - b
    slots = {"row": table.article + row[0], "other": table.article + other[0], "column": table.columns[place - 1].name}
    return slots, [table.quote(row), table.quote(other), f"{a} {operator} {b} = {value}"], value


def _sum_cells(rng: random.Random, table: Table) -> Worked:
    return _two_cells(rng, table, "+")


def _difference(rng: random.Random, table: Table) -> Worked:
    return _two_cells(rng, table, "-")


def _total(rng: random.Random, table: Table) -> Worked:
    place = _column(rng, table, True)
    total, lines = table.rows[0][place], [f"{row[0]} {row[place]}" for row in table.rows]
    for row in table.rows[1:]:
        lines.append(f"{total} + {row[place]} = {total + row[place]}")
        total += row[place]
    return {"column": table.columns[place - 1].name}, lines, total


def _property(rng: random.Random, table: Table, greater: bool) -> tuple[dict[str, Any], int, Callable[[Row], bool]]:
    """What the question names, the place of the column, and whether a row has the property."""
    place = _column(rng, table, greater)
    name = table.columns[place - 1].name
    if greater:
        limit = max(1, pick(rng, table.rows)[place] - number(rng, 0, 3))
        return {"column": name, "k": limit}, place, lambda row: row[place] > limit
    wanted = pick(rng, table.rows)[place]
    return {"column": name, "value": wanted}, place, lambda row: row[place] == wanted


def _count(greater: bool) -> Callable[[random.Random, Table], Worked]:
    def work(rng: random.Random, table: Table) -> Worked:
        slots, place, holds = _property(rng, table, greater)
        count, lines = 0, []
        for row in table.rows:
            count += holds(row)
            lines.append(f"{row[0]} {row[place]} {'yes' if holds(row) else 'no'} {count}")
        return slots, lines, count
    return work


def _which(greater: bool) -> Callable[[random.Random, Table], Worked]:
    def work(rng: random.Random, table: Table) -> Worked:
        slots, place, holds = _property(rng, table, greater)
        lines = [f"{row[0]} {row[place]} {'yes' if holds(row) else 'no'}" for row in table.rows]
        return slots, lines, show([row[0] for row in table.rows if holds(row)])
    return work


def _find(rng: random.Random, table: Table) -> Worked:
    place, row = _column(rng, table, True), pick(rng, table.rows)
    lines = [f"{each[0]} {each[place]} {'yes' if each is row else 'no'}" for each in table.rows[:table.rows.index(row) + 1]]
    return {"column": table.columns[place - 1].name, "value": row[place]}, lines, row[0]


def _rows(_: random.Random, table: Table) -> Worked:
    return {}, numbered([row[0] for row in table.rows]), len(table.rows)


SOLVERS: dict[str, Callable[[random.Random, Table], Worked]] = {
    "cell": _cell, "largest": _extreme(max), "smallest": _extreme(min), "sum_cells": _sum_cells, "difference": _difference, "total": _total,
    "count_equal": _count(False), "count_greater": _count(True), "which_equal": _which(False), "which_greater": _which(True), "find": _find, "rows": _rows,
}
KINDS = tuple(SOLVERS) + ("cell", "cell", "sum_cells", "difference")
NO_WORDS = {"count_equal": "count_greater", "which_equal": "which_greater"}  # where a table has numbers only


def question(rng: random.Random, held_out: bool, kinds: Sequence[str] = KINDS) -> tuple[dict[str, Any], Table]:
    """A sample of one of the kinds, and the table that it is about."""
    table, kind = _table(rng), pick(rng, kinds)
    if kind in NO_WORDS and all(column.counts for column in table.columns):
        kind = NO_WORDS[kind]
    slots, lines, answer = SOLVERS[kind](rng, table)
    if "column" in slots:
        slots["a"] = "an" if slots["column"][0] in "aeiou" else "a"
    words = {"first": "person" if table.first == "name" else table.first, "rows": table.rows_name, "Who": table.who}
    asked = pick(rng, (HELD_OUT if held_out else TRAINING)[kind]).format(**words, **slots)
    frame = pick(rng, HELD_OUT_FRAMES if held_out else TRAINING_FRAMES)
    prompt = frame.format(table=pick(rng, FORMS)(table), question=asked, rows=table.rows_name)
    return solved("tables", kind, prompt, lines, answer), table


def sample(rng: random.Random, held_out: bool) -> dict[str, Any]:
    """One question about a table, in a held-out wording or in a training one."""
    return question(rng, held_out)[0]
