# SPDX-License-Identifier: Apache-2.0
"""What arithmetic word problems are about: things, places, wares, deeds, and how people are referred to."""

THINGS = tuple((name, name + "s") for name in """apple sticker marble coin shell card stamp pencil book button bead balloon plum orange
egg flower postcard badge crayon stone nut ticket photo poster ribbon sock cookie lemon rose key magnet feather""".split()) + (
    ("cherry", "cherries"), ("peach", "peaches"), ("toy car", "toy cars"), ("picture", "pictures"), ("berry", "berries"))
BOXES = (("box", "boxes"), ("bag", "bags"), ("basket", "baskets"), ("jar", "jars"), ("tin", "tins"), ("bowl", "bowls"), ("bucket", "buckets"),
         ("crate", "crates"))
COLORS = ("red", "blue", "green", "yellow", "white", "black")
THING_LOOKS = (("large", "small"), ("old", "new"))
LIVING_LOOKS = (("young", "old"),)
LIFELESS = ("car", "boat", "train", "tent")
# Where, one, several, how they come and how they go.
PLACES = (
    ("on the bus", "passenger", "passengers", "got on", "got off"), ("in the library", "visitor", "visitors", "came in", "left"),
    ("in the parking lot", "car", "cars", "drove in", "drove away"), ("on the lake", "duck", "ducks", "landed", "flew away"),
    ("in the hall", "guest", "guests", "arrived", "left"), ("in the harbor", "boat", "boats", "came in", "sailed away"),
    ("on the roof", "bird", "birds", "landed", "flew away"), ("in the field", "cow", "cows", "came in", "ran away"),
    ("in the park", "child", "children", "came", "went home"), ("at the station", "train", "trains", "arrived", "left"),
    ("in the museum", "student", "students", "came in", "left"), ("on the beach", "tourist", "tourists", "arrived", "went home"),
    ("on the meadow", "goat", "goats", "came", "walked away"), ("at the camp", "tent", "tents", "were put up", "were taken down"),
    ("in the yard", "hen", "hens", "came out", "went inside"), ("at the market", "farmer", "farmers", "arrived", "went home"),
)
WARES = tuple((name, name + "s") for name in """pen cup plate candle notebook towel shirt lamp ball pillow hat kite pencil
bottle ticket basket spoon hammer game mug""".split()) + (("box", "boxes"), ("loaf", "loaves"), ("knife", "knives"), ("scarf", "scarves"), ("brush", "brushes"))
SINGLE_WARES = ("clock", "bag", "chair", "jacket", "map", "drum", "mirror", "blanket", "radio", "puzzle", "cake", "coat", "carpet", "guitar")
DEEDS = (("read", "page", "pages"), ("baked", "cookie", "cookies"), ("planted", "tree", "trees"), ("learned", "word", "words"),
         ("picked", "plum", "plums"), ("folded", "paper star", "paper stars"), ("washed", "plate", "plates"), ("solved", "problem", "problems"),
         ("drew", "picture", "pictures"), ("wrote", "line", "lines"), ("made", "candle", "candles"), ("painted", "egg", "eggs"),
         ("sewed", "button", "buttons"), ("cleaned", "window", "windows"), ("wrapped", "gift", "gifts"))
PERIODS = (("day", "a day", "days"), ("hour", "an hour", "hours"), ("week", "a week", "weeks"))
VEHICLES = ("train", "bus", "car", "truck", "van", "motorbike", "taxi")
TOWNS = ("Rome", "Paris", "Oslo", "London", "Madrid", "Berlin", "Vienna", "Lisbon", "Athens", "Dublin", "Prague", "Warsaw")
PASTIMES = ("homework", "reading", "cooking", "cleaning", "drawing", "swimming", "gardening", "shopping", "singing", "knitting", "painting", "running")
WOMAN = {"he": "she", "him": "her", "his": "her", "He": "She", "His": "Her"}
MAN = {"he": "he", "him": "him", "his": "his", "He": "He", "His": "His"}
