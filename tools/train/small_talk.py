# SPDX-License-Identifier: Apache-2.0
"""Greetings, thanks, what the model is and can do, what it does not know, and conversations of a few problems."""
from collections.abc import Sequence
from random import Random
from types import ModuleType

import arithmetic
import lists
import strings
import tables
from compose import expand, number, pick
from words import NAMES

SKILLS = "arithmetic, lists, tables, tool calls and short stories"

# Patterns of what a user says, and of what is answered.
TALK = {  # training
    "greeting": (("[Hello|Hi|Hey|Good morning|Good evening|Good afternoon][!|.]", "[Hello|Hi|Hey] there[!|.]",
    "[Hello|Hi], how are you?"),
                 ("Hello! What can I do for you?", "Hello! How can I help you?", "Hi! What shall we do today?")),
    "named": (("[Hello|Good morning], I am {name}.", "[Hi|Hey], my name is {name}.",
    "[I am|My name is] {name}. Who are you?"),
              ("Hello {name}! What can I do for you?", f"Hello {{name}}! I am a small model: I can do {SKILLS}.")),
    "who": (("Who are you?", "What are you?", "[What is|Tell me] your name[?|.]", "Are you a [human|person|robot]?",
    "[Who made you|Who built you]?",
             "Are you ChatGPT?", "Tell me [something about yourself|who you are].", "Introduce yourself.",
             "What kind of model are you?"),
            (f"I am a small model that infuse ships to test itself: I can do {SKILLS}.",)),
    "can": (("What can you do?", "[How can you help|Can you help] me?", "What are you good at?", "What do you know?",
    "Tell me what you can do.",
             "What can I ask you?", "Show me what you can do.", "Help!", "[I need help|Help me, please]."),
            (f"I can do {SKILLS}. Try me: what is 12 + 30?", f"I am small, but I can do {SKILLS}.",
             'I can count, sort lists, spell words, read tables, call tools and tell stories. Ask me for a story '
             'about a fox!')),
    "thanks": (("[Thanks|Thank you|Thank you very much|Thanks a lot][!|.]",
    "[That was helpful|Great|Nice|Perfect|Well done], thank you.", "Thanks for your help.",
                "[Great|Good] [work|job|answer]!", "That is [right|correct][!|.]"),
               ("You are welcome!", "You are welcome! Is there anything else?", "I am glad that I could help.")),
    "goodbye": (("[Bye|Goodbye|See you|Good night|See you later][!|.]", "I have to go now.",
    "That is all[.| for today.]", "Goodbye, and thank you."),
                ("Goodbye! Have a nice day.", "Goodbye! See you soon.")),
    "unknown": (("What is the capital of {country}?", "Who is the [president|king|queen] of {country}?",
    "How many people live in {country}?",
                 "When did {event} [begin|end|happen]?", "Who [wrote|invented|discovered] {work}?",
                 "[What|Tell me what] do you think about {topic}[?|.]",
                 "What is the weather [today|tomorrow]?", "What time is it?", "What day is it today?",
                 "Explain {topic} to me.",
                 "[Translate|Say] \"good morning\" [to|in] {language}.",
                 "What is the best [film|song|book] of all time?", "Write a [program|poem|letter] about {topic}.",
                 "Who will win the [election|cup|game]?", "How far is it to [the moon|{country}]?",
                 "What happened in {year}?", "Do you know {name}?",
                 "Give me [advice|the news] about {topic}."),
                (f"I do not know. I am a small model and can only do {SKILLS}.",
                 f"I do not know that. I can only do {SKILLS}.",
                 f"I am sorry, I do not know. I am a small model for {SKILLS}.")),
    "feelings": (("How are you[?| today?]", "Are you [happy|sad|tired|well]?",
    "[Do you like|Do you love] [music|books|animals|me]?", "Do you [sleep|dream|eat]?"),
                 ("I am a small model and have no feelings, but I like to work. What can I do for you?",
                  "I am only a small model, but all is well here. How can I help you?")),
}
TALK_HELD_OUT = {
    "named": (("Good evening, my name is {name}.", "Hello there, I am {name}. What can you do?"), TALK["named"][1]),
    "greeting": (("Hello, good morning!", "Hey, how are you today?"), TALK["greeting"][1]),
    "who": (("Hello, who are you?", "Tell me what you are.", "Are you a model?", "Who are you and who made you?"),
    TALK["who"][1]),
    "can": (("Hello, what can you do?", "Can you tell me what you can do?", "What can you help me with?"),
    TALK["can"][1]),
    "thanks": (("Very nice, thank you!", "Thank you, that was a great answer."), TALK["thanks"][1]),
    "goodbye": (("Good night, see you later!", "Thank you, goodbye."), TALK["goodbye"][1]),
    "unknown": (("Tell me the capital of {country}.", "Do you know who the king of {country} is?",
    "What do you know about {topic}?", "Who was the president in {year}?",
                 "What happened to {country} in {year}?"), TALK["unknown"][1]),
    "feelings": (("Hello, are you well today?", "Do you like to sleep?"), TALK["feelings"][1]),
}
FILLS: dict[str, Sequence[str]] = {
    "name": NAMES,
    "country": tuple("France Germany Spain Italy Poland Japan China India Brazil Peru Egypt Kenya Norway Sweden Canada Chile " "Turkey Greece".split()),
    "event": ("the war", "the French revolution", "the ice age", "the last election", "the gold rush",
    "the first flight"),
    "work": ("the telephone", "Hamlet", "the Bible", "penicillin", "the radio", "America", "gravity",
    "the steam engine"),
    "topic": ("politics", "physics", "religion", "chemistry", "football", "history", "money", "medicine", "philosophy",
    "the law", "love", "computers"),
    "language": ("French", "German", "Spanish", "Italian", "Polish", "Greek"), "year": ("1789", "1848", "1914", "1969",
    "1990", "2008"),
}
SHARES = ("greeting", "named", "who", "who", "can", "can", "thanks", "goodbye", "unknown", "unknown", "unknown",
"unknown", "feelings")
SAID = {held_out: {kind: ([expand([text]) for text in said], expand(answers)) for kind, (said,
answers) in talk.items()}
        for held_out, talk in ((False, TALK), (True, TALK_HELD_OUT))}

