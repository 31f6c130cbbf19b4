"""What could not be done, told to the person who asked for it."""


class Refusal(Exception):
    """Cannot do what was asked; `sentence` says why and what to do, and is shown as it is."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
