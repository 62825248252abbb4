# SPDX-License-Identifier: Apache-2.0
"""The sentences of arithmetic word problems, by kind of step: those of training, and those of held-out problems.

Brackets hold alternatives; braces are filled in: {name} {he} {him} {his} and {friend} are people, {a} {b} {m} {n} {p}
numbers of at least 2, {item} {items} {box} {boxes} what is counted and what holds it.
"""

from compose import expand_all

TRAINING = expand_all({
    # Somebody's things: how they begin.
    "own": (
        "{name} had {a} {items}.", "{name} had {a} {items} [in a box|at home|in a drawer|in a bag].", "{name} owned {a} {items}.",
        "{name} [collected|gathered|found] {a} {items} [in the morning|on Monday|last week].",
        "[At first|In the beginning|On Monday], {name} had {a} {items}.", "There were {a} {items} in {name}'s [bag|drawer|room].",
        "{name} started [the day|the week|out] with {a} {items}.", "{name} [got|received] {a} {items} for {his} birthday.",
        "{name}'s [aunt|uncle|mother|father] gave {him} {a} {items}.", "{name} [bought|ordered] {a} {items} at the [market|shop].",
        "One day {name} counted {his} {items} and found that there were {a}.", "{name} kept {a} {items} on a shelf.",
        "{name} brought a bag with {a} {items} to school.", "{name} began a collection with {a} {items}."),
    "own_boxes": (
        "{name} had {a} {boxes} with {b} {items} in each [{box}|of them].", "{name} [bought|received|found] {a} {boxes} of {b} {items} each.",
        "There were {a} {boxes} in {name}'s room, and each held {b} {items}.", "{name} filled {a} {boxes} with {b} {items} each.",
        "Each of {name}'s {a} {boxes} held {b} {items}.", "{name} kept {his} {items} in {a} {boxes}, {b} in each.",
        "{name} had {a} {boxes}. [In each {box} there were|Each {box} held|In every {box} were] {b} {items}.",
        "{name} packed {items} into {a} {boxes}, {b} [to a {box}|into each].", "{name} put {b} {items} into each of {a} {boxes}.",
        "{name} got {a} {boxes} from {his} uncle, and every {box} had {b} {items} in it."),
    "own_two": (
        "{name} had {a} {x} {items} and {b} {y} {items}.", "{name} [collected|found|bought] {a} {x} and {b} {y} {items}.",
        "In {name}'s [bag|drawer|box] there were {a} {x} {items} and {b} {y} ones.",
        "{name} had {a} {x} {items}. {He} also had {b} {y} ones.", "Of {name}'s {items}, {a} were {x} and {b} were {y}.",
        "{name} owned {a} {x} {items} and {b} {y} ones.", "{name} owned {a} {x} {items} as well as {b} {y} ones.",
        "{name} got {a} {x} {items} from {his} aunt and {b} {y} ones from {his} uncle.",
        "{name} counted {a} {x} {items} and {b} {y} {items} in {his} collection.",
        "{name} kept {a} {x} {items} in a drawer and {b} {y} ones on a shelf.",
        "There were two kinds of {items} in {name}'s room: {a} {x} ones and {b} {y} ones."),
    # What happens to them.
    "gain": (
        "{He} [bought|found|got|received|picked up|collected] {n} more {items}.",
        "{He} [bought|found|got] {n} more {items} [at the market|in the evening|the next day].",
        "[Then|Later|After that|The next day] {he} [bought|found|got] {n} more.", "{friend} [gave|sent|handed|brought] {him} {n} more {items}.",
        "[Then|Later] {friend} gave {him} {n} {items} as a gift.", "{He} [won|earned] {n} {items} in a game.",
        "{His} [aunt|uncle|brother|sister|mother] [gave|sent] {him} {n} more {items}.",
        "{He} got another {n} {items} [from {friend}|from {his} father].", "{He} traded a book for {n} {items}.",
        "On the way home {he} found {n} more {items}.", "{He} added {n} {items} to {his} collection.",
        "After lunch {he} [bought|received] another {n} {items}.", "A neighbor brought {him} {n} {items}.",
        "In a box under the bed {he} found another {n} {items}."),
    "lose": (
        "{He} gave {n} {items} to {friend}.", "{He} gave {n} of [them|the {items}] to [{his} brother|{his} sister|{friend}|a neighbor].",
        "[Then|Later|After that] {he} [lost|sold|gave away|dropped] {n} {items}.", "{friend} [took|borrowed] {n} of [them|the {items}].",
        "{He} [lost|sold|gave away] {n} {items} [on the way home|in the evening|the next day].", "Sadly, {n} of the {items} were lost.",
        "{He} left {n} {items} at school.", "{He} lent {n} {items} to [a friend|{friend}].",
        "{He} [handed|sent] {n} {items} to {his} [mother|aunt|cousin].", "{He} traded {n} of the {items} for a book.",
        "The next day {n} of the {items} were [missing|gone|lost].", "After lunch {he} gave {n} {items} away.",
        "{He} brought {n} {items} to {his} grandmother, who kept them.", "{He} sold {n} of [them|the {items}] at the market.",
        "A friend asked for {n} {items}, and {he} gave them away."),
    "half": (
        "{He} gave half of [the {items}|them|{his} {items}] to [{friend}|{his} brother|{his} sister|a neighbor].",
        "[Then|Later|After that] {he} [lost|sold|gave away] half of [them|the {items}].", "{friend} [took|got] half of the {items}.",
        "Half of the {items} were [lost|sold|given away].", "{He} [sold|left] half of the {items} at the market.",
        "The next day half of the {items} were [gone|missing].", "{He} kept only half of [the {items}|them].",
        "{He} handed half of the {items} to {his} [mother|cousin|aunt]."),
    "gain_groups": (
        "{He} bought {n} [packs|packets] of {m} {items} each.", "Then {he} bought {n} more packs with {m} {items} in each pack.",
        "{friend} [gave|sent] {him} {n} packs, each with {m} {items}.",
        "On each of the next {n} days {he} [bought|found|got] {m} more {items}.", "{He} got {m} {items} from each of {n} friends.",
        "Then {n} friends [gave|brought|sent] {him} {m} {items} each.", "Every day for {n} days {he} [found|bought|received] {m} more {items}.",
        "{His} [aunt|uncle|mother] sent {him} {n} packets of {m} {items} each.", "{He} won {m} {items} in each of {n} games.",
        "Later {he} found {n} packs of {m} {items} each in a cupboard.", "{He} ordered {n} packs, and there were {m} {items} in every pack."),
    "lose_groups": (
        "{He} gave {m} {items} to each of {his} {n} [friends|cousins].", "{He} gave {n} friends {m} {items} each.",
        "On each of the next {n} days {he} [lost|sold|gave away] {m} {items}.", "[Then|Later] {he} sold {n} packs of {m} {items} each.",
        "Each of {n} friends got {m} {items} from {him}.", "{He} [sold|gave away] {m} {items} a day for {n} days.",
        "[Then|Later] {n} friends [took|borrowed] {m} {items} each.", "Every day for {n} days {he} [lost|sold] {m} of the {items}.",
        "{He} sent {m} {items} to each of {n} cousins.", "{He} filled {n} packs with {m} {items} each and sold the packs.",
        "{He} lost {m} {items} in each of {n} games.", "Then {n} neighbors asked for {m} {items} each and got them."),
    # How they end.
    "ask_now": (
        "How many {items} does {name} have [now|in all]?", "How many {items} did {he} have [in the end|then|after that]?",
        "What is the number of {items} that {name} has now?", "Find the number of {items} {name} has [now|in the end].",
        "[Work out|Find out|Tell me] how many {items} {name} has now.", "How many {items} are there now?",
        "After all this, how many {items} does {name} have?", "How many {items} does that make [in all|now]?",
        "How many {items} did {name} end up with?", "Count {name}'s {items}: how many are there [now|in the end]?"),
    "ask_left": (
        "How many {items} does {name} have left?", "How many {items} are left?", "How many {items} did {he} [keep|have left|still have]?",
        "How many {items} [remain|are still there]?", "[Work out|Find out|Tell me] how many {items} are left.",
        "How many {items} does {name} still have?", "What is the number of {items} that are left?",
        "Find the number of {items} that {name} has left.", "After all this, how many {items} are left?",
        "How many {items} did {name} have left in the end?", "How many {items} were left [then|after that|in the end]?"),
    "share": (
        "[Then|In the end|Finally] {he} [shared|divided] all {his} {items} equally among {n} friends.",
        "{He} [shared|divided] the {items} [equally|fairly] among {n} friends.", "{n} friends got all the {items} in equal parts.",
        "{He} gave all {his} {items} to {n} friends, the same number to each.", "{He} split the {items} equally between {n} friends.",
        "All the {items} were [shared|divided] equally among {n} friends.", "The {items} were then split into equal parts for {n} friends.",
        "Every one of {n} friends got an equal share of all the {items}.", "{He} handed the {items} out to {n} friends, as many to one as to another."),
    "ask_share": (
        "How many {items} did each friend [get|receive|have]?", "How many {items} did [every|each] one of the friends get?",
        "[Work out|Find out|Tell me] how many {items} each friend got.", "What was the share of each friend?",
        "How many {items} were there for each friend?", "How many {items} did one friend [get|receive]?",
        "Find the number of {items} that each friend got.", "What number of {items} did each friend receive?",
        "How large was the share of one friend?"),
    "pack": (
        "[Then|In the end|Finally] {he} [put|packed] all the {items} into {bags} of {n}.",
        "{He} [put|packed] all {his} {items} into {bags}, {n} [to a {bag}|in each {bag}].", "{He} packed {n} {items} into each {bag} until none were left.",
        "{He} filled {bags} with {n} {items} each until all were packed.", "All the {items} were packed into {bags} with {n} in each.",
        "The {items} were put into {bags} of {n} each.", "{He} sorted the {items} into {bags} that hold {n} each.",
        "Every {bag} holds {n} {items}, and {he} packed them all."),
    "ask_pack": (
        "How many {bags} did {he} [fill|need|use]?", "How many {bags} were [needed|filled|there]?", "How many {bags} of {items} were there?",
        "[Work out|Find out|Tell me] how many {bags} {he} needed.", "What is the number of {bags}?", "Find the number of {bags} that {he} filled.",
        "How many {bags} does that make?", "How many {bags} did it take?", "How many full {bags} did {he} have?"),
    "sell": (
        "[Then|In the end|Finally] {he} sold all the {items} for {p} dollars each.", "{He} sold every {item} for {p} dollars.",
        "{He} sold [them all|all {his} {items}] at {p} dollars each.", "A neighbor bought all the {items} and paid {p} dollars for each.",
        "{He} went to the market and got {p} dollars for each of the {items}.", "Each {item} was then sold for {p} dollars.",
        "All the {items} were sold at a price of {p} dollars each.", "{He} sold the {items}, and each brought {him} {p} dollars.",
        "Then {he} found somebody who paid {p} dollars for every {item}."),
    "ask_sell": (
        "How many dollars did {he} [get|earn|receive|make]?", "How much money in dollars did {name} [get|earn|make]?",
        "[Work out|Find out|Tell me] how many dollars {name} got.", "How many dollars did the {items} bring?",
        "How many dollars did {name} get for all the {items}?", "What was the total in dollars?", "Find the number of dollars that {he} earned.",
        "How many dollars does that make in all?"),
    # A place where things or people come and go.
    "place": (
        "There were {a} {items} {place}.", "[In the morning|At noon|At nine o'clock|On Sunday], there were {a} {items} {place}.",
        "{name} [counted|saw|noticed] {a} {items} {place}.", "A guard counted {a} {items} {place}.", "At first {a} {items} were {place}.",
        "Early in the day {a} {items} were {place}.", "Yesterday one could see {a} {items} {place}.",
        "When {name} looked, {a} {items} were {place}.", "It was a sunny day, and {a} {items} were {place}.",
        "On the way to school {name} saw {a} {items} {place}.", "At the start there were {a} {items} {place}."),
    "place_groups": (
        "There were {a} groups of {b} {items} {place}.", "[In the morning|At noon|On Sunday], there were {a} groups of {b} {items} each {place}.",
        "{name} [counted|saw|noticed] {a} groups of {b} {items} {place}.", "At first there were {a} groups {place}, each of {b} {items}.",
        "The {items} {place} stood in {a} groups of {b}.", "There were {a} groups {place}. [Each group had|In each group there were] {b} {items}.",
        "Early in the day one could see {a} groups {place}, with {b} {items} in every group.",
        "Some {items} were {place}: {a} groups with {b} in each."),
    "place_two": (
        "There were {a} {x} and {b} {y} {items} {place}.", "[In the morning|At noon|On Sunday], {a} {x} {items} and {b} {y} ones were {place}.",
        "{name} [counted|saw] {a} {x} {items} and {b} {y} ones {place}.", "At first {a} {x} {items} were {place}, and also {b} {y} ones.",
        "Of the {items} {place}, {a} were {x} and {b} were {y}.", "There were {a} {x} {items} {place}. There were also {b} {y} ones.",
        "Two kinds of {items} were {place}: {a} {x} ones and {b} {y} ones.", "When {name} looked, there were {a} {x} {items} and {b} {y} {items} {place}."),
    "come": (
        "Then {n} more {items} {came}.", "[Later|Soon|After a while|An hour later|At noon|In the afternoon] {n} more {items} {came}.",
        "[Then|Later|Soon] another {n} {items} {came}.", "A little later {n} more of them {came}.", "After that {n} new {items} {came}.",
        "It was not long before {n} more {items} {came}.", "When it got warmer, {n} more {items} {came}.",
        "Before lunch another {n} {items} {came}."),
    "come_groups": (
        "Then {n} groups of {m} {items} {came}.", "[Later|Soon|After a while|An hour later|In the afternoon] {n} groups of {m} {items} each {came}.",
        "[Then|Soon] {n} more groups with {m} {items} in each {came}.", "In each of the next {n} hours, {m} more {items} {came}.",
        "Every hour for {n} hours, {m} more {items} {came}.", "After that another {n} groups {came}, each of {m} {items}.",
        "Before lunch {n} groups {came}, and in every group there were {m} {items}.",
        "Then {m} {items} {came} every ten minutes, and this happened {n} times."),
    "go": (
        "Then {n} {items} {went}.", "[Later|Soon|After a while|An hour later|At noon|In the evening] {n} [{items}|of them] {went}.",
        "[Then|Soon|Later] {n} of the {items} {went}.", "When it began to rain, {n} {items} {went}.", "Before it got dark, {n} of the {items} {went}.", "After that {n} {items} {went}.",
        "It was not long before {n} of them {went}.", "A little later {n} {items} {went}.", "Before dinner {n} of the {items} {went}."),
    "go_groups": (
        "Then {n} groups of {m} {items} {went}.", "[Later|Soon|After a while|In the evening] {n} groups of {m} {items} each {went}.",
        "In each of the next {n} hours, {m} {items} {went}.", "Every hour for {n} hours, {m} of the {items} {went}.",
        "After that {n} groups {went}, each of {m} {items}.", "When it began to rain, {n} groups of {m} {items} {went}.",
        "Before dinner {n} groups {went}, and in every group there were {m} {items}.",
        "Then {m} {items} {went} every ten minutes, and this happened {n} times."),
    "ask_place": (
        "How many {items} [are|were] {place} [now|in the end]?", "How many {items} were then {place}?",
        "How many {items} does one count {place} [now|in the end]?", "[Work out|Find out|Tell me] how many {items} are {place} now.",
        "What is the number of {items} {place} now?", "Find the number of {items} {place} [in the end|now].", "After all this, how many {items} are {place}?",
        "How many {items} were {place} after that?", "How many {items} are there now?", "How many {items} does that make {place}?"),
    # Who has more.
    "has": (
        "{A} has {a} {items}.", "{A} [owns|keeps|holds] {a} {items}.", "There are {a} {items} in {A}'s [bag|box|room].",
        "{A} has [found|collected|gathered] {a} {items}.", "{A} counts {a} {items}.", "There is a collection of {a} {items} in {A}'s room.",
        "{A} has a bag with {a} {items} in it.", "In {A}'s [drawer|bag|box] there are {a} {items}.", "{A} keeps {a} {items} [in a box|on a shelf|at home]."),
    "more": (
        "{B} has {n} more {items} than {A}.", "{B} [owns|keeps|holds] {n} more than {A}.", "{B} has {n} more than {A} [has|does].",
        "Compared with {A}, {B} has {n} more {items}.", "{B} has as many {items} as {A} and {n} more.",
        "In {B}'s [bag|box|room] there are {n} more {items} than in {A}'s.", "{B} has [found|collected] {n} {items} more than {A}.",
        "{A} has {n} fewer {items} than {B}.", "{A} would need {n} more {items} to have as many as {B}.", "The number of {B}'s {items} is {n} larger than that of {A}'s."),
    "fewer": (
        "{B} has {n} fewer {items} than {A}.", "{B} [owns|keeps|holds] {n} fewer than {A}.", "{B} has {n} fewer than {A} [has|does].",
        "Compared with {A}, {B} has {n} fewer {items}.", "In {B}'s [bag|box|room] there are {n} fewer {items} than in {A}'s.",
        "{B} has [found|collected] {n} {items} fewer than {A}.", "{A} has {n} more {items} than {B}.",
        "{B} would need {n} more {items} to have as many as {A}.", "The number of {B}'s {items} is {n} smaller than that of {A}'s."),
    "times": (
        "{B} has {n} times as many {items} as {A}.", "{B} [owns|keeps|holds] {n} times as many as {A}.",
        "{B} has {n} times as many {items} as {A} [has|does].", "Compared with {A}, {B} has {n} times as many {items}.",
        "In {B}'s [bag|box|room] there are {n} times as many {items} as in {A}'s.", "{B} has [found|collected] {n} times as many {items} as {A}.",
        "For every {item} that {A} has, {B} has {n}.", "The number of {B}'s {items} is {n} times that of {A}'s."),
    "twice": (
        "{B} has twice as many {items} as {A}.", "{B} [owns|keeps|holds] twice as many as {A}.", "{B} has twice as many {items} as {A} [has|does].",
        "Compared with {A}, {B} has twice as many {items}.", "In {B}'s [bag|box|room] there are twice as many {items} as in {A}'s.",
        "{B} has [found|collected] twice as many {items} as {A}.", "For every {item} that {A} has, {B} has two.", "{B} has double the number of {items} that {A} has.",
        "{A} has half as many {items} as {B}."),
    "half_as": (
        "{B} has half as many {items} as {A}.", "{B} [owns|keeps|holds] half as many as {A}.", "{B} has half as many {items} as {A} [has|does].",
        "Compared with {A}, {B} has half as many {items}.", "In {B}'s [bag|box|room] there are half as many {items} as in {A}'s.",
        "{B} has [found|collected] half as many {items} as {A}.", "{B} has half the number of {items} that {A} has.",
        "{A} has twice as many {items} as {B}.", "For every two {items} that {A} has, {B} has only one."),
    "ask_one": (
        "How many {items} does {B} have?", "How many {items} are {B}'s?", "[Work out|Find out|Tell me] how many {items} {B} has.",
        "What is the number of {B}'s {items}?", "Find the number of {items} that {B} [has|owns].", "How many {items} does {B} [own|keep|hold]?",
        "How many {items} belong to {B}?", "How many are {B}'s {items}?", "Can you say how many {items} {B} has?"),
    "ask_together": (
        "How many {items} do {people} have [together|in all]?", "How many {items} do {people} [own|keep|hold] together?",
        "What is the total number of {items} that {people} have?", "[Work out|Find out|Tell me] how many {items} {people} have together.",
        "Find the number of {items} that {people} have [together|in all].", "If {people} put their {items} together, how many are there?",
        "Together, how many {items} do {people} have?", "How many {items} is that for {people} together?"),
    "ask_difference": (
        "How many more {items} does {high} have than {low}?", "How many fewer {items} does {low} have than {high}?",
        "[Work out|Find out|Tell me] how many more {items} {high} has than {low}.", "How many {items} does {low} need to have as many as {high}?",
        "By how many {items} does {high} have more than {low}?", "What is the difference between the numbers of {high}'s and {low}'s {items}?",
        "Find how many more {items} {high} has than {low}.", "Compared with {low}, how many more {items} does {high} have?"),
    # Shopping.
    "budget": (
        "{name} went to the [shop|market|store] with {a} dollars.", "{name} had {a} dollars.", "{name} had {a} dollars in {his} [purse|pocket].",
        "{name} took {a} dollars to the [shop|market].", "{name} had saved {a} dollars.", "{name}'s [father|mother|aunt] gave {him} {a} dollars for shopping.",
        "There were {a} dollars in {name}'s [purse|pocket].", "{name} started the day with {a} dollars.", "{name} got {a} dollars for {his} birthday.",
        "On Saturday {name} had {a} dollars."),
    "buyer": (
        "{name} went to the [shop|market|store].", "{name} went shopping.", "On Saturday {name} went shopping.", "{name} needed some things for the house.",
        "{name} walked to the [shop|market].", "{name} visited a [shop|store] with {friend}.", "After school {name} went to a [shop|store].",
        "{name} wanted to buy some gifts.", "One day {name} went to the market."),
    "buy": (
        "{He} bought {n} {items} for {p} dollars each.", "{He} bought {n} {items} at {p} dollars each.", "{He} [took|chose|picked] {n} {items} that cost {p} dollars each.",
        "{He} paid {p} dollars for each of {n} {items}.", "{He} bought {n} {items}. [Each|Every] {item} cost {p} dollars.",
        "{He} [bought|ordered|got] {n} {items}, and each cost {p} dollars.", "A {item} cost {p} dollars, and {he} [bought|took] {n}.",
        "At a price of {p} dollars each, {he} bought {n} {items}.", "{He} bought {n} {items}, paying {p} dollars for each.",
        "The {items} cost {p} dollars each, and {he} bought {n} of them."),
    "buy_also": (
        "{He} also bought {n} {items} for {p} dollars each.", "Then {he} bought {n} {items} at {p} dollars each.", "{He} also [took|chose|picked] {n} {items} that cost {p} dollars each.",
        "{He} paid {p} dollars for each of {n} {items} as well.", "Then {he} bought {n} {items}. [Each|Every] {item} cost {p} dollars.",
        "{He} also [bought|ordered|got] {n} {items}, and each cost {p} dollars.", "A {item} cost {p} dollars, and {he} [bought|took] {n} of those too.",
        "{He} added {n} {items} at {p} dollars each.", "The {items} cost {p} dollars each, and {he} bought {n} of them too."),
    "buy_one": (
        "{He} also bought a {thing} for {n} dollars.", "{He} bought a {thing} too, which cost {n} dollars.", "Then {he} paid {n} dollars for a {thing}.",
        "{He} spent another {n} dollars on a {thing}.", "A {thing} cost {him} another {n} dollars.", "Then {he} bought a {thing} that cost {n} dollars.",
        "{He} [took|chose] a {thing} for {n} dollars as well.", "{He} also got a {thing} at a price of {n} dollars."),
    "buy_first": (
        "{He} spent {n} dollars on a {thing}.", "{He} bought a {thing}, which cost {n} dollars.", "{He} paid {n} dollars for a {thing}.", "A {thing} cost {him} {n} dollars.",
        "{He} bought a {thing} that cost {n} dollars.", "{He} [bought|took|chose|got] a {thing} for {n} dollars.", "{He} [bought|got] a {thing} at a price of {n} dollars.",
        "At the [shop|market] {he} bought a {thing} for {n} dollars."),
    "discount": (
        "The seller took {n} dollars off the price.", "{He} got {n} dollars off the total.", "{He} had a coupon for {n} dollars off.",
        "[{friend}|{His} aunt|{His} mother] paid {n} dollars of it.", "The total was then made {n} dollars lower.", "The [shop|store] gave {him} {n} dollars off.",
        "Because {he} was a good customer, {he} had to pay {n} dollars less.", "A coupon made the total {n} dollars lower."),
    "earn": (
        "Then {he} earned {n} dollars [by washing cars|by helping a neighbor|in the garden].", "{friend} gave {him} {n} dollars.", "{His} [aunt|uncle|mother] gave {him} {n} dollars more.",
        "Later {he} [found|got|earned] another {n} dollars.", "{He} sold an old book for {n} dollars.", "After that {he} got {n} dollars from {his} [father|uncle].",
        "The next day {he} received {n} dollars for {his} work.", "{friend} paid {him} {n} dollars for some help."),
    "ask_spent": (
        "How many dollars did {name} [spend|pay] [in all|together]?", "How many dollars did {he} [spend|pay]?", "How much did {he} pay, in dollars?",
        "What did everything cost, in dollars?", "[Work out|Find out|Tell me] how many dollars {name} [spent|paid].", "What was the total price in dollars?",
        "Find the number of dollars that {name} spent.", "How many dollars did it all cost?", "How much money in dollars did {name} spend?"),
    "ask_money": (
        "How many dollars [does|did] {name} have left?", "How many dollars are left?", "How many dollars [remain|remained]?",
        "How much money in dollars does {name} [have now|still have]?", "[Work out|Find out|Tell me] how many dollars {name} has now.",
        "How many dollars does {name} have [now|in the end]?", "Find the number of dollars that {he} has left.", "What is left of the money, in dollars?"),
    "pay": (
        "{He} paid with {n} dollars.", "{He} gave the seller {n} dollars.", "{He} handed {n} dollars to the seller.", "{He} laid {n} dollars in the seller's hand.", "At the end {he} paid with {n} dollars.",
        "{He} put {n} dollars on the table.", "{He} gave {n} dollars to pay for it.", "For all this {he} gave the seller {n} dollars.",
        "The seller got {n} dollars from {him}."),
    "ask_change": (
        "How many dollars did {he} get back?", "How much change in dollars did {he} get?", "How many dollars of change did {name} [get|receive]?",
        "What was the change in dollars?", "[Work out|Find out|Tell me] how many dollars {name} got back.", "How many dollars did the seller give back?",
        "Find the change in dollars.", "How much money in dollars did {name} get back?"),
    "split": (
        "{n} friends shared the cost equally.", "{He} and {his} friends, {n} people in all, shared the cost equally.", "The cost was split equally between {n} people.",
        "In the end {n} people paid for it in equal parts.", "A group of {n} friends paid for everything in equal parts.", "The price was divided equally among {n} friends.",
        "All this was for a group of {n} people who shared the cost equally.", "It was a gift from {n} friends who split the cost fairly."),
    "ask_split": (
        "How many dollars did each of them pay?", "How many dollars did each person pay?", "What did each one pay, in dollars?", "How much was the share of each one, in dollars?",
        "[Work out|Find out|Tell me] how many dollars each of them paid.", "How many dollars did one person have to pay?", "Find the number of dollars that each one paid."),
    # Work done at a rate.
    "rate": (
        "{name} {did} {a} {items} [{a_day}|every {day}|each {day}] for {b} {days}.", "For {b} {days}, {name} {did} {a} {items} [{a_day}|every {day}|each {day}].",
        "{name} {did} {a} {items} in {a_day} and kept this up for {b} {days}.", "In each of {b} {days}, {name} {did} {a} {items}.",
        "Every {day} {name} {did} {a} {items}. {He} went on for {b} {days}.", "{name} worked for {b} {days} and {did} {a} {items} [{a_day}|every {day}|each {day}].",
        "{name} {did} {a} {items} each {day}. This went on for {b} {days}."),
    "days": (
        "On Monday {name} {did} {a} {items}, and on Tuesday {b}.", "{name} {did} {a} {items} [yesterday and {b} today|on Saturday and {b} on Sunday].",
        "In the morning {name} {did} {a} {items}, and in the afternoon {b}.", "First {name} {did} {a} {items}, then another {b}.",
        "{name} {did} {a} {items} on the first day and {b} on the second.", "Last week {name} {did} {a} {items}. This week {he} {did} {b}.",
        "{name} {did} {a} {items} before lunch and {b} after lunch.", "{name} {did} {a} {items} in one hour and {b} in the next."),
    "even": (
        "{name} {did} {a} {items} in {n} {days}, the same number every {day}.", "In {n} {days}, {name} {did} {a} {items}, always the same number [{a_day}|each {day}].",
        "{name} {did} the same number of {items} every {day}, and it was {a} in {n} {days}.", "It took {name} {n} {days} to finish {a} {items}, an equal number each {day}.",
        "{name} needed {n} {days} for {a} {items} and did equally many every {day}.", "{name} {did} {a} {items} in {n} {days}, equally many in each {day}.",
        "Within {n} {days} {name} {did} {a} {items}, as many in one {day} as in another."),
    "ask_rate": (
        "At this rate, how many {items} would {he} finish in {n} {days}?", "How many {items} is that in {n} {days}?", "How many {items} does that make in {n} {days}?",
        "[Work out|Find out|Tell me] how many {items} that makes in {n} {days}.", "If {he} goes on like this, how many {items} are done in {n} {days}?",
        "How many {items} would be done in {n} {days} at this rate?", "Working like this, how many {items} does {he} finish in {n} {days}?"),
    "did_more": (
        "Then {he} {did} {n} more {items}.", "[Later|After that|The next day|In the evening] {he} {did} {n} more.", "{He} {did} another {n} {items} [with {friend}|in the evening|on Sunday].",
        "After a rest {he} {did} {n} more {items}.", "With some help {he} {did} another {n} {items}.", "On the last day {he} {did} {n} more {items}.",
        "Together with {friend}, {he} {did} {n} more {items}.", "{friend} came and {did} {n} {items} too."),
    "did_less": (
        "But {n} of the {items} were not good and did not count.", "Later {n} of the {items} were found to be bad and did not count.", "Sadly, {n} of them did not count.",
        "{friend} said that {n} of the {items} did not count.", "Of these, {n} did not count.", "A teacher looked at them and said that {n} did not count.",
        "It turned out that {n} of the {items} did not count.", "{n} of these {items} were bad and did not count."),
    "goal": (
        "{His} goal was {n} {items}.", "{He} wanted to reach {n} {items} in all.", "{He} had planned to reach {n} {items}.", "In all, {n} {items} were needed.",
        "{He} had a goal of {n} {items}.", "{His} teacher had asked for {n} {items}.", "{He} had promised {friend} {n} {items}.", "The plan was to get to {n} {items}."),
    "ask_goal": (
        "How many {items} are still [missing|needed]?", "How many more {items} does {he} need?", "How many more {items} are there to go?",
        "[Work out|Find out|Tell me] how many {items} are still missing.", "How many {items} are missing?", "Find the number of {items} that are still needed.",
        "How many {items} does {name} still need?", "How far is {name} from the goal, in {items}?"),
    "ask_done": (
        "How many {items} is that in all?", "How many {items} does that make [in all|together]?", "How many {items} were done in all?",
        "[Work out|Find out|Tell me] how many {items} that makes in all.", "What is the total number of {items}?", "Find the total number of {items}.",
        "What is the number of {items} in all?", "How many {items} were there in the end?"),
    # On the road.
    "ride": (
        "A {car} [travels|goes|moves] {a} kilometers an hour for {b} hours.", "For {b} hours, a {car} [travels|goes] at {a} kilometers an hour.",
        "A {car} [travels|goes] for {b} hours at a speed of {a} kilometers an hour.", "A {car} covers {a} kilometers every hour. It goes on for {b} hours.",
        "The speed of a {car} is {a} kilometers an hour, and it travels for {b} hours.", "A {car} is on the way for {b} hours and makes {a} kilometers each hour.",
        "In each of {b} hours, a {car} covers {a} kilometers."),
    "legs": (
        "A {car} [travels|goes] {a} kilometers from {town} to {city} and then {b} kilometers to {village}.", "From {town} to {city} it is {a} kilometers, and from {city} to {village} {b}. A {car} goes from {town} to {village} by way of {city}.",
        "A {car} covers {a} kilometers in the morning and {b} kilometers in the afternoon.", "On Monday a {car} [travels|goes] {a} kilometers, and on Tuesday {b}.",
        "A {car} first [travels|goes] {a} kilometers to {town} and then {b} kilometers to {city}.", "A {car} makes {a} kilometers before noon and {b} kilometers after noon.",
        "To get from {town} to {city}, a {car} travels {a} kilometers. After that it goes {b} kilometers to {village}."),
    "drive_more": (
        "Then it [travels|goes] {n} kilometers more.", "After a stop it [travels|goes] another {n} kilometers.", "After that it covers {n} more kilometers.",
        "[In the evening|The next day|Later] it [travels|goes] {n} more kilometers.", "It then makes another {n} kilometers.", "On the last day it covers another {n} kilometers.",
        "A trip to a village adds {n} kilometers."),
    "daily": (
        "It does this on {n} days.", "It makes the same trip on {n} days.", "This trip is made {n} times.", "It covers this distance on each of {n} days.", "The {car} makes this trip {n} times a week.",
        "It travels this way {n} times.", "The same trip is made on each of {n} days."),
    "way": (
        "The whole way is {n} kilometers long.", "The whole trip is {n} kilometers.", "In all, the way is {n} kilometers long.", "It has to travel {n} kilometers in all.", "The goal is {n} kilometers from the start.",
        "From start to end the way is {n} kilometers.", "It wants to cover {n} kilometers in all."),
    "ask_way": (
        "How many kilometers are left?", "How many kilometers does it still have to [go|travel]?", "How many kilometers remain?", "[Work out|Find out|Tell me] how many kilometers are left.",
        "How far is it still, in kilometers?", "Find the number of kilometers that are left.", "How many kilometers are still missing?"),
    "ask_far": (
        "How many kilometers does it [travel|go|cover] in all?", "How far does it [travel|go], in kilometers?", "[Work out|Find out|Tell me] how many kilometers it [travels|goes|covers].",
        "How many kilometers is that in all?", "What is the total distance in kilometers?", "How many kilometers does that make [in all|together]?", "Find the total number of kilometers."),
    # How old people are.
    "age": (
        "{A} is {a} years old.", "{A} is {a} years of age.", "{A} has just turned {a}.", "{A} is now {a} years old.", "{A}'s age is {a} years.", "Today {A} turned {a} years old.",
        "{A} reached the age of {a} today.", "The age of {A} is {a} years.", "At the moment {A} is {a} years old."),
    "older": (
        "{B} is {n} years older than {A}.", "{A} is {n} years younger than {B}.", "{B} is older than {A} by {n} years.", "{B} was born {n} years before {A}.", "{A} was born {n} years after {B}.",
        "When {A} was born, {B} was {n} years old.", "{B} has lived {n} years longer than {A}.", "Compared with {A}, {B} is {n} years older."),
    "younger": (
        "{B} is {n} years younger than {A}.", "{A} is {n} years older than {B}.", "{B} is younger than {A} by {n} years.", "{B} was born {n} years after {A}.", "{A} was born {n} years before {B}.",
        "When {B} was born, {A} was {n} years old.", "Compared with {A}, {B} is {n} years younger.", "{A} has lived {n} years longer than {B}."),
    "times_old": (
        "{B} is {n} times as old as {A}.", "{B}'s age is {n} times {A}'s age.", "{B}'s age is {n} times that of {A}.", "{B} is {n} times as old as {A} is.", "The age of {B} is {n} times the age of {A}.",
        "Compared with {A}, {B} is {n} times as old.", "{B} has lived {n} times as long as {A}."),
    "twice_old": (
        "{B} is twice as old as {A}.", "{B}'s age is twice {A}'s age.", "{B}'s age is double that of {A}.", "{A} is half as old as {B}.", "The age of {B} is twice the age of {A}.", "Compared with {A}, {B} is twice as old.",
        "{B} has lived twice as long as {A}."),
    "half_old": (
        "{B} is half as old as {A}.", "{B}'s age is half of {A}'s age.", "{B}'s age is half that of {A}.", "{A} is twice as old as {B}.", "The age of {B} is half the age of {A}.", "Compared with {A}, {B} is half as old.",
        "{B} has lived half as long as {A}."),
    "ask_age": (
        "How old is {B}?", "What is {B}'s age?", "How old is {B} now?", "[Work out|Find out|Tell me] how old {B} is.", "How many years old is {B}?", "What is the age of {B}?", "Find the age of {B}."),
    "ask_future": (
        "How old will {B} be in {n} years?", "What will {B}'s age be in {n} years?", "In {n} years, how old will {B} be?", "In {n} years, how old is {B} going to be?", "[Work out|Find out|Tell me] how old {B} will be in {n} years.",
        "How many years old will {B} be in {n} years?", "What will the age of {B} be {n} years from now?", "How old will {B} be {n} years from now?"),
    "ask_past": (
        "How old was {B} {n} years ago?", "What was {B}'s age {n} years ago?", "Going back {n} years, how old was {B}?", "[Work out|Find out|Tell me] how old {B} was {n} years ago.",
        "How many years old was {B} {n} years ago?", "What was the age of {B} {n} years ago?"),
    "ask_ages": (
        "How old are {people} together?", "What is the sum of the ages of {people}?", "What do the ages of {people} add up to?", "[Work out|Find out|Tell me] how old {people} are together.",
        "Find the total of the ages of {people}.", "Add the ages of {people}. What is the sum?", "What is the total age of {people}?", "How many years old are {people} together?"),
    # Minutes of a day.
    "minutes": (
        "{name} spent {a} minutes on {x} and {b} minutes on {y}.", "{name} did {x} for {a} minutes and {y} for {b} minutes.", "First {name} spent {a} minutes on {x}, then {b} minutes on {y}.",
        "{x_} took {name} {a} minutes, and {y} took {b} minutes.", "In the afternoon {name} spent {a} minutes on {x} and another {b} minutes on {y}.",
        "{name} needed {a} minutes for {x} and {b} minutes for {y}.", "For {x} {name} used {a} minutes, and for {y} {b} minutes.", "{x_} took {a} minutes of {name}'s time, and {y} took {b}."),
    "minutes_daily": (
        "{name} spent {a} minutes on {x} every day for {b} days.", "On each of {b} days, {name} spent {a} minutes on {x}.", "{name} did {x} for {a} minutes a day on {b} days.",
        "For {b} days, {name} spent {a} minutes a day on {x}.", "{x_} took {name} {a} minutes a day for {b} days.", "{name} needed {a} minutes a day for {x}, on {b} days.", "Every day {name} spent {a} minutes on {x}. {He} did so for {b} days."),
    "minutes_more": (
        "After that {he} spent {n} minutes on {z}.", "Then {z} took another {n} minutes.", "{He} also spent {n} minutes on {z}.", "In the evening {he} spent {n} more minutes on {z}.", "Later {he} did {z} for {n} minutes.",
        "{He} needed another {n} minutes for {z}.", "{z_} took {n} minutes more."),
    "minutes_plan": (
        "{He} had {n} minutes for all this.", "{He} had planned {n} minutes for it all.", "In all, {he} had {n} minutes of time.", "{His} free time was {n} minutes.", "There were {n} minutes until dinner when {he} began.", "{He} had to leave {n} minutes after the start.",
        "{He} had {n} minutes of free time."),
    "ask_minutes": (
        "How many minutes is that in all?", "How many minutes did it all take?", "[Work out|Find out|Tell me] how many minutes {name} spent in all.", "How many minutes does that make [in all|together]?", "What is the total time in minutes?", "How long did it all take, in minutes?",
        "Find the total number of minutes."),
    "ask_minutes_left": (
        "How many minutes were left?", "How many minutes did {he} have left?", "[Work out|Find out|Tell me] how many minutes were left.", "How much time was left, in minutes?", "How many minutes remained?", "How many free minutes did {name} still have?",
        "Find the number of minutes that were left."),
    # Without a story.
    "bare": (
        "What is {x}?", "[Compute|Calculate|Evaluate] {x}.", "Work out {x}.", "{x} = ?", "How much is {x}?", "[Find|Give|Tell me] the value of {x}.", "Solve {x}.", "What do you get for {x}?", "Please [compute|calculate] {x}.", "What is the [result|value] of {x}?",
        "{x}", "Can you work out {x}?", "What does {x} make?"),
})
HELD_OUT = expand_all({
    "own": ("{name} began with {a} {items}.", "At home, {name} had {a} {items}.", "{name} brought {a} {items} from the market.", "In {name}'s drawer there were {a} {items}.", "Last week {name} bought {a} {items}."),
    "own_boxes": ("{name} owned {a} {boxes}, and in every {box} there were {b} {items}.", "{name} put {items} into {a} {boxes}, {b} to each {box}.", "In {name}'s room were {a} {boxes} of {b} {items} each.", "{name} got {a} {boxes}, each with {b} {items}."),
    "own_two": ("{name} received {a} {x} {items} and {b} {y} ones.", "There were {a} {x} and {b} {y} {items} in {name}'s drawer.", "{name} kept {a} {x} {items} and {b} {y} {items} in a box.", "{name} gathered {a} {x} {items} and also {b} {y} ones."),
    "gain": ("After lunch {he} picked up another {n} {items}.", "{friend} handed {him} {n} {items} as a gift.", "{He} then received {n} {items} from {his} aunt.", "Later {he} brought home {n} more {items}.", "The next day {he} won {n} more {items}."),
    "lose": ("The next day {he} gave {n} of the {items} away.", "{He} then handed {n} {items} to {friend}.", "{He} dropped {n} of the {items} on the way to school.", "Later {friend} borrowed {n} {items}.", "{His} sister took {n} of them."),
    "half": ("Then half of the {items} were lost.", "{He} lent half of them to {friend}.", "In the evening {he} gave half of {his} {items} away.", "{His} brother got half of the {items}."),
    "gain_groups": ("{He} then got {n} packs with {m} {items} each.", "{His} uncle brought {him} {n} packets of {m} {items}.", "On each of {n} days {he} collected {m} more {items}.", "{He} received {m} {items} from each of {n} cousins."),
    "lose_groups": ("{He} handed {m} {items} to each of {n} friends.", "{He} sold {m} {items} on each of {n} days.", "Then each of {n} cousins got {m} {items} from {him}.", "Later {he} gave {n} neighbors {m} {items} each."),
    "ask_now": ("How many {items} does {he} have in the end?", "Tell me the number of {items} {name} has now.", "What number of {items} does {name} have now?", "How many {items} does {name} end up with?"),
    "ask_left": ("What number of {items} does {name} have left?", "Tell me the number of {items} that are left.", "How many {items} remain in the end?", "How many of the {items} does {he} still have?"),
    "share": ("Later {he} shared the {items} equally among {n} friends.", "{He} divided all the {items} into equal parts for {n} friends.", "In the end {n} friends got the same number of {items} each, and none were left.", "Then all {his} {items} were split fairly between {n} friends."),
    "ask_share": ("How many {items} does each friend get?", "What number of {items} did every friend get?", "Tell me how many {items} one friend got.", "How many {items} were in the share of each friend?"),
    "pack": ("Later {he} packed the {items} into {bags} that hold {n} each.", "{He} put {n} {items} into each {bag} until all were packed.", "All {his} {items} were put into {bags}, {n} to a {bag}.", "Then {he} filled {bags} of {n} with all the {items}."),
    "ask_pack": ("How many {bags} does {he} need?", "Tell me the number of {bags} that were filled.", "What number of {bags} did {he} use?", "How many {bags} did that make?"),
    "sell": ("Later {he} sold them all for {p} dollars each.", "Somebody paid {him} {p} dollars for each of the {items}.", "{He} got {p} dollars for every {item}.", "In the end each of the {items} was sold for {p} dollars."),
    "ask_sell": ("How many dollars does {he} get in all?", "Tell me how many dollars {name} earned.", "What was the total that {name} got, in dollars?", "How many dollars did {name} receive for the {items}?"),
    "place": ("One could see {a} {items} {place}.", "In the beginning there were {a} {items} {place}.", "On Monday {name} counted {a} {items} {place}.", "There were {a} {items} {place} at first."),
    "place_groups": ("In the beginning there were {a} groups of {b} {items} {place}.", "A guard counted {a} groups of {b} {items} {place}.", "There were {a} groups {place}, and each had {b} {items}.", "When {name} looked, {a} groups of {b} {items} each were {place}."),
    "place_two": ("One could see {a} {x} {items} and {b} {y} ones {place}.", "In the beginning there were {a} {x} {items} {place} and {b} {y} ones.", "A guard counted {a} {x} and {b} {y} {items} {place}.", "On Monday there were {a} {x} and {b} {y} {items} {place}."),
    "come": ("Soon after that {n} more {items} {came}.", "In the evening {n} more {items} {came}.", "An hour later another {n} of them {came}.", "Then {n} new {items} {came}."),
    "come_groups": ("At noon {n} groups of {m} {items} {came}.", "Soon after that {n} groups {came}, with {m} {items} in each.", "On each of the next {n} days, {m} more {items} {came}.", "A little later {n} more groups of {m} {items} {came}."),
    "go": ("Soon after that {n} {items} {went}.", "In the afternoon {n} of the {items} {went}.", "An hour later {n} of the {items} {went}.", "When it got dark, {n} {items} {went}."),
    "go_groups": ("At noon {n} groups of {m} {items} {went}.", "Soon after that {n} groups {went}, with {m} {items} in each.", "On each of the next {n} days, {m} {items} {went}.", "A little later {n} groups of {m} {items} {went}."),
    "ask_place": ("What number of {items} is {place} now?", "Tell me the number of {items} {place} in the end.", "In the end, how many {items} were {place}?", "How many {items} could one count {place} then?"),
    "has": ("{A} has {a} {items} at home.", "In a box, {A} has {a} {items}.", "{A} has a collection of {a} {items}.", "There are {a} {items} in {A}'s drawer."),
    "more": ("{B} has {n} {items} more than {A}.", "Compared with {A}, {B} owns {n} more {items}.", "There are {n} more {items} in {B}'s box than in {A}'s.", "{B} keeps {n} more {items} than {A} does."),
    "fewer": ("{B} has {n} {items} fewer than {A}.", "Compared with {A}, {B} owns {n} fewer {items}.", "There are {n} fewer {items} in {B}'s box than in {A}'s.", "{B} keeps {n} fewer {items} than {A} does."),
    "times": ("{B} owns {n} times as many {items} as {A}.", "{B} has {n} times the number of {items} that {A} has.", "There are {n} times as many {items} in {B}'s box as in {A}'s.", "{B} keeps {n} times as many {items} as {A} does."),
    "twice": ("{B} owns twice as many {items} as {A}.", "{B} has twice the number of {items} that {A} has.", "There are twice as many {items} in {B}'s box as in {A}'s.", "{B} keeps twice as many {items} as {A} does."),
    "half_as": ("{B} owns half as many {items} as {A}.", "Compared with {A}, {B} owns only half as many {items}.", "There are half as many {items} in {B}'s box as in {A}'s.", "{B} keeps half as many {items} as {A} does."),
    "ask_one": ("What number of {items} does {B} have?", "Tell me the number of {items} that {B} has.", "Then how many {items} does {B} have?", "How many {items} are in {B}'s collection?"),
    "ask_together": ("What number of {items} do {people} have together?", "Tell me the total number of {items} of {people}.", "In all, how many {items} do {people} have?", "How many {items} belong to {people} together?"),
    "ask_difference": ("What number of {items} does {high} have more than {low}?", "Tell me by how many {items} {high} has more than {low}.", "How many more {items} than {low} does {high} have?", "How many {items} more than {low} does {high} own?"),
    "budget": ("In {name}'s pocket there were {a} dollars.", "{name} went shopping with {a} dollars.", "{name} had {a} dollars for shopping.", "{name} earned {a} dollars last week."),
    "buyer": ("On Saturday {name} went to the market.", "{name} went to a store with {friend}.", "{name} wanted to buy some things.", "After lunch {name} went shopping."),
    "buy": ("{He} got {n} {items} at {p} dollars each.", "{He} bought {n} {items}, which cost {p} dollars each.", "Each {item} cost {p} dollars, and {he} took {n} of them.", "{He} chose {n} {items} and paid {p} dollars for each."),
    "buy_also": ("After that {he} got {n} {items} at {p} dollars each.", "{He} also bought {n} {items}, which cost {p} dollars each.", "Each {item} cost {p} dollars, and {he} took {n} of them too.", "{He} also chose {n} {items} and paid {p} dollars for each."),
    "buy_one": ("{He} also spent {n} dollars on a {thing}.", "After that {he} bought a {thing} for {n} dollars.", "A {thing} for {n} dollars was bought as well.", "{He} also paid {n} dollars for a {thing}."),
    "buy_first": ("First {he} bought a {thing} for {n} dollars.", "{He} took a {thing} that cost {n} dollars.", "For a {thing} {he} paid {n} dollars.", "{He} found a {thing} for {n} dollars."),
    "discount": ("Then {he} got {n} dollars off.", "{His} father paid {n} dollars of the total.", "The seller made the price {n} dollars lower.", "A coupon took {n} dollars off the total."),
    "earn": ("Later {his} uncle gave {him} {n} dollars.", "After that {he} earned {n} dollars more.", "{He} got {n} dollars for some work.", "The next day {he} found {n} dollars."),
    "ask_spent": ("How many dollars did {he} have to pay in all?", "Tell me what {name} paid, in dollars.", "What number of dollars did {name} spend?", "How many dollars was the total?"),
    "ask_money": ("What number of dollars does {name} have left?", "Tell me how many dollars are left.", "How many dollars does {he} still have?", "How much money in dollars is left?"),
    "pay": ("{name} handed the seller {n} dollars.", "To pay, {he} gave {n} dollars.", "In the end {he} paid with {n} dollars.", "{He} put {n} dollars into the seller's hand."),
    "ask_change": ("Tell me the change in dollars.", "How many dollars does {he} get back?", "How many dollars of change were there?", "What number of dollars did {he} get back?"),
    "split": ("A group of {n} friends split the cost equally.", "The total was divided equally among {n} people.", "The price was paid by {n} friends in equal parts.", "In the end {n} people shared the cost fairly."),
    "ask_split": ("Tell me how many dollars each person paid.", "What number of dollars did each of them pay?", "How many dollars does each one have to pay?", "How many dollars was the share of one person?"),
    "rate": ("In {b} {days}, {name} {did} {a} {items} each {day}.", "{name} {did} {a} {items} {a_day} and went on for {b} {days}.", "Each {day} for {b} {days}, {name} {did} {a} {items}.", "{name} worked {b} {days} and {did} {a} {items} in each {day}."),
    "days": ("{name} {did} {a} {items} on Monday and {b} on Tuesday.", "Yesterday {name} {did} {a} {items}, and today {b}.", "{name} {did} {a} {items} in the morning and {b} in the afternoon.", "In one week {name} {did} {a} {items}, and in the next {b}."),
    "even": ("{name} {did} {a} {items} in {n} {days}, an equal number every {day}.", "In {n} {days} {name} {did} {a} {items}, as many in one {day} as in another.", "It took {n} {days} for {a} {items}, and {name} {did} the same number each {day}.", "{name} {did} equally many {items} every {day}, {a} in {n} {days}."),
    "ask_rate": ("How many {items} would {he} finish in {n} {days} at this rate?", "Tell me how many {items} are done in {n} {days} at this rate.", "If {name} goes on like this, how many {items} does that make in {n} {days}?", "Going on like this, how many {items} would {he} finish in {n} {days}?"),
    "did_more": ("In the evening {he} {did} another {n} {items}.", "On the next day {he} {did} {n} more.", "With {friend}, {he} {did} another {n} {items}.", "After lunch {he} {did} {n} more {items}."),
    "did_less": ("But {n} of them were bad and did not count.", "It turned out that {n} of them did not count.", "{friend} found that {n} of the {items} were not good and did not count.", "Of these {items}, {n} did not count."),
    "goal": ("{He} wanted to get to {n} {items}.", "The goal was {n} {items} in all.", "{He} had promised {n} {items}.", "{His} plan was to reach {n} {items}."),
    "ask_goal": ("What number of {items} is still missing?", "How many {items} does {he} still need?", "Tell me how many more {items} are needed.", "How many {items} are still to go?"),
    "ask_done": ("Tell me the number of {items} in all.", "What number of {items} does that make?", "Together, how many {items} is that?", "How many {items} were done in the end?"),
    "ride": ("A {car} goes {a} kilometers each hour for {b} hours.", "At a speed of {a} kilometers an hour, a {car} travels for {b} hours.", "A {car} makes {a} kilometers an hour and is on the way for {b} hours.", "Every hour a {car} covers {a} kilometers, and it goes on for {b} hours."),
    "legs": ("A {car} covers {a} kilometers on Monday and {b} kilometers on Tuesday.", "A {car} goes {a} kilometers to {town}, and after that {b} kilometers to {city}.", "In the morning a {car} makes {a} kilometers, and in the afternoon {b}.", "From {town} to {city} a {car} travels {a} kilometers, and then it travels {b} kilometers to {village}."),
    "drive_more": ("Later it covers another {n} kilometers.", "After that it goes {n} kilometers more.", "Then another {n} kilometers are added.", "The next day it makes {n} more kilometers."),
    "daily": ("The {car} does this on {n} days.", "It makes this trip on each of {n} days.", "It goes this way {n} times.", "The whole trip is made {n} times."),
    "way": ("It has to cover {n} kilometers in all.", "The whole distance is {n} kilometers.", "The trip is {n} kilometers long.", "From the start to the goal it is {n} kilometers."),
    "ask_way": ("What number of kilometers is left?", "Tell me how many kilometers are still missing.", "How many kilometers does it still have to cover?", "How many kilometers are still left?"),
    "ask_far": ("What number of kilometers is that in all?", "Tell me the total distance in kilometers.", "How many kilometers does it make in all?", "In all, how many kilometers does it travel?"),
    "age": ("Today {A} is {a} years old.", "{A} turned {a} today.", "{A} is just {a} years old.", "{A} is {a} years old at the moment."),
    "older": ("{B} is {n} years older than {A} is.", "{A} is younger than {B} by {n} years.", "{B}'s age is {n} years more than {A}'s.", "{B} was {n} years old when {A} was born."),
    "younger": ("{B} is {n} years younger than {A} is.", "{A} is older than {B} by {n} years.", "{B}'s age is {n} years less than {A}'s.", "{A} was {n} years old when {B} was born."),
    "times_old": ("{B} is now {n} times as old as {A}.", "The age of {B} is {n} times that of {A}.", "{B}'s age is {n} times as large as {A}'s.", "Today {B} is {n} times as old as {A}."),
    "twice_old": ("{B} is now twice as old as {A}.", "The age of {B} is twice that of {A}.", "{B} is twice as old as {A} is.", "Today {B} is twice as old as {A}."),
    "half_old": ("{B} is now half as old as {A}.", "The age of {B} is half that of {A}.", "{B} is half as old as {A} is.", "Today {B} is half as old as {A}."),
    "ask_age": ("Tell me the age of {B}.", "How old is {B} today?", "Then how old is {B}?", "What is the age of {B} now?"),
    "ask_future": ("{n} years from now, how old will {B} be?", "Tell me {B}'s age in {n} years.", "What will the age of {B} be in {n} years?", "How old is {B} going to be in {n} years?"),
    "ask_past": ("{n} years ago, how old was {B}?", "Tell me {B}'s age {n} years ago.", "What age was {B} {n} years ago?", "How many years old was {B} when you go back {n} years?"),
    "ask_ages": ("Tell me the sum of the ages of {people}.", "Together, how old are {people}?", "What is the total of the ages of {people}?", "Add up the ages of {people}. What do you get?"),
    "minutes": ("{name} used {a} minutes for {x} and {b} minutes for {y}.", "{x_} took {a} minutes and {y} took {name} another {b}.", "{name} spent {a} minutes on {x}. After that {he} spent {b} minutes on {y}.", "In the morning {name} spent {a} minutes on {x} and {b} minutes on {y}."),
    "minutes_daily": ("{name} spent {a} minutes a day on {x} for {b} days.", "On {b} days {name} did {x} for {a} minutes each day.", "Each day {name} needed {a} minutes for {x}, and this went on for {b} days.", "For {b} days {x} took {name} {a} minutes each day."),
    "minutes_more": ("Then {he} spent another {n} minutes on {z}.", "After that {z} took {n} minutes.", "Later {he} needed {n} minutes for {z}.", "In the evening {he} did {z} for {n} minutes."),
    "minutes_plan": ("{He} had {n} minutes in all.", "{He} had planned to spend {n} minutes.", "For all this there were {n} minutes.", "{name} had {n} minutes until dinner."),
    "ask_minutes": ("Tell me the total time in minutes.", "What number of minutes is that in all?", "In all, how many minutes did it take?", "How many minutes did {name} spend on all this?"),
    "ask_minutes_left": ("Tell me how many minutes {name} had left.", "What number of minutes was left?", "How much free time was left, in minutes?", "How many minutes did {name} still have?"),
    "bare": ("Give me the value of {x}.", "What do you get when you compute {x}?", "Tell me what {x} is.", "Find {x}."),
})
