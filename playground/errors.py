"""The errors whose text is shown to the user exactly as written.

Whoever raises one writes a sentence that says what happened and what to do. The edge (`ui/`) shows it
once and translates nothing; every other exception becomes a generic sentence with a reference number.
"""


class PlaygroundError(Exception):
    """Shown to the user as written."""


class NotFound(PlaygroundError):
    """The thing does not exist, or belongs to somebody else: both look the same on purpose."""


class InvalidInput(PlaygroundError):
    """What the user gave cannot be used; the sentence says what would work."""


class PromptTooLong(InvalidInput):
    """The prompt does not fit into the model's context; the sentence says by how much."""


class ModelUnavailable(PlaygroundError):
    """A model cannot be had or opened; the sentence says what was tried and what to do."""


class StorageError(PlaygroundError):
    """The history cannot be read or written; the sentence says which file and what to do."""


class SettingsError(PlaygroundError):
    """A setting has a value that cannot be used; the sentence names the variable and what it takes."""