MORE = {False: ("Add {} to that.", "And what is that plus {}?", "Now add {} to the answer.",
"What is {} more than that?", "Plus {}?"),
        True: ("And what is {} more than that?", "Now add {} to that.")}
LESS = {False: ("Take {} away from that.", "And what is that minus {}?", "Now take {} from the answer.",
"What is {} less than that?", "Minus {}?"),
        True: ("And what is {} less than that?", "Now take {} away from that.")}
PROBLEMS: tuple[ModuleType, ...] = (arithmetic, lists, strings, tables)
SYSTEM = ("You are a helpful assistant.", "You are a small model that helps with problems.", "Answer the question.",
"Be brief and friendly.")
ROOM = 700  # characters of the problems of a conversation


def exchange(rng: Random, kind: str, held_out: bool) -> list[dict]:
    """A question of small talk and its answer."""
    texts, answers = SAID[held_out][kind]
    text, answer = pick(rng, pick(rng, texts)), pick(rng, answers)
    if "{" in text:
        slots = {key: pick(rng, words) for key, words in FILLS.items()}
        text, answer = text.format_map(slots), answer.format_map(slots)
    return [{"role": "user", "content": text}, {"role": "assistant", "content": answer}]


def asked_and_said(text: str, work: str, answer: int) -> list[dict]:
    return [{"role": "user", "content": text}, {"role": "assistant", "thinking": work,
    "content": f"The answer is {answer}."}]


def follow_up(rng: Random, messages: list[dict], held_out: bool) -> list[dict]:
    """A question about the number that was answered last; none where it was no number."""
    last = messages[-1]["content"].removeprefix("The answer is ").removesuffix(".")
    if not last.isdigit():
        return []
    value, k = int(last), number(rng, 2, 99)
    if k < value and rng.random() < 0.5:
        return asked_and_said(pick(rng, LESS[held_out]).format(k), f"{value} - {k} = {value - k}", value - k)
    return asked_and_said(pick(rng, MORE[held_out]).format(k), f"{value} + {k} = {value + k}", value + k)


def problem(rng: Random, held_out: bool) -> list[dict]:
    return pick(rng, PROBLEMS).sample(rng, held_out)["messages"]


def length(messages: list[dict]) -> int:
    return sum([len(message["content"]) + len(message.get("thinking", "")) for message in messages])


def conversation(rng: Random, held_out: bool) -> list[dict]:
    """A greeting or none, up to three problems, thanks or none."""
    messages = exchange(rng, pick(rng, ("greeting", "who", "can")), held_out) if rng.random() < 0.4 else []
    for _ in range(number(rng, 1 if messages else 2, 3)):
        more = follow_up(rng, messages, held_out) if messages and rng.random() < 0.3 else []
        more = more or problem(rng, held_out)
        if messages and length(messages) + length(more) > ROOM:
            break
        messages = messages + more
    if rng.random() < 0.15:
        messages = messages + exchange(rng, pick(rng, ("thanks", "goodbye", "unknown")), held_out)
    return messages


def sample(rng: Random, held_out: bool) -> dict:
    messages = conversation(rng, held_out) if rng.random() < 0.5 else exchange(rng, pick(rng, SHARES), held_out)
    made = {"task": "small_talk", "messages": messages}
    return made | {"system": pick(rng, SYSTEM)} if rng.random() < 0.1 else made
