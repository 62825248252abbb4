# SPDX-License-Identifier: Apache-2.0
"""Plots of short stories: what happens, beat by beat, each in several wordings.

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


FOUND = Plot(
    ("honesty", "giving back what is not yours"), ("finds {a_thing}", "finds a lost {noun}", "gives back {a_thing}"),
    (("{Day} {N} was walking {around} when {he} saw something {spot}. It was {a_thing}.",
      "{Day}, while {he} was [looking for berries|gathering sticks|picking flowers], {N} found {a_thing} {spot}.",
      "{Day} {he} [tripped over|nearly stepped on] something {spot}. {He} bent down and picked it up. It "
      "was {a_thing}."),
     ('"[Whose is this|Who has lost this|Who left this here]?" {he} wondered. {He} would have liked to keep '
      'it, but somebody must be [looking for it|missing it].',
      "{N} turned it around and around. It was the [nicest|finest|most beautiful] thing that {he} had ever "
      "[seen|found]. But it belonged to somebody else, and {he} [knew it|knew that well]."),
     ('First {he} [asked|went to] {A}. "[It is not mine|I have never seen it before]," said the old '
      '{akind}. "[But things that are lost want to go home|Ask the others, one of them will know]."',
      '{He} showed the {noun} to {A}, who [looked at it for a long time|put {ahis} head to one side|thought '
      'about it]. "[I have seen it before|I know that {noun}], but I can not remember where," said the old '
      '{akind}.'),
     ("Then {he} [knocked at every door|asked everybody that {he} met|walked from house to house], but "
      "[nobody had lost a {noun}|all of them shook their heads].",
      "{He} asked [a family of ducks|three hens|two old sheep], and they [did not know either|only laughed "
      "and went on with their lunch]."),
     ('//[At last|In the afternoon|Just before sunset] {he} heard somebody cry. It was {F}, {a_fkind}. "I '
      'have lost my {noun}," {fhe} [said|sobbed]. "[My grandmother gave it to me|I have had it since I was '
      'little]."',
      '//[In the evening|On the way home|At last] {he} met {a_fkind} named {F}, who was [searching the '
      'grass|looking under every leaf]. "[What are you looking for|Have you lost something]?" asked {N}. "My '
      '{noun}," said {F}. "[I had it this morning|I can not sleep without it]."'),
     ('{N} held it out. "Is this [the one|it|yours]?" {F} [jumped into the air|laughed and cried at '
      'once|could hardly believe it]. "Yes! Thank you, {N}!"',
      '"[Close your eyes|Hold out your {hands}]," said {N}, and {he} gave {fhim} the {noun}. {F} [hugged '
      'it|held it tight] and then [hugged {N} too|gave {N} a hug as well].'),
     ("//{F} invited {him} to [supper|tea and cake], and they talked until the [stars came out|moon was "
      "high]. {N} had given a {noun} away and [found a friend|got a friend for it], [and that was much "
      "better|which is worth much more].",
      "//From that day on {F} and {N} were friends. [Now and then they took out the {noun} and laughed "
      "about that day|And whenever somebody lost something, they went to look for it together].")),
    weather=("sunny", "windy"))

LOST = Plot(
    ("asking for help", "patience", "looking again"), ("loses {a_thing}", "can not find a {noun}"),
    (("{N} had {a_thing}, and {he} [took it everywhere|loved it more than anything else]. But {day} it was gone.",
      "{Day} {N} could not find {his} {noun}. It was {a_thing}, [a gift from {his} grandfather|the best "
      "thing that {he} owned]."),
     ("{He} looked [under the bed|behind the door|in the cupboard]. {He} looked [in the pots|in {his} "
      "boots|under the rug]. {He} even looked [up the chimney|in the soup]. No {noun}.",
      "{He} turned the whole house upside down. There was [a spoon that {he} had missed for a year|much "
      "dust|an old sock], but there was no {noun}."),
     ('"[Somebody has taken it|A thief was here]!" cried {N}, and {he} [became very angry|stamped {his} '
      'feet]. Just then {F}, the {fkind} from next door, came by.',
      '{N} sat down [on the floor|on the doorstep] and felt like crying. That was how {F}, {a_fkind}, found '
      '{him}. "[What is wrong|Why are you so sad]?" {fhe} asked.'),
     ('"[Let us think|Slowly now]," said {F}. "[Where did you have it last|What did you do yesterday]?" {N} '
      '[thought hard|scratched {his} head]. "I was {spot}," {he} said, "and then [it got cold and I went '
      'home|I ate my lunch and fell asleep]."',
      '{F} did not laugh. "[Two can look better than one|Four eyes see more than two]," {fhe} said. "[We '
      'will go back the way that you came|Let us walk where you walked yesterday]."'),
     ("//So they went {around} together and [looked at every stone|turned over every leaf]. {Detail}",
      "//Side by side they walked {around}. {Detail} They [asked a snail|asked a beetle|asked two "
      "sparrows], but nobody had seen a {noun}."),
     ('And there, {spot}, lay the {noun}. [It was a little wet|It had a leaf on it], but nothing was '
      'broken. "[There it is|I see it]!" [shouted|called] {F}.',
      'Then {F} began to laugh. "{N}," {fhe} said, "[what is that on your back|what is that in your bag]?" '
      'It was the {noun}. [It had been with {him} all the time|{He} had carried it with {him} all day].'),
     ("//{N} [turned red|was a little ashamed], because {he} had [made so much noise|been so upset]. "
      "\"Thank you,\" {he} said. \"[Next time I will ask you first|Next time I will look twice before I " "give up].\"",
      "//{N} was so happy that {he} [danced in a circle|sang all the way home]. And {he} had learned "
      "something: [it is no shame to ask for help|a friend is the best thing to have when something is lost].")))

FEAR = Plot(
    ("courage", "being brave", "fear"), ("is afraid of {fear}", "learns to be brave"),
    (("There was only one thing wrong: {N} was afraid of {fear}. When {omen}, {he} [hid under the "
     "blanket|crept under {his} bed|ran to {his} mother].",
      "But {N} had a secret. {He} was afraid of {fear}, and {he} [told nobody|was ashamed of it]. Whenever "
      "{omen}, {his} [knees began to shake|heart beat like a drum]."),
     ('{His} best friend was {F}, {a_fkind} who [was afraid of nothing|laughed at everything]. "[You will '
      'see|One day you will be brave]," {fhe} [always said|used to say].',
      '"[Everybody is afraid of something|Being afraid is nothing bad]," said {A}. "[The brave ones are '
      'afraid too, and go on|It only matters what you do then]." {N} did not [believe it|understand that '
      'yet]. {His} best friend {F}, {a_fkind}, was afraid of nothing.'),
     ("//{Day} {F} did not come [home|back]. {N} waited and waited. Then {he} heard a [small|thin] voice, "
      "far away: \"Help! [My foot is stuck|I have fallen]!\" {trouble}",
      "//Then, {day}, there was a cry. \"[Help|Help me]!\" It was the voice of {F}. {trouble}"),
     ("Nobody else was there. {N} [took a deep breath|closed {his} eyes and counted to three|bit {his} "
      "lip]. \"[I am coming|Wait for me]!\" {he} called.",
      '{N} [wanted to run away|looked around], but there was nobody else. {His} legs [felt like '
      'butter|shook]. "If I do not go, who will?" {he} thought.'),
     ("Step by step {he} went on. {deed} {His} heart beat fast, but {he} [did not stop|did not turn back].",
      "{deed} [It was not easy|It was hard], but with every step it became [a little easier|less bad]. {He} "
      "[hummed a song|talked to {himself}] on the way."),
     ('At last {he} [reached {F}|stood beside {F}], [pulled {fhim} free|helped {fhim} up] and brought '
      '{fhim} home. "You came!" said {F}. "[And you were afraid|But you are afraid of {fear}]!"',
      'There was {F}. {N} [took {fhim} by the {hand}|gave {fhim} a {hand}], and together they [went '
      'home|found the way back]. "[Were you not afraid|Was it bad]?" asked {F}.'),
     ('//"I was," said {N}, "[but I had no time to think of it|but you were more important]." [Since '
      'then|After that] {he} was still a little afraid of {fear}, but [only a little|it did not matter any ' 'more].',
      '//"[Yes, very much|Terribly]," said {N}, and then {he} [had to laugh|smiled]. That night {he} slept '
      '[better than ever|deeply]. {He} knew now [what courage is|that brave is what you do, not what you ' 'feel].')),
    ({"fear": "the dark", "omen": "the sun went down",
     "trouble": "It came from the black forest, and there was no moon.",
     "deed": "The path was so dark that {he} had to feel the way with {his} {hands}."},
     {"fear": "deep water", "omen": "{he} came near the river",
     "trouble": "It came from the other side of the river, and the bridge was gone.",
     "deed": "The water was cold and came up to {his} chin."},
     {"fear": "thunder", "omen": "clouds came up",
     "trouble": "At the same moment the sky turned black, and thunder rolled over the hills.",
     "deed": "Lightning lit up the path, and the thunder roared."},
     {"fear": "high places", "omen": "{he} looked down from a wall",
     "trouble": "It came from a narrow ledge, high up on the cliff.",
     "deed": "{He} climbed from stone to stone and did not look down."},
     {"fear": "the old cave", "omen": "somebody talked about the cave",
     "trouble": "It came from deep inside the cave.",
     "deed": "Water dripped from the walls, and every drop sounded like a footstep."}),
    weather=("sunny", "windy", "rainy"))

SHARING = Plot(
    ("sharing", "kindness"), ("has a basket of {food}", "learns to share", "does not want to share"),
    (("{Day} {N} [picked|gathered] a whole basket of {food}. They [smelled sweet|looked wonderful]. "
     "\"[These are all for me|I will eat them all myself],\" {he} said.",
      "{Day} {N} came home with a basket of {food}. It was so heavy that {he} had to [rest three "
      "times|carry it on {his} back]. \"[What a feast that will be|I will hide it well]!\" {he} thought."),
     ('On the way {he} met {F}, a thin {fkind}. "[May I have one|Could you give me one]?" {fhe} asked. "I '
      'have had [no breakfast|nothing to eat since yesterday]." But {N} [shook {his} head|held the basket '
      'tight] and walked on.',
      '{cfkind} named {F} sat {spot}. "[What fine {food}|Oh, {food}]!" said {F}. "[Could you spare a '
      'few|Are they for a party]?" "No," said {N}, "[they are mine|I need them myself]," and {he} hurried ' 'past.'),
     ("//At home {N} [shut the door|closed the curtains] and began to eat. {He} ate [one, then two, then "
      "ten|and ate]. But the more {he} ate, the less {he} liked it. [It was so quiet in the house|There was "
      "nobody to talk to].",
      "//{N} [hid the {food} under {his} bed and sat down on it|put the basket in the corner and sat down "
      "beside it]. Then {he} thought of the face of {F}, and the {food} did not [taste good|look so nice] any "
      "more."),
     ("Soon {his} stomach [hurt|ached], and half of the basket was still full. \"What shall I do with the "
      "rest?\" {he} [thought|sighed].",
      "In the night {he} [could not sleep|lay awake]. \"[What is the use of a full basket|What good is a "
      "feast], if one sits before it alone?\" {he} thought."),
     ('//[The next morning|As soon as it was light] {he} took the basket and went to {F}. "[I am sorry|I '
      'was greedy]," said {N}. "[Please eat with me|These are for you]."',
      '//[So {he} got up|At sunrise {he} jumped up], took the basket and ran {around} until {he} found {F}. '
      '"[Here|Take as many as you like]," {he} said. "[I was not kind to you yesterday|It was wrong of me to '
      'say no]."'),
     ("{F} [smiled|was not angry at all]. {fHe} [brought bread and honey|made a pot of tea|called {fhis} "
      "little brothers], and they [sat down in the grass|had breakfast together]. Never had {food} tasted so "
      "[good|sweet].",
      "They ate together {spot}, and {F} told [funny stories|about {fhis} travels]. {N} laughed so much "
      "that {he} [dropped {his} cup|fell over]. The basket was empty before they knew it."),
     ("//[In the winter|Some weeks later], when {N} had nothing left to eat, somebody knocked at the door. "
      "It was {F} with a [big pot of soup|warm loaf of bread]. \"[Now it is my turn|I have enough for two],\" "
      "{fhe} said.",
      "//Since that day {N} has never eaten alone. [What is shared tastes better|Half a basket with a "
      "friend is more than a whole one without], {he} says.")),
    weather=("sunny", "windy"))

RACE = Plot(
    ("kindness", "winning and losing", "helping others"), ("runs in a race", "takes part in a race",
     "wants to win a race"),
    (("Every [summer|spring] there was a [great|big] race to the {goal} and back, and the winner got "
     "{a_thing}. {N} [had never won|had come last every year].",
      "{N} wanted to win just once. {Day} there was a race to the {goal}, and the prize was {a_thing}."),
     ('"You?" laughed {F}, {a_fkind} with very long legs. "[You will be home after dark|I will have eaten '
      'lunch before you arrive]." {N} [said nothing|only tied {his} scarf].',
      'The fastest of all was {F}, {a_fkind}. "[Nobody can beat me|I do not even have to hurry]," {fhe} '
      '[said|boasted]. {N} [swallowed|looked at {his} short legs], but {he} [stayed|went to the start with '
      'the others].'),
     ("//\"[Ready, steady, go|One, two, three]!\" called {A}. {F} [shot away like an arrow|was gone in a "
      "cloud of dust]. {N} [ran as well as {he} could|came behind the others].",
      "//{cA} [waved a flag|rang a bell], and off they went. {F} was in front at once. {N} was the "
      "[last|last but one], but {he} kept on [running|going], step by step. {Detail}"),
     ("Half way to the {goal} {F} [looked back|turned around to laugh], and did not see the "
      "[root|hole|stone]. Down {fhe} went. \"[My foot|My leg]!\" {fhe} cried. All the others [ran "
      "past|hurried on].",
      "Then {he} came around a bend, and there lay {F} in the [ditch|mud]. {fHe} had [fallen over a "
      "root|slipped on the wet leaves], and {fhis} foot was [thick|hurt]. Nobody had stopped."),
     ('{N} could see the {goal} already. For once {he} was not the last. But {he} [stopped|turned around]. '
      '"[Lean on me|Come]," {he} said, "[we will walk together|I will help you home]."',
      '{N} [thought of the {noun}|looked at the way in front of {him}]. Then {he} [knelt down|tore a strip '
      'from {his} scarf] and [bound up the foot|helped {F} to stand]. "[A race is only a race|There will be '
      'another race]," {he} said.'),
     ("//When they [came in|reached the end], arm in arm, the race had long been over. But everybody "
      "[clapped|cheered]. The old {akind} thought for a moment and gave the {noun} to {N}. \"[The fastest is "
      "not always the best|Today the last is the first],\" said the old {akind}.",
      "//They were the last, long after [noon|the others]. The winner was a [hare|young deer], who had "
      "already [gone home|eaten the cake]. Yet in the evening {F} came to {N} with {a_thing} that {fhe} had "
      "won [long ago|the year before]. \"[This is yours|You have earned it],\" {fhe} said."),
     ("{N} [blushed|did not know what to say]. [Since then|From then on] {F} never laughed at [short "
      "legs|anybody] again, and the two of them [trained together every morning|became the best of friends].",
      "{N} put the {noun} [on the shelf|over {his} bed]. [It shone a little more than other things|When "
      "{he} looked at it, {he} felt warm], because {he} knew [what it stood for|how {he} had won it].")),
    ({"goal": "old mill"}, {"goal": "tall oak"}, {"goal": "stone bridge"}, {"goal": "white rock"},
     {"goal": "lighthouse"}),
    weather=("sunny", "windy"))

BUILDING = Plot(
    ("patience", "trying again", "not giving up"), ("builds {a_work}", "wants to build {a_work}"),
    (("{N} had a dream: {he} wanted to build {a_work} {aim}. {Day} {he} began.",
      "{Day} {N} had an idea. \"I will build {a_work} {aim}!\" {he} [said|cried], and {he} ran to fetch "
      "{his} tools."),
     ("{He} [sawed and hammered|worked] all day. In the evening it was done, but it looked [crooked|a bit "
      "strange]. {try1}",
      "{He} was in such a hurry that {he} [measured nothing|did not make a plan]. When {he} tried it, "
      "everybody came to look. {try1}"),
     ("Some who saw it laughed. {N} [pulled {his} hat over {his} ears|went home without a word]. But the "
      "next day {he} [tried again|began anew]. This time {he} [used more nails|took thicker wood]. {try2}",
      "\"[Once more|That was only the first try],\" said {N}. {He} worked for [two|three] days and used "
      "[stronger rope|better boards]. {try2}"),
     ('//{N} threw down the hammer. "[I will never learn it|I give up]!" {he} said. Then {F} came by, '
      '{a_fkind} who [knew a lot about wood|had watched everything]. "[Why do you do it alone|May I see your '
      'plan]?" {fhe} asked.',
      '//{N} sat down {spot} and [hung {his} head|looked at the pieces]. "[It was a stupid idea|It can not '
      'be done]," {he} said. "No," said somebody behind {him}. It was {F}, {a_fkind}. "[It was a good idea '
      'that is not finished yet|You only went too fast]."'),
     ("Together they [drew a plan in the sand|made a drawing] and [thought about every piece|measured "
      "everything twice]. {F} held the boards, and {N} hammered. [They did not hurry|When they were tired, "
      "they rested]. {Detail}",
      "{F} showed {him} how to [tie a good knot|measure with a string], and {N} [learned quickly|did it "
      "again and again until it was right]. They worked [slowly|for a whole week] and [sang while they "
      "worked|talked about everything]."),
     ("//At last {a_work} stood there, [straight and strong|and it was beautiful]. {N} held {his} breath. "
      "{success}",
      "//Then came the great day. {N} was so excited that {he} [could not eat|had not slept]. {success}"),
     ('"[We did it|It works]!" [shouted|cried] {N}, and {he} [hugged {F}|threw {his} hat into the air]. '
      'When somebody asked how it is done, {he} said: "[Try, and try again, and then ask a friend|Two times wrong, and once right]."',
      '"[The third time is the best|Good things take their time]," said {F}. {N} nodded. The two broken '
      'ones {he} [kept behind the house|did not throw away], [to remember|because they had been good ' 'teachers].')),
    ({"a_work": "a boat", "aim": "for trips on the lake", "try1": "It sank at once.",
     "try2": "It floated a little, turned over, and {he} got wet again.",
     "success": "They pushed it into the water, and it sailed across the lake like a swan."},
     {"a_work": "a bridge", "aim": "over the stream", "try1": "It broke when a sparrow sat down on it.",
     "try2": "It held until noon, and then the water carried it away.",
     "success": "First a beetle went over the bridge, then a hen, then everybody, and it held."},
     {"a_work": "a windmill", "aim": "for the garden", "try1": "The wind took the sails and blew them over the fence.",
     "try2": "It turned once, backwards, and then not at all.",
     "success": "The wind came, the sails began to turn, and water ran between the flowers."},
     {"a_work": "a cart", "aim": "for going to the market", "try1": "A wheel came off and rolled into the pond.",
     "try2": "It rolled, but only in circles.",
     "success": "They pulled the cart to the market and back, and not one wheel was loose."},
     {"a_work": "a tree house", "aim": "with a window to the sunset",
     "try1": "The floor fell down before there was a roof.",
     "try2": "The walls stood, but the rain came in everywhere.",
     "success": "They climbed up and watched the sunset from the window of the tree house."}),
    weather=("sunny", "windy"))

STORM = Plot(
    ("friendship", "helping each other"), ("lives through a storm", "takes in a friend in a storm",
     "waits for a storm to end"),
    (("{N} lived alone and thought that this was best. \"[I need nobody|Friends make only noise],\" {he} "
     "used to say. Next to {him} lived {F}, {a_fkind} who [sang from morning to night|was always cheerful].",
      "{N} and {F}, the {fkind} next door, did not [like each other|talk to each other]. {N} found {fhim} "
      "too loud, and {F} found {him} too [grumpy|quiet]."),
     ("//Then, {day}, the sky turned [yellow and then black|as dark as ink]. The birds fell silent. A "
      "[great storm|terrible storm] came over the hills.",
      "//{Day} a wind came up. First it [played with the leaves|only whistled], then it [bent the "
      "trees|shook every door], and in the evening it had become a storm."),
     ("{N} [shut the door and put a chair in front of it|lit a candle and made {himself} some tea]. Rain "
      "beat against the window. Suddenly there was a crash: [the old oak had fallen on a roof|the wind had "
      "torn off a roof]. It was the roof of {F}, and [soon|a little later] {fhe} stood at the door.",
      "In the middle of the night there was a knock. {N} opened. There stood {F}, [wet to the "
      "skin|trembling with cold]. \"[The wind has taken my roof|A tree has fallen on my house],\" {fhe} said."),
     ('{N} did not think long. "[Come in, quickly|Come, sit by the fire]!" {he} [called|said]. {He} gave '
      '{fhim} a [blanket|warm scarf] and [a cup of hot soup|{his} own chair].',
      "For a moment {N} [said nothing|thought of all that noise]. Then {he} opened the door as wide as {he} "
      "could. \"[There is room for two|Nobody should be outside tonight],\" {he} said, and {he} put [more "
      "wood on the fire|the kettle on]."),
     ('At first they were silent. Then a clap of thunder came, and both [jumped|hid under the table]. They '
      'looked at each other and [began to laugh|had to laugh]. {F} sang [softly|an old song], and {N} found '
      'that [it was not too loud at all|{he} liked it].',
      "All night they [told stories|played cards] while the storm [howled around the house|shook the "
      "walls]. {N} had not [laughed so much|talked so much] for years."),
     ("//In the morning the sky was [blue|clear], and the world [looked washed|smelled of wet earth]. "
      "\"[Now we will build you a new roof|Let us look for your roof],\" said {N}. They worked [until "
      "evening|for three days].",
      "//When the sun came up, the storm was over. {N} took {his} [ladder|hammer] and went next door. {He} "
      "did not have to be asked. Board by board they [mended the house|made a new roof]."),
     ("{F} had a roof again. But in the evening {fhe} came to {N}, and the next evening {N} went to {F}, "
      "[and so it has been ever since|and nobody was alone any more].",
      "And when {F} sings in the morning today, {N} [opens the window|hums along]. [A storm can take a "
      "roof, {he} says, and bring a friend.|The storm took a roof, {he} says, but it brought {him} a friend.]")),
    weather=("stormy",))

GARDEN = Plot(
    ("patience", "waiting"), ("plants a seed", "waits for a seed to grow", "has a garden"),
    (("In [early spring|April] {A} gave {him} a [small|single] seed. \"[Put it in the earth and wait|It "
     "needs earth, water and time],\" said the old {akind}. {N} [planted it|put it into the ground] {spot}.",
      "One spring day {N} found a seed in {his} pocket. {He} [dug a small hole|made a hole with {his} "
      "finger] {spot}, put it in and covered it with earth."),
     ("{He} watered it and sat down in front of it. Nothing happened. {He} waited [until noon|an hour], and "
      "then until evening. \"[Is it asleep|When does it start]?\" {he} asked.",
      "The next morning {he} ran out at once. There was only [brown earth|mud]. {He} watered it again. On "
      "the third day there was still nothing. \"[Grow|Please grow]!\" {he} [shouted|whispered]."),
     ("On the fifth day {N} [dug the seed up|scratched away the earth] to see [what was wrong|if it was "
      "still there]. It had a tiny white root. {F}, {a_fkind}, [saw it|came along]. \"[Put it back, "
      "quickly|Not like that]!\" {fhe} said.",
      "\"It is a bad seed,\" {N} told {F}, {a_fkind} who [knew about plants|had the best garden of all]. "
      "{F} laughed. \"[You can not pull a plant out of the ground by shouting|It is busy where you can not "
      "see it],\" {fhe} said."),
     ('"[What shall I do then|And what can I do]?" asked {N}. "[A little water every day|Water it in the '
      'morning], and in between [something else|other things]," said {F}. So they [went fishing|painted the '
      'fence|read a book|learned a song].',
      'So {F} [taught {him} to wait|came every day]. They [pulled out the weeds|built a small fence] '
      'together, and then they [looked at the clouds|told each other stories]. {Detail}'),
     ("//After two weeks there was a green tip, no bigger than a [fingernail|pea]. {N} [danced around "
      "it|was beside {himself} with joy]. Then came [two leaves|one leaf after the other], and {he} [measured "
      "it every Sunday|gave it a name].",
      "//And one morning, when {N} had [almost forgotten it|not even thought of it], something green looked "
      "out of the ground. It grew [up to {his} knee|a little every day], then up to {his} [chin|head]."),
     ("In summer it was a [sunflower, taller than the house|bush full of red tomatoes|huge pumpkin, as "
      "round as the moon]. Everybody came [to see it|and wondered at it].",
      "By the end of summer there hung [twelve yellow pumpkins|more beans than {he} could count|sweet red "
      "tomatoes] in the garden. {N} [invited everybody|gave some to all the neighbors]."),
     ("//{N} kept one seed for the next spring. {He} gave it to a [little mouse|small rabbit], who asked: "
      "\"[When will it grow|How long does it take]?\" \"[Sit down|Come],\" said {N}, \"[and I will teach you "
      "to wait|I will tell you a story meanwhile].\"",
      "//\"[It did all that by itself|So it was a good seed],\" said {N}. \"Yes,\" said {F}, \"[and you let "
      "it|you only had to wait].\" Then they [cooked a big soup|had supper in the garden], [and it was worth "
      "every day of waiting|which tasted of the whole summer].")),
    weather=("sunny", "rainy"))

NEWCOMER = Plot(
    ("friendship", "being new", "shyness"), ("moves to a new place", "looks for a friend", "is new and shy"),
    (("{N} had come here only [a week before|a few days before]. {He} knew nobody, and {he} was too shy to "
     "[say hello|speak to anybody].",
      "Everything was new to {N}, because {he} had just moved. [The house was new|The smells were new], the "
      "paths were new, and nobody knew {his} name."),
     ("Every day {he} saw the others play [ball|hide and seek|tag] {spot}. {He} stood behind a [tree|fence] "
      "and watched. \"[They have friends enough|They will not want me],\" {he} thought.",
      "From {his} window {he} [heard the others laugh|saw the others run past]. Once {he} [opened the "
      "door|went as far as the gate], but then {he} [turned back|lost heart]."),
     ('//{Day} a ball rolled right in front of {his} feet. {cfkind} came running after it. {N} wanted to '
      'hide, but it was too late. "Hello! That is our ball!" called the {fkind}.',
      "//{Day} {he} heard somebody [sigh|grumble] {spot}. It was {a_fkind}, who tried to [fly a kite|carry "
      "a big basket] alone. {N} [took a deep breath|stopped]. \"[May I help|Shall I help you]?\" {he} said, "
      "very [softly|quietly]."),
     ('"I am {F}," said the {fkind}. "[You are the new one|I have seen you behind the fence]. [Why do you never come out?|We thought that you did not like us!]"',
      'The {fkind} [smiled|beamed]. "[Oh yes, please|I was hoping that somebody would come]! I am {F}. And '
      '[who are you|what is your name]?" "{N}," said {N}, and {he} smiled too.'),
     ("\"[I did not dare|I thought that you did not need anybody],\" said {N}. {F} shook {fhis} head. "
      "\"[When I was new, I hid for a whole month|I was new once too],\" {fhe} said. \"[It was the most "
      "boring month of my life|Then somebody asked me to play].\"",
      "Soon they [talked like old friends|were deep in talk]. {F} showed {him} [the best place for "
      "swimming|where the sweetest berries grow|a secret path], and {N} showed {F} {his} {noun}, which {he} "
      "had brought from {his} old home."),
     ("//Then {F} took {him} to the others. \"This is {N},\" {fhe} said, and everybody [moved over|said "
      "hello at once]. They played until [it was dark|somebody called them to supper].",
      "//The next day [five|six] of them stood at {his} door. \"[Are you coming?|We need one more for the game!]\" they called. {N} was out of the house before [{he} could feel shy|{his} tea was cold]."),
     ('That night {N} lay in bed and counted the names that {he} had learned. There were seven. "One hello '
      'was enough," {he} thought, and fell asleep.',
      "Some months later somebody new moved in [across the road|next door]. {N} saw a small face behind the "
      "curtain. {He} did not wait. {He} [went over and knocked|took some cake and rang the bell].")),
    weather=("sunny", "windy"))

ASTRAY = Plot(
    ("staying calm", "finding the way home"), ("gets lost", "loses the way home", "finds the way home"),
    (("{Day} {N} [followed a butterfly|went to look for mushrooms|ran after a rolling hat], further and "
     "further. When {he} looked up, {he} did not know where {he} was.",
      "\"[Do not go too far|Be home before dark],\" {his} [mother|father] had said. But {day} {N} [saw a "
      "blue bird|found one berry after the other], and suddenly every tree looked [the same|strange]."),
     ("{He} ran to the left. {He} ran to the right. {He} called, but only the echo answered. {Detail}",
      "{He} walked for an hour and came back to the same [stump|stone]. {He} had gone in a circle. {Detail}"),
     ("{N} [began to cry|felt a lump in {his} throat]. But crying did not [show {him} the way|help]. So "
      "{he} sat down, [ate the last piece of bread|dried {his} eyes] and thought.",
      "{His} heart beat fast. \"[Running makes it worse|First I must be calm],\" {he} said to {himself}, "
      "and {he} [sat down on a log|took ten slow breaths]."),
     ('//Then {he} remembered what {A} had once told {him}: "{clue}"',
      '//There was {A} by the path. "[I am lost|I can not find my way home]," said {N}. "[Look around|Use '
      'your head]," said the old {akind}. "{clue}"'),
     ("{N} [did just that|tried it]. {follow} [It was slow|It was a long way], but {he} did not [give up|turn aside] again.",
      "{N} jumped up. {follow} [The light grew weaker|It became cooler], but now {he} knew [where to "
      "go|what {he} was doing]."),
     ("//At last {he} saw [a light between the trees|smoke above a roof|a lantern]. It was {F}, the "
      "{fkind}, who had gone out to look for {him}. \"[There you are|We were so worried]!\" {fhe} cried.",
      "//And there was the [old gate|bridge that {he} knew], and behind it {his} own house. {F}, the "
      "{fkind} from next door, came running. \"[Where have you been?|We have called for you everywhere!]\" "
      "{fhe} said."),
     ('At home there was [hot soup|warm milk and honey], and {N} had to tell everything twice. "[You kept '
      'your head|That was clever]," said {his} [mother|father]. "But next time take somebody with you."',
      "{N} ate [three plates of soup|a whole loaf of bread] and slept until noon. {He} still [loves to "
      "explore|goes far], but {he} [looks back now and then|remembers every bend], to see what the way home "
      "looks like.")),
    ({"clue": "Water always runs down to the valley, and there the houses are.",
     "follow": "{He} listened, found a little brook, and followed it down, stone by stone."},
     {"clue": "In the evening the sun stands in the west, and your house is there too.",
     "follow": "{He} turned {his} face to the sun and walked straight on."},
     {"clue": "Moss grows on the north side of the trees.",
     "follow": "{He} felt the moss on every tree and walked away from it, to the south."},
     {"clue": "Your own feet know the way, if you look for their prints.",
     "follow": "{He} found {his} own prints in the soft ground and followed them back."},
     {"clue": "When you can not see the way, listen for the bell.",
     "follow": "{He} stood still until {he} heard the bell of the village, and walked towards the sound."}),
    weather=("sunny", "windy", "foggy"))

BOAST = Plot(
    ("honesty", "telling the truth"), ("tells a lie", "boasts too much", "says that {he} can {skill}"),
    (("{N} liked it when the others admired {him}. {Day} {he} said: \"[Did you know that I can {skill}?|I can {skill}, better than anybody!]\" It was not true.",
      "{Day} everybody told what they could do. One could whistle, another could stand on one leg. \"And I "
      "can {skill}!\" said {N}. {He} did not know [why {he} said it|where that had come from]."),
     ('"[Really|Is that true]?" asked {F}, {a_fkind}, with big eyes. "[You must show us|Then you can do it '
      'at the party]! [On Sunday|Tomorrow]!" {N} [swallowed|became pale]. "Of course," {he} said.',
      '"[How wonderful|I have always wanted to see that]!" said {F}, {a_fkind}, and {fhe} told everybody. '
      'Soon [the whole village|every neighbor] talked about it. {N} [smiled|nodded], but {his} stomach hurt.'),
     ("//At home {he} tried it in secret. {attempt} \"[I can not learn this in one day|It is hopeless],\" "
      "{he} thought.",
      "//All evening {he} [practiced behind the house|tried]. {attempt} {He} thought of saying that {he} "
      "was ill, but that would have been [one more lie|a second lie]."),
     ('{cA} had watched {him}. "[A lie is like a hole|A lie is heavy]," said the old {akind}. "[The longer '
      'you dig, the harder it is to get out|The further you carry it, the heavier it gets]."',
      '{He} could not sleep that night. The lie [sat on {his} chest like a stone|grew bigger and bigger in '
      'the dark]. "[Tomorrow I will tell them|There is only one way out]," {he} said to {himself} at last.'),
     ('//When they had all come, {N} stepped forward. {His} knees shook. "[I have to say something|Listen, '
      'please]," {he} began. "I can not {skill}. [I made it up|It was not true]. I am sorry."',
      '//The next day {he} went to {F} first. "I have lied to you," {he} said. "I can not {skill}. [I only '
      'wanted you to like me|I wanted to be somebody special]."'),
     ("For a moment it was [very quiet|so quiet that one could hear a fly]. Then {F} said: \"[That was "
      "braver than any trick|It takes courage to say that].\" And [somebody began to clap|nobody laughed].",
      '{F} [looked at {him} for a while|thought about it]. "[I like you anyway|We like you as you are]," '
      '{fhe} said. "[And do you know what? I can teach you|If you want, we can learn it together]."'),
     ("[And because {F} knew how it is done, {N} learned it after all|They practiced together], a little "
      "every day. By [autumn|the next summer] {he} could {skill}, [a bit|quite well]. And this time it was " "true.",
      "{N} felt as light as a feather. Since then {he} says only [what is true|what {he} can really do], "
      "and that is [more than one would think|quite enough].")),
    ({"skill": "juggle with five apples", "attempt": "All five apples fell on {his} head."},
     {"skill": "walk on a rope", "attempt": "{He} fell into the grass before {he} had made two steps."},
     {"skill": "play the violin", "attempt": "It sounded like a door that needs oil."},
     {"skill": "bake a cake with four floors", "attempt": "The cake was black outside and wet inside."},
     {"skill": "swim across the lake", "attempt": "After ten strokes {he} had swallowed half of the lake."}))

GIFT = Plot(
    ("giving", "friendship"), ("looks for a birthday gift", "makes a gift for a friend", "has no money for a gift"),
    (("{F}, {a_fkind}, was {his} best friend, and [tomorrow|on Saturday] was {fhis} birthday. {N} wanted to "
     "give {fhim} something [special|wonderful].",
      "{Day} {N} remembered that [tomorrow|the day after] was the birthday of {F}, the {fkind}. {He} had no "
      "gift yet!"),
     ("In the shop there was {a_thing}, [just the right thing|and {he} knew that {F} would love it]. But it "
      "cost ten coins, and {N} had only [two|one]. {He} [counted them again|looked in all {his} pockets], and "
      "it was still too little.",
      "{He} ran to the market. There were [silk scarves, silver rings|clocks, bells] and {a_thing}. But "
      "{he} had [no money|only one small coin]. The seller [shook her head|was sorry]."),
     ('"[A gift need not cost anything,|What can you do well?]" said {A}, who had [seen it all|heard {him} '
      'sigh]. {N} thought about it [all the way home|for a long time].',
      '"What does {F} like?" {N} asked {himself}. {fHe} liked [stories and the smell of pine|the sea and '
      'everything blue|music and warm evenings]. That gave {him} an idea.'),
     ("//So {he} sat down and made {a_gift}. It took [the whole night|hours]. {He} [pricked {his} "
      "finger|burned {his} finger] once, and twice {he} had to [begin again|start from the beginning].",
      "//All evening {N} worked at {a_gift}. {Detail} It was not [perfect|as smooth as the things in the "
      "shop], but {he} had put [all {his} love|everything {he} knew] into it."),
     ("At the party the others brought [big boxes with ribbons|shining parcels]. {N} hid {his} gift [behind "
      "{his} back|under the table]. [Next to the others it looked so small|It looked so plain]. \"[I will "
      "give it later|Perhaps nobody will ask],\" {he} thought.",
      "The next day there was a big table full of gifts, one [larger|more shiny] than the other. {N} put "
      "{his} own [at the very end|on the corner] and [wished that nobody would see it|looked at the floor]."),
     ('But {F} saw it. {fHe} [took it|unwrapped it] and was silent for a long time. "[You made this|Did you '
      'make this for me]?" {fhe} asked. {N} nodded. "[Nobody has ever given me such a thing|It is the best '
      'gift of all]," said {F}.',
      'At the end {F} opened the last one, and {fhis} eyes began to shine. "[This one is not from a '
      'shop|This has been made for me and nobody else]!" {fhe} said, and [hugged {him}|gave {him} the biggest '
      'piece of cake].'),
     ("//The other gifts were soon [forgotten|broken]. But {a_gift} from {N} still [stands next to the bed "
      "of {F}|has its place by the window]. [And {N} knows now what a gift is made of: of time|It cost "
      "nothing, and it is worth more than gold].",
      "//\"[I had only one coin|I was afraid that it was too little],\" {N} said later, when they [washed "
      "the cups|looked at the stars]. {F} laughed. \"[Good that you did not have ten|Then I am glad that you "
      "were poor]!\" {fhe} said.")),
    ({"a_gift": "a small wooden boat"}, {"a_gift": "a lamp of colored paper"},
     {"a_gift": "a little book with a story about the two of them"}, {"a_gift": "a chain of shells"},
     {"a_gift": "a cushion that smelled of pine"}, {"a_gift": "a tiny house of twigs"}))

RESCUE = Plot(
    ("kindness", "caring for others", "letting go"), ("finds a hurt {small}", "helps a {small}", "saves a {small}"),
    (("{Day} {N} heard a [thin|weak] sound {spot}. There lay a {small}. {hurt}",
      "{Day} {N} was on the way home when {he} saw a {small} in the grass. {hurt}"),
     ("\"[Do not be afraid|I will not hurt you],\" said {N}. {He} took off {his} scarf, [wrapped the "
      "{small} in it|made a nest of it] and carried it home.",
      "{N} [looked around|waited], but nobody came. \"[I can not leave you here|You will be cold],\" {he} "
      "said, and {he} put the {small} [carefully under {his} coat|into {his} basket]."),
     ("{He} made a bed in a [box|basket] by the stove and gave it [water with a spoon|some crumbs and "
      "water]. All night {he} [sat beside it|got up to look after it].",
      'At home {F}, {a_fkind}, was waiting. "[It is so small.|Will it live?]" {fhe} asked. "[I do not '
      'know|We will try]," said {N}. They [warmed some milk|made a soft bed] and took turns at watching it.'),
     ("//After three days the {small} [opened its eyes|ate for the first time]. After a week it [hopped "
      "through the kitchen|sat on {his} shoulder]. {N} talked to it [all day long|about everything].",
      "//Day by day the {small} grew stronger. It [slept in {his} shoe|stole crumbs from {his} plate] and "
      "followed {him} everywhere. {N} had never been so [happy|cheerful]."),
     ('But sometimes it sat at the window and looked out. "[It wants to go home|It is well again]," said '
      '{A}. "[What you love must be free|You have made it well, now you must let it go]." {N} [felt a '
      'sting|said nothing].',
      "Then came the day when it was quite well. {N} saw how it [looked at the sky|listened to the voices "
      "outside]. {He} [knew what that meant|would have liked to keep it], and {he} swallowed hard."),
     ("//{N} opened the window. The {small} looked at {him}, once, and was gone. {He} stood there for a "
      "long time. [The house was very quiet|The basket was empty].",
      '//So {he} carried it to the place where {he} had found it. "[Farewell|Take care of yourself]," {he} '
      'said. The {small} [turned around once|stopped for a moment] and [disappeared|was gone].'),
     ("But the next spring there was a [knock|scratching] at the window. There sat the {small}, and it had "
      "brought [three little ones|its family]. \"[Come in|So you have not forgotten me]!\" said {N}, and {he} "
      "[laughed|was happier than ever].",
      "[A month later|In the autumn] {N} found [a nut|a blue feather|a red berry] on the doorstep, and the "
      "next day another one. {He} [smiled|looked up into the trees]. [Somebody out there had not forgotten "
      "{him}|Kindness comes back, even if it takes its time].")),
    ({"small": "bird", "hurt": "One of its wings hung down."}, {"small": "young squirrel",
     "hurt": "It had fallen out of its nest and was cold."},
     {"small": "sparrow", "hurt": "It could not fly, and a cat was not far away."}, {"small": "swallow",
     "hurt": "The wind had thrown it against a wall."}, {"small": "baby mouse", "hurt": "It was wet and trembled."}),
    weather=("sunny", "windy", "rainy"))

NOISE = Plot(
    ("curiosity", "fear of nothing"), ("hears a strange noise", "looks for the source of a noise at night",
     "meets a ghost that is none"),
    (("{Night} {N} [woke up|could not sleep]. There was a noise. {sound} It came from the {where}.",
      "For three nights there had been a noise in the {where}. {sound} Nobody knew [what it was|where it "
      "came from], and nobody [dared to look|slept well]."),
     ('"[It is a ghost|That must be a monster]," whispered {F}, the {fkind}, who [was visiting {him}|had '
      'come over at once]. {fHe} [pulled the blanket up to {fhis} nose|held on to {his} sleeve].',
      '{N} woke {F}, the {fkind}, who was sleeping next door. "[Do you hear that?|Listen,]" {he} whispered. '
      '{F} listened and [turned white|began to shiver]. "[A ghost|A robber]!" {fhe} said.'),
     ('"[There are no ghosts|We will only know when we look]," said {N}, [though {he} was not quite '
      'sure|and tried to sound brave]. {He} lit a [candle|lantern] and took a [broom|big spoon] in the other '
      '{hand}.',
      '{N} was afraid too. But {he} was also curious, and {he} was [a bit more curious than afraid|more '
      'curious than afraid]. "[Come|Follow me]," {he} said, and {he} took the [lantern|lamp].'),
     ("//On [tiptoe|quiet feet] they went to the {where}. The floor creaked. {sound} {F} [shut {fhis} "
      "eyes|stopped breathing]. {N} [pushed the door open|opened the door, very slowly].",
      "//Step by step they came nearer. A [cobweb touched {his} nose|cold wind blew], and the light "
      "[flickered|almost went out]. {sound} Now it was quite close. {N} [counted to three|held up the light]."),
     ("And what did they see? {cause}", "The light fell into the corner. There was no ghost. {cause}"),
     ("{F} [was the first to laugh|laughed until {fhe} had to sit down]. \"[That was our monster|And I "
      "thought it would eat us]!\" {fhe} said.",
      "{N} and {F} looked at each other. Then they laughed so loud that [the windows shook|everybody woke up]."),
     ("//{solution} Then they [drank warm milk|ate some cake] in the kitchen, although it was [midnight|two "
      "in the morning], and [slept like stones|slept until noon].",
      "//{solution} \"[Most monsters are small, if you hold a lamp to them|A thing that you know is only "
      "half as big],\" said {N}, and blew out the light.")),
    ({"sound": "Tap, tap, tap.", "where": "attic",
     "cause": "A woodpecker had come in through the roof and was knocking at a beam.",
     "solution": "They opened the window, and the woodpecker flew home."},
     {"sound": "Scratch, scratch, scratch.", "where": "cellar",
     "cause": "A hungry little mole was looking for the way out of a box.",
     "solution": "They set the mole free and gave it a carrot for the way."},
     {"sound": "Whoo, whoo.", "where": "old barn", "cause": "The wind was blowing over the neck of an empty bottle.",
     "solution": "They put a cork into the bottle, and it was quiet."},
     {"sound": "Clack, clack.", "where": "kitchen", "cause": "The lid of a pot was dancing, because a frog sat in it.",
     "solution": "They carried the frog back to the pond."},
     {"sound": "Drip, drip, drip.", "where": "old tower",
     "cause": "Rain was falling through a hole in the roof into an old hat.",
     "solution": "They mended the hole, and {F} put the hat out to dry."}),
    weather=("windy", "rainy", "foggy", "cold"))

WINTER = Plot(
    ("work and play", "being prepared", "helping others"), ("puts off all work", "does not prepare for the winter",
     "is lazy"),
    (("{N} was [not fond of work|a great one for putting things off]. \"[Tomorrow is another day|There is "
     "time],\" {he} used to say, and {he} [lay down in the sun|went swimming].",
      "All summer long {N} [lay in the grass|played the flute] and did nothing. \"[The sun is shining, why "
      "should I work|Winter is far away],\" {he} said."),
     ('{F}, {a_fkind}, was quite different. {fHe} gathered [nuts and wood|food and straw] from morning till '
      'evening. "Winter comes sooner than you think," {fhe} [warned|told {him}].',
      '{His} neighbor {F}, {a_fkind}, carried one basket after the other past {him}. "[Help me, and we will '
      'share|Come, I will show you where the best nuts are]," {fhe} said. "[Later|Not today]," [yawned|said] ' '{N}.'),
     ("//Then the leaves fell. One night the first frost came, and [in the morning everything was white|the "
      "pond froze over]. {N} looked into {his} store. There was [one old turnip|half an apple] in it.",
      "//Autumn came, and {N} still said \"tomorrow\". But one morning there was no tomorrow left: [snow "
      "lay in front of the door|it snowed without a pause]. And in {his} kitchen there was nothing but [a dry "
      "crust|three beans]."),
     ("{He} [looked for food under the snow|searched for nuts], but {he} found [only ice|nothing]. {His} "
      "{hands} were [blue|stiff] with cold, and {his} stomach growled. \"[If only I had listened|How silly I "
      "was],\" {he} thought.",
      "For two days {he} [stayed in bed and ate nothing|drank only hot water]. {He} was too [proud|ashamed] "
      "to ask. On the third day {he} [could bear it no longer|went out into the snow]."),
     ('At last {he} knocked at the door of {F}. "[I was lazy|You were right]," {he} said. "[May I come '
      'in|Could you give me something, please]?" {F} [looked at {him}|thought for a moment] and opened the '
      'door wide.',
      'Somebody knocked. It was {F} with a [sack of nuts|warm loaf]. "[There was no smoke from your '
      'chimney|I have not seen you for days]," {fhe} said, "[and I was worried|so I came to look]." {N} '
      '[cried|could not speak].'),
     ("//\"[Eat first|Sit down and get warm],\" said {F}. \"[But in spring you will help me|And tomorrow "
      "you can chop wood].\" {N} [promised it|nodded with a full mouth]. The whole winter {he} [swept the "
      "snow|carried water] and told stories in the evening.",
      "//They spent the winter together. {N} [mended the chairs|cooked the soup], and {F} taught {him} [to "
      "knit|to make baskets]. {He} was surprised [how good one sleeps after work|that work can be fun]."),
     ("When summer came again, {N} was the first to [get up|fetch a basket]. [First the nuts, then the "
      "nap|Work in the morning, sun in the afternoon], that was {his} new rule, [and it was a good one|and "
      "{he} never was hungry again].",
      "The next autumn two stores were full to the roof. \"[Now let the winter come|One for you and one for "
      "me],\" said {N}. And then {he} lay down in the sun, [and this time {he} had earned it|for the rest of "
      "the day].")))

QUARREL = Plot(
    ("making up", "friendship", "sharing"), ("quarrels with a friend", "quarrels about {a_thing}"),
    (("{N} and {F}, {a_fkind}, did everything together. But {day} they found {a_thing} {spot}, and both "
     "took hold of it at the same time.",
      "{Day} {N} and {his} friend {F}, {a_fkind}, saw {a_thing} {spot}. \"[I saw it first|That is mine]!\" "
      "said {N}. \"[No, I did|No, mine]!\" said {F}."),
     ("They pulled to the left and they pulled to the right. \"[Let go|Give it to me]!\" cried {N}. "
      "\"[Never|You always get everything]!\" cried {F}. Then there was a [crack|snap], and the {noun} [lay "
      "on the ground, broken|was broken].",
      "They [shouted|argued] until the birds flew away. Neither of them [would give in|let go]. In the end "
      "the {noun} slipped out of their {hands}, rolled down the hill and [fell into the river|was gone]."),
     ("\"[That is your fault|See what you have done]!\" they both said at once. {N} went home by one way "
      "and {F} by the other. [They slammed their doors|Nobody said goodbye].",
      '"I never want to see you again!" said {N}, and {F} said [the same|it too]. So they went home, [as '
      'far apart as they could|and did not look back].'),
     ("//The next day {N} played alone. {He} [built a tower|threw stones into the water], but there was "
      "nobody to [admire it|count with {him}]. {He} wanted to say something funny, and there was nobody to "
      "laugh. {Detail}",
      "//For three days it was very quiet. {N} [had no appetite|did not know what to do]. Everything "
      "reminded {him} of {F}: [the bench, the swing, the two cups on the table|the path, the boat, the old " "tree]."),
     ('"[What was it that you quarreled about|Where is your friend]?" asked {A}. {N} told everything. '
      '"Which of the two do you miss more," said the old {akind}, "the {noun} or {F}?"',
      "\"[A {noun}|All that because of a {noun}],\" thought {N}. {He} [could not even remember why {he} had "
      "wanted it|would have given ten of them to hear {F} laugh]."),
     ('//{He} ran out of the house, and half way {he} bumped into {F}, who was running too. "I am sorry!" '
      'they both said [at once|at the same moment], and then they [laughed|hugged each other].',
      '//So {he} went to {F} and knocked. "[I was stupid|I am sorry]," {he} said. {F} [opened the door at '
      'once|wiped {fhis} eyes]. "[Me too|I was no better]," {fhe} said. "I have missed you."'),
     ('Together they [mended what was left|went to look for the {noun}], and it [took the whole '
      'afternoon|was the best afternoon for a long time]. "From now on we take turns," they said.',
      "They made a rule: [whoever finds something says \"ours\"|when two want the same thing, both wait "
      "until they laugh]. [It has worked until today|They have never broken it].")))

PLOTS = (FOUND, LOST, FEAR, SHARING, RACE, BUILDING, STORM, GARDEN, NEWCOMER, ASTRAY, BOAST, GIFT, RESCUE, NOISE,
WINTER, QUARREL)
