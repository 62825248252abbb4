# SPDX-License-Identifier: Apache-2.0
"""The plot of a short story: what happens, beat by beat, each in several wordings.

Brackets hold alternatives, braces hold what a story draws once: N is the hero and F a friend (opposite pronouns), A an
older helper, thing, food and so on one object each. A plot's `vary` draws slots of its own. "//" begins a paragraph.
"""
from dataclasses import dataclass

from compose import expand


@dataclass(frozen=True)
class Plot:
    theme: tuple[str, ...]         # what it is about
    gist: tuple[str, ...]          # behind "a fox who": what a request may say
    beats: tuple[tuple[str, ...], ...]
    vary: tuple[dict[str, str], ...] = ({},)
    weather: tuple[str, ...] = ()  # the kinds that fit; nothing: all

    def wordings(self) -> list[list[list[str]]]:
        """Of each beat its variants, and of each variant the texts."""
        return [[expand([text]) for text in beat] for beat in self.beats]
