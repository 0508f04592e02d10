"""Examples for the labels that are offered by name: short texts of our own, each with the label that fits.

Owns the wording of examples and what a label is called in front of a model. Knows no engine.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shown:
    """What a model reads before the text: `noun` stands before every label, `asked` before every text.

    With a `question`, which has "{}" for the text, examples are turns of a conversation instead of a list.
    """

    noun: str
    examples: tuple[tuple[str, str], ...]
    asked: str = "Text"
    question: str = ""


_EMOTIONS = (
    ("We got the keys to our first flat today, I keep smiling!", "joy"),
    ("The bus leaves at ten past eight from platform four.", "no emotion"),
    ("He took my seat, my parking place and now my idea. Enough!", "anger"),
    ("Her chair has been empty since the funeral.", "sadness"),
    ("I heard steps downstairs and nobody else is home.", "fear"),
    ("Wait, they moved the whole house overnight? I did not expect that.", "surprise"),
    ("She has packed the boxes and says she will not write.", "sadness"),
    ("The form has three pages and is signed at the bottom.", "no emotion"),
    ("My hands shake when I think about the operation tomorrow.", "fear"),
    ("How dare they charge us twice and then hang up!", "anger"),
    ("You will never guess who stood at the door after twenty years!", "surprise"),
    ("Dancing in the kitchen with my kids, best evening in ages.", "joy"),
)
_URGENCY = (
    ("Water is coming through the ceiling right now, please call back at once.", "urgent"),
    ("Whenever you find the time, could you send me the photos?", "can wait"),
    ("We need the signed contract by Friday.", "soon"),
    ("There is no rush, just tell me which colour you like.", "can wait"),
    ("The payment system is down and customers are waiting at the till.", "urgent"),
    ("Please look at the draft before our meeting on Thursday.", "soon"),
    ("He cannot breathe well, we need a doctor immediately!", "urgent"),
    ("Some day I would like to repaint the fence.", "can wait"),
    ("Could you answer within the next few days?", "soon"),
)
_TOPICS = (
    ("The council voted against the new tax by two votes.", "politics"),
    ("Her third goal came in the last minute of the match.", "sport"),
    ("The phone maker showed a thinner battery and a faster chip.", "technology"),
    ("Shares fell after the company warned of lower profits.", "business"),
    ("Astronomers have measured the mass of a distant planet.", "science"),
    ("The clinic offers flu shots for people over sixty.", "health"),
    ("The museum shows paintings that nobody had seen for a century.", "culture"),
    ("I baked bread this morning and forgot the salt again.", "everyday life"),
    ("The minister will meet her colleagues before the election.", "politics"),
    ("The orchestra opens its season with a new symphony.", "culture"),
    ("Doctors advise eight hours of sleep and a walk every day.", "health"),
    ("My neighbour lent me his ladder for the gutter.", "everyday life"),
)
_SENTIMENT = (
    ("The rooms were spotless and the staff could not have been kinder.", "positive"),
    ("The meeting has been moved to Tuesday at three o'clock.", "neutral"),
    ("I waited two hours and nobody even said sorry.", "negative"),
    ("a clumsy story with jokes that never land", "negative"),
    ("New bridge over the river opens to traffic on Monday http", "neutral"),
    ("@user thank you so much, you made my whole week :)", "positive"),
    ("beautifully acted and moving from the first minute to the last", "positive"),
    ("so my phone died again, third time this month. great job #fail", "negative"),
    ("Anyone know which bus goes to the stadium from here?", "neutral"),
    ("not perfect , but warm , funny and well worth your evening", "positive"),
    ("it looks expensive and says nothing at all", "negative"),
    ("Watching the game tonight with my brother.", "neutral"),
)
_REVIEWS = (
    ("beautifully acted and moving from the first minute to the last", "positive"),
    ("a clumsy story with jokes that never land", "negative"),
    ("it looks expensive and says nothing at all", "negative"),
    ("not perfect , but warm , funny and well worth your evening", "positive"),
    ("the director has a sharp eye for the small cruelties of family life", "positive"),
    ("you can see every twist coming , and none of them matters", "negative"),
    ("despite a slow start , the film earns every one of its tears", "positive"),
    ("a good cast is wasted on a script that has no idea what it wants to be", "negative"),
    ("smart , strange and more honest than most films about love", "positive"),
    ("so earnest and so dull that even its fans will check their watches", "negative"),
    ("a small gem that will make you laugh and keep you thinking", "positive"),
    ("if this is a comedy , where are the laughs ?", "negative"),
    ("the kind of thriller that never lets you go until the final shot", "positive"),
    ("for all its noise and effects , it leaves you cold", "negative"),
    ("manages to be tender without ever being sentimental", "positive"),
    ("too long by half and far less clever than it believes", "negative"),
)
SENTIMENT_LIST = Shown("Sentiment", _SENTIMENT)
REVIEW_LIST = Shown("Sentiment", _REVIEWS)
REVIEW_TURNS = Shown("", _REVIEWS, question="Is this review positive or negative?\n\n{}")
SHOWN = {
    "sentiment": SENTIMENT_LIST,
    "two_sides": SENTIMENT_LIST,
    "emotions": Shown("Emotion", _EMOTIONS),
    "urgency": Shown("Urgency", _URGENCY),
    "topics": Shown("Topic", _TOPICS),
}
"""By the id of the labels."""
OTHER_LABELS = """\
Labels: weather, traffic, food, none of these
Text: It will rain all weekend.
Label: weather
Text: Two lanes are closed after a crash.
Label: traffic
Text: My sister plays the violin.
Label: none of these
Text: The soup needs more salt.
Label: food

Labels: travel, work, family, none of these
Text: Our flight leaves at six.
Label: travel
Text: The kettle is broken.
Label: none of these
Text: My boss moved the deadline.
Label: work
Text: Grandma turns ninety on Sunday.
Label: family

"""
"""What stands before labels of a visitor's own: how a list of labels is used, shown with lists of other labels."""
SAYING_NOTHING = ("…", "It is what it is.", "There is a text here.", "Something happened somewhere.")
"""Texts that fit no label."""
