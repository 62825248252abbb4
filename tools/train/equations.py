# SPDX-License-Identifier: Apache-2.0
"""Steps of arithmetic written out as equations, and random expressions worked in such steps."""

import random

from compose import number, pick


def work(lines: list[str], left: int, operator: str, right: int) -> int:
    """Appends the equation of one step; a product of two numbers without an easy factor is taken apart first."""
    if operator == "*" and left > 10 and right > 10 and left % 10 and right % 10:
        tens, ones = right - right % 10, right % 10
        lines += (f"{left} * {right} = {left} * {tens} + {left} * {ones}", f"{left} * {tens} = {left * tens}",
                  f"{left} * {ones} = {left * ones}", f"{left * tens} + {left * ones} = {left * right}")
        return left * right
    value = {"+": left + right, "-": left - right, "*": left * right, "/": left // right if right else 0}[operator]
    lines.append(f"{left} {operator} {right} = {value}")
    return value


LEAF, PRODUCT, SUM = range(3)
Expression = tuple[str, int, int]  # as written, its value, and what it is


def expression(rng: random.Random, lines: list[str], operators: int) -> Expression:
    """An expression with so many operators; its work goes to the lines."""
    if operators == 0:
        value = number(rng, 2, 99 if rng.random() < 0.8 else 12)
        return str(value), value, LEAF
    left_count = operators - 1 if rng.random() < 0.6 else number(rng, 0, operators - 1)
    left, a, left_kind = expression(rng, lines, left_count)
    right, b, right_kind = expression(rng, lines, operators - 1 - left_count)
    fitting = ["+"] + ["-"] * (a >= b) + ["*"] * (a <= 99 and b <= 99)
    if right_kind == LEAF and rng.random() < 0.3:
        divisors = [d for d in range(2, 13) if a % d == 0 and 0 < a <= 1200]
        if divisors:
            b, fitting = pick(rng, divisors), ["/"]
            right = str(b)
    operator = pick(rng, fitting)
    product = operator in "*/"
    if left_kind == SUM and product:
        left = f"({left})"
    if right_kind == SUM or right_kind == PRODUCT and product:
        right = f"({right})"
    return f"{left} {operator} {right}", work(lines, a, operator, b), PRODUCT if product else SUM
