# SPDX-License-Identifier: Apache-2.0
"""Words that several tasks draw from: first names, common English words, and made-up words that can be pronounced."""

import random

from compose import number, pick

WOMEN = tuple("""Anna Bella Clara Daisy Emma Fiona Grace Hanna Ida Julia Kate Laura Maria Nora Olivia Paula Rosa Sara
Tina Vera Wendy Zoe Alice Carla Diana Eva Greta Helen Iris Lena Lily Lucy Mia Nina Ruth Sofia""".split())
MEN = tuple("""Adam Ben Carl David Erik Felix George Henry Ivan Jack Karl Leo Mark Noah Oscar Paul Robert Sam Tom Victor
Will Alan Bruno Daniel Frank Hugo Jonas Kevin Luke Max Nick Peter Ralph Simon Theo Walter""".split())
NAMES = WOMEN + MEN

COMMON = tuple("""able acorn actor air album angel animal ankle apple april apron arm arrow art aunt autumn baby back
bacon badge bag baker ball banana band bank barn base basin basket bath beach bean bear beard bed bee bell belt bench
berry bike bird black blanket blue boat body bone book boot bottle bowl box brain branch brave bread brick bridge
bright broom brother brown brush bucket bus bush butter button cabin cable cake camel camera camp candle candy car
card carpet carrot castle cat cave chain chair chalk cheese cherry chest child circle city clay clean clever clock
cloud coat coffee coin cold cook cookie copper corn cotton cousin cow crab cream crow crown cup curtain dance dark
day deep deer desk diamond dinner dish doctor dog doll donkey door dragon drawer dream dress drum duck dust eagle
ear early earth east easy egg elbow engine evening eye face family farm farmer father feather fence field finger
fire fish flag flat floor flour flower flute fly fog foot forest fork fox friend frog fruit game garden gate ghost
giant gift girl glass glove goat gold goose grape grass green guitar hair hammer hand happy harbor hat heart heavy
hen hill home honey horse hotel hour house ice ink island jacket jam jar jelly jewel juice jump kettle key king
kitchen kite knee knife ladder lake lamb lamp large leaf leather lemon letter light lion little lizard long lunch
machine magic mango map market meadow melon metal milk mirror money monkey month moon morning mother mountain mouse
mouth music nail narrow neck needle nest night north nose nurse oak ocean office oil old olive onion open orange
orchard otter oven owl page paint palace paper park party path peach pear pebble pen pencil pepper piano picture
pillow pilot pine pink pirate plane planet plant plate plum pocket poem pond pony potato pump puppy purple puzzle
queen quick quiet rabbit radio rain rat red ribbon rice rich ring river road robin robot rock roof room rope rose
round ruler sad sail salad salt sand school sea seed shadow sheep shelf shell ship shirt shoe shop short silver
sister skirt sky sleep slow small smile smoke snail snow soap soft song soup south spider spoon spring square squirrel
stable stamp star station stone storm story street strong sugar summer sun swan sweet table tail tall tea teacher
tent ticket tiger tin toast today tomato tooth torch towel tower town toy train tree truck trumpet turtle umbrella
uncle valley vase village violin wagon wall walnut warm watch water wave weather west whale wheat wheel white wide
wild wind window wing winter wolf wood wool world yard year yellow young zebra""".split())

# Chosen so that they do not make words that nobody wants to read.
_STARTS = tuple("b d g h j k l m r s t v w z bl br cl cr dr fl fr gl pl pr sn sp st tr".split())
_VOWELS = tuple("a e i o u a e i o u ai ee oo ou".split())
_ENDS = ("", "", "", "n", "r", "s", "l", "m", "p", "nd", "st", "nt", "rk")


def made_up(rng: random.Random) -> str:
    """A pronounceable word of one to three syllables, at most nine letters."""
    word = pick(rng, _STARTS) + pick(rng, _VOWELS) + pick(rng, _ENDS)
    for _ in range(number(rng, 0, 2)):
        word += pick(rng, _STARTS) + pick(rng, _VOWELS)
    if len(word) < 3:
        word += "n"
    return word[:9]


def word(rng: random.Random) -> str:
    """A common word or, as often, a made-up one, so that letters must be read and not recalled."""
    return pick(rng, COMMON) if rng.random() < 0.5 else made_up(rng)
