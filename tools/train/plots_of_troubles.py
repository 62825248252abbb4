# SPDX-License-Identifier: Apache-2.0
"""Plots of troubles: fear, a storm, being new, losing the way, a lie, a hurt animal, a noise, the winter."""
from story_plot import Plot

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
