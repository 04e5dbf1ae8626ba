"""Returns without having written anything."""


def handler(event, context):
    return {"status_code": 200}
