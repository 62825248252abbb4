# SPDX-License-Identifier: Apache-2.0
"""Plots about a thing that is found, lost, shared, won, built, grown, given or broken."""
from story_plot import Plot

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
