# SPDX-License-Identifier: Apache-2.0
"""All plots, in the order by which a story draws one."""
from plots_of_things import FOUND, LOST, SHARING, RACE, BUILDING, GARDEN, GIFT, QUARREL
from plots_of_troubles import FEAR, STORM, NEWCOMER, ASTRAY, BOAST, RESCUE, NOISE, WINTER
from story_plot import Plot

__all__ = ["PLOTS", "Plot"]
PLOTS = (FOUND, LOST, FEAR, SHARING, RACE, BUILDING, STORM, GARDEN, NEWCOMER, ASTRAY, BOAST, GIFT, RESCUE, NOISE,
         WINTER, QUARREL)
