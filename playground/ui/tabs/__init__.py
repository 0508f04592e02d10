"""The tabs in the order in which they are shown. A new tab is one file here and one name below."""

from playground.ui.tabs.ask import TAB as ASK
from playground.ui.tabs.attention import TAB as ATTENTION
from playground.ui.tabs.chat import TAB as CHAT
from playground.ui.tabs.extract import TAB as EXTRACT
from playground.ui.tabs.sentiment import TAB as SENTIMENT
from playground.ui.tabs.summarize import TAB as SUMMARIZE
from playground.ui.tabs.translate import TAB as TRANSLATE

TABS = (CHAT, ATTENTION, TRANSLATE, SUMMARIZE, SENTIMENT, ASK, EXTRACT)
