"""Raises, with words that no reader may see."""


def handler(event, context):
    raise ValueError("the secret reason")
